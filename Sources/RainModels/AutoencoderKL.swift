public import RainGraph

/// The auto-encoder of Stable Diffusion (arXiv 2112.10752), which RAIN reads its reference pictures with.
///
/// Codable as the `config.json` that diffusers writes.
public struct AutoencoderKL: Hashable, Sendable {
    /// Channels per resolution level, finest first; each level but the last halves height and width.
    public var blockOutChannels = [128, 256, 512, 512]
    /// Resnets per level of the encoder; the decoder has one more.
    public var layersPerBlock = 2
    public var latentChannels = 4
    public var normGroups = 32
    public var normEpsilon: Float = 1e-6
    /// What makes the latents' deviation about one.
    public var scalingFactor: Float = 0.18215

    /// The published auto-encoder `sd-vae-ft-mse`.
    public init() {}

    /// How much smaller the latents are than the picture.
    public var downscale: Int { 1 << (blockOutChannels.count - 1) }

    /// Encodes pictures.
    ///
    /// - Parameters:
    ///   - g: parameters are named `encoder.…` and `quant_conv.…` in its current scope
    ///   - pictures: `[n, height, width, 3]` in -1…1, sizes divisible by `downscale`
    /// - Returns: mean and logarithm of the variance of the latents' distribution, along the channels:
    ///   `[n, height / downscale, width / downscale, 2 · latentChannels]`, not scaled
    public func moments(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        let hidden = try g.scoped("encoder") {
            var x = try g.convolution("conv_in", pictures, blockOutChannels[0])
            for (level, channels) in blockOutChannels.enumerated() {
                x = try g.scoped("down_blocks.\(level)") {
                    let x = try resnets(g, x, channels, count: layersPerBlock)
                    return level < blockOutChannels.count - 1 ? try g.scoped("downsamplers.0") { try halved(g, x) } : x
                }
            }
            return try end(g, middle(g, x), 2 * latentChannels)
        }
        return try g.convolution("quant_conv", hidden, 2 * latentChannels, kernel: 1)
    }

    /// The latents RAIN uses: the mean of their distribution, nothing drawn, times `scalingFactor`.
    ///
    /// - Parameter moments: what `moments` returns
    /// - Returns: `[n, h, w, latentChannels]`
    public func latents(_ moments: Value) throws -> Value {
        try moments.sliced(axis: 3, start: 0, count: latentChannels).scaled(by: scalingFactor)
    }

    /// Decodes latents.
    ///
    /// - Parameters:
    ///   - g: parameters are named `post_quant_conv.…` and `decoder.…` in its current scope
    ///   - latents: `[n, h, w, latentChannels]`, scaled
    /// - Returns: `[n, h · downscale, w · downscale, 3]` of about -1…1, not clamped
    public func decode(_ g: GraphBuilder, _ latents: Value) throws -> Value {
        let entrance = try g.convolution("post_quant_conv", latents.scaled(by: 1 / scalingFactor), latentChannels, kernel: 1)
        return try g.scoped("decoder") {
            var x = try middle(g, g.convolution("conv_in", entrance, blockOutChannels[blockOutChannels.count - 1]))
            for (index, channels) in blockOutChannels.reversed().enumerated() {
                x = try g.scoped("up_blocks.\(index)") {
                    let x = try resnets(g, x, channels, count: layersPerBlock + 1)
                    return index < blockOutChannels.count - 1 ? try g.scoped("upsamplers.0") { try Upsample()(g, x) } : x
                }
            }
            return try end(g, x, 3)
        }
    }

    /// Names and shapes of all parameters, of encoder and decoder.
    public func parameters() throws -> [(name: String, shape: Shape)] {
        let g = GraphBuilder()
        let moments = try moments(g, g.input("pictures", [1, downscale, downscale, 3]))
        _ = try decode(g, latents(moments))
        return try g.graph().parameters
    }

    /// The name a parameter has here, for one that a file may call as older versions of diffusers did:
    /// `query`, `key`, `value` and `proj_attn` in the attention of the middle.
    public static func currentName(_ stored: String) -> String {
        let parts = stored.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 3, parts.contains("attentions"), let new = renamed[String(parts[parts.count - 2])] else { return stored }
        return (parts.dropLast(2).map(String.init) + [new, String(parts[parts.count - 1])]).joined(separator: ".")
    }

    /// The name the published file has for a parameter: the inverse of `currentName`.
    static func publishedName(_ name: String) -> String {
        guard name.contains("attentions.") else { return name }
        for (old, new) in renamed {
            for kind in [".weight", ".bias"] where name.hasSuffix(".\(new)\(kind)") {
                return name.dropLast(new.count + kind.count) + old + kind
            }
        }
        return name
    }

    private static let renamed = ["query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"]

    private func resnets(_ g: GraphBuilder, _ input: Value, _ channels: Int, count: Int) throws -> Value {
        let resnet = ResnetBlock(outChannels: channels, groups: normGroups, epsilon: normEpsilon)
        return try (0..<count).reduce(input) { x, index in try g.scoped("resnets.\(index)") { try resnet(g, x, time: nil) } }
    }

    /// Unlike the UNet's, with zeros on the right and at the bottom only.
    private func halved(_ g: GraphBuilder, _ x: Value) throws -> Value {
        let c = x.shape[3]
        return try x.convolved(
            g.parameter("conv.weight", [c, c, 3, 3]), bias: g.parameter("conv.bias", [c]), Convolution(stride: 2, padding: [0, 0, 1, 1]))
    }

    private func middle(_ g: GraphBuilder, _ input: Value) throws -> Value {
        try g.scoped("mid_block") {
            let resnet = ResnetBlock(outChannels: input.shape[3], groups: normGroups, epsilon: normEpsilon)
            let first = try g.scoped("resnets.0") { try resnet(g, input, time: nil) }
            let attended = try g.scoped("attentions.0") { try attention(g, first) }
            return try g.scoped("resnets.1") { try resnet(g, attended, time: nil) }
        }
    }

    /// One head over all pixels.
    private func attention(_ g: GraphBuilder, _ x: Value) throws -> Value {
        let c = x.shape[3]
        let tokens = try g.groupNorm("group_norm", x, groups: normGroups, epsilon: normEpsilon).tokens()
        let attended = try g.linear("to_q", tokens, c).attention(
            keys: g.linear("to_k", tokens, c), values: g.linear("to_v", tokens, c), heads: 1)
        return try g.linear("to_out.0", attended, c).reshaped(x.shape).adding(x)
    }

    private func end(_ g: GraphBuilder, _ x: Value, _ channels: Int) throws -> Value {
        let normed = try g.groupNorm("conv_norm_out", x, groups: normGroups, epsilon: normEpsilon).silu()
        return try g.convolution("conv_out", normed, channels)
    }
}

extension AutoencoderKL: Codable {
    enum CodingKeys: String, CodingKey {
        case blockOutChannels = "block_out_channels"
        case layersPerBlock = "layers_per_block"
        case latentChannels = "latent_channels"
        case normGroups = "norm_num_groups"
        case normEpsilon = "norm_eps"
        case scalingFactor = "scaling_factor"
        case activation = "act_fn"
        case inChannels = "in_channels"
        case outChannels = "out_channels"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func value<T: Decodable>(_ key: CodingKeys, default fallback: T) throws -> T {
            try values.decodeIfPresent(T.self, forKey: key) ?? fallback
        }
        func require<T: Decodable & Equatable>(_ key: CodingKeys, _ supported: T) throws {
            let found = try value(key, default: supported)
            guard found == supported else {
                throw ModelError(.configuration, at: "auto-encoder configuration: \(key.rawValue)", "expected \(supported), found \(found)")
            }
        }
        self.init()
        try require(.activation, "silu")
        try require(.inChannels, 3)
        try require(.outChannels, 3)
        blockOutChannels = try values.decode([Int].self, forKey: .blockOutChannels)
        layersPerBlock = try value(.layersPerBlock, default: 1)
        latentChannels = try value(.latentChannels, default: latentChannels)
        normGroups = try value(.normGroups, default: normGroups)
        normEpsilon = try value(.normEpsilon, default: normEpsilon)
        scalingFactor = try value(.scalingFactor, default: scalingFactor)
        try validate()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(blockOutChannels, forKey: .blockOutChannels)
        try values.encode(layersPerBlock, forKey: .layersPerBlock)
        try values.encode(latentChannels, forKey: .latentChannels)
        try values.encode(normGroups, forKey: .normGroups)
        try values.encode(normEpsilon, forKey: .normEpsilon)
        try values.encode(scalingFactor, forKey: .scalingFactor)
        try values.encode("silu", forKey: .activation)
        try values.encode(3, forKey: .inChannels)
        try values.encode(3, forKey: .outChannels)
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(ModelError) {
            guard condition else { throw ModelError(.configuration, at: "auto-encoder configuration: \(field)", message()) }
        }
        let sizes = 1...65536
        try require(
            (1...8).contains(blockOutChannels.count) && blockOutChannels.allSatisfy(sizes.contains), "block_out_channels",
            "expected 1 to 8 levels with sizes in \(sizes), found \(blockOutChannels.prefix(20))")
        try require((1...16).contains(layersPerBlock), "layers_per_block", "expected 1 to 16, found \(layersPerBlock)")
        try require((1...1024).contains(latentChannels), "latent_channels", "expected 1 to 1024, found \(latentChannels)")
        try require(
            normGroups > 0 && blockOutChannels.allSatisfy { $0 % normGroups == 0 }, "norm_num_groups",
            "\(normGroups) groups do not divide \(blockOutChannels)")
        try require(normEpsilon > 0 && normEpsilon < 1, "norm_eps", "expected above 0 and below 1, found \(normEpsilon)")
        try require(
            scalingFactor.isFinite && scalingFactor > 0, "scaling_factor", "expected a positive number, found \(scalingFactor)")
    }
}
