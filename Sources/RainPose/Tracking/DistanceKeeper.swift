import Foundation

/// Takes a driver's distance from the camera out of what drives: who leans in gets larger and moves away from the picture's centre by the
/// same factor, `HeadFit.scale`, and is brought back by it.
///
/// Turns, tilts and expressions stay, and so does where the head is as seen from the camera. The scale is smoothed by a critically damped
/// filter that also follows how fast it changes, so that leaning in evenly leaves no error. Pure and without a clock: the time of every
/// frame is handed in.
public struct DistanceKeeper: Sendable {
    /// Scales beyond these count as these.
    public static let limits = 0.25...4.0
    /// Time constant of the smoothing, in seconds.
    public static let timeConstant = 0.15
    /// A pause after which nothing is known of how fast the scale changes, in seconds.
    private static let pause = 0.5
    /// No one leans in faster: in e-folds a second.
    private static let fastest = 3.0

    /// The logarithm of the scale and its change per second, and when they were true.
    private var state: (scale: Double, speed: Double, seconds: Double)?

    public init() {}

    /// How many times as large as in the neutral face the head is taken to be; 1 before the first frame.
    public var scale: Double { state.map { Self.limited(exp($0.scale)) } ?? 1 }

    /// Forgets what was seen, for a new neutral face.
    public mutating func reset() { state = nil }

    /// The pose at the neutral face's distance.
    ///
    /// Where the points say nothing of the head's scale, the last known one counts.
    ///
    /// - Parameters:
    ///   - pose: in fractions of a square picture; points without visibility or score are left where they are
    ///   - neutral: the face whose distance is kept
    ///   - seconds: of the pose; one that is not later than the last repeats its scale
    public mutating func callAsFunction(_ pose: DrivingPose, neutral: LandmarkFrame, at seconds: Double) -> DrivingPose {
        if let fit = HeadFit(from: neutral, to: pose.face, depths: .human), seconds.isFinite {
            follow(log(Self.limited(fit.scale)), at: seconds)
        }
        let factor = 1 / scale
        guard factor != 1 else { return pose }
        return pose.with(
            pose.keypoints.map { point in
                guard point.score > 0, point.x.isFinite, point.y.isFinite else { return point }
                return Keypoint(x: 0.5 + (point.x - 0.5) * factor, y: 0.5 + (point.y - 0.5) * factor, score: point.score)
            })
    }

    private mutating func follow(_ seen: Double, at seconds: Double) {
        guard let (scale, speed, before) = state else {
            state = (seen, 0, seconds)
            return
        }
        let step = seconds - before
        guard step > 0 else { return }
        let kept = exp(-step / Self.timeConstant)
        guard step < Self.pause else {
            state = (scale + (seen - scale) * (1 - kept), 0, seconds)
            return
        }
        let expected = scale + speed * step
        let error = seen - expected
        let next = speed + (1 - kept) * (1 - kept) * error / step
        state = (expected + (1 - kept * kept) * error, min(max(next, -Self.fastest), Self.fastest), seconds)
    }

    private static func limited(_ scale: Double) -> Double { min(max(scale, limits.lowerBound), limits.upperBound) }
}
