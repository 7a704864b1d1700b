/// Frames per second over the last two seconds.
struct FrameRate: Sendable {
    private static let span = Duration.seconds(2)
    private var times: [Duration] = []

    mutating func add(_ now: Duration) {
        times.removeAll { $0 < now - Self.span }
        times.append(now)
    }

    func rate(at now: Duration) -> Double {
        let recent = times.drop { $0 < now - Self.span }
        guard recent.count > 1, let first = recent.first, now > first else { return 0 }
        return Double(recent.count - 1) / (max(now, times[times.count - 1]) - first).seconds
    }
}
