public import RainGraph

/// A small auto-encoder: every patch is projected linearly, and a convolutional network adds what the projection misses.
///
/// Initialised with the principal components of patches, the linear part alone is the best linear code from the start, and
/// training only improves on it. Pictures are 0…1 outside and -1…1 within.
public struct PatchAutoencoder: Hashable, Sendable, Codable {
    public var latentChannels = 8
    /// Channels of the residual encoder: after blocks of 4×4 pixels, then after each halving.
    public var encoderChannels = [48, 64]
    /// Channels of the residual decoder at 1/8, 1/4 and 1/2 of the picture; each step and the last doubles the size.
    public var decoderChannels = [96, 48, 16]
    /// Residual blocks per stage: encoder after each width, then decoder.
    public var encoderBlocks = [1, 2]
    public var decoderBlocks = [2, 2, 1]

    public init() {}

    enum CodingKeys: String, CodingKey {
        case latentChannels = "latent_channels"
        case encoderChannels = "encoder_channels"
        case decoderChannels = "decoder_channels"
        case encoderBlocks = "encoder_blocks"
        case decoderBlocks = "decoder_blocks"
    }

    /// Pixels per latent position and axis.
    public var patchSize: Int { 4 << (encoderChannels.count - 1) }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        let sizes = 1...4096
        guard sizes.contains(latentChannels), (1...4).contains(encoderChannels.count), encoderBlocks.count == encoderChannels.count,
            decoderBlocks.count == decoderChannels.count, 1 << decoderChannels.count == patchSize,
            (encoderChannels + decoderChannels).allSatisfy(sizes.contains), (encoderBlocks + decoderBlocks).allSatisfy((0...16).contains)
        else {
            throw ModelError(
                .configuration, at: "patch autoencoder configuration",
                "expected widths in \(sizes), one count of blocks per width and one more decoder width than encoder widths; found \(self)")
        }
    }

    /// - Parameters:
    ///   - pictures: `[n, height, width, 3]` in 0…1, sizes divisible by `patchSize`
    ///   - normalized: subtracts `latent_mean` and divides by `latent_std`, so that the channels have unit variance; `false`
    ///     while the auto-encoder itself is trained
    /// - Returns: `[n, height / patchSize, width / patchSize, latentChannels]`
    public func encode(_ g: GraphBuilder, _ pictures: Value, normalized: Bool = true) throws -> Value {
        try validate()
        let x = try pictures.scaled(by: 2, plus: -1)
        let linear = try g.convolution("patch_encoder", x, latentChannels, kernel: patchSize, stride: patchSize, padding: 0)
        var residual = try x.pixelUnshuffled(4)
        residual = try g.scoped("encoder") {
            var x = residual
            for (stage, channels) in encoderChannels.enumerated() {
                x =
                    try stage == 0
                    ? g.convolution("in", x, channels) : g.convolution("down.\(stage - 1)", x, channels, kernel: 2, stride: 2, padding: 0)
                x = try blocks(g, x, stage: stage, count: encoderBlocks[stage])
            }
            return try g.convolution("out", x.unary(.relu), latentChannels)
        }
        let latents = try linear.adding(residual)
        guard normalized else { return latents }
        let (mean, deviation) = try statistics(g)
        return try latents.subtracting(mean).divided(by: deviation)
    }

    /// - Parameters:
    ///   - latents: `[n, h, w, latentChannels]`
    ///   - normalized: as in `encode`
    /// - Returns: `[n, h · patchSize, w · patchSize, 3]` of about 0…1, not clamped
    public func decode(_ g: GraphBuilder, _ latents: Value, normalized: Bool = true) throws -> Value {
        try validate()
        var z = latents
        if normalized {
            let (mean, deviation) = try statistics(g)
            z = try z.multiplied(by: deviation).adding(mean)
        }
        let linear = try g.convolution("patch_decoder", z, 3 * patchSize * patchSize, kernel: 1).pixelShuffled(patchSize)
        let residual = try g.scoped("decoder") {
            var x = z
            for (stage, channels) in decoderChannels.enumerated() {
                x =
                    try stage == 0
                    ? g.convolution("in", x, channels) : g.convolution("up.\(stage - 1)", x, 4 * channels, kernel: 1).pixelShuffled(2)
                x = try blocks(g, x, stage: stage, count: decoderBlocks[stage])
            }
            return try g.convolution("out", x.unary(.relu), 12).pixelShuffled(2)
        }
        return try linear.adding(residual).scaled(by: 0.5, plus: 0.5)
    }

    private func statistics(_ g: GraphBuilder) throws -> (mean: Value, deviation: Value) {
        // Measured, not trained.
        try g.frozen { (try g.parameter("latent_mean", [latentChannels]), try g.parameter("latent_std", [latentChannels])) }
    }

    private func blocks(_ g: GraphBuilder, _ input: Value, stage: Int, count: Int) throws -> Value {
        var x = input
        for index in 0..<count {
            x = try g.scoped("blocks.\(stage).\(index)") {
                let hidden = try g.convolution("conv1", x, x.shape[3]).unary(.relu)
                return try g.convolution("conv2", hidden, x.shape[3]).adding(x)
            }
        }
        return x
    }
}
