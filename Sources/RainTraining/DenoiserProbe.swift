import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Looks at a denoiser in training: single frames of characters never trained on, through all noise levels, decoded.
struct DenoiserProbe {
    private let model: ModelConfiguration
    private let scenes: [WorldScene]
    private let framesShown: [Int]
    private let denoiser: any Executable
    private let decoder: any Executable
    private let latents: [[Float]]
    private let levels: [Int]
    private let schedule: NoiseSchedule

    /// - Parameter autoencoder: parameters by name, `latent_mean` and `latent_std` included.
    init(_ model: ModelConfiguration, engine: some Engine, autoencoder: [String: [Float]], characters: Int = 8) throws {
        self.model = model
        framesShown = [4, 12]
        scenes = WorldScene.drawn(
            (0..<UInt64(characters)).map { WorldScene.Request(seed: WorldScene.validationSeed + $0, count: 16) }, size: model.imageSize)
        schedule = try NoiseSchedule(model.scheduler)
        levels = try schedule.timesteps(model.window.levels)
        let encoder = try engine.compile(
            TrainingGraphs.encoder(model.patchAutoencoder, count: characters, size: model.imageSize, normalized: true))
        try encoder.load { name, _ in autoencoder[name] ?? [] }
        try encoder.write("pictures", scenes.flatMap { $0.pictures[0].unitValues() })
        try encoder.run(.step)
        let encoded = try encoder.read("latents")
        let count = encoded.count / characters
        latents = (0..<characters).map { Array(encoded[($0 * count)..<(($0 + 1) * count)]) }
        denoiser = try engine.compile(
            TrainingGraphs.denoiserForInference(
                model, .init(characters: characters, frames: framesShown.count, motion: false, timesteps: nil)))
        decoder = try engine.compile(
            TrainingGraphs.decoder(
                model.patchAutoencoder, count: characters * framesShown.count, height: model.latentSize, width: model.latentSize,
                normalized: true))
        try decoder.load { name, _ in autoencoder[name] ?? [] }
    }

    /// Writes a sheet of truth, first estimate and result, and returns the mean PSNR after each noise level.
    @discardableResult
    func sample(_ run: TrainingRun, _ parameters: [String: [Float]], label: String) throws -> [Double] {
        let painter = model.posePainter
        try denoiser.load(trained(parameters))
        var poses = [Float](repeating: 0, count: scenes.count * framesShown.count * painter.count)
        var referencePoses = [Float](repeating: 0, count: scenes.count * painter.count)
        for (index, scene) in scenes.enumerated() {
            painter.paint(scene.landmarks[0], into: &referencePoses, offset: index * painter.count)
            for (position, frame) in framesShown.enumerated() {
                painter.paint(scene.landmarks[frame], into: &poses, offset: (index * framesShown.count + position) * painter.count)
            }
        }
        try denoiser.write("pose", poses)
        try denoiser.write("reference_latents", latents.flatMap { $0 })
        if model.referencePose { try denoiser.write("reference_pose", referencePoses) }
        try denoiser.run(.reference)

        let truth = scenes.flatMap { scene in framesShown.map { scene.pictures[$0] } }
        func meanPSNR(_ pictures: [Picture]) -> Double {
            zip(truth, pictures).map { PictureMetrics.psnr($0, $1) }.reduce(0, +) / Double(truth.count)
        }
        let count = truth.count * latents[0].count
        var random = TrainingRandom(seed: 1, stream: "probe")
        var sample = (0..<count).map { _ in random.normal() }
        var shown: [[Picture]] = []
        var psnr: [Double] = []
        for (index, level) in levels.enumerated() {
            try denoiser.write("timesteps", [Float](repeating: Float(level), count: truth.count))
            try denoiser.write("sample", sample)
            try denoiser.run(.step)
            let estimate = try denoiser.read("prediction")
            try decoder.write("latents", estimate)
            try decoder.run(.step)
            let pictures = Picture.pictures(try decoder.read("pictures"), size: model.imageSize)
            shown.append(pictures)
            psnr.append(meanPSNR(pictures))
            if index + 1 < levels.count {
                let (signal, noise) = schedule.noising(levels[index + 1])
                sample = estimate.map { signal * $0 + noise * random.normal() }
            }
        }
        let references = scenes.flatMap { scene in framesShown.map { _ in scene.pictures[0] } }
        let repeated = meanPSNR(references)
        func decibels(_ value: Double) -> String { "\((value * 100).rounded() / 100) dB" }
        try run.write(
            ContactSheet(rows: [
                .init(label: "reference, \(decibels(repeated))", pictures: references),
                .init(label: "truth", pictures: truth),
                .init(label: "\(label): first estimate, \(decibels(psnr[0]))", pictures: shown[0]),
                .init(label: "after \(levels.count) levels, \(decibels(psnr[levels.count - 1]))", pictures: shown[levels.count - 1]),
            ]), "sample")
        let perLevel = psnr.map(decibels).joined(separator: ", ")
        try run.note("\(label): PSNR after each level \(perLevel); reference repeated \(decibels(repeated))")
        return psnr
    }
}
