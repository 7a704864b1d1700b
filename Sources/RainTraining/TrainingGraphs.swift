import RainAnimation
import RainGraph
import RainModels

/// The graphs the trainer runs. Parameters carry the prefixes of a model's weights file.
enum TrainingGraphs {
    typealias Network = ModelConfiguration.Network

    /// The auto-encoder on crops: input `pictures` `[n, size, size, 3]`, output `loss`, the mean squared error of colours in 0…1.
    static func autoencoder(_ autoencoder: PatchAutoencoder, count: Int, size: Int) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let pictures = try g.input("pictures", [count, size, size, 3])
        let decoded = try g.scoped(Network.autoencoder.rawValue) {
            try autoencoder.decode(g, autoencoder.encode(g, pictures, normalized: false), normalized: false)
        }
        let difference = try decoded.subtracting(pictures)
        g.output("loss", try mean(difference.unary(.square)))
        return try Program.training(g.graph(), loss: "loss")
    }

    /// Pictures to latents: input `pictures`, output `latents` `[n, h, w, c]`.
    static func encoder(_ autoencoder: PatchAutoencoder, count: Int, size: Int, normalized: Bool) throws -> Program {
        let g = GraphBuilder()
        let pictures = try g.input("pictures", [count, size, size, 3])
        g.output("latents", try g.scoped(Network.autoencoder.rawValue) { try autoencoder.encode(g, pictures, normalized: normalized) })
        return try Program(g.graph())
    }

    /// Latents to pictures: input `latents`, output `pictures` of about 0…1.
    static func decoder(_ autoencoder: PatchAutoencoder, count: Int, height: Int, width: Int, normalized: Bool) throws -> Program {
        let g = GraphBuilder()
        let latents = try g.input("latents", [count, height, width, autoencoder.latentChannels])
        g.output("pictures", try g.scoped(Network.autoencoder.rawValue) { try autoencoder.decode(g, latents, normalized: normalized) })
        return try Program(g.graph())
    }

    /// How the networks meet in a step of training: `characters` characters with `frames` frames each.
    struct Shape {
        var characters: Int
        var frames: Int
        /// Whether the motion modules take part; without them the frames of a character are independent.
        var motion: Bool
        /// One timestep per frame, the same for all characters; `nil`: an input `timesteps` with one per sample.
        var timesteps: [Float]?
    }

    /// Inputs `sample` (noisy latents), `pose` or, of a layered model, `expression` and `guide_latents`, `reference_latents` and, where
    /// the reference network is told it, `reference_pose`; output `prediction`.
    ///
    /// - Parameter reference: the lifetime of the reference's inputs: in training every step has others.
    private static func prediction(
        _ g: GraphBuilder, _ model: ModelConfiguration, _ shape: Shape, reference: Lifetime
    ) throws -> (value: Value, guideLatents: Value?) {
        let (b, n) = (shape.characters, shape.characters * shape.frames)
        let (size, pose) = (model.latentSize, model.posePicture.size)
        let sample = try g.input("sample", [n, size, size, model.latentChannels])
        let referenceLatents = try g.input("reference_latents", [b, size, size, model.latentChannels], reference)
        let timesteps = try shape.timesteps.map { try g.constant($0, [shape.frames]) } ?? g.input("timesteps", [n])
        var referencePose: Value?
        let features: Value
        var guideLatents: Value?
        if let layered = LayeredGraph(model) {
            let guides = try g.input("guide_latents", [n, size, size, model.latentChannels])
            features = try layered.features(
                g, expression: g.input("expression", [n, layered.guide.expression.numbers]), guideLatents: guides)
            guideLatents = guides
        } else {
            guard let guider = model.poseGuider else { throw TrainingError("\(model.name): has neither pose guider nor layered guide") }
            let poses = try g.input("pose", [n, pose, pose, 3])
            if model.referencePose {
                let pictures = try g.input("reference_pose", [b, pose, pose, 3], reference)
                referencePose = try g.scoped(Network.poseGuider.rawValue) { try guider(g, pictures) }
            }
            features = try g.scoped(Network.poseGuider.rawValue) { try guider(g, poses) }
        }
        let banks = try g.scoped(Network.referenceUNet.rawValue) {
            try ReferenceUNet(model.referenceUNet)(g, latents: referenceLatents, pose: referencePose)
        }
        let value = try g.scoped(Network.denoisingUNet.rawValue) {
            try DenoisingUNet(model.denoisingUNet)(
                g, sample: sample, timesteps: timesteps, pose: features, references: banks, frames: shape.frames, motion: shape.motion)
        }
        return (value, guideLatents)
    }

    /// The denoiser with its loss: beside the inputs of `prediction`, `target` and `weight` (`[n, h, w, 1]`); outputs `loss`
    /// and `prediction`.
    ///
    /// - Parameter channelWeights: how much each latent channel counts.
    static func denoiser(_ model: ModelConfiguration, _ shape: Shape, lossWeights: [Float]) throws -> Program {
        let g = GraphBuilder(parameterLifetime: .step)
        let (prediction, guideLatents) = try prediction(g, model, shape, reference: .step)
        let target = try g.input("target", prediction.shape)
        let weight = try g.input("weight", [prediction.shape[0], model.latentSize, model.latentSize, 1])
        let size = lossWeights.count == model.latentChannels ? 1 : model.latentSize
        let channels = try g.constant(lossWeights, [1, size, size, model.latentChannels])
        let error = try prediction.subtracting(target).unary(.square).multiplied(by: channels).multiplied(by: weight)
        var loss = try mean(error)
        if let layered = LayeredGraph(model), let guideLatents {
            let pixels = try pixelLoss(
                g, layered, prediction: prediction, target: target, guideLatents: guideLatents, weight: weight)
            loss = try loss.scaled(by: latentShare).adding(pixels.scaled(by: pixelShare))
        }
        g.output("loss", loss)
        g.output("prediction", prediction)
        return try Program.training(g.graph(), loss: "loss")
    }

    /// How much the error of latents counts for a layered model, and that of its pixels: errors that are small in latents may be grain in
    /// pixels, so that most of the loss is of these.
    private static let (latentShare, pixelShare): (Float, Float) = (0.3, 5)
    /// Every how many frames pixels are looked at, which takes longer than all else.
    private static let pixelEvery = 4

    /// L1 + 2·L2 of the crop's pixels where the face is, of the first frames.
    private static func pixelLoss(
        _ g: GraphBuilder, _ graph: LayeredGraph, prediction: Value, target: Value, guideLatents: Value, weight: Value
    ) throws -> Value {
        let count = max(1, prediction.shape[0] / pixelEvery)
        let guides = try guideLatents.sliced(axis: 0, start: 0, count: count)
        func crops(_ residual: Value) throws -> Value {
            try graph.decoded(g, residual: residual.sliced(axis: 0, start: 0, count: count), guideLatents: guides)
                .pixelUnshuffled(graph.autoencoder.patchSize)
        }
        let error = try crops(prediction).subtracting(crops(target))
        let both = try error.unary(.absolute).adding(error.unary(.square).scaled(by: 2))
        return try mean(both.multiplied(by: weight.sliced(axis: 0, start: 0, count: count)))
    }

    /// The denoiser alone, to look at what it makes.
    static func denoiserForInference(_ model: ModelConfiguration, _ shape: Shape) throws -> Program {
        let g = GraphBuilder()
        g.output("prediction", try prediction(g, model, shape, reference: .reference).value)
        return try Program(g.graph())
    }

    private static func mean(_ value: Value) throws -> Value { try value.meaned() }
}

extension Value {
    /// The mean of all elements, a scalar.
    func meaned() throws -> Value {
        try summed(axes: Array(0..<shape.rank)).reshaped([]).scaled(by: 1 / Float(shape.count))
    }
}
