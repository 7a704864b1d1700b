import Foundation
public import RainAnimation
public import RainGraph
import RainModels
import RainNumbers
import RainPictures

extension ModelConfiguration {
    /// The auto-encoder, which for now is always a patch auto-encoder.
    var patchAutoencoder: PatchAutoencoder {
        switch autoencoder {
        case .patch(let autoencoder): autoencoder
        case .stableDiffusion: preconditionFailure("only models with a patch auto-encoder are trained")
        }
    }
}

/// Trains a model from nothing: auto-encoder, single frames, clips; then writes its package.
public struct Trainer: Sendable {
    public enum Stage: String, Sendable, CaseIterable {
        case autoencoder, frames, clips, package
    }

    let model: ModelConfiguration
    let recipe: TrainingRecipe
    let run: TrainingRun

    public init(model: ModelConfiguration, recipe: TrainingRecipe, run: TrainingRun) throws {
        try model.validate()
        guard case .patch = model.autoencoder else {
            throw AnimationError(.model, "\(model.name): only models with a patch auto-encoder can be trained")
        }
        try recipe.validate(model)
        self.model = model
        self.recipe = recipe
        self.run = run
    }

    /// Runs the stages in order; each goes on from its checkpoint, and is skipped if it is complete.
    public func train(_ stages: [Stage] = Stage.allCases, engine: some TrainingEngine) throws {
        if stages.contains(.autoencoder) {
            try AutoencoderStage(autoencoder: model.patchAutoencoder, recipe: recipe, pictureSize: model.imageSize)
                .run(run, engine: engine, key: key)
        }
        guard stages.contains(where: { $0 != .autoencoder }) else { return }
        var autoencoder = try run.averages(of: AutoencoderStage.name)
        let statistics = try latentStatistics(autoencoder, engine: engine)
        let prefix = ModelConfiguration.Network.autoencoder.rawValue
        autoencoder[prefix + ".latent_mean"] = statistics.mean
        autoencoder[prefix + ".latent_std"] = statistics.deviation

        if try !isComplete(stages) {
            let scenes = LatentScenes(
                encoder: try encoder(autoencoder, engine: engine, batch: Self.encodedAtOnce, normalized: true), batch: Self.encodedAtOnce,
                pictureSize: model.imageSize, painter: model.posePainter, latentSize: model.latentSize, referencePose: model.referencePose)
            // A channel's error in pixels grows with its deviation; the root keeps the weak channels in sight.
            let strength = statistics.pixelDeviation.map { $0.squareRoot() }
            let mean = strength.reduce(0, +) / Float(strength.count)
            let weights = strength.map { $0 / mean }
            if stages.contains(.frames) {
                let probe = try DenoiserProbe(model, engine: engine, autoencoder: autoencoder)
                try DenoiserStage(kind: .frames, model: model, recipe: recipe, scenes: scenes, lossWeights: weights)
                    .run(run, engine: engine, key: key, initial: [:]) { try probe.sample(run, $1, label: $0) }
            }
            if stages.contains(.clips) {
                let frames = try run.averages(of: DenoiserStage.Kind.frames.rawValue)
                try DenoiserStage(kind: .clips, model: model, recipe: recipe, scenes: scenes, lossWeights: weights)
                    .run(run, engine: engine, key: key, initial: frames) {
                        try sampleStream($1.merging(autoencoder) { $1 }, label: $0, engine: engine)
                    }
            }
        }
        if stages.contains(.package) { try writePackage(autoencoder) }
    }

    /// Checkpoints of another recipe or network are refused by this: a hash of both.
    private var key: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let bytes = try model.json() + [UInt8](encoder.encode(recipe))
            return String(stableHash(bytes), radix: 16)
        }
    }

    /// Whether nothing is left to train, so that no characters need be drawn.
    private func isComplete(_ stages: [Stage]) throws -> Bool {
        try [(Stage.frames, recipe.frames), (.clips, recipe.clips)].allSatisfy { stage, settings in
            try !stages.contains(stage) || run.stepsDone(stage.rawValue) == settings.steps
        }
    }

    private func encoder(_ autoencoder: [String: [Float]], engine: some Engine, batch: Int, normalized: Bool) throws -> any Executable {
        let encoder = try engine.compile(
            TrainingGraphs.encoder(model.patchAutoencoder, count: batch, size: model.imageSize, normalized: normalized))
        try encoder.load { name, shape in
            guard let values = autoencoder[name] else { throw TrainingError("\(name): not in the auto-encoder's checkpoint") }
            return values
        }
        return encoder
    }

    /// Pictures per run of the encoder.
    private static let encodedAtOnce = 16

    /// Mean and deviation of the latents' channels, and how far a deviation moves pixels through the linear decoder.
    private func latentStatistics(
        _ autoencoder: [String: [Float]], engine: some Engine
    ) throws -> (mean: [Float], deviation: [Float], pixelDeviation: [Float]) {
        let scenes = LatentScenes(
            encoder: try encoder(autoencoder, engine: engine, batch: Self.encodedAtOnce, normalized: false), batch: Self.encodedAtOnce,
            pictureSize: model.imageSize, painter: model.posePainter, latentSize: model.latentSize, referencePose: model.referencePose)
        let pictures = WorldScene.drawn(
            (0..<400).map { WorldScene.Request(seed: 1000 + $0, times: [Double($0 % 30)]) }, size: model.imageSize)
        let latents = try scenes.encoded(pictures.flatMap(\.pictures))
        var sums = [Double](repeating: 0, count: model.latentChannels)
        var squares = sums
        for values in latents {
            for (element, value) in values.enumerated() {
                sums[element % sums.count] += Double(value)
                squares[element % sums.count] += Double(value) * Double(value)
            }
        }
        let count = Double(latents.count * model.latentSize * model.latentSize)
        let mean = sums.map { Float($0 / count) }
        let deviation = zip(squares, mean).map { Float(max(($0 / count - Double($1) * Double($1)).squareRoot(), 1e-6)) }
        let weights = autoencoder[ModelConfiguration.Network.autoencoder.rawValue + ".patch_decoder.weight"] ?? []
        let channels = model.latentChannels
        let pixel = (0..<channels).map { channel in
            stride(from: channel, to: weights.count, by: channels).reduce(Float(0)) { $0 + weights[$1] * weights[$1] }.squareRoot()
                * deviation[channel]
        }
        return (mean, deviation, pixel)
    }

    /// Streams a few characters never trained on, as `rain evaluate` does, and draws them as `sample.png`.
    private func sampleStream(_ parameters: [String: [Float]], label: String, engine: some Engine) throws {
        let report = try Evaluation.run(
            parameters: trained(parameters), configuration: model, engine: engine, characters: 5, frames: 24)
        try report.sheet().writePNG(to: URL(filePath: run.path("sample.png")))
        func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
        let mean = report.mean
        try run.note(
            "\(label): streamed PSNR \(rounded(mean.psnr)) dB, reference repeated \(rounded(mean.psnrReferenceRepeated)) dB; "
                + "flicker \(rounded(mean.flicker)), auto-encoder \(rounded(mean.flickerReconstruction ?? 0))")
    }

    /// Writes the model's folder, `<run>/<name>`, from the last stage trained.
    private func writePackage(_ autoencoder: [String: [Float]]) throws {
        let stage = DenoiserStage.Kind.clips.rawValue
        let trainedStage = run.has(stage) ? stage : DenoiserStage.Kind.frames.rawValue
        let parameters = try run.averages(of: trainedStage).merging(autoencoder) { $1 }
        let trained = try AnimationModel(model) { name, shape in
            if let values = parameters[name] { return values }
            // Without the clip stage the motion modules are as they begin: the identity.
            guard stage != trainedStage, name.contains(".motion_modules.") else { throw TrainingError("\(name): was never trained") }
            return ParameterInitialization.values(name, shape, seed: 0)
        }
        try trained.write(folder: run.path(model.name))
        run.say("wrote \(run.path(model.name))")
    }
}
