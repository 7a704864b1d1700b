public import RainAnimation
public import RainGraph
import RainModels

/// One step of a stage of training, as a program and its size: what benchmarks measure.
public struct TrainingStep: Sendable {
    public let model: ModelConfiguration
    /// With gradients; its inputs are those the trainer fills at every step.
    public let program: Program
    public let characters: Int
    /// Pictures of each character.
    public let frames: Int
    private let seed: UInt64

    /// - Throws: `TrainingError` for `.package`, which has no steps; `GraphError` for a model that cannot be trained.
    public init(_ stage: Trainer.Stage, of model: ModelConfiguration, recipe: TrainingRecipe) throws {
        let weights = [Float](repeating: 1, count: model.latentChannels)
        let size: TrainingRecipe.Stage
        switch stage {
        case .autoencoder:
            size = recipe.autoencoder
            program = try TrainingGraphs.autoencoder(model.patchAutoencoder, count: size.characters, size: AutoencoderStage.cropSize)
        case .frames:
            size = recipe.frames
            program = try TrainingGraphs.denoiser(
                model, .init(characters: size.characters, frames: size.frames, motion: false, timesteps: nil), lossWeights: weights)
        case .clips:
            size = recipe.clips
            let levels = try Array(NoiseSchedule(model.scheduler).timesteps(model.window.levels).reversed())
            let staircase = levels.flatMap { [Float](repeating: Float($0), count: model.window.framesPerGroup) }
            program = try TrainingGraphs.denoiser(
                model, .init(characters: size.characters, frames: size.frames, motion: true, timesteps: staircase), lossWeights: weights)
        case .package: throw TrainingError("package: not a stage of steps")
        }
        self.model = model
        (characters, frames) = (size.characters, size.frames)
        seed = recipe.seed
    }

    /// The value a parameter of the program begins with.
    public func initialValue(_ name: String, _ shape: Shape) -> [Float] { ParameterInitialization.values(name, shape, seed: seed) }
}
