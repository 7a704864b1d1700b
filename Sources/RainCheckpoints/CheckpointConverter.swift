/// Makes one safetensors file of one or several checkpoints of any format.
public enum CheckpointConverter {
    /// A tensor: what it is called in the new file, the file it comes from, and what it is called there.
    public typealias Tensor = (name: String, file: Checkpoint, stored: String)

    /// Writes tensors, one at a time: a model of any size takes the memory of its largest tensor.
    ///
    /// The new file has them in the order of their sources (larger elements first), so that every source is read once, from beginning to end.
    ///
    /// - Parameters:
    ///   - tensors: those of one source file one after the other
    ///   - path: replaced only once everything is on disk
    ///   - type: F32, F16 or BF16, for all floating-point tensors; nil leaves each as it is. Integers always stay as they are.
    ///   - metadata: stored in the file; what the sources say beside their tensors is not
    ///   - progress: called with the bytes written so far and in all; what it throws ends the writing
    ///   - reading: called before bytes of a file are read, with the end of the last of them: a checksum can follow here without reading the
    ///     file a second time
    ///   - completing: called at the end, for metadata that replace others of the same keys and as long, such as checksums
    /// - Throws: `CheckpointError`, for names that two sources give, a value that `type` cannot hold, or a file that cannot be written;
    ///   or what the closures throw. Nothing is then left behind.
    public static func convert(
        _ tensors: [Tensor], to path: String, type: ElementType? = nil, metadata: [String: String] = [:],
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
        reading: (_ file: Checkpoint, _ end: Int) throws -> Void = { _, _ in },
        completing: () throws -> [String: String] = { [:] }
    ) throws {
        var places: [String: Tensor] = [:]
        var declarations: [TensorDeclaration] = []
        for tensor in try inOrderOfReading(tensors) {
            let info = try tensor.file.info(tensor.stored)
            let stored = info.dtype.isFloatingPoint ? type ?? info.dtype : info.dtype
            declarations.append(TensorDeclaration(tensor.name, shape: info.shape, dtype: stored))
            places[tensor.name] = tensor
        }
        try TensorDeclaration.check(declarations, path: path)
        let total = declarations.reduce(0) { $0 + $1.byteCount }
        var done = 0
        try SafetensorsWriter.write(to: path, declarations, metadata: metadata, completing: completing) { tensor in
            try progress(done, total)
            guard let (_, file, name) = places[tensor.name] else { return [] }
            let info = try file.info(name)
            try reading(file, info.range.upperBound)
            defer { file.release(name) }
            done += tensor.byteCount
            if info.dtype == tensor.dtype { return try file.bytes(name) }
            return try tensor.dtype.encoded(file.floats(name), tensor: name, path: file.path)
        }
        try progress(total, total)
    }

    /// Files stay in their order; the tensors of each come as they lie in it.
    private static func inOrderOfReading(_ tensors: [Tensor]) throws -> [Tensor] {
        var files: [String: Int] = [:]
        for tensor in tensors where files[tensor.file.path] == nil { files[tensor.file.path] = files.count }
        let keyed = try tensors.map { tensor in
            (tensor, files[tensor.file.path] ?? 0, try tensor.file.info(tensor.stored).range.lowerBound)
        }
        return keyed.sorted { ($0.1, $0.2, $0.0.name) < ($1.1, $1.2, $1.0.name) }.map(\.0)
    }
}

extension Checkpoint {
    /// All tensors, each under its name behind a prefix, for `CheckpointConverter`.
    public func tensors(prefix: String = "") -> [CheckpointConverter.Tensor] {
        names.map { (name: prefix + $0, file: self, stored: $0) }
    }
}
