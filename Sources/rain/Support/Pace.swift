/// Waits that an interrupt cuts short.
enum Pace {
    /// The longest anyone waits for an interrupt to be noticed.
    private static let patience = Duration.milliseconds(100)

    /// Waits until an instant.
    ///
    /// - Returns: false if the user has interrupted, or the task was cancelled, before
    static func wait(until instant: ContinuousClock.Instant) async -> Bool {
        while !Interrupt.requested, !Task.isCancelled {
            let now = ContinuousClock.now
            guard now < instant else { return true }
            try? await Task.sleep(until: min(instant, now + patience), clock: .continuous)
        }
        return false
    }
}
