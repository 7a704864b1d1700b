/// The studio's one clock: everything that waits or stamps asks it, so that tests can hand in their own.
public struct Timekeeper: Sendable {
    /// Since the studio began.
    public let now: @Sendable () -> Duration
    /// Waits until a time; returns early when the task is cancelled.
    public let wait: @Sendable (_ until: Duration) async -> Void

    public init(now: @escaping @Sendable () -> Duration, wait: @escaping @Sendable (Duration) async -> Void) {
        self.now = now
        self.wait = wait
    }

    /// The machine's own.
    public static func real() -> Timekeeper {
        let start = ContinuousClock.now
        return Timekeeper(
            now: { ContinuousClock.now - start },
            wait: { until in try? await Task.sleep(until: start + until, tolerance: .zero, clock: .continuous) })
    }
}

extension Duration {
    /// In milliseconds.
    var milliseconds: Double { self / .milliseconds(1) }
    /// In seconds.
    var seconds: Double { self / .seconds(1) }
}
