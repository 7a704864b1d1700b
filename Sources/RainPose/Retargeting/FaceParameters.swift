/// The sliders of the authors' demo: how the proportions of a drawn face differ from the driver's.
///
/// Ratios multiply lengths; corrections shift parts by fractions of a length of the face.
///
/// - Source: gradio_app.py of github.com/MatrixTeam-AI/RAIN.
public struct FaceParameters: Sendable, Equatable {
    /// One of the sliders.
    public enum Name: String, Sendable, CaseIterable {
        /// The whole face's height.
        case faceLength = "face-length"
        /// How far the eyes are open.
        case eyeHeight = "eye-height"
        case eyeWidth = "eye-width"
        /// How far the lips are apart.
        case mouthHeight = "mouth-height"
        case mouthWidth = "mouth-width"
        /// Of the lower outline.
        case jawWidth = "jaw-width"
        /// Moves the eyes towards the side that the face turns to, in halves of the face's visible width.
        case eyeHorizontal = "eye-horizontal"
        /// Moves the eyes apart, in halves of the face's visible width.
        case eyeDistance = "eye-distance"
        /// Moves the eyes down, in distances from brow to jaw.
        case eyeVertical = "eye-vertical"
        /// Moves the mouth towards the side that the face turns to, in halves of the face's visible width.
        case mouthHorizontal = "mouth-horizontal"
        /// Moves the mouth down, in lengths of the face.
        case mouthVertical = "mouth-vertical"
        /// Moves the nose towards the side that the face turns to, in distances from brow to temple.
        case noseHorizontal = "nose-horizontal"
        /// Moves the nose down, in lengths of the face.
        case noseVertical = "nose-vertical"

        /// What the published programs start with.
        public var initial: Double {
            switch self {
            case .faceLength: 0.75
            case .eyeHeight: 3.0
            case .eyeWidth: 1.6
            case .mouthHeight: 1.2
            case .mouthWidth: 0.67
            case .jawWidth: 0.9
            case .eyeHorizontal, .mouthHorizontal: 0.15
            case .eyeDistance: 0.05
            case .eyeVertical: 0.10
            case .mouthVertical, .noseHorizontal, .noseVertical: 0
            }
        }

        /// What leaves a face as it is.
        public var identity: Double { isRatio ? 1 : 0 }

        /// Whether it multiplies a length rather than shifts a part.
        public var isRatio: Bool {
            switch self {
            case .faceLength, .eyeHeight, .eyeWidth, .mouthHeight, .mouthWidth, .jawWidth: true
            default: false
            }
        }

        /// The values allowed: those of the demo's sliders.
        public var range: ClosedRange<Double> {
            switch self {
            case .faceLength, .jawWidth: 0.1...1.5
            case .eyeHeight: 0.1...4
            case .eyeWidth, .mouthHeight, .mouthWidth: 0.1...3
            default: -0.25...0.25
            }
        }
    }

    private var values: [Double]

    private init(values: [Double]) { self.values = values }

    /// What the published programs start with.
    public static let initial = FaceParameters(values: Name.allCases.map(\.initial))

    /// What leaves a face as it is.
    public static let identity = FaceParameters(values: Name.allCases.map(\.identity))

    /// Values of the demo's sliders as it shows them, before any of them is moved.
    public static let sliders: FaceParameters = {
        var parameters = initial
        parameters[.mouthVertical] = 0.03
        parameters[.noseHorizontal] = 0.1
        parameters[.noseVertical] = 0.05
        return parameters
    }()

    public subscript(name: Name) -> Double {
        get { values[Self.index[name] ?? 0] }
        set { values[Self.index[name] ?? 0] = newValue }
    }

    private static let index = Dictionary(uniqueKeysWithValues: Name.allCases.enumerated().map { ($1, $0) })

    /// The adjustments in the authors' order.
    ///
    /// The initial values give the list that is built into the published programs; it measures the right eye's way down between
    /// other points than the list that any moved slider brings about.
    public var retargeting: FaceRetargeting {
        typealias Adjustment = FaceRetargeting.Adjustment
        let isInitial = self == .initial
        let (leftEye, rightEye, mouth, nose) = (36..<42, 42..<48, 60..<68, 27..<36)
        let (eyeAxis, mouthAxis, noseAxis) = (SIMD2(0, 3), SIMD2(0, 4), SIMD2(4, 8))
        // From the middle of the nose to the outline on both sides.
        let (rightHalf, leftHalf, length) = (SIMD2(33, 13), SIMD2(33, 3), SIMD2(27, 8))
        let eyes = SIMD2(self[.eyeWidth], self[.eyeHeight])
        let inward = self[.eyeHorizontal] - self[.eyeDistance]
        func along(_ points: Range<Int>, _ way: Double, _ axis: SIMD2<Int>, _ unit: SIMD2<Int>) -> Adjustment {
            Adjustment(checked: points, .one, SIMD2(way, 0), axis, unit)
        }
        func down(_ points: Range<Int>, _ way: Double, _ axis: SIMD2<Int>, _ unit: SIMD2<Int>) -> Adjustment {
            Adjustment(checked: points, .one, SIMD2(0, way), axis, unit)
        }
        var list = [
            Adjustment(checked: 0..<68, SIMD2(1, self[.faceLength]), .zero, SIMD2(2, 14)),
            Adjustment(checked: leftEye, eyes, .zero, eyeAxis),
            Adjustment(checked: rightEye, eyes, .zero, eyeAxis),
            Adjustment(checked: mouth, SIMD2(self[.mouthWidth], self[.mouthHeight]), .zero, mouthAxis),
            along(leftEye, inward, eyeAxis, rightHalf),
            along(rightEye, self[.eyeHorizontal], eyeAxis, rightHalf),
            along(leftEye, -self[.eyeHorizontal], eyeAxis, leftHalf),
            along(rightEye, -inward, eyeAxis, leftHalf),
            down(leftEye, self[.eyeVertical], eyeAxis, SIMD2(19, 6)),
            down(rightEye, self[.eyeVertical], eyeAxis, isInitial ? SIMD2(26, 12) : SIMD2(24, 10)),
            along(mouth, self[.mouthHorizontal], mouthAxis, rightHalf),
            along(mouth, -self[.mouthHorizontal], mouthAxis, leftHalf),
        ]
        if !isInitial {
            list += [
                down(mouth, self[.mouthVertical], mouthAxis, length),
                down(nose, self[.noseVertical], noseAxis, length),
                along(nose, self[.noseHorizontal], noseAxis, SIMD2(22, 16)),
                along(nose, -self[.noseHorizontal], noseAxis, SIMD2(21, 0)),
            ]
        }
        list.append(Adjustment(checked: 4..<13, SIMD2(self[.jawWidth], 1), .zero, SIMD2(0, 8)))
        return FaceRetargeting(adjustments: list)
    }
}
