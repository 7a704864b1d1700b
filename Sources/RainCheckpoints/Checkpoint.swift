/// The tensors of a checkpoint file, memory-mapped and read-only: safetensors, or what PyTorch's `torch.save` writes.
///
/// The file's content decides what it is, not its ending. Opening checks everything the file says about its tensors, so that
/// reading one afterwards cannot run out of bounds. No tensor's bytes are touched, or copied, before they are asked for. The
/// pickle inside a PyTorch file is never executed: it may build tensors and plain containers only.
///
/// In a PyTorch file of nested containers, the keys on the way to a tensor are joined with "."; where they all begin with
/// `state_dict`, as a training script's files do, that is left out. Numbers and texts beside the tensors become `metadata`.
///
/// - Source: https://github.com/huggingface/safetensors, section "Format"; PyTorch's `torch/serialization.py`.
public struct Checkpoint: Sendable {
    /// What kind of file it is.
    public enum Format: String, Sendable, CaseIterable {
        case safetensors
        /// A zip archive around a pickle and one entry per storage, since PyTorch 1.6.
        case torch = "PyTorch"
        /// Pickles followed by the storages, as PyTorch wrote before.
        case legacyTorch = "PyTorch (before 1.6)"
    }

    /// The file as the caller named it.
    public let path: String
    /// What kind of file it is.
    public let format: Format
    /// Names of all tensors, sorted.
    public let names: [String]
    /// What the file says beside its tensors.
    public let metadata: [String: String]

    private let file: MappedFile
    private let tensors: [String: TensorInfo]

    /// Opens and checks a file.
    ///
    /// - Throws: `CheckpointError` naming file, tensor, expected and found for a file that is missing, unreadable,
    ///   truncated, malformed, none of the formats, or that asks for code to be run.
    public init(path: String) throws {
        try self.init(MappedFile(path: path))
    }

    init(_ file: MappedFile) throws {
        let table: TensorTable
        format = try Format(recognizing: file)
        switch format {
        case .safetensors: table = try SafetensorsReader.read(file)
        case .torch: table = try TorchReader.readArchive(file)
        case .legacyTorch: table = try TorchReader.readLegacy(file)
        }
        self.file = file
        path = file.path
        tensors = table.tensors
        metadata = table.metadata
        names = tensors.keys.sorted()
    }

    /// Size of the whole file in bytes.
    public var fileByteCount: Int { file.count }

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

    /// A copy of the tensor's bytes, little-endian and row-major.
    public func bytes(_ name: String) throws -> [UInt8] {
        try withBytes(name) { $0.array(of: UInt8.self) }
    }

    /// Calls `body` with the tensor's bytes, little-endian and row-major: in place, uncopied, if the file has them so. The address
    /// has no particular alignment.
    public func withBytes<Result>(_ name: String, _ body: (RawSpan) throws -> Result) throws -> Result {
        let info = try info(name)
        if info.isContiguous { return try file.withBytes(info.range, body) }
        let gathered = file.withBytes(info.range) { info.gathered($0) }
        return try body(gathered.span.bytes)
    }

    /// Calls `body` with a range of the file's bytes in place, e.g. for a checksum; the whole file by default.
    public func withFileBytes<Result>(_ range: Range<Int>? = nil, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        try file.withBytes(range ?? 0..<file.count, body)
    }

    /// Tells the system that the tensor's bytes will not be needed soon, so that they stop counting as this process's memory.
    public func release(_ name: String) {
        if let info = tensors[name] { file.release(info.range) }
    }

    /// The same for a range of the file's bytes.
    public func release(_ range: Range<Int>) {
        file.release(range)
    }

    /// The name sharing the longest ending with `name`, since published checkpoints differ mostly in their prefixes.
    private func closestName(to name: String) -> String? {
        func sharedEnding(_ other: String) -> Int {
            zip(name.utf8.reversed(), other.utf8.reversed()).prefix { $0 == $1 }.count
        }
        return names.max { sharedEnding($0) < sharedEnding($1) }
    }
}

/// What the reader of a format hands over: everything checked against the file.
struct TensorTable {
    var tensors: [String: TensorInfo]
    var metadata: [String: String]
}
