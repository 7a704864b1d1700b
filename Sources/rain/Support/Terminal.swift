import Foundation
import Glibc
import RainFiles
import RainMedia
import Synchronization

/// Text for people: on standard error what they should know, on standard output what they asked for.
enum Terminal {
    /// Whether standard error is watched by a person.
    static let isWatched = isatty(STDERR_FILENO) == 1

    /// Takes the places of standard streams that are closed, so that no file that is opened later takes them and is written over.
    static func holdStreams() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
            // Read-only: what is written there fails, and is noticed.
            _ = open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Makes sure that results are written.
    ///
    /// - Throws: `MediaError` if standard output did not take them all: a full disk, a pipe whose reader has gone, a closed stream
    static func finish() throws {
        // What could not be written is still in the buffer, or, of a stream that writes by lines, gone and remembered.
        let found: String
        if fflush(nil) != 0 {
            found = String(cString: strerror(errno))
        } else if hasLostLines {
            found = "lines that could not be written"
        } else {
            return
        }
        throw MediaError(
            .unwritable, file: "standard output", expected: "to take all results", found: found, advice: "make room, or send them elsewhere"
        )
    }

    /// Whether standard output has failed to write. Swift does not let concurrent code name the stream, which is a variable; the linker does.
    private static var hasLostLines: Bool {
        guard let stream = dlsym(nil, "stdout")?.load(as: UnsafeMutablePointer<FILE>?.self) else { return false }
        return ferror(stream) != 0
    }

    /// Columns of the line that is being rewritten in place on standard error; 0 if there is none.
    private static let openLine = Mutex(0)

    /// Writes one line to standard error, past all buffers. A line that is being rewritten gives way to it.
    static func note(_ text: String) {
        openLine.withLock { open in
            write("\(erased(&open))\(text.showingBytes)\n")
        }
    }

    /// Rewrites the last line of the terminal that standard error goes to; for text that fits into it.
    static func rewrite(_ text: String) {
        openLine.withLock { open in
            // What is left of a longer line is covered by spaces.
            let rest = min(open, width.map { $0 - 1 } ?? open) - text.count
            write("\r\(text)\(String(repeating: " ", count: max(rest, 0)))")
            open = text.count
        }
    }

    /// Takes away the line that was rewritten.
    static func eraseLine() {
        openLine.withLock { open in
            if open > 0 { write(erased(&open)) }
        }
    }

    /// What covers an open line with spaces; it is then none any more. Terminals that know no control sequences know this.
    private static func erased(_ open: inout Int) -> String {
        guard open > 0 else { return "" }
        defer { open = 0 }
        return "\r\(String(repeating: " ", count: min(open, width.map { $0 - 1 } ?? open)))\r"
    }

    /// Columns of the terminal that standard error goes to; nil where it is none or does not say.
    static var width: Int? {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return nil }
        return Int(size.ws_col)
    }

    /// A part of a line; those of lower rank give way first where there is no room.
    typealias Part = (text: String, rank: Int)

    /// Parts side by side, as many as fit beside each other into `width` columns; the one of highest rank is cut at worst.
    static func line(_ parts: [Part], width: Int?) -> String {
        var parts = parts
        func joined() -> String { parts.map(\.text).joined(separator: ", ") }
        // The last column stays free: some terminals begin a new line there.
        guard let room = width.map({ max($0 - 1, 1) }) else { return joined() }
        while parts.count > 1, joined().count > room, let least = parts.indices.min(by: { parts[$0].rank < parts[$1].rank }) {
            parts.remove(at: least)
        }
        let text = joined()
        return text.count <= room ? text : text.prefix(room - 1) + "…"
    }

    /// Colours that terminals have by name.
    enum Color: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    /// `text` in a colour where a person looks at the stream: a terminal that is not dumb, and whose user has not set NO_COLOR.
    static func colored(_ text: String, _ color: Color, on stream: Int32) -> String {
        let environment = ProcessInfo.processInfo.environment
        guard isatty(stream) == 1, environment["NO_COLOR", default: ""].isEmpty, environment["TERM"] != "dumb" else { return text }
        return "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m"
    }

    /// Writes to standard error. That nobody listens any more is no reason to stop working.
    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard written > 0 else {
                if written < 0, errno == EINTR { continue }
                return
            }
            rest = rest.dropFirst(written)
        }
    }

    /// Writes one sentence of complaint to standard error.
    static func complain(_ text: String) {
        note("\(colored("rain:", .red, on: STDERR_FILENO)) \(oneLine(text))")
    }

    /// `text` on one line and without control characters, since parts of it may come out of hostile files.
    static func oneLine(_ text: String) -> String {
        let words = text.split { $0.isNewline }.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        return harmless(words.joined(separator: " "))
    }

    /// `text` with whatever could steer a terminal replaced.
    static func harmless(_ text: String) -> String {
        let scalars = text.showingBytes.unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// Lines of columns; numbers may be asked to stand to the right.
    static func table(_ rows: [[String]], rightAligned: Set<Int> = []) -> String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return rightAligned.contains(column) ? padding + cell : cell + padding
            }
            return cells.joined(separator: "  ").replacing(/\s+$/, with: "")
        }.joined(separator: "\n")
    }

    /// A byte count for people, e.g. "1.5 MB".
    static func bytes(_ count: Int) -> String {
        var (value, unit) = (Double(count), 0)
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        return unit == 0 ? "\(count) bytes" : String(format: value < 10 ? "%.2f" : "%.1f", value) + " " + units[unit]
    }

    /// A value as pretty JSON with sorted keys, on standard output.
    static func printJSON(_ value: some Encodable) throws { print(try json(value)) }

    /// A value as pretty JSON with sorted keys.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self).showingBytes
    }
}
