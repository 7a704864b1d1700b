import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Trains the layer network on the layers that the world itself draws.
///
/// By cross-entropy, since the gradient of a squared error behind a sigmoid vanishes where a layer is missed altogether.
struct LayerStage {
    static let name = "layers"

    let model: ModelConfiguration
    let graph: LayeredGraph
    let recipe: LayeredRecipe

    /// How much each layer's mask counts, the background left out.
    private static let maskWeights: [Float] = [1, 1, 1, 2, 1.5]

    private var layerCount: Int { graph.guide.layerNetwork.layers }

    /// Inputs `pictures`, `poses` and `masks` `[n, s, s, layers - 1]`.
    private func program(_ count: Int) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let (side, pose) = (graph.guide.guideSize, model.posePicture.size)
        // log(1 + exp(z)) - α z, of which the first stays finite as max(z, 0) + log(1 + exp(-|z|)).
        let z = try graph.cut(g, g.input("pictures", [count, side, side, 3]), poses: g.input("poses", [count, pose, pose, 3]))
        let tail = try z.unary(.absolute).scaled(by: -1).unary(.exp).scaled(by: 1, plus: 1).unary(.logarithm)
        let entropy = try z.unary(.relu).adding(tail).subtracting(z.multiplied(by: g.input("masks", z.shape)))
        g.output("loss", try entropy.multiplied(by: g.constant(Self.maskWeights, [1, 1, 1, layerCount - 1])).meaned())
        return try Program.training(g.graph(), loss: "loss")
    }

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String) throws {
        let (stage, side) = (recipe.layers, graph.guide.guideSize)
        guard try run.stepsDone(Self.name) < stage.steps else { return }
        let executable = try engine.compile(program(stage.characters), sharing: nil)
        try executable.load { name, shape in ParameterInitialization.values(name, shape, seed: recipe.seed) }
        let painter = model.posePainter
        func write(_ requests: [WorldScene.Request]) throws {
            let scenes = LayeredScene.drawn(requests, size: side, isWhole: false)
            var poses = [Float](repeating: 0, count: scenes.count * painter.count)
            for (index, scene) in scenes.enumerated() {
                painter.paint(scene.landmarks, into: &poses, offset: index * painter.count)
            }
            try executable.write("pictures", scenes.flatMap { LayerPicture.composite($0.layers).unitValues() })
            try executable.write("poses", poses)
            try executable.write("masks", scenes.flatMap { Self.masks($0.layers) })
        }
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                try write(
                    (0..<stage.characters).map { index in
                        var random = TrainingRandom(seed: recipe.seed, stream: "layers \(index)", step: step)
                        return LayeredScene.request(&random, frames: 0)
                    })
                try executable.run(.step)
                return try executable.read("loss")[0]
            },
            heldOut: {
                try executable.heldOutLoss { step in
                    try write((0..<stage.characters).map { LayeredScene.validationRequest(step * stage.characters + $0, frames: 0) })
                }
            },
            sample: { _ in try sample(run, engine, executable.averages()) })
    }

    /// How far each layer before the background reaches, whatever hides it there: `[s, s, layers - 1]`.
    static func masks(_ layers: [LayerPicture]) -> [Float] {
        let (pixels, count) = (layers[0].width * layers[0].height, layers.count - 1)
        var masks = [Float](repeating: 0, count: pixels * count)
        for layer in 0..<count {
            let bytes = layers[layer + 1].bytes
            for pixel in 0..<pixels { masks[pixel * count + layer] = Float(bytes[pixel * 4 + 3]) * (1 / 255) }
        }
        return masks
    }

    /// Draws unseen characters' layers beside the true ones, and measures how far a turn of the head differs.
    private func sample(_ run: TrainingRun, _ engine: some TrainingEngine, _ parameters: [String: [Float]]) throws {
        let cutter = try LayerCutter(model, engine: engine, parameters: trained(parameters))
        var rows: [ContactSheet.Row] = []
        var error = 0.0
        let count = 8
        for index in 0..<count {
            let scene = LayeredScene(
                LayeredScene.validationRequest(index, frames: 0), size: graph.guide.guideSize, jitters: false, isWhole: false)
            let picture = LayerPicture.composite(scene.layers)
            let cut = try cutter.cut(picture, landmarks: scene.landmarks)
            for (truth, found) in zip(scene.layers, cut.layers) {
                error += zip(truth.bytes, found.bytes).reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) } / Double(truth.bytes.count)
            }
            rows.append(.init(label: "truth", pictures: [picture] + scene.layers.map(\.onMagenta)))
            rows.append(.init(label: "cut", pictures: [LayerPicture.composite(cut.layers)] + cut.layers.map(\.onMagenta)))
        }
        try run.write(ContactSheet(rows: rows), Self.name)
        let mean = error / Double(count * layerCount)
        try run.note("\(Self.name): unseen characters' layers differ by \((mean * 100).rounded() / 100) of 255")
    }
}

extension LayerPicture {
    /// For people to look at: what is transparent is magenta.
    var onMagenta: Picture {
        Self.composite([LayerPicture(Picture(width: width, height: height, red: 255, blue: 255)), self])
    }
}
