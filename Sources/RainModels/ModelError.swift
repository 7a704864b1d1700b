/// What is wrong with a model's description or with the checkpoint offered for it.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// A configuration that no model can have.
        case configuration
        /// Tensors are missing, surplus, of the wrong shape or not finite.
        case checkpoint
        /// A reference case that cannot be read or is not supported.
        case verification
    }

    public let code: Code
    /// The file, field or module concerned.
    public let place: String
    /// Expected, found and what to do.
    public let message: String

    public init(_ code: Code, at place: String, _ message: String) {
        self.code = code
        self.place = place
        self.message = message
    }

    public var description: String { "\(place): \(message)" }
}
