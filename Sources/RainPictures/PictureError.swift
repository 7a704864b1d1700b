/// Why a picture could not be made or written: what was touched, what was expected and what was found.
public struct PictureError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure, for callers that tell them apart.
    public enum Code: Sendable, Equatable {
        /// A width or height outside what can be drawn or allocated.
        case size
        /// Cairo refused to draw or encode.
        case drawing
        /// The file system refused.
        case file
    }

    public let code: Code
    /// One sentence for people.
    public let description: String

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
