import RainPose

/// Eases from what drove before to what drives now, so that the character does not jump. Pure: time is handed in.
///
/// The driver itself eases between controls and idling.
struct Handover: Sendable {
    /// How long it takes.
    static let length = Duration.milliseconds(250)

    private var kind: Int?
    private var last: DrivingPose?
    private var departure: (pose: DrivingPose, time: Duration)?

    mutating func callAsFunction(_ pose: DrivingPose, mode: Driver.Mode, at now: Duration) -> DrivingPose {
        let next =
            switch mode {
            case .idle, .controls: 0
            case .landmarks: 1
            case .camera: 2
            case .motion: 3
            }
        if let kind, kind != next, let last { departure = (last, now) }
        kind = next
        var shown = pose
        if let from = departure {
            let share = (now - from.time) / Self.length
            if share < 1 {
                let smooth = max(0, share) * max(0, share) * (3 - 2 * max(0, share))
                shown = from.pose.mixed(with: pose, share: smooth)
            } else {
                departure = nil
            }
        }
        last = shown
        return shown
    }
}
