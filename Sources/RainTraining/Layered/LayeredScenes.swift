import RainAnimation
import RainGraph
import RainPictures
import RainPose

/// What is measured of latents before a denoiser is trained: their own statistics, those of the residual, and of expressions.
struct LayeredStatistics {
    var latentMean: [Float]
    var latentDeviation: [Float]
    /// Of every position and channel of the residual.
    var residualDeviation: [Float]
    var numberMean: [Float]
    var numberDeviation: [Float]
    /// How much every position and channel counts in the loss: its share of the residual's energy in pixels.
    var lossWeights: [Float]

    /// Under their names in a weights file.
    var parameters: [String: [Float]] {
        [
            "autoencoder.latent_mean": latentMean, "autoencoder.latent_std": latentDeviation, "residual.std": residualDeviation,
            "expression_guider.number_mean": numberMean, "expression_guider.number_std": numberDeviation,
        ]
    }

    /// - Parameters:
    ///   - latents: of crops, not normalised
    ///   - residuals: of frames, not normalised
    ///   - pixelGain: how far a step of one in a channel moves pixels
    init(latents: [[Float]], residuals: [[Float]], numbers: [[Float]], channels: Int, pixelGain: [Float]) {
        (latentMean, latentDeviation) = Self.moments(latents, width: channels)
        (numberMean, numberDeviation) = Self.moments(numbers, width: numbers[0].count)
        let deviation = Self.moments(residuals, width: residuals[0].count).deviation
        let latentDeviation = latentDeviation
        residualDeviation = deviation.enumerated().map { $1 / latentDeviation[$0 % channels] }
        let energies = deviation.enumerated().map { index, value in
            (value * pixelGain[index % channels]) * (value * pixelGain[index % channels])
        }
        let mean = energies.reduce(0, +) / Float(energies.count)
        lossWeights = energies.map { $0 / mean }
    }

    private static func moments(_ rows: [[Float]], width: Int) -> (mean: [Float], deviation: [Float]) {
        var (sums, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        for row in rows {
            for (index, value) in row.enumerated() {
                sums[index % width] += Double(value)
                squares[index % width] += Double(value) * Double(value)
            }
        }
        let count = Double(rows.reduce(0) { $0 + $1.count } / width)
        let mean = sums.map { $0 / count }
        let deviation = zip(squares, mean).map { Float(max(($0 / count - $1 * $1).squareRoot(), 1e-4)) }
        return (mean.map { Float($0) }, deviation)
    }
}

/// Draws characters for the latent stages of a layered model, and remembers those that are shown again.
final class LayeredScenes: LatentSceneMaking {
    private let maker: CropMaker
    private let size: Int
    private let latentSize: Int
    /// Of the residual.
    private let deviation: [Float]
    private let capacity: Int
    private var known: [WorldScene.Request: LatentScene] = [:]
    private var order: [WorldScene.Request] = []

    /// - Parameters:
    ///   - maker: of normalised latents
    ///   - deviation: of the residual, by which it is divided
    ///   - capacity: scenes remembered
    init(maker: CropMaker, model: ModelConfiguration, size: Int, deviation: [Float], capacity: Int) {
        self.maker = maker
        self.size = size
        latentSize = model.latentSize
        self.deviation = deviation
        self.capacity = capacity
    }

    func callAsFunction(_ requests: [WorldScene.Request]) throws -> [LatentScene] {
        let missing = requests.filter { known[$0] == nil }
        for scene in LayeredScene.drawn(missing, size: size) {
            known[scene.request] = try latentScene(scene)
            order.append(scene.request)
        }
        defer {
            while order.count > capacity { known[order.removeFirst()] = nil }
        }
        return try requests.map { request in
            guard let scene = known[request] else { throw TrainingError("a scene was forgotten; raise the number remembered") }
            return scene
        }
    }

    /// What a position without any face in it counts: what is diffused there is not shown.
    private static let leastWeight: Float = 0.05

    func latentScene(_ scene: LayeredScene) throws -> LatentScene {
        let (guides, truths) = try maker(scene)
        let weights = scene.faceCoverage(side: latentSize).map { max($0, Self.leastWeight) }
        let frames = (1..<scene.moves.count).map { frame in
            LatentScene.Frame(
                target: zip(zip(truths[frame], guides[frame]), deviation).map { ($0.0 - $0.1) / $1 },
                conditions: ["expression": scene.moves[frame].numbers, "guide_latents": guides[frame]], weights: weights)
        }
        return LatentScene(request: scene.request, reference: ["reference_latents": guides[0]], frames: frames)
    }
}
