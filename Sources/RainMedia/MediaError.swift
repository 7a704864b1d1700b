/// What went wrong with a picture or video: which file, what was expected, what was found and what to do.
public struct MediaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure, for callers that react to it.
    public enum Code: String, Sendable, CaseIterable {
        /// The file could not be opened or read.
        case unreadable
        /// The file's content is not what its reader understands, or is damaged.
        case malformed
        /// The picture or video is larger than the limits.
        case tooLarge
        /// The path's ending names no format that can be written, or this build of FFmpeg lacks its encoder.
        case unsupportedFormat
        /// The output could not be created or written.
        case unwritable
        /// The reader of our output has gone away; usually no reason to complain.
        case readerGone
        /// What was asked for is impossible, e.g. a frame of another size than the video's.
        case invalidInput
    }

    /// The kind of failure.
    public let code: Code
    /// The file as the caller named it.
    public let file: String
    /// What would have been right.
    public let expected: String
    /// What was there instead.
    public let found: String
    /// What the reader of the message can do about it.
    public let advice: String

    /// Describes one failure.
    public init(_ code: Code, file: String, expected: String, found: String, advice: String) {
        self.code = code
        self.file = file
        self.expected = expected
        self.found = found
        self.advice = advice
    }

    /// One sentence on one line.
    public var description: String {
        let line = "\(file): expected \(expected), found \(found); \(advice)"
        return String(String.UnicodeScalarView(line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : $0 }))
    }
}
