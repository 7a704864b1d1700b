import Foundation
public import RainAnimation
public import RainGraph
import RainModels
import RainNumbers
import RainPictures
import RainPose

/// Trains a layered model from nothing, stage by stage; then writes its package.
public struct LayeredTrainer {
    public enum Stage: String, Sendable, CaseIterable {
        case landmarks, crop, layers, frames, clips, gate, package
    }

    let model: ModelConfiguration
    let graph: LayeredGraph
    let recipe: LayeredRecipe
    let run: TrainingRun

    /// - Throws: `AnimationError.model` for a model of another kind
    public init(model: ModelConfiguration, recipe: LayeredRecipe, run: TrainingRun) throws {
        try model.validate()
        guard let graph = LayeredGraph(model) else { throw AnimationError(.model, "\(model.name): has no layered guide") }
        try recipe.validate(model)
        self.model = model
        self.graph = graph
        self.recipe = recipe
        self.run = run
    }

    /// Runs stages in order; each goes on from its checkpoint, and is skipped if it is complete.
    public func train(_ stages: [Stage] = Stage.allCases, engine: some TrainingEngine) throws {
        if stages.contains(.landmarks) {
            try LandmarkStage(model: model, recipe: recipe).run(run, engine: engine, key: key(.landmarks, []))
        }
        if stages.contains(.crop) { try CropStage(graph: graph, recipe: recipe).run(run, engine: engine, key: key(.crop, [])) }
        if stages.contains(.layers) {
            try LayerStage(model: model, graph: graph, recipe: recipe).run(run, engine: engine, key: key(.layers, []))
        }
        guard !Set(stages).isDisjoint(with: [.frames, .gate, .clips, .package]) else { return }
        let statistics = try self.statistics(engine: engine)
        var parameters = try run.averages(of: CropStage.name).merging(statistics.parameters) { $1 }
        let scenes = try LayeredScenes(
            maker: CropMaker(graph, engine: engine, autoencoder: parameters), model: model, size: graph.guide.guideSize,
            deviation: statistics.residualDeviation, capacity: recipe.frames.characters * (DenoiserStage.remembered + 2))
        for (stage, kind) in [(Stage.frames, DenoiserStage.Kind.frames), (.clips, .clips)] where stages.contains(stage) {
            let initial = try kind == .frames ? [:] : run.averages(of: DenoiserStage.Kind.frames.rawValue)
            let probe = try ExpressionProbe(model, engine: engine, scenes: scenes, weights: statistics.lossWeights)
            try DenoiserStage(kind: kind, model: model, recipe: recipe.denoiser, scenes: scenes, lossWeights: statistics.lossWeights).run(
                run, engine: engine, key: key(stage, kind == .frames ? [.crop] : [.crop, .frames]),
                initial: initial.merging(parameters) { $1 }
            ) { label, averages in
                try probe.measure(run, averages.merging(statistics.parameters) { $1 }, label: label)
            }
        }
        if stages.contains(.gate) {
            let frames = DenoiserStage.Kind.frames.rawValue
            for name in [frames, DenoiserStage.Kind.clips.rawValue, LayerStage.name] where name == frames || run.has(name) {
                try parameters.merge(run.averages(of: name)) { $1 }
            }
            try GateStage(model: model, graph: graph, recipe: recipe, parameters: parameters)
                .run(run, engine: engine, key: key(.gate, [.crop, .frames]), latents: scenes)
        }
        if stages.contains(.package) { try writePackage(statistics) }
    }

    /// Writes the model's folder, `<run>/<name>`, from the last checkpoints of all stages.
    private func writePackage(_ statistics: LayeredStatistics) throws {
        var parameters = try run.averages(of: CropStage.name)
        for stage in [
            DenoiserStage.Kind.frames.rawValue, DenoiserStage.Kind.clips.rawValue, LayerStage.name, GateStage.name, LandmarkStage.name,
        ]
        where run.has(stage) {
            try parameters.merge(run.averages(of: stage)) { $1 }
        }
        parameters.merge(statistics.parameters) { $1 }
        let hasClips = run.has(DenoiserStage.Kind.clips.rawValue)
        let trained = try AnimationModel(model) { [parameters] name, shape in
            if let values = parameters[name] { return values }
            // Without the clip stage the motion modules are as they begin: the identity.
            guard !hasClips, name.contains(".motion_modules.") else { throw TrainingError("\(name): was never trained") }
            return ParameterInitialization.values(name, shape, seed: 0)
        }
        try trained.write(folder: run.path(model.name))
        run.say("wrote \(run.path(model.name))")
    }

    /// Checkpoints of another recipe or network are refused by this: a hash of the configuration and the recipes of the stage
    /// and those it stands on. Their steps do not count, so that a stage can be trained for longer; nor do gate and landmark network before their turn.
    func key(_ stage: Stage, _ before: [Stage]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let recipes = ([stage] + before).map { stage in
            var settings = recipe.settings(stage)
            settings.steps = 0
            return settings
        }
        var model = model
        if stage != .gate { model.layeredGuide?.gate.channels = 0 }
        if stage != .landmarks { model.layeredGuide?.landmarkNetwork = nil }
        let bytes = try model.json() + [UInt8](encoder.encode(recipes)) + "\(recipe.seed)".utf8
        return String(stableHash(bytes), radix: 16)
    }

    /// Measures latents, residuals and expressions; kept in the run's folder, since the denoiser is made for them.
    private func statistics(engine: some Engine) throws -> LayeredStatistics {
        let autoencoder = try run.averages(of: CropStage.name)
        let channels = model.latentChannels
        let zero = [Float](repeating: 0, count: channels)
        let one = [Float](repeating: 1, count: channels)
        let plain = autoencoder.merging(["autoencoder.latent_mean": zero, "autoencoder.latent_std": one]) { $1 }
        let maker = try CropMaker(graph, engine: engine, autoencoder: plain)
        var (latents, residuals, numbers): ([[Float]], [[Float]], [[Float]]) = ([], [], [])
        for index in 0..<recipe.measuredScenes {
            var random = TrainingRandom(seed: recipe.seed, stream: "statistics", step: index)
            let scene = LayeredScene(LayeredScene.request(&random, frames: 3), size: graph.guide.guideSize, jitters: true)
            let (guides, truths) = try maker(scene)
            latents += guides + truths
            residuals += zip(truths, guides).dropFirst().map { zip($0, $1).map { $0 - $1 } }
            numbers += scene.moves.dropFirst().map(\.numbers)
        }
        let weights = autoencoder["autoencoder.patch_decoder.weight"] ?? []
        let gain = (0..<channels).map { channel in
            stride(from: channel, to: weights.count, by: channels).reduce(Float(0)) { $0 + weights[$1] * weights[$1] }.squareRoot()
        }
        return LayeredStatistics(latents: latents, residuals: residuals, numbers: numbers, channels: channels, pixelGain: gain)
    }
}

extension LayeredRecipe {
    /// Checks what a recipe written by hand may have wrong.
    ///
    /// - Throws: `TrainingError` naming the field, what is expected and what was found
    func validate(_ model: ModelConfiguration) throws(TrainingError) {
        try denoiser.validate(model)
        for (name, stage) in [("landmarks", landmarks), ("crop", crop), ("layers", layers), ("gate", gate)] {
            try stage.validate(name)
        }
        guard (1...100_000).contains(measuredScenes) else {
            throw TrainingError("recipe: measuredScenes: expected 1 to 100000, found \(measuredScenes)")
        }
    }

    func settings(_ stage: LayeredTrainer.Stage) -> Stage {
        switch stage {
        case .landmarks: landmarks
        case .crop: crop
        case .frames: frames
        case .layers: layers
        case .gate: gate
        case .clips, .package: clips
        }
    }

    /// The part of the recipe that denoisers have in common.
    var denoiser: TrainingRecipe {
        var denoiser = TrainingRecipe()
        denoiser.seed = seed
        denoiser.clipFrames = clipFrames
        denoiser.freshEvery = freshEvery
        denoiser.frames = frames
        denoiser.clips = clips
        return denoiser
    }
}

/// Measures a denoiser in training: how much of the residual's energy in the face it leaves, on characters never trained on.
struct ExpressionProbe {
    private let model: ModelConfiguration
    private let engine: any Engine
    private let scenes: [LatentScene]
    private let weights: [Float]

    private static let framesPerScene = 2

    init(_ model: ModelConfiguration, engine: some Engine, scenes: LayeredScenes, weights: [Float], characters: Int = 64) throws {
        self.model = model
        self.engine = engine
        self.weights = weights
        let side = model.layeredGuide?.guideSize ?? model.imageSize
        self.scenes = try (0..<characters).map {
            try scenes.latentScene(
                LayeredScene(LayeredScene.validationRequest($0, frames: Self.framesPerScene), size: side, jitters: false))
        }
    }

    func measure(_ run: TrainingRun, _ parameters: [String: [Float]], label: String) throws {
        let frames = [[Int]](repeating: Array(0..<Self.framesPerScene), count: scenes.count)
        let prediction = try Prediction(
            model, engine: engine, parameters: parameters, characters: scenes.count, frames: Self.framesPerScene)
        let truth = scenes.flatMap { $0.frames.flatMap(\.target) }
        let shown = scenes.flatMap { $0.frames.flatMap(\.weights) }
        var random = TrainingRandom(seed: 1, stream: "probe")
        var left: [Double] = []
        _ = try prediction(scenes, frames: frames, random: &random) { estimate in
            var (error, energy) = (0.0, 0.0)
            for index in truth.indices {
                let weight = Double(weights[index % weights.count] * shown[index / model.latentChannels])
                let difference = Double(estimate[index] - truth[index])
                error += weight * difference * difference
                energy += weight * Double(truth[index]) * Double(truth[index])
            }
            left.append(error / energy)
        }
        let shares = left.map { "\(($0 * 1000).rounded() / 1000)" }.joined(separator: ", ")
        try run.note("\(label): part of the residual's energy left after each level \(shares)")
    }
}
