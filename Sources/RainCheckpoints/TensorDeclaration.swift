/// A tensor that is going to be written: what a file must say about it before its elements are there.
public struct TensorDeclaration: Sendable, Equatable {
    public let name: String
    /// Extents, outermost first; empty for a scalar.
    public let shape: [Int]
    public let dtype: ElementType

    public init(_ name: String, shape: [Int], dtype: ElementType) {
        self.name = name
        self.shape = shape
        self.dtype = dtype
    }

    /// Bytes of all elements; meaningful once the declaration has been checked.
    var byteCount: Int { TensorInfo.product(shape, times: dtype.byteCount) ?? 0 }

    /// Insists on names that are all different and shapes that can be counted.
    static func check(_ declarations: [TensorDeclaration], path: String) throws {
        func invalid(_ tensor: String, _ expected: String, _ found: String, _ advice: String) -> CheckpointError {
            CheckpointError(.invalidInput, file: path, tensor: tensor, expected: expected, found: found, advice: advice)
        }
        var names: Set<String> = []
        var total = 0
        for tensor in declarations {
            guard tensor.name != "__metadata__" else {
                throw invalid(tensor.name, "another name", "the one reserved for metadata", "rename the tensor")
            }
            guard names.insert(tensor.name).inserted else {
                throw invalid(tensor.name, "each name once", "the name twice", "rename one of them")
            }
            guard tensor.shape.allSatisfy({ $0 >= 0 }), tensor.shape.count <= HeaderParser.maximumRank,
                let byteCount = TensorInfo.product(tensor.shape, times: tensor.dtype.byteCount),
                !total.addingReportingOverflow(byteCount).overflow
            else {
                throw invalid(tensor.name, "a shape of fewer than 2^63 bytes", "\(tensor.shape)", "correct the shape")
            }
            total += byteCount
        }
    }

    /// Insists on as many bytes as were declared.
    func check(_ bytes: [UInt8], path: String) throws {
        guard bytes.count == byteCount else {
            throw CheckpointError(
                .invalidInput, file: path, tensor: name, expected: "\(byteCount) bytes for \(dtype.rawValue) \(shape)",
                found: "\(bytes.count)", advice: "hand over all elements of the tensor")
        }
    }
}

extension ElementType {
    /// The bytes of `values` in this type, rounded to nearest, ties to even.
    ///
    /// - Parameters:
    ///   - tensor: for errors
    ///   - path: for errors
    /// - Throws: `CheckpointError` for a finite value too large for the type, or a type other than F32, F16 and BF16
    public func encoded(_ values: [Float], tensor: String, path: String) throws -> [UInt8] {
        func halves(infinity: UInt16, _ convert: (Float) -> UInt16) throws -> [UInt8] {
            let halves = values.map(convert)
            if let index = halves.indices.first(where: { halves[$0] & 0x7FFF == infinity && values[$0].isFinite }) {
                throw CheckpointError(
                    .outOfRange, file: path, tensor: tensor, expected: "values that \(rawValue) can hold",
                    found: "\(values[index]) at element \(index)",
                    advice: self == .float16 ? "write the tensor as BF16 or F32" : "write the tensor as F32")
            }
            return halves.withUnsafeBytes { [UInt8]($0) }
        }
        switch self {
        case .float32: return values.withUnsafeBytes { [UInt8]($0) }
        case .float16: return try halves(infinity: 0x7C00, HalfPrecision.float16(from:))
        case .bfloat16: return try halves(infinity: 0x7F80, HalfPrecision.bfloat16(from:))
        default:
            throw CheckpointError(
                .invalidInput, file: path, tensor: tensor, expected: "F32, F16 or BF16", found: rawValue,
                advice: "choose one of these types")
        }
    }
}
