public import RainPose

/// Turns frames at uneven times into frames at even ones, in between them.
///
/// Pure: push what there is, and take frames until there are no more for now. Between frames of the driving, poses are interpolated; a
/// pause longer than `longestPause` is cut to that, so that a broken time in a file costs seconds, not hours.
public struct EvenFrames: Sendable {
    /// In seconds.
    public static let longestPause = 10.0

    private let period: Double
    /// How long the driving's last frame is shown, in seconds.
    private let lastPeriod: Double
    private var before: DrivingFrame?
    private var after: DrivingFrame?
    /// Time that was cut out of pauses so far.
    private var cut = 0.0
    private var count = 0
    private var isFinished = false

    /// - Parameters:
    ///   - framesPerSecond: of the frames taken, above 0
    ///   - drivingRate: usual frames per second of the driving, which say how long its last one is shown; `nil` if not known
    public init(framesPerSecond: Double, drivingRate: Double? = nil) {
        precondition(framesPerSecond > 0, "frames come at a rate above 0")
        period = 1 / framesPerSecond
        lastPeriod = drivingRate.flatMap { $0 > 0 ? 1 / $0 : nil } ?? period
    }

    /// Takes in the next frame of the driving; all frames before it must have been taken.
    public mutating func push(_ frame: DrivingFrame) {
        var frame = frame
        let last = after?.seconds ?? 0
        frame.seconds = frame.seconds.isFinite ? frame.seconds - cut : last
        if frame.seconds - last > Self.longestPause {
            cut += frame.seconds - last - Self.longestPause
            frame.seconds = last + Self.longestPause
        }
        frame.seconds = max(frame.seconds, last)
        before = after ?? frame
        after = frame
    }

    /// Says that no more frames will come.
    public mutating func finish() { isFinished = true }

    /// The next frame, or nil if it lies behind the last one pushed.
    public mutating func next() -> DrivingPose? {
        guard let before, let after else { return nil }
        let time = Double(count) * period
        // Rounding must not cost a frame.
        let slack = period * 1e-6
        if time <= after.seconds + slack {
            count += 1
            let length = after.seconds - before.seconds
            let share = length > 0 ? min(max((time - before.seconds) / length, 0), 1) : 1
            return share > 1 - 1e-6 ? after.pose : share < 1e-6 ? before.pose : before.pose.mixed(with: after.pose, share: share)
        }
        guard isFinished, time < after.seconds + lastPeriod - period / 2 - slack else { return nil }
        count += 1
        return after.pose
    }
}
