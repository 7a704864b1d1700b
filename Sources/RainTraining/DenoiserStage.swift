import RainAnimation
import RainCheckpoints
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
    let scenes: any LatentSceneMaking
    /// How much each channel of the latents, or each channel at each position, counts in the loss.
    let lossWeights: [Float]

    private var stage: TrainingRecipe.Stage { kind == .frames ? recipe.frames : recipe.clips }

    /// The frames a step trains on, for each character.
    struct Window: Equatable {
        var characters: Int
        var framesPerGroup: Int
        /// Indices of the noise levels of its groups, cleanest (0) first; for `frames` all levels there are.
        var levels: [Int]
        /// Whether it moves on by a group per step and meets its own predictions; otherwise every step shows other characters.
        var slides: Bool
        var frames: Int { framesPerGroup * levels.count }
    }

    /// The window of most steps, then those of a quarter of the steps: the stream's beginning and end, where only the noisiest or the
    /// cleanest groups are present, and single frames per level, the window of low latency.
    func windows() -> [Window] {
        let levels = Array(0..<model.window.levels)
        let perGroup = model.window.framesPerGroup
        let main = Window(characters: stage.characters, framesPerGroup: perGroup, levels: levels, slides: true)
        func characters(_ frames: Int) -> Int { max(1, stage.characters * main.frames / frames * 3 / 4) }
        let parts = (1..<levels.count).flatMap { count in
            [Array(levels.suffix(count)), Array(levels.prefix(count))].map {
                Window(characters: characters(count * perGroup), framesPerGroup: perGroup, levels: $0, slides: false)
            }
        }
        return [main] + parts
            + (perGroup > 1 ? [Window(characters: characters(levels.count), framesPerGroup: 1, levels: levels, slides: true)] : [])
    }

    /// What a slot of the batch shows at one step.
    struct Assignment: Equatable {
        var scene: WorldScene.Request
        /// Frames of the scene, in the order of the window.
        let frames: [Int]
        /// Index of the noise level of every frame, 0 the cleanest.
        let levels: [Int]
        /// How many of the slot's latest predictions are about the first frames, the rest being new.
        let known: Int
        /// Where in the slot's previous window those frames began.
        let offset: Int
    }

    /// A slot's character and single frames at a step: a function of both alone, so that a resumed run sees the characters it would have
    /// seen. A character stays for one step per level, going down them; slots are out of phase, so that every step trains every level.
    func singleFrames(slot: Int, step: Int) -> Assignment {
        let (count, levels) = (stage.frames, model.window.levels)
        let turn = step + slot
        // Drawing a character takes longer than a step: most turns show one that the slot has shown before.
        let round = turn / levels
        var random = TrainingRandom(seed: recipe.seed, stream: "frames turn of slot \(slot)", step: round)
        let (newest, every) = (round / recipe.freshEvery, recipe.freshEvery)
        let chosen = round % every == 0 ? newest : newest - random.index(below: min(newest + 1, Self.remembered))
        random = TrainingRandom(seed: recipe.seed, stream: "frames slot \(slot)", step: chosen)
        // Any two moments of half a minute: a motion's variety matters more than its order here.
        let scene = WorldScene.Request(
            seed: Self.trainingSeed(&random), times: (0..<count).map { _ in Double(random.uniform()) * 30 })
        let level = levels - 1 - turn % levels
        return Assignment(
            scene: scene, frames: Array(0..<count), levels: [Int](repeating: level, count: count), known: level < levels - 1 ? count : 0,
            offset: 0)
    }

    /// Characters of a slot that may be shown again.
    static let remembered = 24

    /// A character nobody else has: seeds below `WorldScene.validationSeed`.
    private static func trainingSeed(_ random: inout TrainingRandom) -> UInt64 { random.next() >> 32 }

    /// A slot's character and window at the `turn`-th step of that window.
    func clip(_ window: Window, slot: Int, turn: Int) -> Assignment {
        let perGroup = window.framesPerGroup
        let places = window.slides ? max(1, (recipe.clipFrames - window.frames) / perGroup + 1) : 1
        let turn = turn + slot
        let stream = "clips \(perGroup) \(window.levels) slot \(slot)"
        var random = TrainingRandom(seed: recipe.seed, stream: stream, step: turn / places)
        let scene = WorldScene.Request(
            seed: Self.trainingSeed(&random), from: Double(random.uniform()) * 30, count: window.frames + (places - 1) * perGroup)
        let start = (turn % places) * perGroup
        return Assignment(
            scene: scene, frames: (0..<window.frames).map { start + $0 }, levels: (0..<window.frames).map { window.levels[$0 / perGroup] },
            known: start > 0 ? window.frames - perGroup : 0, offset: perGroup)
    }

    /// - Parameter sample: shows what the averaged parameters make of characters never trained on
    func run(
        _ run: TrainingRun, engine: some TrainingEngine, key: String, initial: [String: [Float]],
        sample: (_ label: String, _ averages: [String: [Float]]) throws -> Void
    ) throws {
        let schedule = try NoiseSchedule(model.scheduler)
        let levels = try Array(schedule.timesteps(model.window.levels).reversed())  // clean to noisy
        var batches: [Batch] = []
        switch kind {
        case .frames:
            let window = Window(characters: stage.characters, framesPerGroup: stage.frames, levels: [0], slides: true)
            batches = [try Batch(self, window, schedule, levels, engine, sharing: nil)]
        case .clips:
            for window in windows() {
                batches.append(try Batch(self, window, schedule, levels, engine, sharing: batches.first?.executable))
            }
        }
        let main = batches[0].executable
        // All of them: what is trained is shared, what is frozen is not.
        for batch in batches {
            try batch.executable.load { name, shape in initial[name] ?? ParameterInitialization.values(name, shape, seed: recipe.seed) }
        }

        // Each keeps its characters, which are drawn once.
        var heldOut: [Batch] = []
        try run.train(
            kind.rawValue, stage, main, key: key,
            memory: (
                { batches.indices.flatMap { batches[$0].memory("predictions/\($0)") } },
                { checkpoint in for index in batches.indices { try batches[index].recall("predictions/\(index)", from: checkpoint) } }
            ),
            forward: { step in
                let (index, turn) = Self.place(of: step, windows: batches.count)
                try batches[index].fill(step: step, turn: turn)
                try batches[index].executable.run(.step)
                try batches[index].learn()
                return try batches[index].executable.read("loss")[0]
            },
            heldOut: {
                if heldOut.isEmpty {
                    heldOut = [Batch](repeating: batches[0].ofCharactersHeldOut, count: type(of: main).heldOutSteps)
                }
                return try main.heldOutLoss { try heldOut[$0].fill(step: $0, turn: $0) }
            },
            sample: { step in try sample("\(kind.rawValue) \(step)", main.averages()) })
    }

    /// Which window a step is for, and the how many-th of that window it is: every fourth step is for one of the others in turn.
    static func place(of step: Int, windows: Int) -> (window: Int, turn: Int) {
        guard windows > 1 else { return (0, step) }
        let round = step / 4
        return step % 4 == 3 ? (1 + round % (windows - 1), round / (windows - 1)) : (0, step - round)
    }

    /// The slots and the memory of one step's inputs.
    private struct Batch {
        let stage: DenoiserStage
        let window: Window
        let executable: any TrainableExecutable
        let schedule: NoiseSchedule
        let levels: [Int]
        let latentCount: Int
        let positions: Int
        /// Whether its characters are never trained on.
        private var isHeldOut = false
        /// What each slot shows now; empty before the first step.
        var scenes: [LatentScene] = []
        /// The latest predictions of each slot's frames; empty before the first step.
        var predictions: [[[Float]]]
        var sample, target, weight, timesteps: [Float]
        /// Inputs of frames, and of references, by name.
        var conditions: [String: [Float]] = [:]
        var references: [String: [Float]] = [:]

        init(
            _ stage: DenoiserStage, _ window: Window, _ schedule: NoiseSchedule, _ levels: [Int], _ engine: some TrainingEngine,
            sharing other: (any TrainableExecutable)?
        ) throws {
            self.stage = stage
            self.window = window
            self.schedule = schedule
            self.levels = levels
            let timesteps = window.levels.flatMap { [Float](repeating: Float(levels[$0]), count: window.framesPerGroup) }
            let shape = TrainingGraphs.Shape(
                characters: window.characters, frames: window.frames, motion: stage.kind == .clips,
                timesteps: stage.kind == .clips ? timesteps : nil)
            executable = try engine.compile(
                TrainingGraphs.denoiser(stage.model, shape, lossWeights: stage.lossWeights), sharing: other)
            positions = stage.model.latentSize * stage.model.latentSize
            latentCount = positions * stage.model.latentChannels
            let (b, n) = (window.characters, window.characters * window.frames)
            predictions = [[[Float]]](repeating: [], count: b)
            sample = [Float](repeating: 0, count: n * latentCount)
            target = sample
            weight = [Float](repeating: 0, count: n * positions)
            self.timesteps = [Float](repeating: 0, count: n)
        }

        /// The same for characters never trained on. Nothing is remembered of them, so that all of their levels start from the truth.
        var ofCharactersHeldOut: Batch {
            var batch = self
            batch.isHeldOut = true
            batch.scenes = []
            batch.predictions = [[[Float]]](repeating: [], count: predictions.count)
            return batch
        }

        mutating func fill(step: Int, turn: Int) throws {
            let stream = isHeldOut ? "held out" : stage.kind.rawValue
            var random = TrainingRandom(seed: stage.recipe.seed, stream: stream, step: step)
            let frames = window.frames
            let assignments = predictions.indices.map { slot in
                var assignment =
                    stage.kind == .frames ? stage.singleFrames(slot: slot, step: turn) : stage.clip(window, slot: slot, turn: turn)
                if isHeldOut { assignment.scene.seed += WorldScene.validationSeed }
                return assignment
            }
            try draw(assignments.map(\.scene))
            for (slot, assignment) in assignments.enumerated() {
                let scene = scenes[slot]
                Self.copy(scene.reference, to: &references, at: slot, of: window.characters)
                for position in 0..<frames {
                    let index = slot * frames + position
                    let frame = scene.frames[assignment.frames[position]]
                    Self.copy(frame.conditions, to: &conditions, at: index, of: window.characters * frames)
                    Self.copy(frame.weights, to: &weight, at: index * positions)
                    let offset = index * latentCount
                    Self.copy(frame.target, to: &target, at: offset)
                    let isKnown = position < assignment.known && !predictions[slot].isEmpty
                    // Drawn in any case, so that the noise does not depend on what is known.
                    let useOwn = random.uniform() < stage.stage.ownPredictions && isKnown
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
            for (name, values) in conditions { try executable.write(name, values) }
            for (name, values) in references { try executable.write(name, values) }
            if stage.kind == .frames { try executable.write("timesteps", timesteps) }
        }

        /// Draws the scenes of slots that show another one than before.
        private mutating func draw(_ wanted: [WorldScene.Request]) throws {
            let stale = wanted.indices.filter { scenes.isEmpty || scenes[$0].request != wanted[$0] }
            let drawn = try stage.scenes(stale.map { wanted[$0] })
            if scenes.isEmpty {
                scenes = drawn
            } else {
                for (slot, scene) in zip(stale, drawn) { scenes[slot] = scene }
            }
        }

        private static func copy(_ values: [Float], to target: inout [Float], at offset: Int) {
            target.replaceSubrange(offset..<(offset + values.count), with: values)
        }

        /// Puts named values at a place of `count` places side by side.
        private static func copy(_ values: [String: [Float]], to target: inout [String: [Float]], at place: Int, of count: Int) {
            for (name, own) in values {
                copy(own, to: &target[name, default: [Float](repeating: 0, count: own.count * count)], at: place * own.count)
            }
        }

        /// Remembers what the model made of each frame, for the next level.
        mutating func learn() throws {
            let frames = window.frames
            try executable.read("prediction") { (span: Span<Float>) in
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

        /// The latest predictions as a tensor, for a checkpoint; none before the first step.
        func memory(_ name: String) -> [SafetensorsWriter.Tensor] {
            let values = predictions.flatMap { $0.flatMap { $0 } }
            return values.isEmpty ? [] : [(name, [predictions.count, window.frames, latentCount], .float32, values)]
        }

        mutating func recall(_ name: String, from checkpoint: Checkpoint) throws {
            guard checkpoint.names.contains(name) else { return }
            let values = try checkpoint.floats(name, shape: [predictions.count, window.frames, latentCount])
            for slot in predictions.indices {
                predictions[slot] = (0..<window.frames).map { position in
                    let offset = (slot * window.frames + position) * latentCount
                    return Array(values[offset..<(offset + latentCount)])
                }
            }
        }
    }
}
