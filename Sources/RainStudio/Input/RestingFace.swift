import RainPose
import RainWorld

/// The driver's face at rest, from which every move is measured: the median of the first eight faces, as elsewhere in Rain, or of
/// the last eight when somebody says that this is it. Pure.
struct RestingFace: Sendable {
    static let count = 8
    private var last: [LandmarkFrame] = []
    private var taken = 0
    private(set) var face: LandmarkFrame?

    /// - Parameter given: the face, where it is known
    init(_ given: LandmarkFrame? = nil) {
        face = given
        if given != nil { taken = Self.count + 1 }
    }

    mutating func take(_ next: LandmarkFrame) {
        remember(next)
        taken = min(taken + 1, Self.count + 1)
        if taken <= Self.count { face = LandmarkFrame.median(of: last) }
    }

    /// Keeps one of the newest faces, for `calibrate` alone.
    mutating func remember(_ next: LandmarkFrame) {
        last.append(next)
        if last.count > Self.count { last.removeFirst() }
    }

    /// Takes the newest faces for the face at rest.
    ///
    /// - Returns: whether there are any
    mutating func calibrate() -> Bool {
        guard let median = LandmarkFrame.median(of: last) else { return false }
        face = median
        taken = Self.count + 1
        return true
    }

    /// A driver's pose on the face of a reference.
    ///
    /// - Parameters:
    ///   - asPerson: for models that carry faces over by themselves
    ///   - keepsDistance: whether leaning in does not make the head larger
    /// - Returns: `nil` as long as nothing is known of the driver at rest
    func carried(
        _ pose: DrivingPose, of driver: DriverKind, to reference: Reference, asPerson: Bool, keepsDistance: Bool
    ) -> DrivingPose? {
        if asPerson { return .person(pose.person) }
        return face.map { .face(reference.carrier(driver, neutral: $0)(pose.face, keepsDistance: keepsDistance)) }
    }
}

extension DrivingPose {
    /// The points that people are shown, of face, shoulders and arms, where they are seen: x, y in pictures, and the score.
    var shownPoints: [SIMD3<Float>] {
        switch self {
        case .face(let frame): frame.shownPoints
        case .person(let frame): frame.shownPoints
        }
    }
}

extension WholeBodyFrame {
    /// The points of face, shoulders and arms, where they are seen.
    var shownPoints: [SIMD3<Float>] {
        [0..<8, WholeBody.face].joined().compactMap { index in
            let point = points[index]
            guard point.score >= Self.leastScore, abs(point.x) <= 2, abs(point.y) <= 2 else { return nil }
            return SIMD3(Float(point.x), Float(point.y), Float(min(point.score, 1)))
        }
    }
}
