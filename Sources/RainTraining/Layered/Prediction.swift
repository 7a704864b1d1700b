import RainAnimation
import RainGraph
import RainModels

/// What a denoiser makes of single frames through all noise levels.
struct Prediction {
    private let executable: any Executable
    private let schedule: NoiseSchedule
    private let levels: [Int]
    private let frames: Int
    private let count: Int

    init(_ model: ModelConfiguration, engine: some Engine, parameters: [String: [Float]], characters: Int, frames: Int) throws {
        executable = try engine.compile(
            TrainingGraphs.denoiserForInference(model, .init(characters: characters, frames: frames, motion: false, timesteps: nil)))
        try executable.load(trained(parameters))
        schedule = try NoiseSchedule(model.scheduler)
        levels = try schedule.timesteps(model.window.levels)
        self.frames = frames
        count = characters * frames
    }

    /// Clean latents of some frames of characters, all characters' after each other.
    ///
    /// - Parameter each: called with the estimate after each level
    func callAsFunction(
        _ scenes: [LatentScene], frames: [[Int]], random: inout TrainingRandom, each: ([Float]) -> Void = { _ in }
    ) throws -> [Float] {
        for name in scenes[0].reference.keys { try executable.write(name, scenes.flatMap { $0.reference[name] ?? [] }) }
        for name in scenes[0].frames[0].conditions.keys {
            try executable.write(
                name, zip(scenes, frames).flatMap { scene, own in own.flatMap { scene.frames[$0].conditions[name] ?? [] } })
        }
        try executable.run(.reference)
        let elements = count * scenes[0].frames[0].target.count
        var sample = (0..<elements).map { _ in random.normal() }
        for (index, level) in levels.enumerated() {
            try executable.write("timesteps", [Float](repeating: Float(level), count: count))
            try executable.write("sample", sample)
            try executable.run(.step)
            let estimate = try executable.read("prediction")
            each(estimate)
            guard index + 1 < levels.count else { return estimate }
            let (signal, noise) = schedule.noising(levels[index + 1])
            for element in sample.indices { sample[element] = signal * estimate[element] + noise * random.normal() }
        }
        return sample
    }
}
