public import RainGraph

/// The network that denoises the frames in flight, looking at pose, reference and each other.
public struct DenoisingUNet: Sendable {
    public let configuration: UNetConfiguration

    /// - Throws: `ModelError.configuration`
    public init(_ configuration: UNetConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
    }

    /// One evaluation for `b` characters of `frames` frames each, samples ordered `[character, frame]`.
    ///
    /// - Parameters:
    ///   - g: parameters are named in its current scope
    ///   - sample: noisy latents `[b · frames, h, w, inChannels]`
    ///   - timesteps: `[t]`, `t` dividing the samples: one per frame, shared by all characters, or one per sample. Constants
    ///     make the time embedding and all that hangs on it a matter of loading.
    ///   - context: cross-attention tokens `[1 or b, tokens, crossAttentionChannels]`, for a network with cross-attention
    ///   - guidance: `[1 or t, guidanceChannels]`, for a network with a guidance embedding
    ///   - pose: pose features `[b · frames, h, w, C0]`
    ///   - references: banks of the reference network, `[1 or b, tokens, channels]` each; empty for none, else one for each of
    ///     `UNetConfiguration.banks`
    ///   - frames: frames per character
    ///   - motion: `false` leaves the motion modules out, as when training on single frames
    ///   - record: called with intermediate results
    /// - Returns: `[b · frames, h, w, outChannels]`: the velocity or the clean sample, as the configuration says
    /// - Throws: `GraphError` naming the layer
    public func callAsFunction(
        _ g: GraphBuilder, sample: Value, timesteps: Value, context: Value? = nil, guidance: Value? = nil, pose: Value? = nil,
        references: [Bank], frames: Int, motion: Bool = true, record: Recorder? = nil
    ) throws -> Value {
        guard sample.shape.rank == 4, frames > 0, sample.shape[0] % frames == 0 else {
            throw GraphError(.shapeMismatch, at: g.scope, "sample \(sample.shape) for \(frames) frames per character")
        }
        guard sample.shape[3] == configuration.inChannels else {
            throw GraphError(.shapeMismatch, at: g.scope, "sample \(sample.shape) for \(configuration.inChannels) channels")
        }
        try check(references, g, height: sample.shape[1], width: sample.shape[2])
        let unet = UNet(configuration: configuration)
        let time = try unet.timeEmbedding(g, timesteps, guidance: guidance, record: record)
        let pass = UNetPass(
            g, time: time, context: context, frames: frames, motion: motion, references: references, record: record)
        guard var x = try unet(pass, unet.entrance(g, sample, pose: pose, record: record)) else {
            throw GraphError(.malformed, at: g.scope, "the network ended before its end")
        }
        x = try g.groupNorm("conv_norm_out", x, groups: configuration.normGroups, epsilon: configuration.normEpsilon).silu()
        return try g.convolution("conv_out", x, configuration.outChannels)
    }

    /// All parameters of the network, whatever a call makes of them.
    ///
    /// - Returns: names without any prefix
    public func parameters() throws -> [(name: String, shape: Shape)] {
        let (g, size) = (GraphBuilder(), configuration.probeSize)
        _ = try self(
            g, sample: g.input("sample", [1, size.height, size.width, configuration.inChannels]), timesteps: g.input("timesteps", [1]),
            context: configuration.crossAttentionChannels.map { try g.input("context", [1, 1, $0]) },
            guidance: configuration.guidanceChannels.map { try g.input("guidance", [1, $0]) }, references: [], frames: 1)
        return try g.graph().parameters
    }

    private func check(_ references: [Bank], _ g: GraphBuilder, height: Int, width: Int) throws {
        if references.isEmpty { return }
        let expected = configuration.banks(height: height, width: width).map(\.name).sorted()
        let found = references.map(\.name).sorted()
        guard expected == found else {
            throw GraphError(
                .name, at: g.scope, "expected the banks \(expected.joined(separator: " ")), found \(found.joined(separator: " "))")
        }
    }
}
