/// Why a landmark file was refused or could not be written: what was touched, what was expected and what was found.
public struct LandmarkError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure, for callers that tell them apart.
    public enum Code: Sendable, Equatable {
        /// The file system refused.
        case file
        /// The file is larger than any track this program accepts.
        case size
        /// It is no well-formed JSON, or ends too early.
        case syntax
        /// It is JSON, but something else than a landmark track of this version.
        case format
        /// A required key is absent.
        case missing
        /// A landmark name is absent, unknown or there twice.
        case names
        /// A list has the wrong length.
        case count
        /// A number lies outside its range.
        case range
    }

    public let code: Code
    /// One sentence for people; begins with the file's name where there is one.
    public let description: String

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
