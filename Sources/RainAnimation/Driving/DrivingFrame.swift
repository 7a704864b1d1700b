public import RainPose

/// What drives a character at a time.
public struct DrivingFrame: Sendable, Equatable {
    public var pose: DrivingPose
    /// Since the driving's first picture; not less than the frame's before.
    public var seconds: Double
    /// How long it took to find the pose in its picture, from the picture's arrival.
    public var delay: Duration

    public init(pose: DrivingPose, seconds: Double, delay: Duration = .zero) {
        self.pose = pose
        self.seconds = seconds
        self.delay = delay
    }
}
