/// Makes one safetensors file of one or several checkpoints of any format.
public enum CheckpointConverter {
    /// Writes all tensors of the sources, one at a time: a model of any size takes the memory of its largest tensor.
    ///
    /// - Parameters:
    ///   - sources: each with what its tensors' names are prefixed by, e.g. `motion_unet.`
    ///   - path: replaced only once everything is on disk
    ///   - type: F32, F16 or BF16, for all floating-point tensors; nil leaves each as it is. Integers always stay as they are.
    ///   - metadata: stored in the file; what the sources say beside their tensors is not
    ///   - progress: called with the bytes written so far and in all; what it throws ends the writing
    /// - Throws: `CheckpointError`, for names that two sources give, a value that `type` cannot hold, or a file that cannot be written;
    ///   or what `progress` throws. Nothing is then left behind.
    public static func convert(
        _ sources: [(prefix: String, checkpoint: Checkpoint)], to path: String, type: ElementType? = nil, metadata: [String: String] = [:],
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws {
        var places: [String: (checkpoint: Checkpoint, name: String)] = [:]
        var declarations: [TensorDeclaration] = []
        for (prefix, checkpoint) in sources {
            for name in checkpoint.names {
                let info = try checkpoint.info(name)
                let stored = info.dtype.isFloatingPoint ? type ?? info.dtype : info.dtype
                declarations.append(TensorDeclaration(prefix + name, shape: info.shape, dtype: stored))
                places[prefix + name] = (checkpoint, name)
            }
        }
        try TensorDeclaration.check(declarations, path: path)
        let total = declarations.reduce(0) { $0 + $1.byteCount }
        var done = 0
        try SafetensorsWriter.write(to: path, declarations, metadata: metadata) { tensor in
            try progress(done, total)
            guard let (checkpoint, name) = places[tensor.name] else { return [] }
            defer { checkpoint.release(name) }
            done += tensor.byteCount
            if try checkpoint.info(name).dtype == tensor.dtype { return try checkpoint.bytes(name) }
            return try tensor.dtype.encoded(checkpoint.floats(name), tensor: name, path: checkpoint.path)
        }
        try progress(total, total)
    }
}
