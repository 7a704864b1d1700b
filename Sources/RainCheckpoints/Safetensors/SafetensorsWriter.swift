import RainFiles

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
        let declarations = tensors.map { TensorDeclaration($0.name, shape: $0.shape, dtype: $0.dtype) }.sorted { $0.name < $1.name }
        let values = Dictionary(tensors.map { ($0.name, $0.values) }, uniquingKeysWith: { first, _ in first })
        try write(to: path, declarations, metadata: metadata) { tensor in
            try tensor.dtype.encoded(values[tensor.name] ?? [], tensor: tensor.name, path: path)
        }
    }

    /// Writes tensors one after the other, so that never more than one is in memory.
    ///
    /// - Parameters:
    ///   - path: replaced only once everything is on disk
    ///   - declarations: of all tensors; those of larger elements are written first, so that each is aligned, others in this order
    ///   - metadata: stored as the header's `__metadata__`
    ///   - completing: called after the last tensor, for metadata that are known only then; they replace others of the same keys that
    ///     must be as long
    ///   - content: the bytes of a tensor, little-endian and row-major; called once for each, in the order of the file
    /// - Throws: `CheckpointError` as above, for bytes that do not fit a declaration, or what `content` throws; nothing is then
    ///   left behind
    public static func write(
        to path: String, _ declarations: [TensorDeclaration], metadata: [String: String] = [:],
        completing: () throws -> [String: String] = { [:] }, content: (TensorDeclaration) throws -> [UInt8]
    ) throws {
        try TensorDeclaration.check(declarations, path: path)
        let ordered = declarations.enumerated().sorted {
            ($1.element.dtype.byteCount, $0.offset) < ($0.element.dtype.byteCount, $1.offset)
        }.map(\.element)
        do {
            let file = try ReplacementFile(path: path)
            let header = headerBytes(ordered, metadata)
            try file.append(header)
            for tensor in ordered {
                let bytes = try content(tensor)
                try tensor.check(bytes, path: path)
                try file.append(bytes)
            }
            let late = try completing()
            if !late.isEmpty {
                let completed = headerBytes(ordered, metadata.merging(late) { $1 })
                precondition(completed.count == header.count, "late metadata are as long as what they replace")
                try file.overwriteStart(completed)
            }
            try file.commit()
        } catch let error as FileError {
            throw CheckpointError(error)
        }
    }

    private static func headerBytes(_ tensors: [TensorDeclaration], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.byteCount
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
