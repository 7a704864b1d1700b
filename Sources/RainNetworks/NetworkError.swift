import RainCheckpoints

/// What is wrong with the file of a network, or why it cannot be run: which file, where in it, what was expected, what was found, what to do.
public struct NetworkError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure, for callers that react to it.
    public enum Code: String, Sendable, CaseIterable {
        /// The file could not be opened or read.
        case unreadable
        /// It is of another format, or breaks the format's rules.
        case malformed
        /// It asks for more than any network of its kind needs.
        case tooLarge
        /// Weights lie in another file.
        case externalData
        /// An operator, an attribute or a version that is not implemented.
        case unsupported
        /// Shapes or values that contradict each other.
        case inconsistent
    }

    /// The kind of failure.
    public let code: Code
    /// The file as the caller named it.
    public let file: String
    /// The node, tensor or input concerned; empty for the whole file.
    public let place: String
    /// What a correct file would have held.
    public let expected: String
    /// What was there instead.
    public let found: String
    /// What the reader of the message can do about it.
    public let advice: String

    /// Describes one failure.
    public init(_ code: Code, file: String, place: String = "", expected: String, found: String, advice: String) {
        self.code = code
        self.file = file
        self.place = place
        self.expected = expected
        self.found = found
        self.advice = advice
    }

    /// One sentence on one line, whatever bytes the file put into its names.
    public var description: String {
        let subject = place.isEmpty ? printable(file) : "\(printable(file)): \(printable(place))"
        return "\(subject): expected \(printable(expected, limit: 400)), found \(printable(found, limit: 1200)); \(printable(advice))"
    }
}
