/// Everything that decides how a layered model is trained, apart from its configuration.
public struct LayeredRecipe: Codable, Sendable, Equatable {
    public typealias Stage = TrainingRecipe.Stage

    public var seed: UInt64 = 1
    /// Characters of which latents, residuals and expressions are measured.
    public var measuredScenes = 200
    /// As of `TrainingRecipe`.
    public var clipFrames = 24
    public var freshEvery = 3
    /// The landmark network.
    public var landmarks = Stage(steps: 8000, characters: 32, frames: 1, learningRate: 2e-3)
    /// The crop's auto-encoder.
    public var crop = Stage(steps: 6000, characters: 16, frames: 1, learningRate: 1.5e-3)
    /// The denoiser on single frames.
    public var frames = Stage(steps: 24_000, characters: 16, frames: 2, learningRate: 1.5e-3, ownPredictions: 0.5)
    /// The layer network.
    public var layers = Stage(steps: 12_000, characters: 4, frames: 1, learningRate: 1.5e-3)
    /// The face gate.
    public var gate = Stage(steps: 3000, characters: 8, frames: 2, learningRate: 1e-3)
    /// The denoiser on clips, with its motion modules.
    public var clips = Stage(steps: 6000, characters: 2, frames: 16, learningRate: 8e-4, ownPredictions: 0.8)

    public init() {}
}
