/// The static shape of a float32 tensor: its dimensions, outermost first; empty for a scalar.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    public var dimensions: [Int]

    public init(_ dimensions: [Int]) { self.dimensions = dimensions }
    public init(arrayLiteral elements: Int...) { dimensions = elements }

    public var rank: Int { dimensions.count }
    /// Number of elements.
    public var count: Int { dimensions.reduce(1, *) }
    /// Whether all dimensions are positive and the number of elements stays far from overflow (2⁴⁰).
    var isReasonable: Bool {
        var count = 1
        for dimension in dimensions {
            guard dimension > 0, dimension <= (1 << 40) / count else { return false }
            count *= dimension
        }
        return true
    }

    /// The dimension at `axis`.
    public subscript(axis: Int) -> Int {
        get { dimensions[axis] }
        set { dimensions[axis] = newValue }
    }
    /// The innermost dimension, 1 for a scalar.
    public var last: Int { dimensions.last ?? 1 }

    /// Row-major strides in elements.
    public var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * dimensions[axis + 1] }
        return strides
    }

    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }

    /// The shape both operands of an elementwise operation broadcast to, aligned at the innermost axis; `nil` if they do not fit.
    public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
        var result: [Int] = []
        for offset in 0..<max(a.rank, b.rank) {
            let x = offset < a.rank ? a[a.rank - 1 - offset] : 1
            let y = offset < b.rank ? b[b.rank - 1 - offset] : 1
            guard x == y || x == 1 || y == 1 else { return nil }
            result.append(x == 1 ? y : x)
        }
        return Shape(result.reversed())
    }
}

/// How long a value stays valid; the latest of its inputs'. Programs are cut along it.
public enum Lifetime: Int, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    /// Changes when a checkpoint is loaded.
    case weights
    /// Changes when a reference picture is fused or a session's setting moves.
    case reference
    /// Changes with every denoising step.
    case step

    public static func < (a: Lifetime, b: Lifetime) -> Bool { a.rawValue < b.rawValue }
    public var description: String { ["weights", "reference", "step"][rawValue] }
}

/// What is wrong with a graph or with the tensors handed to a program.
public struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// Operands do not fit an operation.
        case shapeMismatch
        /// An attribute (heads, groups, stride …) is impossible.
        case invalidAttribute
        /// A parameter, input or output is missing, surplus or defined twice.
        case name
        /// A graph breaks its own rules; a mistake of a pass.
        case malformed
    }

    public let code: Code
    /// Where in the model: the scope path and the operation.
    public let place: String
    public let message: String

    public init(_ code: Code, at place: String, _ message: String) {
        self.code = code
        self.place = place
        self.message = message
    }

    public var description: String { "\(place): \(message)" }
}
