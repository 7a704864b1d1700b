public import RainAnimation
public import RainGraph
public import RainPictures
public import RainPose
import RainWorld

/// Measures what a model makes of pictures by other hands, of which no truth is known: whether they stay themselves, stay sharp when they
/// turn, and do what they are told.
public struct DrawingEvaluation {
    /// What was found of one picture.
    public struct Figures: Sendable, Codable, Equatable {
        public let name: String
        /// Driven by its own landmarks, against the picture: PSNR in decibels, at most 100, and SSIM.
        public let stillPSNR: Double
        public let stillSSIM: Double
        /// Mean gradient while turning and talking, in that of the picture.
        public let sharpness: Double
        /// The most that a mean colour changes while turning, of 255.
        public let colorDrift: Double
        /// Opening of the eyes when told to shut them, in their own; `nil` if no face was found in what the model made.
        public let shutLids: Double?
        /// Correlation of the mouth's opening with the driving; `nil` if no face was found.
        public let mouthCorrelation: Double?

        enum CodingKeys: String, CodingKey {
            case name, sharpness
            case stillPSNR = "still_psnr"
            case stillSSIM = "still_ssim"
            case colorDrift = "color_drift"
            case shutLids = "shut_lids"
            case mouthCorrelation = "mouth_correlation"
        }
    }

    /// Finds the landmarks of a face; nil where there is none.
    public typealias Detector = (Picture) async throws -> LandmarkFrame?

    private let batch: StreamBatch
    private let size: Int
    private let isCut: Bool

    /// - Parameter isCut: whether pictures are cut into layers, by a model that does so
    /// - Throws: what `StreamBatch` throws
    public init(model: AnimationModel, engine: any Engine, schedule: StreamSchedule? = nil, isCut: Bool = false) throws {
        batch = try StreamBatch(model: model, engine: engine, schedule: schedule)
        size = model.configuration.imageSize
        self.isCut = isCut
    }

    /// Frames of turning and talking, and how often the mouth opens in them.
    private static let (turning, mouthPeriod) = (48, 12.0)
    private static let resting = 16

    /// - Parameters:
    ///   - reference: square
    ///   - landmarks: of the reference
    ///   - detector: looks at what the model makes
    /// - Returns: the figures, and pictures to look at: reference, still, two turned, shut lids, open mouth
    public func callAsFunction(
        _ name: String, reference: Picture, landmarks: LandmarkFrame, detector: Detector
    ) async throws -> (figures: Figures, samples: [Picture]) {
        let picture = reference.fitted(width: size, height: size)
        try batch.fuse(isCut ? .cut(reference) : .picture(reference), landmarks: landmarks)
        let puppet = FaceCarrier.puppet
        let carry = FaceCarrier(.drawn, neutral: puppet.landmarks(CharacterPose()), to: landmarks)
        func made(_ driving: [LandmarkFrame]) throws -> [Picture] {
            try batch.reset()
            return try Evaluation.stream(driving, batch).pictures
        }
        func pose(_ change: (inout CharacterPose) -> Void) -> LandmarkFrame {
            var pose = CharacterPose()
            change(&pose)
            return carry(puppet.landmarks(pose))
        }
        let still = try made([LandmarkFrame](repeating: landmarks, count: Self.resting))[Self.resting - 1]
        let openings = (0..<Self.turning).map { 0.5 - 0.5 * cosine(2 * .pi * Double($0) / Self.mouthPeriod) }
        let turned = try made(
            openings.enumerated().map { index, opening in
                let phase = 2 * Double.pi * Double(index) / Double(Self.turning)
                return pose {
                    $0.yaw = 0.3 * sine(phase)
                    $0.pitch = 0.12 * sine(2 * phase)
                    $0.roll = 0.1 * sine(phase + 1)
                    $0.mouthOpen = opening
                }
            })
        let shut = try made(
            [LandmarkFrame](
                repeating: pose {
                    $0.leftEye = 0
                    $0.rightEye = 0
                }, count: Self.resting))[Self.resting - 1]
        let gradient = PictureMetrics.meanGradient(picture)
        let own = Self.meanColor(picture)
        let drift = turned.map { frame in zip(Self.meanColor(frame), own).map { abs($0 - $1) }.max() ?? 0 }.max() ?? 0
        let lids = try await (Self.lids(detector(shut)), Self.lids(detector(still)))
        var found: [(driven: Double, seen: Double)] = []
        for (frame, opening) in zip(turned, openings) {
            if let seen = try await Self.mouth(detector(frame)) { found.append((opening, seen)) }
        }
        let figures = Figures(
            name: name, stillPSNR: min(PictureMetrics.psnr(still, picture), 100), stillSSIM: PictureMetrics.ssim(still, picture),
            sharpness: turned.reduce(0) { $0 + PictureMetrics.meanGradient($1) } / Double(turned.count) / max(gradient, 1e-9),
            colorDrift: drift, shutLids: lids.0.flatMap { shut in lids.1.map { shut / max($0, 1e-3) } },
            mouthCorrelation: found.count > Self.turning / 2 ? Self.correlation(found) : nil)
        return (figures, [picture, still, turned[12], turned[36], shut, turned[6]])
    }

    private static func meanColor(_ picture: Picture) -> [Double] {
        var sums = [0, 0, 0]
        for index in picture.bytes.indices { sums[index % 3] += Int(picture.bytes[index]) }
        return sums.map { Double($0) / Double(picture.bytes.count / 3) }
    }

    private static func distance(_ face: LandmarkFrame, _ a: Landmark, _ b: Landmark) -> Double {
        let (x, y) = (Double(face[a].x - face[b].x), Double(face[a].y - face[b].y))
        return (x * x + y * y).squareRoot()
    }

    /// Opening of the eyes in their widths.
    private static func lids(_ face: LandmarkFrame?) -> Double? {
        guard let face else { return nil }
        let left = distance(face, .leftEyeTop, .leftEyeBottom) / max(distance(face, .leftEyeOuter, .leftEyeInner), 1e-4)
        let right = distance(face, .rightEyeTop, .rightEyeBottom) / max(distance(face, .rightEyeOuter, .rightEyeInner), 1e-4)
        return (left + right) / 2
    }

    /// Opening of the mouth in the distance of the eyes.
    private static func mouth(_ face: LandmarkFrame?) -> Double? {
        face.map { distance($0, .mouthTop, .mouthBottom) / max(distance($0, .leftEyeOuter, .rightEyeOuter), 1e-4) }
    }

    private static func correlation(_ pairs: [(driven: Double, seen: Double)]) -> Double {
        let count = Double(pairs.count)
        let (x, y) = (pairs.reduce(0) { $0 + $1.driven } / count, pairs.reduce(0) { $0 + $1.seen } / count)
        let (xy, xx, yy) = pairs.reduce((0.0, 0.0, 0.0)) { sums, pair in
            let (dx, dy) = (pair.driven - x, pair.seen - y)
            return (sums.0 + dx * dy, sums.1 + dx * dx, sums.2 + dy * dy)
        }
        return xy / max((xx * yy).squareRoot(), 1e-12)
    }
}
