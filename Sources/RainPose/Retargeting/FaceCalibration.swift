/// Finds the face parameters that give a driver's face the proportions of the reference's.
///
/// Proportions are lengths over the width of the face between its temples, so neither size nor place of the faces matters. Each fitted
/// parameter governs one proportion; they are solved in turn until nothing changes, within their allowed ranges. Corrections for faces
/// turned sideways cannot be seen in frontal faces and keep their initial values; the lips' height follows their width, so that a
/// mouth opens as far for its width as the driver's.
public struct FaceCalibration: Sendable {
    /// The fitted parameters, and the initial values of those that are not fitted.
    public let parameters: FaceParameters
    /// What was fitted: the proportion in the driver's face, in the reference's, and in the driver's after retargeting.
    public let fits: [Fit]

    public struct Fit: Sendable, Equatable {
        public let name: FaceParameters.Name
        public let driver: Double
        public let reference: Double
        public let reached: Double
    }

    /// A proportion of a face, as fractions of its width.
    private struct Proportion: Sendable {
        let name: FaceParameters.Name
        let measure: @Sendable (Measures) -> Double
    }

    /// In the order in which they are solved: those that move others first.
    private static let proportions: [Proportion] = [
        Proportion(name: .faceLength) { $0.down(8) },
        Proportion(name: .jawWidth) { $0.distance(4, 12) },
        Proportion(name: .eyeWidth) { ($0.distance(36, 39) + $0.distance(42, 45)) / 2 },
        Proportion(name: .eyeHeight) { ($0.opening([37, 38], [41, 40]) + $0.opening([43, 44], [47, 46])) / 2 },
        Proportion(name: .mouthWidth) { $0.distance(60, 64) },
        Proportion(name: .eyeDistance) { $0.opening(Array(36..<42), Array(42..<48)) },
        Proportion(name: .eyeVertical) { $0.down(Array(36..<48)) },
        Proportion(name: .mouthVertical) { $0.down(Array(60..<68)) },
        Proportion(name: .noseVertical) { $0.down([30, 33]) },
    ]

    /// - Parameters:
    ///   - driver: some pictures of the driver looking ahead; of them the most typical one is used, so that a blink does not count
    ///   - reference: the landmarks of the reference picture
    ///   - given: values set by hand, which are kept and to which the others are fitted
    /// - Throws: `LandmarkError` if no frame shows the whole face, or a face has no width
    public init(
        driver: [DrivingPose], reference: DrivingPose, given: FaceParameterValues = FaceParameterValues()
    ) throws(LandmarkError) {
        guard let target = Self.face(reference), let goal = Measures(target) else {
            throw LandmarkError(
                .missing, "the reference's landmarks do not show the whole face; expected all points of it seen in the first frame")
        }
        let faces = driver.compactMap(Self.face).filter { Measures($0) != nil }
        guard let face = Self.mostTypical(faces) else {
            throw LandmarkError(.missing, "none of the driver's \(driver.count) frames shows the whole face; look ahead, with more light")
        }
        var parameters = given.applied(to: .initial)
        let free = Self.proportions.filter { given.values[$0.name] == nil }
        func reached(_ proportion: Proportion, _ parameters: FaceParameters) -> Double {
            Measures(parameters.retargeting(face)).map(proportion.measure) ?? .nan
        }
        let step = 1e-4
        for _ in 0..<20 {
            for proportion in free {
                let name = proportion.name
                var beside = parameters
                beside[name] += step
                let now = reached(proportion, parameters)
                let slope = (reached(proportion, beside) - now) / step
                // A parameter without influence on this face, such as the height of shut eyes, stays.
                guard slope.isFinite, abs(slope) > 1e-6 else { continue }
                let wanted = parameters[name] + (proportion.measure(goal) - now) / slope
                parameters[name] = min(max(wanted, name.range.lowerBound), name.range.upperBound)
            }
            if given.values[.mouthHeight] == nil {
                let range = FaceParameters.Name.mouthHeight.range
                parameters[.mouthHeight] = min(max(parameters[.mouthWidth] / parameters[.faceLength], range.lowerBound), range.upperBound)
            }
        }
        self.parameters = parameters
        let start = Measures(face)
        fits = free.map { proportion in
            Fit(
                name: proportion.name, driver: start.map(proportion.measure) ?? .nan, reference: proportion.measure(goal),
                reached: reached(proportion, parameters))
        }
    }

    /// The 68 points, if all are seen.
    private static func face(_ pose: DrivingPose) -> [SIMD2<Double>]? {
        let face = pose.person.face
        return face.allSatisfy { $0.score >= WholeBodyFrame.leastScore && $0.x.isFinite && $0.y.isFinite } ? face.map(\.location) : nil
    }

    /// The face whose proportions lie nearest to the medians of all.
    private static func mostTypical(_ faces: [[SIMD2<Double>]]) -> [SIMD2<Double>]? {
        let measured = faces.map { face in proportions.map { proportion in Measures(face).map(proportion.measure) ?? 0 } }
        guard !measured.isEmpty else { return nil }
        let medians = proportions.indices.map { index in
            let sorted = measured.map { $0[index] }.sorted()
            return sorted[sorted.count / 2]
        }
        let distances = measured.map { values in zip(values, medians).reduce(0.0) { $0 + abs($1.0 - $1.1) } }
        return distances.indices.min { distances[$0] < distances[$1] }.map { faces[$0] }
    }
}

/// Lengths on a face, turned level and divided by its width.
private struct Measures {
    private let face: [SIMD2<Double>]
    private let origin: SIMD2<Double>
    /// Of length one over the face's width.
    private let across: SIMD2<Double>

    /// nil for a face without width.
    init?(_ face: [SIMD2<Double>]) {
        let way = face[16] - face[0]
        let square = (way * way).sum()
        guard square > 1e-12 else { return nil }
        self.face = face
        origin = (face[0] + face[16]) / 2
        across = way / square
    }

    private func center(_ points: [Int]) -> SIMD2<Double> { points.reduce(.zero) { $0 + face[$1] } / Double(points.count) }

    private func scaled(_ way: SIMD2<Double>) -> Double { ((way * way).sum() * (across * across).sum()).squareRoot() }

    func distance(_ a: Int, _ b: Int) -> Double { scaled(face[b] - face[a]) }

    /// Between the middles of two groups of points.
    func opening(_ a: [Int], _ b: [Int]) -> Double { scaled(center(b) - center(a)) }

    /// How far the middle of some points lies below the temples.
    func down(_ points: [Int]) -> Double {
        let way = center(points) - origin
        return way.y * across.x - way.x * across.y
    }

    func down(_ point: Int) -> Double { down([point]) }
}
