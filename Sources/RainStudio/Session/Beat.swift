/// When driving frames are made: at multiples of their period on the studio's clock, so that sessions of the same rate tick together,
/// and groups of the same size are ready at the same time.
///
/// Pure: time is handed in.
struct Beat: Sendable {
    private var period = Duration.zero
    private var last: Duration?
    /// Number of the newest tick: how many periods the studio has been there, unless ticks came late.
    private(set) var count = 0

    /// The time of the next tick. One that is late comes at once; after more than a period the beat starts over.
    mutating func next(after now: Duration, period: Duration) -> Duration {
        if let last, period == self.period, last + period * 2 > now {
            count += 1
            self.last = last + period
            return last + period
        }
        self.period = period
        count = Int(now / period) + 1
        last = period * count
        return period * count
    }

    /// Whether a group of this many frames begins with the newest tick.
    func begins(group size: Int) -> Bool { count.isMultiple(of: size) }
}
