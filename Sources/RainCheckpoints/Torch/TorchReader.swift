/// Reads what `torch.save` writes: where each tensor's elements lie in the file.
///
/// - Source: PyTorch, `torch/serialization.py` and `torch/_utils.py`
enum TorchReader {
    /// A zip archive with a pickle, `data.pkl`, and one entry per storage, `data/<key>`, in one folder of any name.
    static func readArchive(_ file: MappedFile) throws -> TensorTable {
        let archive = try ZipArchive(file)
        let pickles = archive.entries.keys.filter { $0.hasSuffix("/data.pkl") && $0.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1 }
        guard pickles.count == 1, let pickle = pickles.first, let pickleRange = try archive.range(pickle) else {
            throw CheckpointError(
                .malformedArchive, file: file.path, expected: "one pickle 'data.pkl' in a folder of the archive, as torch.save writes",
                found: "\(pickles.count) among \(archive.entries.count) entries", advice: "check that this archive is a PyTorch checkpoint")
        }
        let folder = String(pickle.dropLast("data.pkl".count))
        try requireLittleEndian(archive, folder, file)
        var unpickler = Unpickler(file, in: pickleRange)
        let root = try unpickler.load()
        return try table(file, unpickler, root) { storage in
            let name = "\(folder)data/\(storage.key)"
            guard let range = try archive.range(name) else {
                throw CheckpointError(
                    .truncated, file: file.path, expected: "the storage '\(printable(name, limit: 120))' that the pickle names",
                    found: "no such entry in the archive", advice: "download or write the file again")
            }
            return range
        }
    }

    /// Four pickles (a magic number, the version, the machine, the object), one of the storages' keys, and then the storages.
    static func readLegacy(_ file: MappedFile) throws -> TensorTable {
        var position = 0
        func next() throws -> (root: PickleValue, unpickler: Unpickler) {
            var unpickler = Unpickler(file, in: position..<file.count)
            let root = try unpickler.load()
            position = unpickler.position
            return (root, unpickler)
        }
        let magic = try next()
        guard case .longInteger(magicNumber) = magic.root else {
            throw magic.unpickler.malformed("the number that PyTorch's files begin with", magic.root.kind)
        }
        let version = try next()
        guard case .integer(1001) = version.root else { throw version.unpickler.malformed("version 1001", version.root.kind) }
        let machine = try next()
        guard case .dictionary(let index) = machine.root else {
            throw machine.unpickler.malformed("what the machine was like", machine.root.kind)
        }
        let facts = machine.unpickler.heap[index]
        for position in stride(from: 0, to: facts.count - 1, by: 2) {
            if case (.text("little_endian"), .bool(false)) = (facts[position], facts[position + 1]) { throw bigEndian(file) }
        }
        let (root, unpickler) = try next()
        let keys = try next()
        let ranges = try legacyStorages(
            file, keys: keys.unpickler.items(keys.root, "the keys of the storages"), keys.unpickler, unpickler.storages, from: position)
        return try table(file, unpickler, root) { storage in
            guard let range = ranges[storage.key] else {
                throw CheckpointError(
                    .truncated, file: file.path, expected: "the storage '\(printable(storage.key, limit: 60))' that the pickle names",
                    found: "no such storage in the file", advice: "download or write the file again")
            }
            return range
        }
    }

    /// 0x1950A86A20F9469CFC6C, little-endian.
    private static let magicNumber: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// Each storage is its number of elements in eight bytes, and the elements.
    private static func legacyStorages(
        _ file: MappedFile, keys: [PickleValue], _ unpickler: Unpickler, _ storages: [PickledStorage], from start: Int
    ) throws -> [String: Range<Int>] {
        let described = Dictionary(storages.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var ranges: [String: Range<Int>] = [:]
        var position = start
        for value in keys {
            guard case .text(let key) = value else { throw unpickler.malformed("texts as keys of storages", value.kind) }
            guard let storage = described[key] else {
                throw unpickler.malformed("storages that tensors use", "'\(printable(key, limit: 60))', which none uses")
            }
            func truncated(_ expected: String) -> CheckpointError {
                CheckpointError(
                    .truncated, file: file.path, expected: expected, found: "the end of the file after \(file.count - position) bytes",
                    advice: "download or write the file again")
            }
            guard file.count - position >= 8 else { throw truncated("the length of storage '\(printable(key, limit: 60))'") }
            let count = file.load(Int64.self, at: position)
            position += 8
            let size = storage.dtype?.byteCount ?? 1
            guard count >= 0, Int(count) <= (file.count - position) / size else {
                throw truncated("storage '\(printable(key, limit: 60))' of \(count) elements")
            }
            let range = position..<(position + Int(count) * size)
            guard ranges.updateValue(range, forKey: key) == nil else {
                throw unpickler.malformed("each storage once", "'\(printable(key, limit: 60))' twice")
            }
            position = range.upperBound
        }
        guard position == file.count else {
            throw CheckpointError(
                .inconsistentTensor, file: file.path, expected: "the end of the file after the last storage",
                found: "\(file.count - position) more bytes", advice: "the file is damaged; download or write it again")
        }
        return ranges
    }

    /// Checks the tensors that a pickle describes against their storages.
    private static func table(
        _ file: MappedFile, _ unpickler: Unpickler, _ root: PickleValue, rangeOf: (PickledStorage) throws -> Range<Int>
    ) throws -> TensorTable {
        let found = try PickledTensors(root, of: unpickler)
        var ranges: [Int: Range<Int>] = [:]
        var tensors: [String: TensorInfo] = [:]
        // Strides of zero and shared storages make more of a file than it holds; tied weights do so once or twice, and small
        // tensors are spread out at leisure, but nobody needs terabytes out of a few bytes.
        var remaining = file.count.multipliedReportingOverflow(by: 4).partialValue + (64 << 20)
        for (name, index) in found.tensors {
            let tensor = unpickler.tensors[index]
            let storage = unpickler.storages[tensor.storage]
            func inconsistent(_ expected: String, _ found: String) -> CheckpointError {
                CheckpointError(
                    .inconsistentTensor, file: file.path, tensor: name, expected: expected, found: found,
                    advice: "the file is damaged; download or write it again")
            }
            let range = try ranges[tensor.storage] ?? rangeOf(storage)
            ranges[tensor.storage] = range
            let byteCount = storage.count * (storage.dtype?.byteCount ?? 1)
            guard range.count == byteCount else {
                throw inconsistent("a storage of \(byteCount) bytes, as the pickle says", "\(range.count) bytes")
            }
            guard
                let info = TensorInfo(
                    dtype: tensor.dtype, shape: tensor.shape, strides: tensor.strides, storageOffset: tensor.offset, storage: range)
            else {
                throw inconsistent(
                    "elements inside a storage of \(range.count / tensor.dtype.byteCount)",
                    "shape \(tensor.shape), strides \(tensor.strides), offset \(tensor.offset)")
            }
            guard info.byteCount <= remaining else {
                throw inconsistent(
                    "tensors of about the file's size", "shape \(info.shape) out of a storage of \(range.count) bytes")
            }
            remaining -= info.byteCount
            guard tensors.updateValue(info, forKey: name) == nil else { throw inconsistent("each name once", "the name twice") }
        }
        return TensorTable(tensors: tensors, metadata: found.metadata)
    }

    private static func requireLittleEndian(_ archive: ZipArchive, _ folder: String, _ file: MappedFile) throws {
        guard let range = try archive.range(folder + "byteorder") else { return }
        guard file.bytes(range.lowerBound..<min(range.upperBound, range.lowerBound + 8)) == Array("little".utf8) else {
            throw bigEndian(file)
        }
    }

    private static func bigEndian(_ file: MappedFile) -> CheckpointError {
        CheckpointError(
            .unsupportedFormat, file: file.path, expected: "numbers in little-endian order", found: "another byte order",
            advice: "save the checkpoint again on a little-endian machine")
    }
}
