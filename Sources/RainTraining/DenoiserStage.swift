import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Trains reference network, pose guider and denoiser on latents: first on single frames, then on clips with the noise levels in
/// the staircase of the stream.
///
/// The batch is itself a stream: every slot holds a character whose frames go down the noise levels step by step, and a lower
/// level often starts from the model's own re-noised prediction, as it will when the model is used.
struct DenoiserStage {
    enum Kind: String {
        /// Motion modules left out; the frames of a slot share a level.
        case frames
        /// The whole window: groups of frames at all levels, cleanest first, which slides on by one group per step.
        case clips
    }

    let kind: Kind
    let model: ModelConfiguration
    let recipe: TrainingRecipe
    let pool: LatentPool
    /// How much each latent channel counts in the loss.
    let channelWeights: [Float]

    private var stage: TrainingRecipe.Stage { kind == .frames ? recipe.frames : recipe.clips }

    /// What a slot of the batch shows at one step.
    struct Assignment: Equatable {
        let character: Int
        /// Frames of the pool, in the order of the window.
        let frames: [Int]
        /// Index of the noise level of every frame, 0 the cleanest.
        let levels: [Int]
        /// How many of the slot's latest predictions are about the first frames, the rest being new.
        let known: Int
        /// Where in the slot's previous window those frames began.
        let offset: Int
    }

    /// A slot's character and frames at a step: a function of both alone, so that a resumed run sees what it would have seen.
    ///
    /// - `frames`: a character stays for one step per level, going down them; slots are out of phase, so that every step trains every
    ///   level.
    /// - `clips`: the window slides over the motion by one group per step.
    func assignment(slot: Int, step: Int, levels: Int) -> Assignment {
        let count = stage.frames
        switch kind {
        case .frames:
            let turn = step + slot
            var random = TrainingRandom(seed: recipe.seed, stream: "frames slot \(slot)", step: turn / levels)
            let character = random.index(below: pool.count)
            // One frame out of each part of the motion, so that they differ.
            let length = pool.frames / count
            let frames = (0..<count).map { $0 * length + random.index(below: length) }
            let level = levels - 1 - turn % levels
            return Assignment(
                character: character, frames: frames, levels: [Int](repeating: level, count: count),
                known: level < levels - 1 ? count : 0, offset: 0)
        case .clips:
            let perGroup = count / levels
            let places = (pool.frames - count) / perGroup + 1
            let turn = step + slot
            var random = TrainingRandom(seed: recipe.seed, stream: "clips slot \(slot)", step: turn / places)
            let character = random.index(below: pool.count)
            let start = (turn % places) * perGroup
            return Assignment(
                character: character, frames: (0..<count).map { start + $0 }, levels: (0..<count).map { $0 / perGroup },
                known: start > 0 ? count - perGroup : 0, offset: perGroup)
        }
    }

    func run(_ run: TrainingRun, engine: some Engine, key: String, initial: [String: [Float]], probe: DenoiserProbe?) throws {
        let schedule = try NoiseSchedule(model.scheduler)
        let levels = try Array(schedule.timesteps(model.window.levels).reversed())  // clean to noisy
        let perGroup = kind == .clips ? model.window.framesPerGroup : 1
        let clipTimesteps = levels.flatMap { [Float](repeating: Float($0), count: perGroup) }
        guard kind == .frames || stage.frames == clipTimesteps.count else {
            throw TrainingError("clips.frames: expected the window's \(clipTimesteps.count), found \(stage.frames)")
        }
        let shape = TrainingGraphs.Shape(
            characters: stage.characters, frames: stage.frames, motion: kind == .clips, timesteps: kind == .clips ? clipTimesteps : nil)
        let program = try TrainingGraphs.denoiser(model, shape, channelWeights: channelWeights)
        guard let executable = try engine.prepare(program) as? any TrainableExecutable else {
            throw TrainingError("the engine '\(engine.name)' cannot train")
        }
        try executable.load { name, shape in initial[name] ?? ParameterInitialization.values(name, shape, seed: recipe.seed) }

        var batch = Batch(self, schedule: schedule, levels: levels)
        try run.train(
            kind.rawValue, stage, executable, key: key,
            batch: { step in try batch.fill(executable, step: step) },
            learned: { _ in try batch.learn(executable) },
            sample: { step in try probe?.sample(run, executable.averages(), label: "\(kind.rawValue) \(step)") })
    }

    /// The slots and the memory of one step's inputs.
    private struct Batch {
        let stage: DenoiserStage
        let schedule: NoiseSchedule
        let levels: [Int]
        let painter: PosePainter
        let size: Int
        let latentCount: Int
        /// The latest predictions of each slot's frames; empty before the first step.
        var predictions: [[[Float]]]
        var sample, target, weight, pose, referenceLatents, referencePose, timesteps: [Float]

        init(_ stage: DenoiserStage, schedule: NoiseSchedule, levels: [Int]) {
            self.stage = stage
            self.schedule = schedule
            self.levels = levels
            let model = stage.model
            size = model.latentSize
            painter = model.posePainter
            latentCount = size * size * model.latentChannels
            let (b, n) = (stage.stage.characters, stage.stage.characters * stage.stage.frames)
            predictions = [[[Float]]](repeating: [], count: b)
            sample = [Float](repeating: 0, count: n * latentCount)
            target = sample
            weight = [Float](repeating: 0, count: n * size * size)
            pose = [Float](repeating: 0, count: n * painter.count)
            referenceLatents = [Float](repeating: 0, count: b * latentCount)
            referencePose = [Float](repeating: 0, count: b * painter.count)
            timesteps = [Float](repeating: 0, count: n)
        }

        mutating func fill(_ executable: any Executable, step: Int) throws {
            var random = TrainingRandom(seed: stage.recipe.seed, stream: stage.kind.rawValue, step: step)
            let frames = stage.stage.frames
            for slot in predictions.indices {
                let assignment = stage.assignment(slot: slot, step: step, levels: levels.count)
                stage.pool.copyLatents(assignment.character, -1, to: &referenceLatents, at: slot * latentCount)
                painter.paint(stage.pool.landmarks(assignment.character, -1), into: &referencePose, offset: slot * painter.count)
                for position in 0..<frames {
                    let index = slot * frames + position
                    let landmarks = stage.pool.landmarks(assignment.character, assignment.frames[position])
                    painter.paint(landmarks, into: &pose, offset: index * painter.count)
                    emphasise(landmarks, index)
                    let offset = index * latentCount
                    stage.pool.copyLatents(assignment.character, assignment.frames[position], to: &target, at: offset)
                    let isKnown = position < assignment.known && !predictions[slot].isEmpty
                    let useOwn = isKnown && random.uniform() < stage.stage.ownPredictions
                    let timestep = levels[assignment.levels[position]]
                    timesteps[index] = Float(timestep)
                    let (signal, noise) = schedule.noising(timestep)
                    for element in 0..<latentCount {
                        let clean = useOwn ? predictions[slot][assignment.offset + position][element] : target[offset + element]
                        sample[offset + element] = signal * clean + noise * random.normal()
                    }
                }
            }
            try executable.write("sample", sample)
            try executable.write("target", target)
            try executable.write("weight", weight)
            try executable.write("pose", pose)
            try executable.write("reference_latents", referenceLatents)
            if stage.model.referencePose { try executable.write("reference_pose", referencePose) }
            if stage.kind == .frames { try executable.write("timesteps", timesteps) }
        }

        /// Remembers what the model made of each frame, for the next level.
        mutating func learn(_ executable: any Executable) throws {
            let frames = stage.stage.frames
            try executable.read("prediction") { span in
                for slot in predictions.indices {
                    predictions[slot] = (0..<frames).map { position in
                        let offset = (slot * frames + position) * latentCount
                        var values = [Float](repeating: 0, count: latentCount)
                        for element in 0..<latentCount { values[element] = span[offset + element] }
                        return values
                    }
                }
            }
        }

        /// Positions near landmarks of the face count more: that is where people look.
        private mutating func emphasise(_ landmarks: LandmarkFrame, _ index: Int) {
            let offset = index * size * size
            for cell in 0..<(size * size) { weight[offset + cell] = 1 }
            for point in landmarks.points {
                let column = Int((point.x * Float(size)).rounded(.down))
                let row = Int((point.y * Float(size)).rounded(.down))
                guard (0..<size).contains(row), (0..<size).contains(column) else { continue }
                weight[offset + row * size + column] = 2.5
            }
        }
    }
}
