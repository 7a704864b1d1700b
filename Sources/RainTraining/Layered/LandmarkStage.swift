import Dispatch
import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose
import RainWorld
import Synchronization

/// Trains the landmark network on crops of drawn characters around wrong guesses of where their faces are, in colours of all kinds.
struct LandmarkStage {
    static let name = "landmarks"

    let model: ModelConfiguration
    let recipe: LayeredRecipe

    /// Characters that crops are made of; the oldest give way.
    private static let poolSize = 480
    /// Characters drawn anew for each step.
    private static let fresh = 4
    private static let size = 256

    struct Drawn: Sendable {
        let picture: Picture
        let landmarks: LandmarkFrame
    }

    /// A character as references are, or in the middle of a movement.
    static func drawn(_ seed: UInt64, moment: Double?) -> Drawn {
        let character = Character(seed: seed, world: .wide)
        let pose = moment.map { Motion(seed: seed).pose(at: $0) } ?? CharacterPose.reference(variation: seed)
        return Drawn(picture: character.render(pose, size: size), landmarks: character.landmarks(pose))
    }

    /// One never trained on; of every two the second in the middle of a movement.
    private static func unseen(_ index: Int) -> Drawn {
        drawn(WorldScene.validationSeed + UInt64(index), moment: index % 2 == 0 ? nil : Double(index % 30))
    }

    private func drawn(step: Int, count: Int) -> [Drawn] {
        let made = Mutex([Drawn?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            var random = TrainingRandom(seed: recipe.seed, stream: "faces \(index)", step: step)
            let seed = random.next() >> 32
            let moment = random.uniform() < 0.6 ? Double(random.uniform()) * 30 : nil
            let drawn = Self.drawn(seed, moment: moment)
            made.withLock { $0[index] = drawn }
        }
        return made.withLock { $0.compactMap { $0 } }
    }

    /// Inputs `crops`, `places` and `seen` `[n, landmarks, 1]`.
    private func program(_ network: LandmarkNetwork, count: Int) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let crops = try g.input("crops", [count, network.cropSize, network.cropSize, 3])
        let found = try g.scoped(ModelConfiguration.Network.landmarkNetwork.rawValue) { try network(g, crops) }
        let truth = try g.input("places", [count, network.landmarks, 2])
        // The distance itself, so that what lies near is still brought nearer; smooth at 0.
        let square = try found.places.subtracting(truth).unary(.square).summed(axes: [2])
        let distance = try square.scaled(by: 1, plus: 1e-5).unary(.squareRoot)
        let loss = try distance.adding(found.spread.scaled(by: 0.3)).multiplied(by: g.input("seen", [count, network.landmarks, 1])).meaned()
        g.output("loss", loss)
        return try Program.training(g.graph(), loss: "loss")
    }

    func run(_ run: TrainingRun, engine: some TrainingEngine, key: String) throws {
        let stage = recipe.landmarks
        guard let network = model.layeredGuide?.landmarkNetwork, try run.stepsDone(Self.name) < stage.steps else { return }
        let executable = try engine.compile(program(network, count: stage.characters), sharing: nil)
        try executable.load { name, shape in ParameterInitialization.values(name, shape, seed: recipe.seed) }
        var pool = try drawn(step: run.stepsDone(Self.name), count: Self.poolSize)
        func write(_ faces: [Drawn], stream: String, step: Int) throws {
            var random = TrainingRandom(seed: recipe.seed, stream: stream, step: step)
            let samples = (0..<stage.characters).map { _ in Sample(faces[random.index(below: faces.count)], network, &random) }
            try executable.write("crops", samples.flatMap(\.crop))
            try executable.write("places", samples.flatMap(\.places))
            try executable.write("seen", samples.flatMap(\.seen))
        }
        var unseen: [Drawn] = []
        try run.train(
            Self.name, stage, executable, key: key,
            forward: { step in
                for (index, face) in drawn(step: step + 1_000_000, count: Self.fresh).enumerated() {
                    pool[(step * Self.fresh + index) % Self.poolSize] = face
                }
                try write(pool, stream: Self.name, step: step)
                try executable.run(.step)
                return try executable.read("loss")[0]
            },
            heldOut: {
                if unseen.isEmpty { unseen = (0..<64).map(Self.unseen) }
                return try executable.heldOutLoss { try write(unseen, stream: "held out", step: $0) }
            },
            sample: { step in try sample(run, engine, network, executable.averages(), label: "\(Self.name) \(step)") })
    }

    /// A crop around a guess, with where the landmarks lie in it.
    private struct Sample {
        var crop: [Float]
        var places: [Float] = []
        var seen: [Float] = []

        init(_ face: Drawn, _ network: LandmarkNetwork, _ random: inout TrainingRandom) {
            func normal(_ deviation: Double) -> Double { min(max(Double(random.normal()), -2.5), 2.5) * deviation }
            // Half of the guesses are nearly right, as the network's own are.
            let error = random.uniform() < 0.5 ? 0.35 : 1
            guard let right = LandmarkFinder.square(face.landmarks) else { preconditionFailure("a drawn face has an extent") }
            let square = right.changed(
                scale: exponential(normal(0.22 * error)), turn: normal(0.22 * error),
                shift: SIMD2(normal(0.18 * error), normal(0.18 * error)))
            // Some pictures are small.
            let picture = random.uniform() < 0.3 ? face.picture.fitted(width: 128, height: 128) : face.picture
            crop = LandmarkFinder.crop(picture, square, side: network.cropSize)
            recolor(&random)
            for point in face.landmarks.points.prefix(network.landmarks) {
                let place = square.inverse(SIMD2(Double(point.x), Double(point.y)))
                places += [Float(place.x), Float(place.y)]
                seen.append(max(abs(place.x), abs(place.y)) < 0.94 ? 1 : 0)
            }
        }

        /// Other inks, papers, lights and grains than the world has.
        private mutating func recolor(_ random: inout TrainingRandom) {
            let gray = random.uniform() < 0.1 ? 0 : 0.3 + 1.2 * random.uniform()
            let gains = (0..<3).map { _ in Float(exponential(Double(0.18 * random.normal()))) }
            let (contrast, offset) = (Float(exponential(Double(0.22 * random.normal()))), 0.12 * random.normal())
            let swap = random.uniform() < 0.15 ? random.index(below: 3) : 0
            let grain = random.uniform() < 0.4 ? 0.05 * random.uniform() : 0
            for pixel in stride(from: 0, to: crop.count, by: 3) {
                let luma = 0.3 * crop[pixel] + 0.6 * crop[pixel + 1] + 0.1 * crop[pixel + 2]
                let old = (crop[pixel], crop[pixel + 1], crop[pixel + 2])
                let turned = swap == 0 ? [old.0, old.1, old.2] : swap == 1 ? [old.2, old.1, old.0] : [old.1, old.2, old.0]
                for channel in 0..<3 {
                    let value = (luma + (turned[channel] - luma) * gray) * gains[channel]
                    let noise = grain > 0 ? grain * random.normal() : 0
                    crop[pixel + channel] = min(max((value - 0.5) * contrast + 0.5 + offset + noise, 0), 1)
                }
            }
        }
    }

    /// Measures how far landmarks of unseen characters are off, in distances of the eyes, from guesses that are far off.
    private func sample(
        _ run: TrainingRun, _ engine: some TrainingEngine, _ network: LandmarkNetwork, _ parameters: [String: [Float]], label: String
    ) throws {
        guard let finder = try LandmarkFinder(model, engine: engine, parameters: trained(parameters)) else { return }
        var rows: [ContactSheet.Row] = []
        var (errors, lost): ([Double], Int) = ([], 0)
        let count = 60
        for index in 0..<count {
            var random = TrainingRandom(seed: 3, stream: "guesses", step: index)
            let seed = WorldScene.validationSeed + UInt64(index)
            let face = Self.drawn(seed, moment: index % 2 == 0 ? nil : Double(random.uniform()) * 30)
            let shift = SIMD2(0.02 * random.normal(), 0.02 * random.normal())
            let guess = LandmarkFrame(
                points: face.landmarks.points.map {
                    LandmarkPoint(x: ($0.x - 0.5) * 1.15 + 0.5 + shift.x, y: ($0.y - 0.5) * 1.15 + 0.5 + shift.y)
                })
            let found = try finder(face.picture, near: guess)
            if index < 12 {
                // A face that is lost is shown without points.
                var marked = face.picture
                for point in found?.points.prefix(network.landmarks) ?? [] { marked.mark(point) }
                if rows.isEmpty || rows[rows.count - 1].pictures.count == 6 { rows.append(.init(label: "", pictures: [])) }
                rows[rows.count - 1].pictures.append(marked)
            }
            guard let found else {
                lost += 1
                continue
            }
            let eyes = face.landmarks[.rightPupil].x - face.landmarks[.leftPupil].x
            let distances = zip(found.points, face.landmarks.points).prefix(network.landmarks).map { a, b -> Double in
                Double(((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot() / max(abs(eyes), 0.01))
            }
            errors.append(distances.reduce(0, +) / Double(distances.count))
        }
        try run.write(ContactSheet(rows: rows), Self.name)
        let sorted = errors.sorted()
        guard !sorted.isEmpty else { return try run.note("\(label): no face found") }
        func percent(_ value: Double) -> Double { (value * 1000).rounded() / 10 }
        try run.note(
            "\(label): landmarks are off by \(percent(sorted[sorted.count / 2])) % of the eyes' distance, of nine in ten faces by at most "
                + "\(percent(sorted[sorted.count * 9 / 10])) %; \(lost) of \(count) faces not found")
    }
}

extension Picture {
    /// A point to be seen.
    fileprivate mutating func mark(_ point: LandmarkPoint) {
        // Bounded before it becomes a whole number.
        let (x, y) = (Int(min(max(point.x, 0), 1) * Float(width - 1)), Int(min(max(point.y, 0), 1) * Float(height - 1)))
        for row in max(0, y - 1)...min(height - 1, y + 1) {
            for column in max(0, x - 1)...min(width - 1, x + 1) {
                let at = (row * width + column) * 3
                (bytes[at], bytes[at + 1], bytes[at + 2]) = (255, 0, 60)
            }
        }
    }
}
