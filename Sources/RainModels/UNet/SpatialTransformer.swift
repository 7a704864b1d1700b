package import RainGraph

/// Attention of the pixels of each frame to each other, to the reference and to the cross-attention tokens
/// (arXiv 2112.10752, section 3.3; reference attention: arXiv 2311.17117).
package struct SpatialTransformer {
    let heads: Int
    let groups: Int
    let epsilon: Float
    let block: SpatialBlock

    package init(_ configuration: UNetConfiguration, level: Int) {
        heads = configuration.attentionHeads[level]
        groups = configuration.normGroups
        epsilon = configuration.transformerNormEpsilon
        block = SpatialBlock(configuration, level: level)
    }

    /// - Parameters:
    ///   - x: `[n, h, w, c]`
    ///   - name: of this transformer's bank
    /// - Returns: `[n, h, w, c]`, or `nil` if the last wanted bank was found here.
    package func callAsFunction(_ pass: UNetPass, _ x: Value, bank name: String) throws -> Value? {
        let g = pass.g
        let normed = try g.groupNorm("norm", x, groups: groups, epsilon: epsilon)
        let tokens = try g.convolution("proj_in", normed, x.shape[3], kernel: 1).tokens()
        let attended: Value? = try g.scoped("transformer_blocks.0") {
            let normed = try block.normed(g, tokens)
            if pass.keep(name, normed) { return nil }
            return try block(g, tokens, normed: normed, reference: pass.reference(name), context: pass.context)
        }
        guard let attended else { return nil }
        return try g.convolution("proj_out", attended.reshaped(x.shape), x.shape[3], kernel: 1).adding(x)
    }
}

/// One transformer block over tokens.
package struct SpatialBlock {
    let heads: Int
    let hasContext: Bool
    let feedForwardMultiplier: Int
    let epsilon: Float

    package init(_ configuration: UNetConfiguration, level: Int) {
        heads = configuration.attentionHeads[level]
        hasContext = configuration.crossAttentionChannels != nil
        feedForwardMultiplier = configuration.feedForwardMultiplier
        epsilon = configuration.layerNormEpsilon
    }

    /// The tokens as the self-attention sees them: what a bank holds.
    package func normed(_ g: GraphBuilder, _ tokens: Value) throws -> Value { try g.layerNorm("norm1", tokens, epsilon: epsilon) }

    /// - Parameters:
    ///   - tokens: `[n, l, c]`
    ///   - normed: `normed(tokens)`
    ///   - reference: `[r, t, c]`, `r` dividing `n`
    ///   - context: `[1 or b, m, d]`, `b` dividing `n`
    package func callAsFunction(_ g: GraphBuilder, _ tokens: Value, normed: Value, reference: Value?, context: Value?) throws -> Value {
        var x = try tokens.adding(selfAttention(g, normed, reference: reference))
        if hasContext {
            guard let context else {
                throw GraphError(.name, at: g.scope, "a network with cross-attention needs cross-attention tokens, none given")
            }
            x = try x.adding(crossAttention(g, g.layerNorm("norm2", x, epsilon: epsilon), context))
        }
        return try x.adding(g.feedForward("ff", g.layerNorm("norm3", x, epsilon: epsilon), multiplier: feedForwardMultiplier))
    }

    /// Keys and values of the reference are nodes of their own, not a concatenation: they change only with the reference.
    private func selfAttention(_ g: GraphBuilder, _ x: Value, reference: Value?) throws -> Value {
        try g.scoped("attn1") {
            let c = x.shape[2]
            func projected(_ name: String, _ x: Value) throws -> Value { try g.linear(name, x, c, bias: false) }
            let attended = try projected("to_q", x).attention(
                keys: projected("to_k", x), values: projected("to_v", x),
                reference: reference.map { (try projected("to_k", $0), try projected("to_v", $0)) }, heads: heads)
            return try g.linear("to_out.0", attended, c)
        }
    }

    private func crossAttention(_ g: GraphBuilder, _ x: Value, _ context: Value) throws -> Value {
        try g.scoped("attn2") {
            let (n, c) = (x.shape[0], x.shape[2])
            guard n % context.shape[0] == 0 else {
                throw GraphError(.shapeMismatch, at: g.scope, "cross-attention tokens \(context.shape) for \(n) samples")
            }
            let times = n / context.shape[0]
            let attended = try g.linear("to_q", x, c, bias: false).attention(
                keys: g.linear("to_k", context, c, bias: false).repeatedSamples(times),
                values: g.linear("to_v", context, c, bias: false).repeatedSamples(times), heads: heads)
            return try g.linear("to_out.0", attended, c)
        }
    }
}
