public import RainAnimation

/// Everything that decides what `rain train` makes, apart from the model's configuration.
public struct TrainingRecipe: Codable, Sendable, Equatable {
    /// Length, batch and learning rate of one stage.
    public struct Stage: Codable, Sendable, Equatable {
        public var steps: Int
        /// Characters per step.
        public var characters: Int
        /// Pictures of each character per step, the reference not counted.
        public var frames: Int
        public var learningRate: Float
        /// The cosine schedule ends at this fraction of `learningRate`.
        public var finalFraction: Float = 0.03
        /// Decay of the moving average of the parameters that is shipped.
        public var averageDecay: Float = 0.999
        /// How often a lower noise level starts from the model's own re-noised prediction instead of the truth.
        public var ownPredictions: Float = 0

        public init(
            steps: Int, characters: Int, frames: Int, learningRate: Float, finalFraction: Float = 0.03, averageDecay: Float = 0.999,
            ownPredictions: Float = 0
        ) {
            self.steps = steps
            self.characters = characters
            self.frames = frames
            self.learningRate = learningRate
            self.finalFraction = finalFraction
            self.averageDecay = averageDecay
            self.ownPredictions = ownPredictions
        }
    }

    public var seed: UInt64 = 1
    /// Frames of a character's motion over which the window of the clip stage slides, before another character's turn.
    public var clipFrames = 24
    /// Every how many turns of a slot single frames are of a new character; the others are of one that it has shown before.
    public var freshEvery = 1
    public var autoencoder = Stage(steps: 4000, characters: 24, frames: 1, learningRate: 1.5e-3)
    public var frames = Stage(steps: 4700, characters: 16, frames: 2, learningRate: 1.5e-3, ownPredictions: 0.5)
    public var clips = Stage(steps: 900, characters: 4, frames: 16, learningRate: 8e-4, ownPredictions: 0.8)

    public init() {}

    /// Checks what a recipe written by hand may have wrong.
    ///
    /// - Throws: `TrainingError` naming the field, what is expected and what was found.
    public func validate(_ model: ModelConfiguration) throws(TrainingError) {
        try Self.require((1...1000).contains(clipFrames), "clipFrames", "1 to 1000", clipFrames)
        try Self.require((1...1000).contains(freshEvery), "freshEvery", "1 to 1000", freshEvery)
        for (name, stage) in [("autoencoder", autoencoder), ("frames", frames), ("clips", clips)] { try stage.validate(name) }
        let window = model.window.framesPerGroup * model.window.levels
        try Self.require(clips.frames == window, "clips.frames", "the frames of the model's window, \(window)", clips.frames)
    }

    fileprivate static func require(
        _ condition: Bool, _ field: String, _ expected: String, _ found: some Any
    ) throws(TrainingError) {
        guard condition else { throw TrainingError("recipe: \(field): expected \(expected), found \(found)") }
    }
}

extension TrainingRecipe.Stage {
    /// - Parameter name: of the stage
    func validate(_ name: String) throws(TrainingError) {
        func require(_ condition: Bool, _ field: String, _ expected: String, _ found: some Any) throws(TrainingError) {
            try TrainingRecipe.require(condition, "\(name).\(field)", expected, found)
        }
        try require((0...100_000_000).contains(steps), "steps", "0 to 100000000", steps)
        try require((1...4096).contains(characters), "characters", "1 to 4096", characters)
        try require((1...256).contains(frames), "frames", "1 to 256", frames)
        try require(learningRate > 0 && learningRate < 1, "learningRate", "between 0 and 1", learningRate)
        try require((0...1).contains(finalFraction), "finalFraction", "0 to 1", finalFraction)
        try require((0..<1).contains(averageDecay), "averageDecay", "0 to below 1", averageDecay)
        try require((0...1).contains(ownPredictions), "ownPredictions", "0 to 1", ownPredictions)
    }
}
