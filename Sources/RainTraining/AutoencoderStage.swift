import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainWorld

/// Trains the patch auto-encoder on crops of drawn pictures, from principal components on.
struct AutoencoderStage {
    static let name = "autoencoder"
    /// Side of the crops; small ones show more characters per step than whole pictures.
    static let cropSize = 64

    /// The characters whose reference pictures are cropped.
    private static let seeds: Range<UInt64> = 1000..<5000

    let autoencoder: PatchAutoencoder
    let recipe: TrainingRecipe
    let pictureSize: Int

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String) throws {
        let stage = recipe.autoencoder
        let size = Self.cropSize
        let program = try TrainingGraphs.autoencoder(autoencoder, count: stage.characters, size: size)
        let executable = try engine.compile(program, sharing: nil)
        let bank = WorldScene.references(Self.seeds, size: pictureSize)
        let linear = LinearPart(autoencoder, patches: patches(bank, count: 20_000))
        try executable.load { name, shape in
            linear.values(name, shape) ?? ParameterInitialization.values(name, shape, seed: recipe.seed)
        }
        var input = [Float](repeating: 0, count: stage.characters * size * size * 3)
        func write(_ bank: [Picture], stream: String, step: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: stream, step: step)
            for crop in 0..<stage.characters {
                let picture = bank[random.index(below: bank.count)]
                let left = random.index(below: pictureSize - size + 1)
                let top = random.index(below: pictureSize - size + 1)
                for row in 0..<size {
                    let from = ((top + row) * pictureSize + left) * 3
                    let to = (crop * size + row) * size * 3
                    for byte in 0..<(size * 3) { input[to + byte] = Float(picture.bytes[from + byte]) * (1 / 255) }
                }
            }
            try executable.write("pictures", input)
        }
        var unseen: [Picture] = []
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                try write(bank, stream: Self.name, step: step)
                try executable.run(.step)
                return try executable.read("loss")[0]
            },
            heldOut: {
                if unseen.isEmpty {
                    unseen = WorldScene.references((0..<64).map { WorldScene.validationSeed + $0 }, size: pictureSize)
                }
                return try executable.heldOutLoss { try write(unseen, stream: "held out", step: $0) }
            },
            sample: { _ in
                try sample(run, engine, executable)
            })
    }

    /// Draws unseen characters beside their reconstruction.
    private func sample(_ run: TrainingRun, _ engine: some TrainingEngine, _ trained: any TrainableExecutable) throws {
        let truth = WorldScene.references((0..<8).map { WorldScene.validationSeed + $0 }, size: pictureSize)
        let parameters = trained.averages()
        let encoder = try engine.compile(
            TrainingGraphs.encoder(autoencoder, count: truth.count, size: pictureSize, normalized: false))
        try encoder.load { name, _ in parameters[name] ?? [] }
        try encoder.write("pictures", truth.flatMap { $0.unitValues() })
        try encoder.run(.step)
        let side = pictureSize / autoencoder.patchSize
        let decoder = try engine.compile(
            TrainingGraphs.decoder(autoencoder, count: truth.count, height: side, width: side, normalized: false))
        try decoder.load { name, _ in parameters[name] ?? [] }
        try decoder.write("latents", encoder.read("latents"))
        try decoder.run(.step)
        let decoded = Picture.pictures(try decoder.read("pictures"), size: pictureSize)
        let psnr = zip(truth, decoded).map { PictureMetrics.psnr($0, $1) }.reduce(0, +) / Double(truth.count)
        try run.write(
            ContactSheet(rows: [
                .init(label: "truth", pictures: truth),
                .init(label: "decoded, \((psnr * 100).rounded() / 100) dB", pictures: decoded),
            ]), "autoencoder")
    }

    /// Random patches of the drawn pictures, in -1…1, each in the order of a convolution's weight: channel, row, column.
    private func patches(_ bank: [Picture], count: Int) -> [Float] {
        var random = TrainingRandom(seed: recipe.seed, stream: "patches")
        let side = autoencoder.patchSize
        var values: [Float] = []
        values.reserveCapacity(count * side * side * 3)
        for _ in 0..<count {
            let picture = bank[random.index(below: bank.count)]
            let left = random.index(below: pictureSize / side) * side
            let top = random.index(below: pictureSize / side) * side
            for channel in 0..<3 {
                for row in 0..<side {
                    for column in 0..<side {
                        let byte = picture.bytes[((top + row) * pictureSize + left + column) * 3 + channel]
                        values.append(Float(byte) * (2 / 255) - 1)
                    }
                }
            }
        }
        return values
    }
}
