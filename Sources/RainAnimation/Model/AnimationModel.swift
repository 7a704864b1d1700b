import Foundation
public import RainCheckpoints
import RainFiles
public import RainGraph
public import RainModels
import RainNumbers

/// A model ready to be run: what it is and where its parameters come from.
public struct AnimationModel: Sendable {
    /// Gives the elements of a parameter, row-major, by its full name (`denoising_unet.conv_in.weight`, …).
    public typealias Parameters = @Sendable (_ name: String, _ shape: Shape) throws -> [Float]

    public let configuration: ModelConfiguration
    /// The parameters as they are stored, by their full names; what `Executable.load` asks for.
    public let tensors: any TensorSource & Sendable

    /// The parameters as floats.
    public var parameters: Parameters { { [tensors] name, shape in try tensors.floats(name, shape) } }

    /// - Throws: what `ModelConfiguration.validate` throws
    public init(_ configuration: ModelConfiguration, parameters: @escaping Parameters) throws {
        try self.init(configuration, tensors: MadeTensors(elements: parameters))
    }

    private init(_ configuration: ModelConfiguration, tensors: any TensorSource & Sendable) throws {
        try configuration.validate()
        self.configuration = configuration
        self.tensors = tensors
    }

    /// A model over the tensors of a checkpoint, which must be exactly those the model needs.
    ///
    /// - Throws: `ModelError.checkpoint` naming what is missing, surplus or of the wrong shape
    public init(_ configuration: ModelConfiguration, source: ParameterSource) throws {
        try self.init(configuration, tensors: source)
        try source.check(ModelPrograms(configuration).parameters())
    }

    /// The model of a folder or a file; `ModelFiles` says of which.
    ///
    /// - Parameter size: width and height of the pictures, for a model that works at any; `nil` for its own
    /// - Throws: `AnimationError.model`, `CheckpointError` or `ModelError` naming file, field, expected and found;
    ///   `AnimationError.usage` for a size the model cannot have
    public init(path: String, size: Int? = nil) throws {
        let files = try ModelFiles(path: path)
        try self.init(files.configuration.resized(to: size), tensors: files.source)
    }

    /// The model at another size of its pictures.
    ///
    /// - Throws: `AnimationError.usage` for a size the model cannot have
    public func resized(to size: Int?) throws -> AnimationModel {
        try AnimationModel(configuration.resized(to: size), tensors: tensors)
    }

    /// The same model, which says of every parameter that it has been read.
    public func observed(_ didRead: @escaping @Sendable (_ name: String, _ elements: Int) -> Void) throws -> AnimationModel {
        try AnimationModel(configuration, tensors: ObservedTensors(tensors: tensors, didRead: didRead))
    }

    /// rain-mini, which is part of the program.
    ///
    /// - Throws: `AnimationError.model` if the program was built without it
    public static func embedded() throws -> AnimationModel {
        guard let description = EmbeddedFiles.description(), let weights = try EmbeddedFiles.weights() else {
            throw AnimationError(.model, "this program was built without rain-mini; name a model folder with --model")
        }
        let configuration = try ModelConfiguration(json: description, file: EmbeddedFiles.descriptionName)
        return try AnimationModel(configuration, source: ParameterSource([weights]))
    }

    /// Writes the model as a folder, made if need be, that `init(path:)` reads.
    ///
    /// - Parameter type: of the stored elements
    /// - Throws: `AnimationError.model` if the folder cannot be made or written; `CheckpointError`; what `parameters` throws
    public func write(folder: String, type: ElementType = .float16) throws {
        let tensors = try ModelPrograms(configuration).parameters().map { name, shape in
            (name: name, shape: shape.dimensions, dtype: type, values: try parameters(name, shape)) as SafetensorsWriter.Tensor
        }
        do {
            try FileSystem.makeFolders(folder)
            try SafetensorsWriter.write(
                to: "\(folder)/\(configuration.name).safetensors", tensors: tensors,
                metadata: ["format": "pt", "model": configuration.name])
            try ReplacementFile.write([UInt8](configuration.json()), to: folder + "/model.json")
        } catch let error as FileError {
            throw AnimationError(.model, "\(error)")
        }
    }

    /// A model that has learnt nothing: every layer has random weights, so that all of them take part.
    public static func random(_ configuration: ModelConfiguration, seed: UInt64) throws -> AnimationModel {
        try AnimationModel(configuration, parameters: configuration.randomParameters(seed: seed))
    }
}

extension ModelConfiguration {
    /// Random parameters, each depending on the seed, its name and its shape alone: gains near one, small biases, weights of
    /// standard deviation 1/√fan-in.
    public func randomParameters(seed: UInt64) -> AnimationModel.Parameters {
        { name, shape in
            var values = [Float](repeating: 0, count: shape.count)
            // Each name has noise of its own.
            let hash = stableHash(name.utf8)
            FrameNoise(seed: seed).fill(&values, 0..<values.count, frame: Int(truncatingIfNeeded: hash), draw: 0)
            if shape.rank <= 1 {
                let isGain = name.hasSuffix("weight") || name.hasSuffix("std")
                return values.map { (isGain ? 1 : 0) + 0.1 * $0 }
            }
            let scale = 1 / Float(shape.count / shape[0]).squareRoot()
            return values.map { $0 * scale }
        }
    }
}

/// Parameters that are made when they are asked for.
private struct MadeTensors: TensorSource, Sendable {
    let elements: AnimationModel.Parameters

    func withTensor<Result>(_ name: String, _ shape: Shape, _ body: (Element, RawSpan) throws -> Result) throws -> Result {
        try FloatTensors(elements).withTensor(name, shape, body)
    }
}

/// Tells of every parameter that it has been read.
private struct ObservedTensors: TensorSource, Sendable {
    let tensors: any TensorSource & Sendable
    let didRead: @Sendable (_ name: String, _ elements: Int) -> Void

    func withTensor<Result>(_ name: String, _ shape: Shape, _ body: (Element, RawSpan) throws -> Result) throws -> Result {
        let result = try tensors.withTensor(name, shape, body)
        didRead(name, shape.count)
        return result
    }
}
