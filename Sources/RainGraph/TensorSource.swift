/// Where an executable's parameters come from, by name: elements as they are stored, so that an engine may take them without their being
/// widened first.
public protocol TensorSource {
    /// Lets `body` look at a parameter's stored elements, row-major and little-endian; their address has no particular alignment.
    ///
    /// An engine may ask for a parameter more than once, and for the parameters in any order.
    ///
    /// - Throws: what `body` throws; an error of the source's own for a parameter that it does not have in that shape
    func withTensor<Result>(
        _ name: String, _ shape: Shape, _ body: (_ element: Element, _ bytes: RawSpan) throws -> Result
    ) throws -> Result
}

/// Parameters that are made, or held, as floats.
public struct FloatTensors: TensorSource {
    private let elements: (_ name: String, _ shape: Shape) throws -> [Float]

    /// - Parameter elements: gives a parameter's elements, row-major
    public init(_ elements: @escaping (_ name: String, _ shape: Shape) throws -> [Float]) { self.elements = elements }

    public func withTensor<Result>(
        _ name: String, _ shape: Shape, _ body: (Element, RawSpan) throws -> Result
    ) throws -> Result {
        let elements = try elements(name, shape)
        return try unsafe body(.float32, elements.span.bytes)
    }
}

extension TensorSource {
    /// A parameter's elements as floats.
    ///
    /// - Throws: `GraphError.shapeMismatch` if there are more or fewer than the shape has
    public func floats(_ name: String, _ shape: Shape) throws -> [Float] {
        try withTensor(name, shape) { element, bytes in
            guard bytes.byteCount == shape.count * element.byteCount else {
                throw GraphError.wrongCount(name, shape, element, bytes.byteCount)
            }
            return element.floats(bytes)
        }
    }
}

extension GraphError {
    /// A parameter of the wrong number of bytes.
    public static func wrongCount(_ name: String, _ shape: Shape, _ element: Element, _ byteCount: Int) -> GraphError {
        GraphError(.shapeMismatch, at: name, "\(byteCount / element.byteCount) values for shape \(shape)")
    }
}

extension Element {
    /// Stored elements as floats.
    func floats(_ bytes: RawSpan) -> [Float] {
        (0..<(bytes.byteCount / byteCount)).map { index in
            // Safe: four, two or one byte within the span, and every pattern of bits is such a number.
            switch self {
            case .float32: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index * 4, as: Float.self)
            case .int32: unsafe Float(bytes.unsafeLoadUnaligned(fromByteOffset: index * 4, as: Int32.self))
            case .float16: unsafe Half.float(bytes.unsafeLoadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
            case .bfloat16: unsafe BrainFloat.float(bytes.unsafeLoadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
            case .uint8: unsafe Float(bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self))
            }
        }
    }
}
