/// How often a picture is written to an output of constant rate, so that its time is the clock's.
///
/// Pure: time is handed in. An output that was held up does not make up for more than a second.
struct OutputPace: Sendable {
    private let framesPerSecond: Double
    private var start: Duration?
    private var written = 0

    init(framesPerSecond: Double) { self.framesPerSecond = framesPerSecond }

    /// - Returns: 0 for a picture that comes before its turn
    mutating func times(at now: Duration) -> Int {
        let first = start ?? now
        start = first
        let wanted = Int(((now - first).seconds * framesPerSecond).rounded(.down)) + 1
        var count = max(0, wanted - written)
        if count > Int(framesPerSecond.rounded(.up)) {
            start = now
            written = 0
            count = 1
        }
        written += count
        return count
    }
}
