package import RainGraph

/// Attention over the frames at each pixel (AnimateDiff, arXiv 2307.04725, section 4.2).
package struct MotionModule {
    let motion: MotionConfiguration
    let block: MotionBlock

    package init(_ motion: MotionConfiguration, _ configuration: UNetConfiguration, level: Int) {
        self.motion = motion
        block = MotionBlock(motion, configuration, level: level)
    }

    /// - Parameters:
    ///   - x: `[b · frames, h, w, c]`
    ///   - frames: at most `motion.longestWindow`
    package func callAsFunction(_ g: GraphBuilder, _ x: Value, frames: Int) throws -> Value {
        try g.scoped("temporal_transformer") {
            let (n, pixels, c) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
            var tokens = try g.groupNorm("norm", x, groups: motion.normGroups, epsilon: motion.normEpsilon)
                .reshaped([n / frames, frames, pixels, c])
            tokens = try g.linear("proj_in", tokens, c)
            for index in 0..<motion.transformerBlocks {
                tokens = try g.scoped("transformer_blocks.\(index)") { try block(g, tokens) }
            }
            return try g.linear("proj_out", tokens, c).reshaped(x.shape).adding(x)
        }
    }
}

/// Temporal self-attentions and a feed-forward layer.
package struct MotionBlock {
    let motion: MotionConfiguration
    let heads: Int
    let feedForwardMultiplier: Int
    let epsilon: Float

    package init(_ motion: MotionConfiguration, _ configuration: UNetConfiguration, level: Int) {
        self.motion = motion
        heads = motion.heads[level]
        feedForwardMultiplier = configuration.feedForwardMultiplier
        epsilon = configuration.layerNormEpsilon
    }

    /// - Parameter tokens: `[b, frames, pixels, c]`
    package func callAsFunction(_ g: GraphBuilder, _ tokens: Value) throws -> Value {
        var x = tokens
        for index in 0..<motion.attentionBlocks {
            let normed = try g.layerNorm("norms.\(index)", x, epsilon: epsilon)
            x = try x.adding(g.scoped("attention_blocks.\(index)") { try attention(g, normed) })
        }
        return try x.adding(g.feedForward("ff", g.layerNorm("ff_norm", x, epsilon: epsilon), multiplier: feedForwardMultiplier))
    }

    private func attention(_ g: GraphBuilder, _ normed: Value) throws -> Value {
        let c = normed.shape[3]
        let x = try motion.hasPositions ? normed.adding(positions(g, frames: normed.shape[1], channels: c)) : normed
        func projected(_ name: String) throws -> Value { try g.linear(name, x, c, bias: false) }
        let attended = try projected("to_q").temporalAttention(keys: projected("to_k"), values: projected("to_v"), heads: heads)
        return try g.linear("to_out.0", attended, c)
    }

    /// `[1, frames, 1, c]`, position 0 for the oldest frame of the call.
    private func positions(_ g: GraphBuilder, frames: Int, channels: Int) throws -> Value {
        guard frames <= motion.longestWindow else {
            throw GraphError(.invalidAttribute, at: g.scope, "\(frames) frames, but positions for \(motion.longestWindow)")
        }
        if motion.storesPositions {
            return try g.frozen { try g.parameter("pos_encoder.pe", [1, motion.longestWindow, channels]) }
                .sliced(axis: 1, start: 0, count: frames).reshaped([1, frames, 1, channels])
        }
        return try g.constant(Sinusoids.positions(frames, channels: channels), [1, frames, 1, channels])
    }
}
