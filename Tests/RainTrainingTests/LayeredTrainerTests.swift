import Foundation
import RainAnimation
import RainCPU
import RainGraph
import RainModels
import RainPictures
import RainPose
import RainTesting
import Synchronization
import Testing

@testable import RainTraining

@Suite struct LayeredTrainerTests {
    private static func recipe(_ steps: Int) -> LayeredRecipe {
        var recipe = LayeredRecipe()
        recipe.measuredScenes = 6
        recipe.landmarks = .init(steps: steps, characters: 4, frames: 1, learningRate: 1e-3)
        recipe.crop = .init(steps: steps, characters: 4, frames: 1, learningRate: 1e-3)
        recipe.frames = .init(steps: steps, characters: 3, frames: 2, learningRate: 1e-3, ownPredictions: 0.5)
        recipe.layers = .init(steps: steps, characters: 2, frames: 1, learningRate: 1e-3)
        recipe.gate = .init(steps: steps, characters: 2, frames: 2, learningRate: 1e-3)
        recipe.clips = .init(steps: steps, characters: 1, frames: 16, learningRate: 1e-3, ownPredictions: 0.5)
        return recipe
    }

    @Test func trainsStagesAndWritesAModelThatStreams() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/rain-layered-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let losses = Mutex<[String: [Float]]>([:])
        let run = try TrainingRun(folder: folder) { progress in
            losses.withLock { $0[progress.stage, default: []].append(progress.loss) }
        }
        let stages = LayeredTrainer.Stage.allCases
        let engine = CPUEngine(threads: 2)
        try LayeredTrainer(model: TinyModel.layered, recipe: Self.recipe(3), run: run).train(stages, engine: engine)
        for stage in ["landmarks", "crop", "frames", "layers", "gate", "clips"] {
            let values = losses.withLock { $0[stage] ?? [] }
            #expect(!values.isEmpty && values.allSatisfy { $0.isFinite && $0 > 0 }, "\(stage): \(values)")
        }
        for file in ["crop.png", "layers.png", "gate.png", "losses.png"] {
            #expect(FileManager.default.fileExists(atPath: folder + "/" + file), "\(file) is missing")
        }
        let table = try String(contentsOfFile: folder + "/losses.tsv", encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
        for stage in ["landmarks", "crop", "frames", "layers", "gate", "clips"] {
            let last = table.last { $0[0] == stage }
            let heldOut = try #require(Float(last?[6] ?? ""))
            #expect(heldOut > 0 && heldOut.isFinite, "\(stage): \(heldOut)")
        }
        let notes = try String(contentsOfFile: folder + "/notes.txt", encoding: .utf8)
        #expect(notes.contains("residual 0") && notes.contains("energy left"), "\(notes)")
        let model = try AnimationModel(path: folder + "/tiny-layered")
        let batch = try StreamBatch(model: model, engine: engine, schedule: StreamSchedule(window: "1x1"))
        try batch.fuse(reference: TinyModel.reference)
        #expect(try batch.push([TinyModel.driving(1)]).count == 1)

        // Complete stages are not trained again.
        let counted = losses.withLock { $0.values.reduce(0) { $0 + $1.count } }
        try LayeredTrainer(model: TinyModel.layered, recipe: Self.recipe(3), run: run).train([.crop, .layers], engine: engine)
        #expect(losses.withLock { $0.values.reduce(0) { $0 + $1.count } } == counted)
    }

    @Test func impossibleRecipesAreRefused() throws {
        let run = try TrainingRun(folder: FileManager.default.temporaryDirectory.path) { _ in }
        func refusal(_ change: (inout LayeredRecipe) -> Void) -> String {
            var recipe = Self.recipe(1)
            change(&recipe)
            do {
                _ = try LayeredTrainer(model: TinyModel.layered, recipe: recipe, run: run)
                return ""
            } catch {
                return "\(error)"
            }
        }
        let sound = refusal { _ in }
        #expect(sound.isEmpty, "\(sound)")
        for (expected, change) in [
            ("crop.characters: expected 1 to 4096, found 0", { $0.crop.characters = 0 }),
            ("gate.learningRate: expected between 0 and 1, found nan", { $0.gate.learningRate = .nan }),
            ("clips.frames: expected the frames of the model's window, 16, found 3", { $0.clips.frames = 3 }),
            ("measuredScenes: expected 1 to 100000, found 0", { $0.measuredScenes = 0 }),
        ] as [(String, (inout LayeredRecipe) -> Void)] {
            let found = refusal(change)
            #expect(found.contains(expected), "\(found)")
        }
        #expect(throws: AnimationError.self) { try LayeredTrainer(model: TinyModel.configuration, recipe: Self.recipe(1), run: run) }
    }

    /// Where nothing is diffused the picture is that of the driven layers.
    @Test func nothingDiffusedChangesNothing() throws {
        let configuration = TinyModel.layered
        let graph = try #require(LayeredGraph(configuration))
        let g = GraphBuilder()
        let composed = try graph.composed(
            g, residual: g.input("residual", graph.latentShape(1)), guideLatents: g.input("guide", graph.latentShape(1)),
            layers: g.input("layers", graph.layerShape(1, side: 32)), movement: .init(g, frames: 1),
            meshes: g.input("meshes", GuideMeshes.shape(frames: 1)),
            laid: g.input("laid", [1, 2, 2, 2]))
        g.output("pictures", composed.drawn)
        g.output("warped", try composed.warped.covered(composed.warped.under))
        let executable = try Interpreter().compile(Program(g.graph()))
        try executable.load { name, shape in
            let fresh = try configuration.randomParameters(seed: 3)(name, shape)
            return name.contains("out.") && name.hasPrefix("face_gate.") ? fresh.map { _ in 0 } : fresh
        }
        let geometry = try #require(GuideGeometry(reference: .neutral))
        let still = geometry(.neutral)
        var random = TrainingRandom(seed: 1, stream: "layers")
        try executable.write("layers", (0..<(6 * 32 * 32 * 4)).map { $0 % 4 == 3 && $0 < 4096 ? 1 : 0.4 * random.uniform() })
        try executable.write("meshes", GuideMeshes.joined([still.meshes]))
        try executable.write("crop_meshes", GuideMeshes.joined([still.cropMeshes]))
        try executable.write("bend", still.bend)
        try executable.write("laid", still.laid)
        try executable.write("guide", (0..<graph.latentShape(1).count).map { _ in random.normal() })
        try executable.run(.reference)
        try executable.run(.step)
        // Nothing is diffused: nothing has changed.
        let pairs = zip(try executable.read("pictures"), try executable.read("warped"))
        #expect(pairs.allSatisfy { abs($0 - $1) < 1e-5 })
    }

    /// Errors count where the reference has a face: in the middle of the crop, and not all over it.
    @Test func whereTheFaceIs() {
        var corners: Float = 0
        for index in 0..<8 {
            let scene = LayeredScene(LayeredScene.validationRequest(index, frames: 1), size: 64, jitters: false)
            let coverage = scene.faceCoverage(side: 8)
            #expect(coverage.count == 64 && coverage.allSatisfy { (0...1.001).contains($0) })
            #expect(coverage[3 * 8 + 3] > 0.9 && coverage[4 * 8 + 4] > 0.9, "character \(index)")
            corners += coverage[0] + coverage[7] + coverage[56] + coverage[63]
        }
        #expect(corners < 16, "\(corners)")
    }

    /// Training for longer, or another gate, is no other run.
    @Test func whatCheckpointsBelongTo() throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: place) }
        let run = try TrainingRun(folder: place) { _ in }
        func key(_ stage: LayeredTrainer.Stage, _ change: (inout LayeredRecipe, inout ModelConfiguration) -> Void = { _, _ in }) throws
            -> String
        {
            var (recipe, model) = (LayeredRecipe(), TinyModel.layered)
            change(&recipe, &model)
            return try LayeredTrainer(model: model, recipe: recipe, run: run).key(stage, [.crop])
        }
        let (frames, gate) = (try key(.frames), try key(.gate))
        let longer = try key(.frames) { recipe, model in
            (recipe.frames.steps, recipe.crop.steps) = (7, 8)
            model.layeredGuide?.gate.channels = 8
        }
        #expect(longer == frames)
        let others = [
            gate, try key(.frames) { recipe, _ in recipe.crop.learningRate = 0.1 }, try key(.frames) { recipe, _ in recipe.seed = 2 },
            try key(.gate) { _, model in model.layeredGuide?.gate.channels = 8 },
        ]
        #expect(Set(others + [frames]).count == 5)
    }

    @Test func masksReachWhereOthersHideThem() {
        let back = LayerPicture(Picture(width: 4, height: 4, red: 255))
        let empty = LayerPicture(width: 4, height: 4)
        var half = empty
        for pixel in 0..<8 { (half.bytes[pixel * 4 + 2], half.bytes[pixel * 4 + 3]) = (51, 51) }
        let masks = LayerStage.masks([back, half, empty, back])
        #expect(masks.count == 48)
        let (first, last) = (Array(masks[0..<3]), Array(masks[45..<48]))
        #expect(abs(first[0] - 0.2) < 1e-6 && first[1] == 0 && first[2] == 1 && last == [0, 0, 1], "\(first) \(last)")
    }
}
