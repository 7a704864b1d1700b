import Foundation
import RainAnimation
import RainCPU
import RainFiles
import RainGraph
import RainModels
import Synchronization
import Testing

@testable import RainTraining

/// A network of two levels over pictures of 64 pixels.
private let tiny: ModelConfiguration = {
    var unet = UNetConfiguration()
    unet.inChannels = 6
    unet.outChannels = 6
    unet.blockOutChannels = [16, 24]
    unet.layersPerBlock = 1
    unet.downAttention = [true, true]
    unet.upAttention = [true, true]
    unet.normGroups = 4
    unet.attentionHeads = [2, 2]
    unet.crossAttentionChannels = nil
    unet.feedForwardMultiplier = 2
    unet.positions = [8, 8]
    unet.prediction = .sample
    var denoising = unet
    var motion = MotionConfiguration(heads: [2, 2])
    motion.attentionBlocks = 1
    motion.normGroups = 4
    denoising.motion = motion
    var patch = PatchAutoencoder()
    patch.latentChannels = 6
    patch.encoderChannels = [8, 12]
    patch.decoderChannels = [12, 8, 8]
    return ModelConfiguration(
        name: "tiny", imageSize: 64, latentSize: 8, latentChannels: 6, referenceUNet: unet, denoisingUNet: denoising,
        poseGuider: PoseGuider(embeddingChannels: 16, blockOutChannels: [8, 16], patchSize: 2),
        posePicture: .init(size: 32, discRadius: 1, bodyDiscRadius: 1.5), autoencoder: .patch(patch),
        scheduler: NoiseSchedule.Configuration(prediction: .sample), window: .init(framesPerGroup: 2, levels: 4))
}()

private func recipe(_ steps: Int) -> TrainingRecipe {
    var recipe = TrainingRecipe()
    recipe.clipFrames = 12
    recipe.autoencoder = .init(steps: steps, characters: 4, frames: 1, learningRate: 1e-3)
    recipe.frames = .init(steps: steps, characters: 4, frames: 2, learningRate: 2e-3, ownPredictions: 0.5)
    recipe.clips = .init(steps: steps, characters: 2, frames: 8, learningRate: 1e-3, ownPredictions: 0.5)
    return recipe
}

private func temporaryFolder() -> String { FileManager.default.temporaryDirectory.path + "/rain-training-\(UUID().uuidString)" }

@Suite struct TrainerTests {
    @Test func trainsEveryStageAndWritesAModelThatLoads() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let losses = Mutex<[String: [Float]]>([:])
        let run = try TrainingRun(folder: folder) { progress in
            losses.withLock { $0[progress.stage, default: []].append(progress.loss) }
        }
        try Trainer(model: tiny, recipe: recipe(3), run: run).train(engine: CPUEngine(threads: 2))
        for stage in ["autoencoder", "frames", "clips"] {
            let values = losses.withLock { $0[stage] ?? [] }
            #expect(!values.isEmpty && values.allSatisfy { $0.isFinite && $0 > 0 }, "\(stage): \(values)")
        }
        for file in ["autoencoder.png", "sample.png", "losses.png", "losses.tsv"] {
            #expect(FileManager.default.fileExists(atPath: folder + "/" + file), "\(file) is missing")
        }
        let table = try String(contentsOfFile: folder + "/losses.tsv", encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
        #expect(table[0].last == "held_out_loss" && table.allSatisfy { $0.count == 7 }, "\(table)")
        // The last row of every stage has one.
        for stage in ["autoencoder", "frames", "clips"] {
            let last = table.last { $0[0] == stage }
            let (loss, heldOut) = (try #require(Float(last?[2] ?? "")), try #require(Float(last?[6] ?? "")))
            #expect(heldOut > 0 && heldOut.isFinite && heldOut != loss, "\(stage)")
        }
        let notes = try String(contentsOfFile: folder + "/notes.txt", encoding: .utf8)
        #expect(notes.contains("clips 3: streamed PSNR"), "\(notes)")
        let model = try AnimationModel(path: folder + "/tiny")
        #expect(model.configuration == tiny)
    }

    @Test func learns() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try TrainingRun(folder: folder) { _ in }
        let trainer = try Trainer(model: tiny, recipe: recipe(60), run: run)
        let engine = CPUEngine(threads: 2)
        try trainer.train([.autoencoder], engine: engine)
        let step = try TrainingStep(.frames, of: tiny, recipe: recipe(60))
        // The same batch again and again must be learnt by heart.
        let executable = try engine.compileForTraining(step.program)
        try executable.load(step.initialValue)
        for (input, type, _) in step.program.graph.inputs {
            var random = TrainingRandom(seed: 3, stream: input)
            try executable.write(input, (0..<type.shape.count).map { _ in input == "weight" ? 1 : random.uniform() })
        }
        var losses: [Float] = []
        for step in 0..<40 {
            try executable.run(.step)
            losses.append(try executable.read("loss")[0])
            _ = try executable.update(AdamW(learningRate: 5e-3, step: step + 1))
        }
        #expect(losses[39] < 0.7 * losses[0], "from \(losses[0]) to \(losses[39])")
    }

    /// With the model's own predictions, which are remembered from step to step.
    @Test func aResumedRunEndsAsAnUninterruptedOne() throws {
        let (whole, parted) = (temporaryFolder(), temporaryFolder())
        defer { for folder in [whole, parted] { try? FileManager.default.removeItem(atPath: folder) } }
        let engine = CPUEngine(threads: 2)
        let stages: [Trainer.Stage] = [.autoencoder, .frames, .clips]
        let uninterrupted = try TrainingRun(folder: whole) { _ in }
        try Trainer(model: tiny, recipe: recipe(6), run: uninterrupted).train(stages, engine: engine)

        // Interrupted once in each stage: after three steps, when frames and windows have met their own predictions.
        let calls = Mutex(0)
        let interrupted = try TrainingRun(
            folder: parted,
            isInterrupted: {
                calls.withLock {
                    $0 += 1
                    return $0 % 6 == 3
                }
            }, report: { _ in })
        for stage in stages {
            let trainer = try Trainer(model: tiny, recipe: recipe(6), run: interrupted)
            #expect(throws: CancellationError.self) { try trainer.train([stage], engine: engine) }
            try trainer.train([stage], engine: engine)
            let (expected, found) = try (uninterrupted.averages(of: stage.rawValue), interrupted.averages(of: stage.rawValue))
            #expect(expected == found, "\(stage)")
        }
    }

    /// Untrained, characters that are trained on and those that are not are alike; what is measured is the same each time.
    @Test func heldOutCharactersAreLikeOthers() throws {
        var heldOut: [[Float]] = []
        for _ in 0..<2 {
            let folder = temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let found = Mutex<[TrainingProgress]>([])
            let run = try TrainingRun(folder: folder) { progress in found.withLock { $0.append(progress) } }
            try Trainer(model: tiny, recipe: recipe(2), run: run).train([.autoencoder, .frames], engine: CPUEngine(threads: 2))
            for progress in found.withLock({ $0 }) {
                let loss = try #require(progress.heldOutLoss)
                #expect(loss / progress.loss > 0.5 && loss / progress.loss < 2, "\(progress)")
            }
            heldOut.append(found.withLock { $0.compactMap(\.heldOutLoss) })
        }
        #expect(heldOut[0].count == 2 && heldOut[0] == heldOut[1])
    }

    /// The table of a run that was begun without held-out losses gets their column.
    @Test func olderTablesGoOn() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try TrainingRun(folder: folder) { _ in }
        let old = "stage\tstep\tloss\tnorm\tlearning_rate\tpictures_per_second\nautoencoder\t1\t0.5\t1\t1\t1\n"
        try Data(old.utf8).write(to: URL(fileURLWithPath: folder + "/losses.tsv"))
        try Trainer(model: tiny, recipe: recipe(1), run: run).train([.autoencoder], engine: CPUEngine(threads: 1))
        let lines = try String(contentsOfFile: folder + "/losses.tsv", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3 && lines[0].hasSuffix("held_out_loss") && lines[1] == "autoencoder\t1\t0.5\t1\t1\t1")
        #expect(FileManager.default.fileExists(atPath: folder + "/losses.png"))
    }

    @Test func aFolderIsOneRuns() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try TrainingRun(folder: folder) { _ in }
        let other = try FolderLock(folder)
        let error = #expect(throws: TrainingError.self) {
            try Trainer(model: tiny, recipe: recipe(1), run: run).train([.autoencoder], engine: CPUEngine(threads: 1))
        }
        #expect(error?.description.contains("another program trains into it") == true)
        #expect(!FileManager.default.fileExists(atPath: folder + "/autoencoder.safetensors"))
        withExtendedLifetime(other) {}
    }

    @Test func refusesACheckpointOfAnotherRecipe() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try TrainingRun(folder: folder) { _ in }
        try Trainer(model: tiny, recipe: recipe(1), run: run).train([.autoencoder], engine: CPUEngine(threads: 1))
        var other = recipe(1)
        other.seed = 2
        let error = #expect(throws: TrainingError.self) {
            try Trainer(model: tiny, recipe: other, run: run).train([.autoencoder], engine: CPUEngine(threads: 1))
        }
        #expect(error?.description.contains("autoencoder.safetensors") == true)
    }

    @Test func missingStageIsNamed() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try TrainingRun(folder: folder) { _ in }
        let error = #expect(throws: TrainingError.self) {
            try Trainer(model: tiny, recipe: recipe(1), run: run).train([.frames], engine: CPUEngine(threads: 1))
        }
        #expect(error?.description.contains("autoencoder") == true)
    }

    @Test func learningRateWarmsUpAndDecays() {
        let stage = TrainingRecipe.Stage(steps: 1000, characters: 1, frames: 1, learningRate: 1, finalFraction: 0.1)
        #expect(TrainingRun.learningRate(stage, 0) < 0.02)
        #expect(TrainingRun.learningRate(stage, 99) > 0.95)
        #expect(abs(TrainingRun.learningRate(stage, 500) - 0.55) < 0.01)
        #expect(abs(TrainingRun.learningRate(stage, 999) - 0.1) < 0.01)
    }
}

@Suite struct PrincipalComponentsTests {
    /// Points on a line with a little noise across it: the first component is the line.
    @Test func findTheDirectionOfGreatestVariance() {
        var random = TrainingRandom(seed: 1, stream: "line")
        let direction: [Float] = [0.6, 0.8, 0]
        let vectors = (0..<2000).flatMap { _ in
            let along = 3 * random.normal()
            return direction.map { 1 + along * $0 + 0.1 * random.normal() }
        }
        let found = PrincipalComponents(vectors: vectors, width: 3, count: 2)
        let overlap = zip(found.components[0], direction).reduce(0) { $0 + $1.0 * Double($1.1) }
        #expect(abs(abs(overlap) - 1) < 1e-3)
        #expect(abs(found.deviations[0] - 3) < 0.2)
        #expect(abs(found.deviations[1] - 0.1) < 0.02)
        #expect(found.mean.allSatisfy { abs($0 - 1) < 0.3 })
    }
}

@Suite struct TrainingRandomTests {
    @Test func streamsAreRepeatableAndDiffer() {
        var a = TrainingRandom(seed: 1, stream: "a", step: 5)
        var again = TrainingRandom(seed: 1, stream: "a", step: 5)
        var b = TrainingRandom(seed: 1, stream: "b", step: 5)
        let values = (0..<8).map { _ in a.next() }
        #expect(values == (0..<8).map { _ in again.next() })
        #expect(values != (0..<8).map { _ in b.next() })
    }

    @Test func normalsHaveUnitVariance() {
        var random = TrainingRandom(seed: 9, stream: "normal")
        let values = (0..<20_000).map { _ in Double(random.normal()) }
        let mean = values.reduce(0, +) / 20_000
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
    }
}

@Suite struct TrainingGraphTests {
    /// All of a training step happens in the step stage: what waited for another stage would see the first step's inputs for ever.
    @Test(arguments: [true, false])
    func nothingWaitsForAReferenceToBeFused(referencePose: Bool) throws {
        var model = tiny
        model.referencePose = referencePose
        for stage in [Trainer.Stage.autoencoder, .frames, .clips] {
            let program = try TrainingStep(stage, of: model, recipe: recipe(1)).program
            #expect(!program.gradients.isEmpty, "\(stage)")
            #expect(program.stages[.reference, default: []].isEmpty, "\(stage)")
            #expect(program.graph.inputs.allSatisfy { $0.lifetime == .step }, "\(stage)")
        }
    }
}

@Suite struct WindowTests {
    /// Three of four steps are for the main window, the others take turns; turns of every window count without gaps.
    @Test func everyWindowGetsItsTurns() {
        var turns = [Int](repeating: 0, count: 4)
        for step in 0..<240 {
            let (window, turn) = DenoiserStage.place(of: step, windows: 4)
            #expect(turn == turns[window])
            turns[window] += 1
        }
        #expect(turns == [180, 20, 20, 20])
        #expect(DenoiserStage.place(of: 17, windows: 1) == (0, 17))
    }

    @Test func theMainWindowSlidesOverItsOwnPredictions() throws {
        let scenes = LatentScenes(
            encoder: try CPUEngine(threads: 1).loadedEncoder(), batch: 4, pictureSize: 64, painter: tiny.posePainter, latentSize: 8,
            referencePose: true)
        let stage = DenoiserStage(kind: .clips, model: tiny, recipe: recipe(1), scenes: scenes, lossWeights: [1, 1, 1, 1, 1, 1])
        let window = try #require(stage.windows().first)
        #expect(window.frames == 8)
        let first = stage.clip(window, slot: 0, turn: 0)
        let second = stage.clip(window, slot: 0, turn: 1)
        #expect(first.known == 0 && first.frames == Array(0..<8) && first.levels == [0, 0, 1, 1, 2, 2, 3, 3])
        #expect(second.scene == first.scene && second.frames == Array(2..<10) && second.known == 6 && second.offset == 2)
        // Twelve frames make three windows of eight; then comes another character.
        #expect(stage.clip(window, slot: 0, turn: 3).scene != first.scene)
        let drawn = try scenes([first.scene, stage.clip(window, slot: 1, turn: 0).scene])
        #expect(drawn.map(\.frames.count) == [12, 12] && drawn[0].frames[0].target != drawn[1].frames[0].target)
        // Beginnings have the noisiest levels, endings the cleanest.
        #expect(stage.windows().map(\.levels).contains([3]) && stage.windows().map(\.levels).contains([0]))
    }
}

extension CPUEngine {
    /// The tiny auto-encoder's encoder with first values.
    fileprivate func loadedEncoder() throws -> any Executable {
        var autoencoder = PatchAutoencoder()
        autoencoder.latentChannels = 6
        autoencoder.encoderChannels = [8, 12]
        autoencoder.decoderChannels = [12, 8, 8]
        let encoder = try compile(TrainingGraphs.encoder(autoencoder, count: 4, size: 64, normalized: false))
        try encoder.load { name, shape in ParameterInitialization.values(name, shape, seed: 1) }
        return encoder
    }
}
