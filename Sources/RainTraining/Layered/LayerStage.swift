import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Trains the layer network on the layers that the world itself draws.
///
/// Masks by cross-entropy, since the gradient of a squared error behind a sigmoid vanishes where a layer is missed altogether; colours
/// where a layer is hidden, at a quarter of the resolution.
struct LayerStage {
    static let name = "layers"

    let model: ModelConfiguration
    let graph: LayeredGraph
    let recipe: LayeredRecipe

    /// How much each layer's mask counts, the background left out.
    private static let maskWeights: [Float] = [1, 1, 1, 2, 1.5]

    private var layerCount: Int { graph.guide.layerNetwork.layers }

    /// Inputs `pictures`, `poses`, `masks` `[n, s, s, layers - 1]`, `fills` and `fill_weights` `[n, s/4, s/4, 3·layers]`.
    private func program(_ count: Int) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let (side, pose) = (graph.guide.guideSize, model.posePicture.size)
        let output = try graph.cut(
            g, g.input("pictures", [count, side, side, 3]), poses: g.input("poses", [count, pose, pose, 3]))
        // log(1 + exp(z)) - α z, of which the first stays finite as max(z, 0) + log(1 + exp(-|z|)).
        let z = output.masks
        let tail = try z.unary(.absolute).scaled(by: -1).unary(.exp).scaled(by: 1, plus: 1).unary(.logarithm)
        let entropy = try z.unary(.relu).adding(tail).subtracting(z.multiplied(by: g.input("masks", z.shape)))
        let masks = try entropy.multiplied(by: g.constant(Self.maskWeights, [1, 1, 1, layerCount - 1])).meaned()
        let difference = try output.fills.subtracting(g.input("fills", output.fills.shape))
        let weights = try g.input("fill_weights", output.fills.shape)
        let fills = try difference.unary(.absolute).scaled(by: 2).adding(difference.unary(.square).scaled(by: 4)).multiplied(by: weights)
        g.output("loss", try masks.scaled(by: 0.5).adding(fills.meaned()))
        return try Program.training(g.graph(), loss: "loss")
    }

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String) throws {
        let (stage, side) = (recipe.layers, graph.guide.guideSize)
        guard try run.stepsDone(Self.name) < stage.steps else { return }
        let executable = try engine.prepare(program(stage.characters), sharing: nil)
        try executable.load { name, shape in ParameterInitialization.values(name, shape, seed: recipe.seed) }
        let painter = model.posePainter
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                let requests = (0..<stage.characters).map { index in
                    var random = TrainingRandom(seed: recipe.seed, stream: "layers \(index)", step: step)
                    return LayeredScene.request(&random, frames: 0)
                }
                let scenes = LayeredScene.drawn(requests, size: side)
                var poses = [Float](repeating: 0, count: scenes.count * painter.count)
                var truths: [LayerTruth] = []
                for (index, scene) in scenes.enumerated() {
                    painter.paint(scene.landmarks, into: &poses, offset: index * painter.count)
                    truths.append(LayerTruth(scene.layers))
                }
                try executable.write("pictures", truths.flatMap(\.picture))
                try executable.write("poses", poses)
                try executable.write("masks", truths.flatMap(\.masks))
                try executable.write("fills", truths.flatMap(\.fills))
                try executable.write("fill_weights", truths.flatMap(\.fillWeights))
                try executable.run(.step)
                return try executable.read("loss") { $0[0] }
            },
            sample: { _ in try sample(run, engine, executable.averages()) })
    }

    /// Draws unseen characters' layers beside the true ones, and measures how far a turn of the head differs.
    private func sample(_ run: TrainingRun, _ engine: some TrainingEngine, _ parameters: [String: [Float]]) throws {
        let cutter = try LayerCutter(model, engine: engine) { name, _ in
            guard let values = parameters[name] else { throw TrainingError("\(name): not among the trained parameters") }
            return values
        }
        var rows: [ContactSheet.Row] = []
        var error = 0.0
        let count = 8
        for index in 0..<count {
            let scene = LayeredScene(LayeredScene.validationRequest(index, frames: 0), size: graph.guide.guideSize, jitters: false)
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

/// What the layer network learns of one character.
struct LayerTruth {
    /// The whole picture in 0…1.
    var picture: [Float]
    /// How far each layer before the background reaches, whatever hides it there: `[s, s, layers - 1]`.
    var masks: [Float]
    /// Mean colours of each layer in blocks of 4×4, `[s/4, s/4, 3·layers]`.
    var fills: [Float]
    /// How much they count: where the layer is and is hidden, and a little where it is seen.
    var fillWeights: [Float]

    private static let seenWeight: Float = 0.1

    init(_ layers: [LayerPicture]) {
        let side = layers[0].width
        let (count, small) = (layers.count, side / 4)
        picture = LayerPicture.composite(layers).unitValues()
        masks = [Float](repeating: 0, count: side * side * (count - 1))
        fills = [Float](repeating: 0, count: small * small * 3 * count)
        fillWeights = fills
        for (index, layer) in layers.enumerated() where index > 0 {
            for pixel in 0..<(side * side) { masks[pixel * (count - 1) + index - 1] = Float(layer.bytes[pixel * 4 + 3]) * (1 / 255) }
        }
        for row in 0..<small {
            for column in 0..<small {
                let block = (row * small + column) * 3 * count
                // From the front to the back, with what the layers in front leave to see.
                var open = [Float](repeating: 1, count: 16)
                for index in (0..<count).reversed() {
                    var (red, green, blue, alpha, weight): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
                    for pixel in 0..<16 {
                        let at = ((row * 4 + pixel / 4) * side + column * 4 + pixel % 4) * 4
                        let a = Float(layers[index].bytes[at + 3]) * (1 / 255)
                        red += Float(layers[index].bytes[at])
                        green += Float(layers[index].bytes[at + 1])
                        blue += Float(layers[index].bytes[at + 2])
                        alpha += a
                        weight += a * (1 - open[pixel] + Self.seenWeight)
                        open[pixel] *= 1 - a
                    }
                    guard alpha > 0 else { continue }
                    let scale = 1 / (255 * alpha)
                    for (channel, value) in [red, green, blue].enumerated() {
                        fills[block + 3 * index + channel] = value * scale
                        fillWeights[block + 3 * index + channel] = weight / 16
                    }
                }
            }
        }
    }
}
