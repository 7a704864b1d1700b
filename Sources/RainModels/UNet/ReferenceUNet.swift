public import RainGraph

/// The network that reads the reference picture; its banks tell the denoising network who is meant.
public struct ReferenceUNet: Sendable {
    public let configuration: UNetConfiguration

    /// - Throws: `ModelError.configuration`
    public init(_ configuration: UNetConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
    }

    /// The banks of references.
    ///
    /// - Parameters:
    ///   - g: parameters are named in its current scope
    ///   - latents: `[b, h, w, inChannels]`
    ///   - timestep: `[1]`; 0 by default
    ///   - context: cross-attention tokens `[1 or b, tokens, crossAttentionChannels]`, for a network with cross-attention
    ///   - guidance: `[1, guidanceChannels]`, for a network with a guidance embedding
    ///   - pose: features of the reference's own pose, `[b, h, w, C0]`, added after the first convolution
    ///   - record: called with intermediate results
    /// - Returns: one bank per spatial transformer, in order of computation. Nothing after the last bank is built.
    public func callAsFunction(
        _ g: GraphBuilder, latents: Value, timestep: Value? = nil, context: Value? = nil, guidance: Value? = nil, pose: Value? = nil,
        record: Recorder? = nil
    ) throws -> [Bank] {
        let size = latents.shape
        let last = size.rank == 4 ? configuration.banks(height: size[1], width: size[2]).last?.name : nil
        return try build(
            g, latents: latents, timestep: timestep, context: context, guidance: guidance, pose: pose, lastBank: last, record: record
        ).banks
    }

    /// The banks and what follows them up to the output of the last block, which RAIN does not use.
    package func throughout(
        _ g: GraphBuilder, latents: Value, timestep: Value? = nil, context: Value? = nil, record: Recorder? = nil
    ) throws -> (banks: [Bank], hidden: Value) {
        let (banks, hidden) = try build(
            g, latents: latents, timestep: timestep, context: context, guidance: nil, pose: nil, lastBank: nil, record: record)
        guard let hidden else { throw GraphError(.malformed, at: g.scope, "the network ended before its end") }
        return (banks, hidden)
    }

    /// All parameters of the network as published, also those after the last bank, which are not needed.
    ///
    /// - Returns: names without any prefix
    public func parameters() throws -> [(name: String, shape: Shape)] {
        let (g, size) = (GraphBuilder(), configuration.probeSize)
        _ = try build(
            g, latents: g.input("latents", [1, size.height, size.width, configuration.inChannels]), timestep: nil,
            context: configuration.crossAttentionChannels.map { try g.input("context", [1, 1, $0]) },
            guidance: configuration.guidanceChannels.map { try g.input("guidance", [1, $0]) }, pose: nil, lastBank: nil, record: nil)
        return try g.graph().parameters
    }

    private func build(
        _ g: GraphBuilder, latents: Value, timestep: Value?, context: Value?, guidance: Value?, pose: Value?, lastBank: String?,
        record: Recorder?
    ) throws -> (banks: [Bank], hidden: Value?) {
        let unet = UNet(configuration: configuration)
        let time = try unet.timeEmbedding(g, timestep ?? g.constant([0], [1]), guidance: guidance, record: record)
        let pass = UNetPass(g, time: time, context: context, lastBank: lastBank, record: record)
        let hidden = try unet(pass, unet.entrance(g, latents, pose: pose, record: record))
        return (pass.banks, hidden)
    }
}
