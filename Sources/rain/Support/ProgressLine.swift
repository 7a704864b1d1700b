import Foundation

/// One line on standard error that tells how far a long command is, how fast it goes and how long it will take.
///
/// On a terminal the line is rewritten in place a few times a second; elsewhere a new line appears every five seconds.
struct ProgressLine {
    private let label: String
    private let unit: String
    private let total: Int?
    private let isWatched: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastShown: ContinuousClock.Instant
    private var lastLength = 0

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
        show(Self.text(label: label, unit: unit, count: count, total: total, elapsed: now - start, note: note()), isLast: false)
    }

    /// Shows the final state.
    mutating func finish(_ count: Int, note: String = "") {
        show(Self.text(label: label, unit: unit, count: count, total: count, elapsed: clock.now - start, note: note), isLast: true)
    }

    private mutating func show(_ text: String, isLast: Bool) {
        guard isWatched else { return Terminal.note(text) }
        // Spaces cover what a longer line before this one left standing.
        let padding = String(repeating: " ", count: max(0, lastLength - text.count))
        lastLength = text.count
        Terminal.write(Array("\r\(text)\(padding)\(isLast ? "\n" : "")".utf8))
    }

    /// The line's text, e.g. "animating: 120 of 500 frames, 24 %, 48.0 frames/s, 8 s left".
    static func text(label: String, unit: String, count: Int, total: Int?, elapsed: Duration, note: String) -> String {
        let seconds = elapsed / .seconds(1)
        let rate = seconds > 0 ? Double(count) / seconds : 0
        var text = "\(label): \(count)"
        if let total, total > 0 {
            text += count < total ? " of \(total) \(unit), \(100 * count / total) %" : " \(unit)"
        } else {
            text += " \(unit)"
        }
        if rate > 0 { text += ", " + String(format: rate < 10 ? "%.2f" : "%.1f", rate) + " \(unit)/s" }
        if let total, rate > 0, count < total {
            text += ", \(span(Double(total - count) / rate)) left"
        } else {
            text += ", \(span(seconds))"
        }
        return note.isEmpty ? text : "\(text), \(note)"
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
