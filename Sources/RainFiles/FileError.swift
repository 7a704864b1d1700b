/// A file that the system would not create, write or move.
///
/// Modules wrap it in errors of their own, which say what kind of file it was and what to do.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as the caller named it.
    public let path: String
    /// What was found instead of a file that can be written, e.g. the system's own words.
    public let found: String

    public init(path: String, found: String) {
        self.path = path
        self.found = found
    }

    /// One sentence on one line.
    public var description: String {
        let line = "\(path): expected a file that can be written, found \(found); choose another place, or free some space"
        return String(String.UnicodeScalarView(line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : $0 }))
    }
}
