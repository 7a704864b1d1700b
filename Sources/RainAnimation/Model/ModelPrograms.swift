public import RainGraph
import RainModels

/// The programs that run a model, each over fixed shapes.
public struct ModelPrograms: Sendable {
    public let configuration: ModelConfiguration

    public init(_ configuration: ModelConfiguration) { self.configuration = configuration }

    private var latentShape: [Int] { [configuration.latentSize, configuration.latentSize, configuration.latentChannels] }

    /// What a reference picture is turned into, once per reference: inputs `picture` `[1, height, width, 3]` in 0…1 and, where the
    /// reference network is given the reference's pose, `pose_picture` `[1, size, size, 3]`; outputs `bank_<name>`
    /// `[1, tokens, channels]`.
    public func reference() throws -> Program { try Self.program(referenceGraph()) }

    private func referenceGraph() throws -> Graph {
        let g = GraphBuilder()
        let size = configuration.imageSize
        let picture = try g.input("picture", [1, size, size, 3])
        let latents = try g.scoped(ModelConfiguration.Network.autoencoder.rawValue) {
            switch configuration.autoencoder {
            case .patch(let autoencoder): try autoencoder.encode(g, picture)
            }
        }
        let pose = try configuration.referencePose ? poseFeatures(g, g.input("pose_picture", poseShape(frames: 1))) : nil
        let banks = try g.scoped(ModelConfiguration.Network.referenceUNet.rawValue) {
            try ReferenceUNet(configuration.referenceUNet)(g, latents: latents, pose: pose)
        }
        for bank in banks { g.output("bank_" + bank.name, bank.tokens) }
        return try g.graph()
    }

    /// Pose pictures to features: `pose_pictures` `[frames, size, size, 3]` in 0…1 → `features`
    /// `[frames, latent height, latent width, channels]`.
    public func pose(frames: Int) throws -> Program { try Self.program(poseGraph(frames: frames)) }

    private func poseGraph(frames: Int) throws -> Graph {
        let g = GraphBuilder()
        g.output("features", try poseFeatures(g, g.input("pose_pictures", poseShape(frames: frames))))
        return try g.graph()
    }

    /// Latents to pictures: `latents` `[frames, h, w, c]` → `pictures` `[frames, height, width, 3]` of about 0…1.
    public func decoder(frames: Int) throws -> Program { try Self.program(decoderGraph(frames: frames)) }

    private func decoderGraph(frames: Int) throws -> Graph {
        let g = GraphBuilder()
        let latents = try g.input("latents", Shape([frames] + latentShape))
        let pictures = try g.scoped(ModelConfiguration.Network.autoencoder.rawValue) {
            switch configuration.autoencoder {
            case .patch(let autoencoder): try autoencoder.decode(g, latents)
            }
        }
        g.output("pictures", pictures)
        return try g.graph()
    }

    /// Pictures to latents and back, the most that any latents could show: `pictures` `[frames, height, width, 3]` in 0…1 →
    /// `reconstructions`, the same shape.
    public func reconstruction(frames: Int) throws -> Program {
        let g = GraphBuilder()
        let pictures = try g.input("pictures", [frames, configuration.imageSize, configuration.imageSize, 3])
        let reconstructions = try g.scoped(ModelConfiguration.Network.autoencoder.rawValue) {
            switch configuration.autoencoder {
            case .patch(let autoencoder): try autoencoder.decode(g, autoencoder.encode(g, pictures))
            }
        }
        g.output("reconstructions", reconstructions)
        return try Self.program(g.graph())
    }

    /// What a push in the full stream runs; see `DenoisingStep` for its inputs and output.
    public func step(_ schedule: StreamSchedule) throws -> Program {
        try denoisingStep.program(frames: schedule.frames, passes: schedule.jump)
    }

    /// What makes the programs of the stream.
    var denoisingStep: DenoisingStep {
        DenoisingStep(
            network: configuration.denoisingUNet, latentHeight: configuration.latentSize, latentWidth: configuration.latentSize,
            scope: ModelConfiguration.Network.denoisingUNet.rawValue)
    }

    /// Names and shapes of all parameters of the model, sorted by name.
    public func parameters() throws -> [(name: String, shape: Shape)] {
        // Before any rewriting, which may find that a parameter has no influence.
        let graphs = try [referenceGraph(), poseGraph(frames: 1), decoderGraph(frames: 1), denoisingStep.graph(frames: 1, passes: 1)]
        var shapes: [String: Shape] = [:]
        for graph in graphs {
            for (name, shape) in graph.parameters { shapes[name] = shape }
        }
        return shapes.sorted { $0.key < $1.key }.map { (name: $0.key, shape: $0.value) }
    }

    static func program(_ graph: Graph) throws -> Program { try Program(graph.optimizedForInference()) }

    private func poseShape(frames: Int) -> Shape { [frames, configuration.posePicture.size, configuration.posePicture.size, 3] }

    private func poseFeatures(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        try g.scoped(ModelConfiguration.Network.poseGuider.rawValue) { try configuration.poseGuider(g, pictures) }
    }
}
