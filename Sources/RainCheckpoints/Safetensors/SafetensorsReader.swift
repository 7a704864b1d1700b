/// Reads and checks the header of a safetensors file: its length, JSON, element types, shapes, offsets that overlap, leave holes or
/// pass the end, and byte counts.
///
/// - Source: https://github.com/huggingface/safetensors, section "Format".
enum SafetensorsReader {
    /// The largest header that is read, in bytes; the limit of the format's own implementation.
    static let maximumHeaderByteCount = 100_000_000

    static func read(_ file: MappedFile) throws -> TensorTable {
        let headerRange = try headerRange(of: file)
        let header: Header
        do throws(HeaderParser.Failure) {
            header = try HeaderParser.parse(file.withBytes(headerRange) { $0.array(of: UInt8.self) })
        } catch {
            throw CheckpointError(
                .malformedHeader, file: file.path, tensor: error.tensor, expected: error.expected, found: error.found,
                advice: "the file is damaged or not safetensors; download or write it again")
        }
        return TensorTable(
            tensors: try checked(header.tensors, dataStart: headerRange.upperBound, file: file), metadata: header.metadata)
    }

    private static func headerRange(of file: MappedFile) throws -> Range<Int> {
        guard file.count >= 8 else {
            throw CheckpointError(
                .truncated, file: file.path, expected: "at least 8 bytes", found: "\(file.count)",
                advice: "download or write the file again")
        }
        let length = file.load(UInt64.self, at: 0)
        guard length <= UInt64(maximumHeaderByteCount) else {
            throw CheckpointError(
                .malformedHeader, file: file.path, expected: "a safetensors header of at most \(maximumHeaderByteCount) bytes",
                found: "a declared \(length)", advice: "this is neither a safetensors nor a PyTorch file; convert it or name another")
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
            guard let byteCount = TensorInfo.product(tensor.shape, times: type.byteCount) else {
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
            tensors[tensor.name] = TensorInfo(dtype: type, shape: tensor.shape, range: start..<(start + byteCount))
        }
        guard end == dataCount else {
            throw inconsistent(nil, "\(end) bytes of data", "\(dataCount), of which \(dataCount - end) belong to no tensor")
        }
        return tensors
    }
}
