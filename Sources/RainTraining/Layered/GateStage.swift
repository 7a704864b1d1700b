import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Trains the face gate on what the denoiser makes of drawn characters: what it is sure of is let through, what it doubts is not.
///
/// Loss: L1 + 2·L2 + L1 of the differences to the right and lower neighbour, of the crop, where the face is; and how far parts of 8×8 pixels
/// have other edges than the truth has there, wherever exactly: a mean of what may be is smooth, and what is smooth is not let through.
struct GateStage {
    static let name = "gate"

    let model: ModelConfiguration
    let graph: LayeredGraph
    let recipe: LayeredRecipe
    /// Of all networks that are not trained here; the layer network may be missing.
    let parameters: [String: [Float]]

    /// Characters that steps are drawn from; the oldest give way.
    private static let poolSize = 48
    private static let framesPerScene = 4
    /// Parts along each side of the crop whose errors count by how much face there is.
    private static let parts = 32
    private static let edgeWeight: Float = 3

    /// Inputs `layers`, `crop_meshes`, `bend`, `crops`, `guide_latents`, `residual`, `truth`, `weights`.
    private func program(characters: Int, frames: Int) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let n = characters * frames
        let (side, crop) = (graph.guide.guideSize, graph.guide.cropSize)
        let made = try graph.crop(
            g, residual: g.input("residual", graph.latentShape(n)), guideLatents: g.input("guide_latents", graph.latentShape(n)),
            layers: g.input("layers", graph.layerShape(characters, side: side)), movement: .init(g, frames: n)
        ).sliced(axis: 3, start: 0, count: 3)
        let truth = try graph.guide.cropped(g.input("truth", [n, side, side, 3]), meshes: g.input("crops", [n, 2, 2, 2]))
        let corners = try g.constant([-1, -1, 1, -1, -1, 1, 1, 1], [1, 2, 2, 2]).broadcasted(to: [n, 2, 2, 2])
        let weights = try g.input("weights", [n, Self.parts, Self.parts, 1]).sampled(corners, height: crop, width: crop)
        let (shown, wanted) = (try made.multiplied(by: weights), try truth.multiplied(by: weights))
        let error = try shown.subtracting(wanted)
        var loss = try error.unary(.absolute).meaned().adding(error.unary(.square).meaned().scaled(by: 2))
        // A multiple of eight, so that there are parts.
        let count = (crop - 1) / 8 * 8
        for axis in 1...2 {
            func slopes(_ value: Value) throws -> Value {
                let other = try value.sliced(axis: 3 - axis, start: 0, count: count)
                return try other.sliced(axis: axis, start: 1, count: count).subtracting(other.sliced(axis: axis, start: 0, count: count))
            }
            loss = try loss.adding(slopes(error).unary(.absolute).meaned())
            func edges(_ value: Value) throws -> Value {
                try slopes(value).unary(.absolute).summedBlocks().summedBlocks().summedBlocks().scaled(by: 1 / 64)
            }
            loss = try loss.adding(edges(shown).subtracting(edges(wanted)).unary(.absolute).meaned().scaled(by: Self.edgeWeight))
        }
        g.output("loss", loss)
        return try Program.training(g.graph(), loss: "loss")
    }

    /// A character with all that a step needs of it.
    private struct Scene {
        let drawn: LayeredScene
        let latents: LatentScene
    }

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String, latents: LayeredScenes) throws {
        let stage = recipe.gate
        let first = try run.stepsDone(Self.name)
        guard first < stage.steps else { return }
        let executable = try engine.compile(program(characters: stage.characters, frames: stage.frames), sharing: nil)
        try executable.load { name, shape in
            if let values = parameters[name] { return values }
            if name == "face_gate.out.weight" { return [Float](repeating: 0, count: shape.count) }
            return ParameterInitialization.values(name, shape, seed: recipe.seed)
        }
        let prediction = try Prediction(
            model, engine: engine, parameters: parameters, characters: stage.characters, frames: stage.frames)
        var pool: [Scene] = []
        var next = 0
        func scene(_ request: WorldScene.Request) throws -> Scene {
            let drawn = LayeredScene(request, size: graph.guide.guideSize, jitters: true)
            return Scene(drawn: drawn, latents: try latents.latentScene(drawn))
        }
        func add(_ number: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: "gate scenes", step: number)
            let made = try scene(LayeredScene.request(&random, frames: Self.framesPerScene))
            if pool.count < Self.poolSize {
                pool.append(made)
            } else {
                pool[next % Self.poolSize] = made
            }
            next += 1
        }
        for scene in 0..<Self.poolSize { try add(first + scene) }
        func write(_ pool: [Scene], stream: String, step: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: stream, step: step)
            let chosen = (0..<stage.characters).map { _ in pool[random.index(below: pool.count)] }
            let frames = chosen.map { scene in (0..<stage.frames).map { _ in random.index(below: scene.latents.frames.count) } }
            let residual = try prediction(chosen.map(\.latents), frames: frames, random: &random)
            try self.write(chosen.map(\.drawn), chosen.map(\.latents), frames, residual, into: executable)
        }
        var unseen: [Scene] = []
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                try add(step + Self.poolSize)
                try write(pool, stream: Self.name, step: step)
                try executable.run(.step)
                return try executable.read("loss")[0]
            },
            heldOut: {
                if unseen.isEmpty {
                    unseen = try (0..<16).map { try scene(LayeredScene.validationRequest($0, frames: Self.framesPerScene)) }
                }
                return try executable.heldOutLoss { try write(unseen, stream: "held out", step: $0) }
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
        let truths = zip(scenes, frames).flatMap { scene, own in own.map { (scene.truths[$0].under, scene) } }
        let inputs: [String: () -> [Float]] = [
            "meshes": { GuideMeshes.joined(moves.map(\.meshes)) },
            "crop_meshes": { GuideMeshes.joined(moves.map(\.cropMeshes)) },
            "bend": { moves.flatMap(\.bend) },
            "crops": { moves.flatMap(\.crop) },
            "laid": { moves.flatMap(\.laid) },
            "truth": { truths.flatMap { $0.0.unitValues() } },
            "weights": { truths.flatMap { $0.1.faceCoverage(side: Self.parts) } },
            "guide_latents": {
                zip(latents, frames).flatMap { scene, own in own.flatMap { scene.frames[$0].conditions["guide_latents"] ?? [] } }
            },
            "residual": { residual },
        ]
        for input in executable.program.graph.inputs {
            if let values = inputs[input.name] { try executable.write(input.name, values()) }
        }
    }

    /// Draws unseen characters, of which half are bent as a whole and half cut, and measures the pictures, those with the residual at zero, and
    /// those of a perfect denoiser.
    private func sample(
        _ run: TrainingRun, _ engine: some TrainingEngine, _ averages: [String: [Float]], _ latents: LayeredScenes, label: String
    ) throws {
        let (count, frames) = (32, 2)
        let g = GraphBuilder()
        let composed = try graph.composed(
            g, residual: g.input("residual", graph.latentShape(frames)), guideLatents: g.input("guide_latents", graph.latentShape(frames)),
            layers: g.input("layers", graph.layerShape(1, side: graph.guide.guideSize)), movement: .init(g, frames: frames),
            meshes: g.input("meshes", GuideMeshes.shape(frames: frames)), laid: g.input("laid", [frames, 2, 2, 2]))
        g.output("pictures", try composed.drawn.colors())
        let executable = try engine.compile(Program(g.graph()))
        try executable.load(trained(parameters.merging(averages) { $1 }))
        let prediction = try Prediction(model, engine: engine, parameters: parameters, characters: 1, frames: frames)
        let cutter = try self.cutter(engine)
        var figures: [Bool: FaceFigures] = [:]
        var rows: [ContactSheet.Row] = []
        let side = graph.guide.guideSize
        for index in 0..<count {
            var random = TrainingRandom(seed: 7, stream: "gate sample", step: index)
            let isWhole = index % 2 == 0
            var drawn = LayeredScene(
                LayeredScene.validationRequest(index, frames: frames), size: side, jitters: false, isWhole: isWhole)
            let reference = LayerPicture.composite(drawn.layers)
            if let cutter { drawn = try drawn.cut(by: cutter) }
            let scene = try latents.latentScene(drawn)
            let places = [Array(0..<frames)]
            func pictures(_ residual: [Float]) throws -> [Picture] {
                try write([drawn], [scene], places, residual, into: executable)
                try executable.run(.reference)
                try executable.run(.step)
                return Picture.pictures(try executable.read("pictures"), size: side)
            }
            let output = try pictures(prediction([scene], frames: places, random: &random))
            let blank = try pictures([Float](repeating: 0, count: graph.latentShape(frames).count))
            // What a perfect denoiser would give.
            let perfect = try pictures(scene.frames.flatMap(\.target))
            for frame in 0..<frames {
                figures[isWhole, default: FaceFigures()].add(
                    truth: drawn.truths[frame].whole,
                    ["output": output[frame], "residual 0": blank[frame], "residual true": perfect[frame], "reference": reference],
                    face: drawn.moves[frame + 1].crop)
            }
            if index < 12 {
                rows.append(
                    .init(
                        label: "\(index)",
                        pictures: [reference]
                            + (0..<frames).flatMap { [drawn.truths[$0].whole, blank[$0], output[$0], perfect[$0]] }))
            }
        }
        try run.write(ContactSheet(rows: rows), Self.name)
        for (isWhole, name) in [(true, "bent as a whole"), (false, "cut")] {
            if let line = figures[isWhole]?.line { try run.note("\(label), \(name): \(line)") }
        }
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
