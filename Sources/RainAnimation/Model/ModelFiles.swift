import Foundation
public import RainCheckpoints
import RainFiles
public import RainModels

/// The files of a model, open: what it is, and which tensor of which file is which parameter.
///
/// A model is one of three things: a folder with `model.json` and `<name>.safetensors`; a folder of the layout in which RAIN is published; or
/// one safetensors file that holds the text of its `model.json` in its metadata, which `rain convert` makes of either folder.
public struct ModelFiles: Sendable {
    /// The key of the metadata under which a file of its own says what it is.
    public static let descriptionKey = "model.json"

    public let configuration: ModelConfiguration
    /// The model's parameters under their full names (`denoising_unet.conv_in.weight`, …), names and shapes checked.
    public let source: ParameterSource
    /// All checkpoints, each with its path within the folder; of a single file, its name.
    public let checkpoints: [(name: String, file: Checkpoint)]

    /// - Parameter path: of the folder or the file
    /// - Throws: `AnimationError.model`, `CheckpointError` or `ModelError` naming file, field, expected and found
    public init(path: String) throws {
        let description = path + "/model.json"
        if FileSystem.isFile(path) {
            try self.init(file: path)
        } else if !FileSystem.exists(description), PublishedFolder.isPresent(at: path) {
            try self.init(published: PublishedModel(PublishedFolder(path)), folder: path)
        } else {
            guard FileSystem.exists(description) else {
                throw AnimationError(
                    .model,
                    "\(description): expected a model's description, found none; name a folder with model.json and the weights beside it, or with "
                        + "the files of the published model (reference_unet.pth and others), or a file that 'rain convert' made of one")
            }
            let bytes = try SmallFile.read(description, atMost: ModelConfiguration.largestFile)
            let configuration = try ModelConfiguration(json: bytes, file: description)
            let weights = configuration.name + ".safetensors"
            try self.init(configuration, name: weights, Checkpoint(path: "\(path)/\(weights)"))
        }
    }

    private init(published model: PublishedModel, folder: String) throws {
        configuration = try ModelConfiguration(model.configuration)
        source = model.parameters
        checkpoints = model.parameters.files.map { (name: String($0.path.dropFirst(folder.count + 1)), file: $0) }
    }

    private init(file path: String) throws {
        let file = try Checkpoint(path: path)
        guard let description = file.metadata[Self.descriptionKey] else {
            throw AnimationError(
                .model,
                "\(path): expected a model in one file, with '\(Self.descriptionKey)' in its metadata, found \(file.names.count) tensors "
                    + "without; name the folder of the model's files, or make one file of it with 'rain convert'")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        try self.init(ModelConfiguration(json: Array(description.utf8), file: "\(path): \(Self.descriptionKey)"), name: name, file)
    }

    private init(_ configuration: ModelConfiguration, name: String, _ file: Checkpoint) throws {
        self.configuration = configuration
        source = ParameterSource([file])
        try source.check(ModelPrograms(configuration).parameters())
        checkpoints = [(name: name, file: file)]
    }

    /// Whether a file is a model by itself.
    static func isModel(_ path: String) -> Bool {
        FileSystem.isFile(path) && (try? Checkpoint(path: path))?.metadata[descriptionKey] != nil
    }

    /// What makes one file of the model: each parameter with where it is.
    public func tensors() throws -> [CheckpointConverter.Tensor] {
        try ModelPrograms(configuration).parameters().compactMap { name, _ in
            source.place(of: name).map { (name: name, file: $0.file, stored: $0.name) }
        }
    }

    /// What the file's metadata must hold so that it is a model by itself.
    public func description() throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [Self.descriptionKey: String(decoding: try encoder.encode(configuration), as: UTF8.self)]
    }
}
