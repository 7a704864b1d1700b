/// Which of several streams compute together: whoever is ready when the engine is free.
///
/// Streams that are driven at the same rate become ready within a moment of each other, the first a little before the others, and
/// would compute one after the other for ever. So whoever comes just after others have begun is their *companion*: next time they wait
/// for each other, but never longer than `patience`, and whoever does not come is a companion no more. A stream without companions
/// never waits.
///
/// Streams that are always late take turns: one is ready when the other has been computed. So whoever takes over waits for companions that
/// may be back at once; those who are not are given up when that has happened a few times.
///
/// Pure: time is handed in.
struct Gathering: Sendable {
    /// How long to wait for companions: longer than the time between the ticks of streams of the same rate, and much shorter than a
    /// step.
    static let patience = Duration.milliseconds(3)

    /// Who is ready, in the order of coming.
    private(set) var waiting: [Int] = []
    /// Who is computed now.
    private(set) var running: [Int] = []
    /// Of each stream, with how often each has been waited for in vain when one took over from the other.
    private var companions: [Int: [Int: Int]] = [:]
    private var begun = Duration.zero
    /// When the engine was free and somebody waited.
    private var since = Duration.zero
    /// Who was computed before, and until when.
    private var before: (streams: [Int], end: Duration) = ([], .zero)
    /// How often.
    private static let turns = 3

    mutating func arrive(_ stream: Int, at now: Duration) {
        if !running.isEmpty, now - begun <= Self.patience { for other in running { join(stream, other) } }
        if running.isEmpty, waiting.isEmpty { since = now }
        waiting.append(stream)
    }

    /// How long those that wait should still wait for their companions; `nil` to begin.
    ///
    /// - Parameter most: streams that can compute together
    func rest(at now: Duration, most: Int) -> Duration? {
        guard waiting.count < most else { return nil }
        let expected = waiting.reduce(into: Set<Int>()) { $0.formUnion((companions[$1] ?? [:]).keys) }.subtracting(waiting)
        guard !expected.isEmpty, since + Self.patience > now else { return nil }
        return since + Self.patience - now
    }

    /// - Returns: those that compute now, at least one
    mutating func begin(most: Int, at now: Duration) -> [Int] {
        precondition(running.isEmpty && !waiting.isEmpty, "one group computes at a time")
        let here = Set(waiting)
        for stream in waiting {
            for (missing, times) in companions[stream] ?? [:] where !here.contains(missing) {
                let takesOver = since == before.end && before.streams.contains(missing)
                if takesOver, times < Self.turns { count(stream, missing, times + 1) } else { part(stream, missing) }
            }
        }
        running = Array(waiting.prefix(max(1, most)))
        waiting.removeFirst(running.count)
        for (index, stream) in running.enumerated() { for other in running[..<index] { join(stream, other) } }
        begun = now
        return running
    }

    mutating func end(at now: Duration) {
        before = (running, now)
        running = []
        since = now
    }

    /// A stream has ended.
    mutating func leave(_ stream: Int) {
        for other in (companions[stream] ?? [:]).keys { part(stream, other) }
        companions[stream] = nil
    }

    private mutating func join(_ a: Int, _ b: Int) { count(a, b, 0) }

    private mutating func count(_ a: Int, _ b: Int, _ times: Int) {
        companions[a, default: [:]][b] = times
        companions[b, default: [:]][a] = times
    }

    private mutating func part(_ a: Int, _ b: Int) {
        companions[a]?[b] = nil
        companions[b]?[a] = nil
    }
}
