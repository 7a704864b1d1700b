/// A file that the system would not create, write, move or read.
///
/// Modules wrap it in errors of their own, which say what kind of file it was and what to do.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wanted of the file.
    public enum Use: Sendable, Equatable {
        case reading, writing
    }

    /// The file as the caller named it.
    public let path: String
    /// What was found instead of a file that can be used so, e.g. the system's own words.
    public let found: String
    public let use: Use

    public init(path: String, found: String, use: Use = .writing) {
        self.path = path
        self.found = found
        self.use = use
    }

    /// One sentence on one line.
    public var description: String {
        let line =
            switch use {
            case .reading: "\(path): expected a file that can be read, found \(found); check that it exists and may be read"
            case .writing: "\(path): expected a file that can be written, found \(found); choose another place, or free some space"
            }
        return String(String.UnicodeScalarView(line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : $0 }))
    }
}
