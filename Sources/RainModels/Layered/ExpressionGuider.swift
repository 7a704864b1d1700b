public import RainGraph

/// Tells the denoiser what a face is to do: numbers of its expression, and the latents of what the reference alone would show.
///
/// It stands where other models have a pose guider. Numbers, not a picture: in a crop that stands still in the head they say all.
public struct ExpressionGuider: Hashable, Sendable, Codable {
    /// Numbers of an expression.
    public var numbers = 120
    /// Channels of the hidden layers.
    public var hiddenChannels = 256
    /// Channels that numbers have at every position, before they become features.
    public var placedChannels = 32
    /// Channels of the features: the first of the denoiser's `block_out_channels`.
    public var embeddingChannels: Int

    public init(embeddingChannels: Int) { self.embeddingChannels = embeddingChannels }

    enum CodingKeys: String, CodingKey {
        case numbers
        case hiddenChannels = "hidden_channels"
        case placedChannels = "placed_channels"
        case embeddingChannels = "embedding_channels"
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        guard [numbers, hiddenChannels, placedChannels, embeddingChannels].allSatisfy((1...4096).contains) else {
            throw ModelError(.configuration, at: "expression guider configuration", "expected sizes in 1...4096, found \(self)")
        }
    }

    /// - Parameters:
    ///   - expression: `[n, numbers]`
    ///   - guide: latents of the warped reference, `[n, h, w, c]`
    /// - Returns: `[n, h, w, embeddingChannels]`
    public func callAsFunction(_ g: GraphBuilder, expression: Value, guide: Value) throws -> Value {
        try validate()
        let (n, h, w) = (guide.shape[0], guide.shape[1], guide.shape[2])
        // Measured, not trained.
        let (mean, deviation) = try g.frozen { (try g.parameter("number_mean", [numbers]), try g.parameter("number_std", [numbers])) }
        var x = try expression.subtracting(mean).divided(by: deviation)
        x = try g.linear("linear.0", x, hiddenChannels).silu()
        x = try g.linear("linear.1", x, hiddenChannels).silu()
        x = try g.linear("linear.2", x, h * w * placedChannels).reshaped([n, h, w, placedChannels])
        x = try g.convolution("placed", x, embeddingChannels)
        let seen = try g.convolution("guide.0", guide, embeddingChannels).silu()
        return try g.convolution("guide.1", seen, embeddingChannels).adding(x)
    }
}
