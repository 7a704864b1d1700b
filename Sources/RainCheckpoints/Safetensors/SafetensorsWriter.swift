/// Writes safetensors files.
public enum SafetensorsWriter {
    /// One tensor to write: its name, shape, the type it is stored in, and its elements, row-major.
    public typealias Tensor = (name: String, shape: [Int], dtype: ElementType, values: [Float])

    /// Writes `tensors` and `metadata` to `path`, replacing what is there only once everything is on disk.
    ///
    /// The same input always gives the same bytes: tensors are ordered by falling element size, then name, so that each
    /// is aligned to its own element size, and metadata by key. The data section starts at a multiple of 8 bytes.
    ///
    /// - Parameters:
    ///   - tensors: `dtype` is `.float32`, `.float16` or `.bfloat16`; values round to nearest, ties to even.
    ///   - metadata: stored as the header's `__metadata__`.
    /// - Throws: `CheckpointError` for a name that repeats, a shape that does not match its values, another `dtype`, a
    ///   finite value too large for `dtype`, or a file that cannot be written; nothing is then left behind.
    public static func write(to path: String, tensors: [Tensor], metadata: [String: String] = [:]) throws {
        try check(tensors, path: path)
        let ordered = tensors.sorted { ($1.dtype.byteCount, $0.name) < ($0.dtype.byteCount, $1.name) }
        let file = try ReplacementFile(path: path)
        try file.append(headerBytes(ordered, metadata))
        for tensor in ordered {
            try file.append(encoded(tensor, path: path))
        }
        try file.commit()
    }

    private static func check(_ tensors: [Tensor], path: String) throws {
        func invalid(_ tensor: String, _ expected: String, _ found: String, _ advice: String) -> CheckpointError {
            CheckpointError(.invalidInput, file: path, tensor: tensor, expected: expected, found: found, advice: advice)
        }
        var names: Set<String> = []
        for tensor in tensors {
            guard tensor.name != "__metadata__" else {
                throw invalid(tensor.name, "another name", "the one reserved for metadata", "rename the tensor")
            }
            guard names.insert(tensor.name).inserted else {
                throw invalid(tensor.name, "each name once", "the name twice", "rename one of them")
            }
            guard [.float32, .float16, .bfloat16].contains(tensor.dtype) else {
                throw invalid(tensor.name, "F32, F16 or BF16", tensor.dtype.rawValue, "choose one of these types")
            }
            let count = tensor.shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
            guard tensor.shape.allSatisfy({ $0 >= 0 }), count == tensor.values.count else {
                throw invalid(tensor.name, "as many values as shape \(tensor.shape) holds", "\(tensor.values.count)", "correct the shape")
            }
        }
    }

    private static func headerBytes(_ tensors: [Tensor], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.values.count * tensor.dtype.byteCount
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = [UInt8]("{\(members.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(0x20) }
        let length = UInt64(json.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json
    }

    private static func encoded(_ tensor: Tensor, path: String) throws -> [UInt8] {
        switch tensor.dtype {
        case .float16: try halves(tensor, path: path, infinity: 0x7C00, HalfPrecision.float16(from:))
        case .bfloat16: try halves(tensor, path: path, infinity: 0x7F80, HalfPrecision.bfloat16(from:))
        default: tensor.values.withUnsafeBytes { [UInt8]($0) }
        }
    }

    private static func halves(_ tensor: Tensor, path: String, infinity: UInt16, _ convert: (Float) -> UInt16) throws -> [UInt8] {
        let halves = tensor.values.map(convert)
        if let index = halves.indices.first(where: { halves[$0] & 0x7FFF == infinity && tensor.values[$0].isFinite }) {
            throw CheckpointError(
                .outOfRange, file: path, tensor: tensor.name, expected: "values that \(tensor.dtype.rawValue) can hold",
                found: "\(tensor.values[index]) at element \(index)", advice: "write the tensor as F32")
        }
        return halves.withUnsafeBytes { [UInt8]($0) }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
