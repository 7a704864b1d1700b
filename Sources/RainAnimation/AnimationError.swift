/// What keeps a character from being animated; one sentence for people.
public struct AnimationError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// A model's description or weights.
        case model
        /// A schedule that cannot be streamed.
        case schedule
        /// A call in the wrong order, e.g. frames before a reference.
        case usage
        /// A reference picture or its landmarks.
        case reference
        /// What drives: nobody in it, or not what was asked for.
        case driving
        /// A result that is not finite.
        case numbers
    }

    public let code: Code
    /// What was touched, what was expected, what was found and what to do.
    public let description: String

    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
