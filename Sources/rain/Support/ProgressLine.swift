import Foundation

/// One line on standard error that tells how far a long command is, how fast it goes and how long it will take.
///
/// On a terminal the line is rewritten in place a few times a second, and fits into its width; elsewhere a new line appears every five
/// seconds.
struct ProgressLine {
    private let label: String
    private let unit: String
    private let total: Int?
    private let isWatched: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastShown: ContinuousClock.Instant

    /// - Parameters:
    ///   - label: what is being done, e.g. "animating".
    ///   - unit: what is counted, e.g. "frames".
    ///   - total: how many there will be, or nil for an endless run.
    init(_ label: String, unit: String, total: Int?) {
        self.label = label
        self.unit = unit
        self.total = total
        isWatched = Terminal.isWatched
        start = clock.now
        lastShown = start
    }

    /// Tells that `count` units are done; `note` is appended, e.g. a loss.
    mutating func update(_ count: Int, note: @autoclosure () -> String = "") {
        let now = clock.now
        guard now - lastShown >= (isWatched ? .milliseconds(100) : .seconds(5)) else { return }
        lastShown = now
        let text = text(count, total: total, elapsed: now - start, note: note())
        if isWatched { Terminal.rewrite(text) } else { Terminal.note(text) }
    }

    /// Shows the final state.
    mutating func finish(_ count: Int, note: String = "") {
        Terminal.note(text(count, total: count, elapsed: clock.now - start, note: note))
    }

    private func text(_ count: Int, total: Int?, elapsed: Duration, note: String) -> String {
        Terminal.line(
            Self.parts(label: label, unit: unit, count: count, total: total, elapsed: elapsed, note: note),
            width: isWatched ? Terminal.width : nil)
    }

    /// The line in parts, e.g. "animating: 120 of 500 frames", "24 %", "48.0 frames/s", "8 s left". Where there is no room for all of them,
    /// the rate goes first.
    static func parts(label: String, unit: String, count: Int, total: Int?, elapsed: Duration, note: String) -> [Terminal.Part] {
        let seconds = elapsed / .seconds(1)
        let rate = seconds > 0 ? Double(count) / seconds : 0
        let isUnderWay = total.map { count < $0 } ?? false
        var parts: [Terminal.Part] = []
        if let total, isUnderWay {
            parts.append(("\(label): \(count) of \(total) \(unit)", 4))
            parts.append(("\(100 * count / total) %", 1))
        } else {
            parts.append(("\(label): \(count) \(unit)", 4))
        }
        if rate > 0 { parts.append((String(format: rate < 10 ? "%.2f" : "%.1f", rate) + " \(unit)/s", 0)) }
        if let total, rate > 0, isUnderWay {
            parts.append(("\(span(Double(total - count) / rate)) left", 3))
        } else {
            parts.append((span(seconds), 3))
        }
        if !note.isEmpty { parts.append((note, 2)) }
        return parts
    }

    /// A span that may be short: "80 ms", "1.5 s", then as `span`.
    static func shortSpan(_ seconds: Double) -> String {
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        return seconds < 10 ? String(format: "%.1f s", seconds) : span(seconds)
    }

    /// A span of time for people: "8 s", "3 min 20 s", "2 h 5 min".
    static func span(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "very long" }
        let whole = Int(seconds.rounded())
        if whole < 100 { return "\(whole) s" }
        if whole < 6000 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
