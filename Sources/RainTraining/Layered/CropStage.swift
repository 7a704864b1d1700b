import RainAnimation
import RainGraph
import RainModels
import RainNumbers
import RainPictures

/// Trains the auto-encoder of the crop, on crops of drawn truths and of warped references, from principal components on.
struct CropStage {
    static let name = "crop"

    let graph: LayeredGraph
    let recipe: LayeredRecipe

    /// Crops that steps are drawn from; the oldest give way.
    private static let poolSize = 2400
    /// Frames of each character drawn.
    private static let framesPerScene = 4

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String) throws {
        let stage = recipe.crop
        let maker = try CropMaker(graph, engine: engine, autoencoder: nil)
        let (side, autoencoder) = (graph.guide.cropSize, graph.autoencoder)
        var pool: [[UInt8]] = []
        var next = 0
        func crops(_ request: WorldScene.Request) throws -> [[UInt8]] {
            let crops = try maker(LayeredScene(request, size: graph.guide.guideSize, jitters: true))
            return (crops.guides + crops.truths.dropFirst()).map { crop in crop.map { UInt8(unit: $0) } }
        }
        func add(_ scene: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: "crops", step: scene)
            for bytes in try crops(LayeredScene.request(&random, frames: Self.framesPerScene)) {
                if pool.count < Self.poolSize {
                    pool.append(bytes)
                } else {
                    pool[next % Self.poolSize] = bytes
                }
                next += 1
            }
        }
        let first = try run.stepsDone(Self.name)
        guard first < stage.steps else { return }
        for scene in 0..<120 { try add(first + scene) }
        let executable = try engine.compile(
            TrainingGraphs.autoencoder(autoencoder, count: stage.characters, size: side), sharing: nil)
        let initial = first == 0 ? LinearPart(autoencoder, patches: patches(pool, side: side)).values : { _, _ in nil }
        try executable.load { name, shape in initial(name, shape) ?? ParameterInitialization.values(name, shape, seed: recipe.seed) }
        var input = [Float](repeating: 0, count: stage.characters * side * side * 3)
        func write(_ pool: [[UInt8]], stream: String, step: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: stream, step: step)
            for crop in 0..<stage.characters {
                let bytes = pool[random.index(below: pool.count)]
                let at = crop * bytes.count
                for index in bytes.indices { input[at + index] = Float(bytes[index]) * (1 / 255) }
            }
            try executable.write("pictures", input)
        }
        var unseen: [[UInt8]] = []
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                if step % 2 == 0 { try add(step / 2 + 120) }
                try write(pool, stream: Self.name, step: step)
                try executable.run(.step)
                return try executable.read("loss")[0]
            },
            heldOut: {
                if unseen.isEmpty {
                    unseen = try (0..<16).flatMap { try crops(LayeredScene.validationRequest($0, frames: Self.framesPerScene)) }
                }
                return try executable.heldOutLoss { try write(unseen, stream: "held out", step: $0) }
            },
            sample: { _ in try sample(run, engine, executable, maker) })
    }

    /// Draws unseen characters' crops beside their reconstruction.
    private func sample(_ run: TrainingRun, _ engine: some TrainingEngine, _ trained: any TrainableExecutable, _ maker: CropMaker) throws {
        let side = graph.guide.cropSize
        let truth = try (0..<12).flatMap { index in
            try maker(LayeredScene(LayeredScene.validationRequest(index, frames: 1), size: graph.guide.guideSize, jitters: false)).truths
        }.flatMap { Picture.pictures($0, size: side) }
        let parameters = trained.averages()
        let program = GraphBuilder()
        let pictures = try program.input("pictures", [truth.count, side, side, 3])
        program.output(
            "decoded",
            try program.scoped(ModelConfiguration.Network.autoencoder.rawValue) {
                try graph.autoencoder.decode(program, graph.autoencoder.encode(program, pictures, normalized: false), normalized: false)
            })
        let both = try engine.compile(Program(program.graph()))
        try both.load { name, _ in parameters[name] ?? [] }
        try both.write("pictures", truth.flatMap { $0.unitValues() })
        try both.run(.step)
        let decoded = Picture.pictures(try both.read("decoded"), size: side)
        let error = zip(truth, decoded).map { PictureMetrics.meanSquaredError($0, $1) }.reduce(0, +) / Double(truth.count)
        let psnr = (PictureMetrics.psnr(meanSquaredError: error) * 100).rounded() / 100
        try run.write(
            ContactSheet(rows: [
                .init(label: "truth", pictures: Array(truth.prefix(12))),
                .init(label: "decoded, \(psnr) dB", pictures: Array(decoded.prefix(12))),
            ]), Self.name)
        try run.note("\(Self.name): unseen crops \(psnr) dB")
    }

    /// Patches of the crops in -1…1, each in the order of a convolution's weight: channel, row, column.
    private func patches(_ crops: [[UInt8]], side: Int) -> [Float] {
        var random = TrainingRandom(seed: recipe.seed, stream: "patches")
        let patch = graph.autoencoder.patchSize
        var values: [Float] = []
        for _ in 0..<8000 {
            let crop = crops[random.index(below: crops.count)]
            let (left, top) = (random.index(below: side / patch) * patch, random.index(below: side / patch) * patch)
            for channel in 0..<3 {
                for row in 0..<patch {
                    for column in 0..<patch {
                        values.append(Float(crop[((top + row) * side + left + column) * 3 + channel]) * (2 / 255) - 1)
                    }
                }
            }
        }
        return values
    }
}
