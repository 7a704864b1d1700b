public import RainCheckpoints
import RainFiles
import RainGraph

/// Models of the published layout that have learnt nothing: what tests, benchmarks and users without the download need.
extension PublishedConfiguration {
    /// Writes a folder of exactly the published layout and names, with random weights.
    ///
    /// Every tensor depends on the seed, its name and its shape alone. Never more than one tensor is in memory. The detectors' ONNX
    /// files are programs and not known here; `others` writes them.
    ///
    /// - Parameters:
    ///   - folder: made if need be; must not hold any of the files yet
    ///   - seed: another one makes another model
    ///   - type: of the stored elements: F32 as published, F16 or BF16
    ///   - others: files that belong beside these: the name in the folder, and what writes them to a path
    ///   - progress: called with the bytes written so far and in all, without those of `others`; what it throws ends the writing
    /// - Throws: `ModelError.checkpoint`, `CheckpointError`, or what the closures throw; nothing of the model is then left behind
    public func writeRandomModel(
        to folder: String, seed: UInt64, type: ElementType = .float32,
        others: [(name: String, write: (_ path: String) throws -> Void)] = [],
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws {
        let parts = try Part.allCases.map { part in (part: part, tensors: try declarations(of: part, type: type)) }
        let total = parts.flatMap(\.tensors).reduce(0) { $0 + $1.shape.reduce($1.dtype.byteCount, *) }
        var made = MadeFiles(folder: folder)
        do {
            var done = 0
            let weights = RandomWeights(seed: seed)
            for (part, tensors) in parts {
                let path = try made.add(Self.weightsFile(of: part))
                func content(_ tensor: TensorDeclaration) throws -> [UInt8] {
                    try progress(done, total)
                    // Names alone would give, say, all first convolutions the same noise.
                    let bytes = try weights.bytes(of: tensor, in: part.rawValue, path: path)
                    done += bytes.count
                    return bytes
                }
                if path.hasSuffix(".safetensors") {
                    try SafetensorsWriter.write(to: path, tensors, metadata: ["format": "pt"], content: content)
                } else {
                    try TorchWriter.write(to: path, tensors, content: content)
                }
            }
            for (name, text) in try descriptions() { try made.write(Array(text.utf8), to: name) }
            for (name, write) in others { try write(made.add(name)) }
            try progress(total, total)
        } catch {
            made.remove()
            throw error
        }
    }

    /// All tensors of a part's checkpoint, buffers included, named as in the published files.
    private func declarations(of part: Part, type: ElementType) throws -> [TensorDeclaration] {
        var tensors = try parameters(of: part).map { name, shape in
            TensorDeclaration(part == .autoencoder ? AutoencoderKL.publishedName(name) : name, shape: shape.dimensions, dtype: type)
        }
        if part == .imageEncoder, let positions = tensors.first(where: { $0.name.hasSuffix("position_embedding.weight") }) {
            tensors.append(
                TensorDeclaration("vision_model.embeddings.position_ids", shape: [1, positions.shape[0]], dtype: .int64))
        }
        return tensors
    }
}

/// Files of a model that are being written, so that they can be taken back.
private struct MadeFiles {
    let folder: String
    private var files: [String] = []
    private var folders: [String] = []

    init(folder: String) { self.folder = folder }

    /// Notes a file that is about to be written, and makes the folder around it.
    ///
    /// - Returns: its path
    mutating func add(_ name: String) throws -> String {
        let path = folder + "/" + name
        guard !FileSystem.exists(path) else {
            throw ModelError(.checkpoint, at: path, "expected a folder without a model, found this file; name another folder or remove it")
        }
        // Those that were missing are noted, so that taking back removes what was made and no more.
        if let parent = path.lastIndex(of: "/").map({ String(path[..<$0]) }), !parent.isEmpty {
            do {
                folders += try FileSystem.makeFolders(parent)
            } catch {
                throw ModelError(.checkpoint, at: error.path, "the folder cannot be made: \(error.found)")
            }
        }
        files.append(path)
        return path
    }

    mutating func write(_ bytes: [UInt8], to name: String) throws {
        try ReplacementFile.write(bytes, to: add(name))
    }

    /// Removes what was made; folders only if nothing else is there.
    func remove() {
        for file in files { FileSystem.remove(file) }
        for folder in folders.reversed() { FileSystem.removeFolder(folder) }
    }
}
