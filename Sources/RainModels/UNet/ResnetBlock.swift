package import RainGraph

/// Two convolutions with norms, the time added between them, and a shortcut (arXiv 1512.03385, 2006.11239).
package struct ResnetBlock {
    let outChannels: Int
    let groups: Int
    let epsilon: Float

    package init(_ configuration: UNetConfiguration, outChannels: Int) {
        self.init(outChannels: outChannels, groups: configuration.normGroups, epsilon: configuration.normEpsilon)
    }

    init(outChannels: Int, groups: Int, epsilon: Float) {
        self.outChannels = outChannels
        self.groups = groups
        self.epsilon = epsilon
    }

    /// - Parameters:
    ///   - x: `[n, h, w, c]`
    ///   - time: `[t, 4 C0]` before its SiLU, `t` dividing `n`: one row per frame, repeated for every character; `nil` for a
    ///     network that knows no time
    /// - Returns: `[n, h, w, outChannels]`
    package func callAsFunction(_ g: GraphBuilder, _ x: Value, time: Value?) throws -> Value {
        var hidden = try g.groupNorm("norm1", x, groups: groups, epsilon: epsilon).silu()
        hidden = try g.convolution("conv1", hidden, outChannels)
        if let time { hidden = try hidden.adding(perSample(g.linear("time_emb_proj", time.silu(), outChannels), samples: x.shape[0])) }
        hidden = try g.groupNorm("norm2", hidden, groups: groups, epsilon: epsilon).silu()
        hidden = try g.convolution("conv2", hidden, outChannels)
        let shortcut = try x.shape[3] == outChannels ? x : g.convolution("conv_shortcut", x, outChannels, kernel: 1)
        return try hidden.adding(shortcut)
    }

    /// `[t, c]` → `[n, 1, 1, c]`
    private func perSample(_ time: Value, samples: Int) throws -> Value {
        let (t, c) = (time.shape[0], time.shape[1])
        guard samples % t == 0 else {
            throw GraphError(.shapeMismatch, at: time.builder.scope, "\(t) timesteps for \(samples) samples")
        }
        return try time.reshaped([1, t, c]).broadcasted(to: [samples / t, t, c]).reshaped([samples, 1, 1, c])
    }
}

/// Halves height and width.
package struct Downsample {
    package init() {}

    package func callAsFunction(_ g: GraphBuilder, _ x: Value) throws -> Value {
        try g.convolution("conv", x, x.shape[3], stride: 2)
    }
}

/// Doubles height and width by repetition, then convolves.
package struct Upsample {
    package init() {}

    /// - Parameter size: height and width of the result where the way down met odd sizes; each twice the input's, or one less.
    package func callAsFunction(_ g: GraphBuilder, _ x: Value, size: (height: Int, width: Int)? = nil) throws -> Value {
        var enlarged = try x.upsampledNearest()
        if let size {
            enlarged = try enlarged.sliced(axis: 1, start: 0, count: size.height).sliced(axis: 2, start: 0, count: size.width)
        }
        return try g.convolution("conv", enlarged, x.shape[3])
    }
}
