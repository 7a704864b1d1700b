/// A safetensors file, memory-mapped and read-only.
///
/// Opening checks everything the header says against the file, so that reading a tensor afterwards cannot run out of
/// bounds: header length, JSON, element types, shapes, offsets that overlap, leave holes or pass the end, and byte counts.
/// No tensor's bytes are touched, or copied, before they are asked for.
///
/// - Source: https://github.com/huggingface/safetensors, section "Format".
public struct SafetensorsFile: Sendable {
    /// What the header says about one tensor.
    public struct TensorInfo: Sendable, Equatable {
        /// Element type.
        public let dtype: ElementType
        /// Extents, outermost first; empty for a scalar.
        public let shape: [Int]
        /// Bytes in the file: the product of `shape` times the element's size.
        public let byteCount: Int
        /// Number of elements: the product of `shape`.
        public var elementCount: Int { byteCount / dtype.byteCount }

        let range: Range<Int>
    }

    /// The largest header that is read, in bytes; the limit of the format's own implementation.
    public static let maximumHeaderByteCount = 100_000_000

    /// The file as the caller named it.
    public let path: String
    /// Size of the whole file in bytes.
    public var fileByteCount: Int { file.count }
    /// Names of all tensors, sorted.
    public let names: [String]
    /// The header's `__metadata__`.
    public let metadata: [String: String]

    private let file: MappedFile
    private let tensors: [String: TensorInfo]

    /// Opens and checks a file.
    ///
    /// - Throws: `CheckpointError` naming file, tensor, expected and found for a file that is missing, unreadable,
    ///   truncated or malformed.
    public init(path: String) throws {
        try self.init(MappedFile(path: path))
    }

    init(_ file: MappedFile) throws {
        let path = file.path
        let headerRange = try Self.headerRange(of: file)
        let header: Header
        do throws(HeaderParser.Failure) {
            header = try HeaderParser.parse(file.withBytes(headerRange) { $0.array(of: UInt8.self) })
        } catch {
            throw CheckpointError(
                .malformedHeader, file: path, tensor: error.tensor, expected: error.expected, found: error.found,
                advice: "the file is damaged or not safetensors; download or write it again")
        }
        self.file = file
        self.path = path
        metadata = header.metadata
        tensors = try Self.checked(header.tensors, dataStart: headerRange.upperBound, file: file)
        names = tensors.keys.sorted()
    }

    /// What the file says of the tensor `name`.
    ///
    /// - Throws: `CheckpointError` if there is no such tensor.
    public func info(_ name: String) throws -> TensorInfo {
        guard let info = tensors[name] else {
            let similar = closestName(to: name)
            throw CheckpointError(
                .missingTensor, file: path, tensor: name, expected: "a tensor of this name",
                found: similar.map { "\(names.count) others, the most similar '\(printable($0, limit: 120))'" } ?? "no tensors at all",
                advice: "check that this checkpoint belongs to this model")
        }
        return info
    }

    /// Whether the file has a tensor of this name.
    public func contains(_ name: String) -> Bool {
        tensors[name] != nil
    }

    /// The elements of a floating-point tensor, row-major, widened or (for F64) rounded to `Float`.
    ///
    /// - Parameter shape: if given, what the tensor's shape must be.
    /// - Throws: `CheckpointError` if the tensor is missing, not F64, F32, F16 or BF16, or of another shape.
    public func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
        let info = try info(name)
        try require(name, info, shape: shape)
        return try file.withBytes(info.range) { bytes throws in
            switch info.dtype {
            case .float32: return bytes.array(of: Float.self)
            case .float64:
                if let index = bytes.firstIndex(of: Double.self, where: { $0.isFinite && !Float($0).isFinite }) {
                    throw CheckpointError(
                        .outOfRange, file: path, tensor: name, expected: "values that 32-bit floats can hold",
                        found: "\(bytes.load(Double.self, at: index * 8)) at element \(index)", advice: "use another checkpoint")
                }
                return bytes.mapArray(of: Double.self) { Float($0) }
            case .float16: return bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromFloat16: $0) }
            case .bfloat16: return bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromBFloat16: $0) }
            case .int64, .int32, .int16, .int8, .uint8, .bool: throw wrongType(name, info, expected: "F64, F32, F16 or BF16")
            }
        }
    }

    /// The elements of a tensor of any type, row-major, in double precision; integers beyond 2⁵³ are rounded.
    ///
    /// - Throws: what `floats(_:shape:)` and `integers(_:shape:)` throw
    public func doubles(_ name: String) throws -> [Double] {
        let info = try info(name)
        guard info.dtype == .float64 else {
            return try info.dtype.isFloatingPoint ? floats(name).map(Double.init) : integers(name).map { Double($0) }
        }
        return file.withBytes(info.range) { $0.array(of: Double.self) }
    }

    /// The elements of an integer or Boolean tensor, row-major.
    ///
    /// - Parameter shape: if given, what the tensor's shape must be.
    /// - Throws: `CheckpointError` if the tensor is missing, floating-point, of another shape, or a Boolean is neither 0 nor 1.
    public func integers(_ name: String, shape: [Int]? = nil) throws -> [Int64] {
        let info = try info(name)
        try require(name, info, shape: shape)
        return try file.withBytes(info.range) { bytes throws in
            switch info.dtype {
            case .int64: return bytes.array(of: Int64.self)
            case .int32: return bytes.mapArray(of: Int32.self) { Int64($0) }
            case .int16: return bytes.mapArray(of: Int16.self) { Int64($0) }
            case .int8: return bytes.mapArray(of: Int8.self) { Int64($0) }
            case .uint8: return bytes.mapArray(of: UInt8.self) { Int64($0) }
            case .bool:
                let values = bytes.mapArray(of: UInt8.self) { Int64($0) }
                if let index = values.firstIndex(where: { $0 > 1 }) {
                    throw CheckpointError(
                        .outOfRange, file: path, tensor: name, expected: "Booleans of 0 or 1",
                        found: "\(values[index]) at element \(index)", advice: "the file is damaged; download or write it again")
                }
                return values
            case .float64, .float32, .float16, .bfloat16: throw wrongType(name, info, expected: "I64, I32, I16, I8, U8 or BOOL")
            }
        }
    }

    /// A copy of the tensor's bytes as they stand in the file (little-endian, row-major).
    public func bytes(_ name: String) throws -> [UInt8] {
        try file.withBytes(info(name).range) { $0.array(of: UInt8.self) }
    }

    /// Calls `body` with the tensor's bytes in place, uncopied; the address has no particular alignment.
    public func withBytes<Result>(_ name: String, _ body: (RawSpan) throws -> Result) throws -> Result {
        try file.withBytes(info(name).range, body)
    }

    /// Calls `body` with the bytes of the whole file in place, e.g. for a checksum.
    public func withFileBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try file.withBytes(0..<file.count, body)
    }

    /// Insists that every element of the tensor `name` is finite; integer tensors always are.
    ///
    /// - Throws: `CheckpointError` naming the first element that is infinite or not a number.
    public func requireFinite(_ name: String) throws {
        let info = try info(name)
        let index = file.withBytes(info.range) { bytes -> Int? in
            switch info.dtype {
            case .float32: bytes.firstIndex(of: UInt32.self) { $0 & 0x7F80_0000 == 0x7F80_0000 }
            case .float64: bytes.firstIndex(of: UInt64.self) { $0 & 0x7FF0_0000_0000_0000 == 0x7FF0_0000_0000_0000 }
            case .float16: bytes.firstIndex(of: UInt16.self) { $0 & 0x7C00 == 0x7C00 }
            case .bfloat16: bytes.firstIndex(of: UInt16.self) { $0 & 0x7F80 == 0x7F80 }
            case .int64, .int32, .int16, .int8, .uint8, .bool: nil
            }
        }
        guard let index else { return }
        let value = try floats(name)[index]
        throw CheckpointError(
            .notFinite, file: path, tensor: name, expected: "finite values", found: "\(value) at element \(index)",
            advice: "the training diverged or the file is damaged; use another checkpoint")
    }

    /// Insists that every element of every tensor is finite.
    public func requireFinite() throws {
        for name in names { try requireFinite(name) }
    }

    // MARK: Checks

    private func require(_ name: String, _ info: TensorInfo, shape: [Int]?) throws {
        guard let shape, shape != info.shape else { return }
        throw CheckpointError(
            .wrongShape, file: path, tensor: name, expected: "shape \(shape)", found: "shape \(info.shape)",
            advice: "check that this checkpoint belongs to this model")
    }

    private func wrongType(_ name: String, _ info: TensorInfo, expected: String) -> CheckpointError {
        CheckpointError(
            .wrongType, file: path, tensor: name, expected: expected, found: info.dtype.rawValue,
            advice: "check that this checkpoint belongs to this model")
    }

    /// The name sharing the longest ending with `name`, since published checkpoints differ mostly in their prefixes.
    private func closestName(to name: String) -> String? {
        func sharedEnding(_ other: String) -> Int {
            zip(name.utf8.reversed(), other.utf8.reversed()).prefix { $0 == $1 }.count
        }
        return names.max { sharedEnding($0) < sharedEnding($1) }
    }

    private static func headerRange(of file: MappedFile) throws -> Range<Int> {
        guard file.count >= 8 else {
            throw CheckpointError(
                .truncated, file: file.path, expected: "at least 8 bytes", found: "\(file.count)",
                advice: "download or write the file again")
        }
        let length = file.withBytes(0..<8) { $0.load(UInt64.self, at: 0) }
        guard length <= UInt64(maximumHeaderByteCount) else {
            throw CheckpointError(
                .malformedHeader, file: file.path, expected: "a header of at most \(maximumHeaderByteCount) bytes",
                found: "a declared \(length)", advice: "this is not a safetensors file; convert it or name another")
        }
        guard Int(length) <= file.count - 8 else {
            throw CheckpointError(
                .truncated, file: file.path, expected: "a header of \(length) bytes", found: "\(file.count - 8) bytes after its length",
                advice: "download or write the file again")
        }
        return 8..<(8 + Int(length))
    }

    private static func checked(_ declared: [DeclaredTensor], dataStart: Int, file: MappedFile) throws -> [String: TensorInfo] {
        let dataCount = file.count - dataStart
        func inconsistent(_ tensor: String?, _ expected: String, _ found: String) -> CheckpointError {
            CheckpointError(
                .inconsistentTensor, file: file.path, tensor: tensor, expected: expected, found: found,
                advice: "the file is damaged; download or write it again")
        }
        var tensors: [String: TensorInfo] = [:]
        tensors.reserveCapacity(declared.count)
        var end = 0
        for tensor in declared.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
            guard let type = ElementType(rawValue: tensor.type) else {
                throw CheckpointError(
                    .unsupportedType, file: file.path, tensor: tensor.name,
                    expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "),
                    found: "'\(printable(tensor.type, limit: 40))'", advice: "convert the tensor to one of these types")
            }
            guard let byteCount = product(tensor.shape, type.byteCount) else {
                throw inconsistent(tensor.name, "a shape of fewer than 2^63 bytes", "\(type.rawValue) \(tensor.shape)")
            }
            guard tensor.begin <= tensor.end else {
                throw inconsistent(tensor.name, "offsets in rising order", "[\(tensor.begin), \(tensor.end)]")
            }
            guard tensor.end - tensor.begin == byteCount else {
                throw inconsistent(
                    tensor.name, "\(byteCount) bytes for \(type.rawValue) \(tensor.shape)", "\(tensor.end - tensor.begin) bytes")
            }
            guard tensor.end <= dataCount else {
                throw CheckpointError(
                    .truncated, file: file.path, tensor: tensor.name, expected: "data up to offset \(tensor.end)",
                    found: "\(dataCount) bytes of data", advice: "download or write the file again")
            }
            guard tensor.begin == end else {
                let what = tensor.begin < end ? "an overlap" : "a hole"
                throw inconsistent(tensor.name, "data from offset \(end) on", "\(what): data from \(tensor.begin) on")
            }
            end = tensor.end
            let start = dataStart + tensor.begin
            tensors[tensor.name] = TensorInfo(dtype: type, shape: tensor.shape, byteCount: byteCount, range: start..<(start + byteCount))
        }
        guard end == dataCount else {
            throw inconsistent(nil, "\(end) bytes of data", "\(dataCount), of which \(dataCount - end) belong to no tensor")
        }
        return tensors
    }

    /// The product of `shape` and `size`, or nil beyond `Int.max`; zero if any extent is zero, whatever the others.
    private static func product(_ shape: [Int], _ size: Int) -> Int? {
        if shape.contains(0) { return 0 }
        var product = size
        for extent in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }
}
