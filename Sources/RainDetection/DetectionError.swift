/// Why detectors cannot be used: which file, what was expected, what was found, what to do.
public struct DetectionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure, for callers that react to it.
    public enum Code: String, Sendable, CaseIterable {
        /// A folder lacks a network.
        case missing
        /// A network of another kind than was asked for.
        case wrongNetwork
    }

    /// The kind of failure.
    public let code: Code
    /// The file or folder as the caller named it.
    public let file: String
    /// What a correct one would have held.
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

    /// One sentence.
    public var description: String { "\(file): expected \(expected), found \(found); \(advice)" }
}
