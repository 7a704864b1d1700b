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

    /// A character in training.
    private struct Slot {
        var character = -1
        /// Frames of the pool, in the order of the window.
        var frames: [Int] = []
        /// `frames`: the level all frames are at; counts down. `clips`: steps since the slot began.
        var phase = 0
        /// For every frame, the latest prediction; empty where there is none.
        var predictions: [[Float]] = []
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
            learned: { step in try batch.learn(executable, step: step) },
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
        var slots: [Slot]
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
            slots = [Slot](repeating: Slot(), count: b)
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
            for index in slots.indices {
                advance(index, step: step, &random)
                let slot = slots[index]
                stage.pool.copyLatents(slot.character, -1, to: &referenceLatents, at: index * latentCount)
                painter.paint(stage.pool.landmarks(slot.character, -1), into: &referencePose, offset: index * painter.count)
                for position in 0..<frames {
                    let sampleIndex = index * frames + position
                    let frame = slot.frames[position]
                    let level = stage.kind == .frames ? slot.phase : position / (frames / levels.count)
                    timesteps[sampleIndex] = Float(levels[level])
                    let landmarks = stage.pool.landmarks(slot.character, frame)
                    painter.paint(landmarks, into: &pose, offset: sampleIndex * painter.count)
                    emphasise(landmarks, sampleIndex)
                    let offset = sampleIndex * latentCount
                    stage.pool.copyLatents(slot.character, frame, to: &target, at: offset)
                    let own = slot.predictions[position]
                    let useOwn = !own.isEmpty && random.uniform() < stage.stage.ownPredictions
                    let (signal, noise) = schedule.noising(levels[level])
                    for element in 0..<latentCount {
                        let clean = useOwn ? own[element] : target[offset + element]
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
        mutating func learn(_ executable: any Executable, step: Int) throws {
            let frames = stage.stage.frames
            try executable.read("prediction") { span in
                for index in slots.indices {
                    for position in 0..<frames {
                        let offset = (index * frames + position) * latentCount
                        var values = [Float](repeating: 0, count: latentCount)
                        for element in 0..<latentCount { values[element] = span[offset + element] }
                        slots[index].predictions[position] = values
                    }
                }
            }
        }

        /// Takes a slot to its next level or window, or gives it a new character.
        private mutating func advance(_ index: Int, step: Int, _ random: inout TrainingRandom) {
            let frames = stage.stage.frames
            let pool = stage.pool
            switch stage.kind {
            case .frames:
                if slots[index].character >= 0, slots[index].phase > 0 {
                    slots[index].phase -= 1
                    return
                }
                let isFirst = slots[index].character < 0
                slots[index].character = random.index(below: pool.count)
                slots[index].frames = (0..<frames).map { part in
                    // One frame out of each part of the motion, so that they differ.
                    let length = pool.frames / frames
                    return part * length + random.index(below: length)
                }
                // Slots begin at all levels, so that every step trains every level.
                slots[index].phase = isFirst ? index % levels.count : levels.count - 1
                slots[index].predictions = [[Float]](repeating: [], count: frames)
            case .clips:
                let perGroup = frames / levels.count
                if slots[index].character >= 0, slots[index].frames[frames - 1] + perGroup < pool.frames {
                    slots[index].frames = slots[index].frames.map { $0 + perGroup }
                    slots[index].predictions = Array(slots[index].predictions.dropFirst(perGroup))
                    slots[index].predictions += [[Float]](repeating: [], count: perGroup)
                    return
                }
                let isFirst = slots[index].character < 0
                slots[index].character = random.index(below: pool.count)
                let places = (pool.frames - frames) / perGroup + 1
                let start = isFirst ? (index % places) * perGroup : 0
                slots[index].frames = (0..<frames).map { start + $0 }
                slots[index].predictions = [[Float]](repeating: [], count: frames)
            }
        }

        /// Positions near landmarks of the face count more: that is where people look.
        private mutating func emphasise(_ landmarks: LandmarkFrame, _ sampleIndex: Int) {
            let offset = sampleIndex * size * size
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
