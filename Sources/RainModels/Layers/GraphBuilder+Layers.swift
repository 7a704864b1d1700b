public import RainGraph

/// Layers with parameters of their own, named as PyTorch names them: `<name>.weight` and `<name>.bias` of the current scope.
extension GraphBuilder {
    /// `[…, k]` → `[…, outputs]`
    func linear(_ name: String, _ x: Value, _ outputs: Int, bias: Bool = true) throws(GraphError) -> Value {
        let weight = try parameter(name + ".weight", [outputs, x.shape.last])
        return try x.linear(weight, bias: bias ? parameter(name + ".bias", [outputs]) : nil)
    }

    /// `[n, h, w, c]` → `[n, h', w', outputs]`; `padding` on all sides, by default half the kernel.
    func convolution(
        _ name: String, _ x: Value, _ outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil, bias: Bool = true
    ) throws(GraphError) -> Value {
        let weight = try parameter(name + ".weight", [outputs, x.shape.last, kernel, kernel])
        let around = padding ?? kernel / 2
        let geometry = Convolution(stride: stride, padding: [around, around, around, around])
        return try x.convolved(weight, bias: bias ? parameter(name + ".bias", [outputs]) : nil, geometry)
    }

    /// Statistics per sample (frame) and group of adjacent channels.
    func groupNorm(_ name: String, _ x: Value, groups: Int, epsilon: Float) throws(GraphError) -> Value {
        let gamma = try parameter(name + ".weight", [x.shape.last])
        return try x.groupNorm(gamma: gamma, beta: parameter(name + ".bias", [x.shape.last]), groups: groups, epsilon: epsilon)
    }

    func layerNorm(_ name: String, _ x: Value, epsilon: Float) throws(GraphError) -> Value {
        let gamma = try parameter(name + ".weight", [x.shape.last])
        return try x.layerNorm(gamma: gamma, beta: parameter(name + ".bias", [x.shape.last]), epsilon: epsilon)
    }

    /// The gated feed-forward layer of diffusers: `net.2(a · gelu(g))` with `[a, g] = net.0.proj(x)`.
    func feedForward(_ name: String, _ x: Value, multiplier: Int) throws -> Value {
        try scoped(name) {
            let hidden = try linear("net.0.proj", x, 2 * multiplier * x.shape.last).geglu()
            return try linear("net.2", hidden, x.shape.last)
        }
    }
}

extension Value {
    /// `[n, h, w, c]` → `[n, h · w, c]`
    func tokens() throws(GraphError) -> Value {
        let (n, h, w, c) = try planes()
        return try reshaped([n, h * w, c])
    }

    /// The dimensions of a batch of pictures or features.
    private func planes() throws(GraphError) -> (n: Int, h: Int, w: Int, c: Int) {
        guard shape.rank == 4 else {
            throw GraphError(.shapeMismatch, at: builder.scope, "expected [n, height, width, channels], found \(shape)")
        }
        return (shape[0], shape[1], shape[2], shape[3])
    }

    /// `[n, h, w, c]` → `[n, h/r, w/r, r·r·c]`, channels in the order (row, column, channel) of the small block.
    public func pixelUnshuffled(_ r: Int) throws(GraphError) -> Value {
        let (n, h, w, c) = try planes()
        guard h % r == 0, w % r == 0 else {
            throw GraphError(.shapeMismatch, at: builder.scope, "\(shape) is not divisible into blocks of \(r)×\(r)")
        }
        return try reshaped([n * (h / r), r, w / r, r * c]).transposed([0, 2, 1, 3]).reshaped([n, h / r, w / r, r * r * c])
    }

    /// The inverse of `pixelUnshuffled`: `[n, h, w, r·r·c]` → `[n, h·r, w·r, c]`.
    func pixelShuffled(_ r: Int) throws(GraphError) -> Value {
        let (n, h, w, c) = try planes()
        guard c % (r * r) == 0 else {
            throw GraphError(.shapeMismatch, at: builder.scope, "\(c) channels are no blocks of \(r)×\(r)")
        }
        return try reshaped([n * h, w, r, c / r]).transposed([0, 2, 1, 3]).reshaped([n, h * r, w * r, c / (r * r)])
    }

    /// `[b, …]` → `[b · times, …]`, every sample `times` times in a row.
    func repeatedSamples(_ times: Int) throws(GraphError) -> Value {
        if times == 1 { return self }
        let rest = Array(shape.dimensions.dropFirst())
        return try reshaped(Shape([shape[0], 1] + rest)).broadcasted(to: Shape([shape[0], times] + rest))
            .reshaped(Shape([shape[0] * times] + rest))
    }
}
