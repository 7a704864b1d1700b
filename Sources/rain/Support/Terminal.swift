import Foundation
import Glibc
import RainFiles
import RainMedia

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
        // What could not be written before is still in the buffer. All streams: the name of one is a variable that others might change.
        guard fflush(nil) != 0 else { return }
        throw MediaError(
            .unwritable, file: "standard output", expected: "to take all results", found: String(cString: strerror(errno)),
            advice: "make room, or send them elsewhere")
    }

    /// Writes one line to standard error, past all buffers.
    static func note(_ text: String) {
        write(Array("\(text.showingBytes)\n".utf8))
    }

    /// Writes bytes to standard error. That nobody listens any more is no reason to stop working.
    static func write(_ bytes: [UInt8]) {
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
        note("rain: \(oneLine(text))")
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
