public import RainGraph
import RainModels

/// The programs that run a model, each over fixed shapes.
public struct ModelPrograms: Sendable {
    public let configuration: ModelConfiguration

    public init(_ configuration: ModelConfiguration) { self.configuration = configuration }

    private var latentShape: [Int] { [configuration.latentSize, configuration.latentSize, configuration.latentChannels] }

    /// What a reference picture is turned into, once per reference: inputs `picture` `[1, height, width, 3]` in 0…1 and, where the
    /// reference network is given the reference's pose, `pose_picture` `[1, size, size, 3]`, and, where there is an image encoder,
    /// `clip_picture` `[1, size, size, 3]` as CLIP wants it; outputs `bank_<name>` `[1, tokens, channels]` and, with an image
    /// encoder, `context` `[1, 1, channels]`.
    public func reference() throws -> Program { try Program(referenceGraph()) }

    private func referenceGraph() throws -> Graph {
        let g = GraphBuilder()
        let size = configuration.imageSize
        let latents = try encoded(g, g.input("picture", [1, size, size, 3]))
        let context = try configuration.imageEncoder.map { encoder in
            let picture = try g.input("clip_picture", [1, encoder.imageSize, encoder.imageSize, 3])
            let embedding = try g.scoped(ModelConfiguration.Network.imageEncoder.rawValue) { try encoder(g, picture).embedding }
            return try embedding.reshaped([1, 1, encoder.projectionSize])
        }
        let pose = try configuration.referencePose ? poseFeatures(g, g.input("pose_picture", poseShape(frames: 1))) : nil
        let banks = try g.scoped(ModelConfiguration.Network.referenceUNet.rawValue) {
            try ReferenceUNet(configuration.referenceUNet)(g, latents: latents, context: context, pose: pose)
        }
        for bank in banks { g.output("bank_" + bank.name, bank.tokens) }
        if let context { g.output("context", context) }
        return try g.graph()
    }

    /// Pictures `[n, height, width, 3]` in 0…1 to latents.
    private func encoded(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        switch configuration.autoencoder {
        case .patch(let autoencoder):
            try g.scoped(ModelConfiguration.Network.autoencoder.rawValue) { try autoencoder.encode(g, pictures) }
        case .stableDiffusion(let autoencoder, _):
            try g.scoped(ModelConfiguration.Network.vae.rawValue) {
                try autoencoder.latents(autoencoder.moments(g, pictures.scaled(by: 2, plus: -1)))
            }
        }
    }

    /// Latents to pictures of about 0…1, and what the decoder remembers for the next ones.
    private func decoded(_ g: GraphBuilder, _ latents: Value, memories: [Value]) throws -> (pictures: Value, memories: [Value]) {
        switch configuration.autoencoder {
        case .patch(let autoencoder):
            (try g.scoped(ModelConfiguration.Network.autoencoder.rawValue) { try autoencoder.decode(g, latents) }, [])
        case .stableDiffusion(_, let decoder):
            try g.scoped(ModelConfiguration.Network.taesdv.rawValue) { try decoder.decode(g, latents, memories: memories) }
        }
    }

    /// Pose pictures to features: `pose_pictures` `[frames, size, size, 3]` in 0…1 → `features`
    /// `[frames, latent height, latent width, channels]`.
    func pose(frames: Int) throws -> Program { try Program(poseGraph(frames: frames)) }

    private func poseGraph(frames: Int) throws -> Graph {
        let g = GraphBuilder()
        g.output("features", try poseFeatures(g, g.input("pose_pictures", poseShape(frames: frames))))
        return try g.graph()
    }

    /// Latents to pictures: `latents` `[frames, h, w, c]` → `pictures`, uint8 `[frames, height, width, 3]`, and `finite`, uint8 `[frames]`,
    /// which is 0 for a picture that is not.
    ///
    /// A decoder that remembers has inputs `memory<i>` of `decoderMemories`, zero before the first frame, and outputs `left<i>` that
    /// become the next call's memories.
    func decoder(frames: Int) throws -> Program { try Program(decoderGraph(frames: frames)) }

    /// Shapes of what the decoder remembers of the frames before; empty for one that does not.
    public var decoderMemories: [Shape] {
        switch configuration.autoencoder {
        case .patch: []
        case .stableDiffusion(_, let decoder): decoder.memoryShapes(height: configuration.latentSize, width: configuration.latentSize)
        }
    }

    private func decoderGraph(frames: Int) throws -> Graph {
        let g = GraphBuilder()
        let latents = try g.input("latents", Shape([frames] + latentShape))
        let memories = try decoderMemories.enumerated().map { try g.input("memory\($0.offset)", $0.element) }
        let (pictures, left) = try decoded(g, latents, memories: memories)
        try Self.output(pictures, g)
        for (index, memory) in left.enumerated() { g.output("left\(index)", memory) }
        return try g.graph()
    }

    /// Makes pictures of about 0…1 the result of a program, as bytes.
    static func output(_ pictures: Value, _ g: GraphBuilder) throws {
        let (bytes, areFinite) = try pictures.colorBytes()
        g.output("pictures", bytes)
        g.output("finite", areFinite)
    }

    /// Pictures to latents and back, the most that any latents could show: `pictures` `[frames, height, width, 3]` in 0…1 →
    /// `reconstructions`, the same shape.
    public func reconstruction(frames: Int) throws -> Program {
        let g = GraphBuilder()
        let pictures = try g.input("pictures", [frames, configuration.imageSize, configuration.imageSize, 3])
        let memories = try decoderMemories.map { try g.constant([0], $0) }
        g.output("reconstructions", try decoded(g, encoded(g, pictures), memories: memories).pictures)
        return try Program(g.graph())
    }

    /// What tells the denoiser of a group of frames, whatever the model's family.
    public func guider(frames: Int) throws -> Program {
        try LayeredGraph(configuration).map { try LayeredPrograms($0).guider(frames: frames) } ?? pose(frames: frames)
    }

    /// What makes pictures of a group of frames' latents, whatever the model's family.
    public func painter(frames: Int) throws -> Program {
        try LayeredGraph(configuration).map { try LayeredPrograms($0).decoder(frames: frames) } ?? decoder(frames: frames)
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
        let ends =
            try LayeredGraph(configuration).map { try LayeredPrograms($0).graphs() }
            ?? [referenceGraph(), poseGraph(frames: 1), decoderGraph(frames: 1)]
        let graphs = try ends + [denoisingStep.graph(frames: 1, passes: 1)]
        var shapes: [String: Shape] = [:]
        for graph in graphs {
            for (name, shape) in graph.parameters { shapes[name] = shape }
        }
        return shapes.sorted { $0.key < $1.key }.map { (name: $0.key, shape: $0.value) }
    }

    /// Whether the networks are so large that what is not needed just now should not stay in memory.
    func isLarge() throws -> Bool { try parameters().reduce(0) { $0 + $1.shape.count } > 100_000_000 }

    private func poseShape(frames: Int) -> Shape { [frames, configuration.posePicture.size, configuration.posePicture.size, 3] }

    private func poseFeatures(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        guard let guider = configuration.poseGuider else { preconditionFailure("a model with a layered guide has no pose guider") }
        return try g.scoped(ModelConfiguration.Network.poseGuider.rawValue) { try guider(g, pictures) }
    }
}
