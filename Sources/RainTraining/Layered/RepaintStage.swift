import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Trains the repainter on what the denoiser makes of drawn characters, half of whose references a trained layer network has cut.
///
/// Loss: L1 + 2·L2 + L1 of the differences to the right and lower neighbour, which keeps outlines sharp.
struct RepaintStage {
    static let name = "repaint"

    let model: ModelConfiguration
    let graph: LayeredGraph
    let recipe: LayeredRecipe
    /// Of all networks that are not trained here; the layer network may be missing.
    let parameters: [String: [Float]]

    /// Characters that steps are drawn from; the oldest give way.
    private static let poolSize = 48
    private static let framesPerScene = 4

    /// Inputs `layers`, `meshes`, `laid`, `guide_latents`, `residual`, `truth`.
    private func program(characters: Int, frames: Int) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let n = characters * frames
        let side = graph.guide.guideSize
        let layers = try g.input("layers", graph.layerShape(characters, side: side))
        let truth = try g.input("truth", [n, side, side, 3])
        let composed = try graph.composed(
            g, residual: g.input("residual", graph.latentShape(n)), guideLatents: g.input("guide_latents", graph.latentShape(n)),
            layers: layers, meshes: g.input("meshes", GuideMeshes.shape(frames: n)), laid: g.input("laid", [n, 2, 2, 2]))
        let pictures = try graph.painted(g, composed).colors()
        let error = try pictures.subtracting(truth)
        var loss = try error.unary(.absolute).meaned().adding(error.unary(.square).meaned().scaled(by: 2))
        for axis in 1...2 {
            let count = side - 1
            let slope = try error.sliced(axis: axis, start: 1, count: count).subtracting(error.sliced(axis: axis, start: 0, count: count))
            loss = try loss.adding(slope.unary(.absolute).meaned())
        }
        g.output("loss", loss)
        g.output("pictures", pictures)
        return try Program.training(g.graph(), loss: "loss")
    }

    /// A character with all that a step needs of it.
    private struct Scene {
        let drawn: LayeredScene
        let latents: LatentScene
    }

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String, latents: LayeredScenes) throws {
        let stage = recipe.repaint
        let first = try run.stepsDone(Self.name)
        guard first < stage.steps else { return }
        let executable = try engine.prepare(program(characters: stage.characters, frames: stage.frames), sharing: nil)
        try executable.load { name, shape in
            if let values = parameters[name] { return values }
            if name.hasPrefix("repainter."), name.hasSuffix("out.weight") { return [Float](repeating: 0, count: shape.count) }
            return ParameterInitialization.values(name, shape, seed: recipe.seed)
        }
        let prediction = try Prediction(
            model, engine: engine, parameters: parameters, characters: stage.characters, frames: stage.frames)
        let cutter = try self.cutter(engine)
        var pool: [Scene] = []
        var next = 0
        func add(_ scene: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: "repaint", step: scene)
            var drawn = LayeredScene(
                LayeredScene.request(&random, frames: Self.framesPerScene), size: graph.guide.guideSize, jitters: true)
            if let cutter, random.uniform() < 0.5 { drawn = try drawn.cut(by: cutter) }
            let made = Scene(drawn: drawn, latents: try latents.latentScene(drawn))
            if pool.count < Self.poolSize {
                pool.append(made)
            } else {
                pool[next % Self.poolSize] = made
            }
            next += 1
        }
        for scene in 0..<Self.poolSize { try add(first + scene) }
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                try add(step + Self.poolSize)
                var random = TrainingRandom(seed: recipe.seed, stream: Self.name, step: step)
                let chosen = (0..<stage.characters).map { _ in pool[random.index(below: pool.count)] }
                let frames = chosen.map { scene in (0..<stage.frames).map { _ in random.index(below: scene.latents.frames.count) } }
                let residual = try prediction(chosen.map(\.latents), frames: frames, random: &random)
                try write(chosen.map(\.drawn), chosen.map(\.latents), frames, residual, into: executable)
                try executable.run(.step)
                return try executable.read("loss") { $0[0] }
            },
            sample: { step in try sample(run, engine, executable.averages(), latents, label: "\(Self.name) \(step)") })
    }

    /// Nil before the layer network is trained.
    private func cutter(_ engine: some Engine) throws -> LayerCutter? {
        guard parameters.keys.contains(where: { $0.hasPrefix(ModelConfiguration.Network.layerNetwork.rawValue + ".") }) else { return nil }
        return try LayerCutter(model, engine: engine, parameters: trained(parameters))
    }

    private func write(
        _ scenes: [LayeredScene], _ latents: [LatentScene], _ frames: [[Int]], _ residual: [Float], into executable: any Executable
    ) throws {
        var layers: [Float] = []
        for layer in CharacterLayer.allCases.indices { for scene in scenes { layers += scene.layers[layer].unitValues() } }
        try executable.write("layers", layers)
        let moves = zip(scenes, frames).flatMap { scene, own in own.map { scene.moves[$0 + 1] } }
        try executable.write("meshes", GuideMeshes.joined(moves.map(\.meshes)))
        try executable.write("laid", moves.flatMap(\.laid))
        try executable.write(
            "guide_latents",
            zip(latents, frames).flatMap { scene, own in own.flatMap { scene.frames[$0].conditions["guide_latents"] ?? [] } })
        try executable.write("residual", residual)
        if executable.program.graph.inputs.contains(where: { $0.name == "truth" }) {
            try executable.write("truth", zip(scenes, frames).flatMap { scene, own in own.flatMap { scene.truths[$0].whole.unitValues() } })
        }
    }

    /// Draws unseen characters, and measures the pictures, those with the residual at zero, and the warped layers alone.
    private func sample(
        _ run: TrainingRun, _ engine: some TrainingEngine, _ averages: [String: [Float]], _ latents: LayeredScenes, label: String
    ) throws {
        let (count, frames) = (24, 2)
        let g = GraphBuilder()
        let composed = try graph.composed(
            g, residual: g.input("residual", graph.latentShape(frames)), guideLatents: g.input("guide_latents", graph.latentShape(frames)),
            layers: g.input("layers", graph.layerShape(1, side: graph.guide.guideSize)),
            meshes: g.input("meshes", GuideMeshes.shape(frames: frames)), laid: g.input("laid", [frames, 2, 2, 2]))
        g.output("pictures", try graph.painted(g, composed).colors())
        g.output("warped", try composed.warped.covered(composed.warped.under).colors())
        g.output("face", try composed.drawn.colors())
        let executable = try engine.prepare(Program(g.graph().optimizedForInference()))
        let all = parameters.merging(averages) { $1 }
        try executable.load(trained(all))
        let prediction = try Prediction(model, engine: engine, parameters: parameters, characters: 1, frames: frames)
        let cutter = try self.cutter(engine)
        var figures = FaceFigures()
        var rows: [ContactSheet.Row] = []
        let side = graph.guide.guideSize
        for index in 0..<count {
            var random = TrainingRandom(seed: 7, stream: "repaint sample", step: index)
            var drawn = LayeredScene(LayeredScene.validationRequest(index, frames: frames), size: side, jitters: false)
            let reference = LayerPicture.composite(drawn.layers)
            if let cutter { drawn = try drawn.cut(by: cutter) }
            let scene = try latents.latentScene(drawn)
            let places = [Array(0..<frames)]
            let residual = try prediction([scene], frames: places, random: &random)
            func pictures(_ residual: [Float], _ output: String) throws -> [Picture] {
                try write([drawn], [scene], places, residual, into: executable)
                try executable.run(.reference)
                try executable.run(.step)
                return Picture.pictures(try executable.read(output), size: side)
            }
            let output = try pictures(residual, "pictures")
            let face = try pictures(residual, "face")
            let warped = try pictures(residual, "warped")
            let blank = try pictures([Float](repeating: 0, count: residual.count), "pictures")
            // What a perfect denoiser would give.
            let perfect = try pictures(scene.frames.flatMap(\.target), "pictures")
            for frame in 0..<frames {
                figures.add(
                    truth: drawn.truths[frame].whole,
                    [
                        "output": output[frame], "residual 0": blank[frame], "residual true": perfect[frame],
                        "warped": warped[frame], "unpainted": face[frame], "reference": reference,
                    ], face: drawn.moves[frame + 1].crop)
            }
            if index < 10 {
                rows.append(
                    .init(
                        label: "\(index)",
                        pictures: [reference]
                            + (0..<frames).flatMap { [drawn.truths[$0].whole, warped[$0], face[$0], output[$0], perfect[$0]] }))
            }
        }
        try run.write(ContactSheet(rows: rows), Self.name)
        try run.note("\(label): \(figures.line)")
    }
}

extension Value {
    /// Of pictures with alpha.
    fileprivate func colors() throws -> Value { try sliced(axis: 3, start: 0, count: 3) }
}

/// PSNR of pictures, and inside the crop around eyes and mouth.
struct FaceFigures {
    private var errors: [String: (whole: Double, face: Double)] = [:]
    private var count = 0.0

    /// - Parameter face: the crop's corners in the picture, -1…1
    mutating func add(truth: Picture, _ pictures: [String: Picture], face: [Float]) {
        count += 1
        let side = truth.width
        let xs = stride(from: 0, to: 8, by: 2).map { (Double(face[$0]) + 1) / 2 * Double(side) }
        let ys = stride(from: 1, to: 8, by: 2).map { (Double(face[$0]) + 1) / 2 * Double(side) }
        func range(_ values: [Double]) -> Range<Int> {
            let low = min(max(Int(values.min() ?? 0), 0), side - 1)
            return low..<max(low + 1, min(Int(values.max() ?? 0), side))
        }
        let (columns, rows) = (range(xs), range(ys))
        for (name, picture) in pictures {
            func part(_ picture: Picture) -> Picture {
                picture.part(left: columns.lowerBound, top: rows.lowerBound, width: columns.count, height: rows.count)
            }
            errors[name, default: (0, 0)].whole += PictureMetrics.meanSquaredError(truth, picture)
            errors[name, default: (0, 0)].face += PictureMetrics.meanSquaredError(part(truth), part(picture))
        }
    }

    var line: String {
        errors.keys.sorted().map { name in
            let error = errors[name] ?? (0, 0)
            func decibels(_ value: Double) -> Double { (PictureMetrics.psnr(meanSquaredError: value / count) * 100).rounded() / 100 }
            return "\(name) \(decibels(error.whole)) dB, face \(decibels(error.face))"
        }.joined(separator: "; ")
    }
}
