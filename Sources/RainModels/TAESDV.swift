public import RainGraph

/// The tiny auto-encoder for video: its decoder remembers the previous frame, so that a stream decodes slice by slice as if it
/// were one (github.com/madebyollin/taesdv).
public struct TAESDV: Hashable, Sendable {
    /// Width of all hidden layers; 64 as published.
    public var channels = 64
    public var latentChannels = 4

    public init(channels: Int = 64, latentChannels: Int = 4) {
        self.channels = channels
        self.latentChannels = latentChannels
    }

    /// What the decoder is made of, in order; the index names the parameters.
    private enum Layer: CaseIterable {
        case clamp, first, activation, memory, upsample, convolution, last
    }

    private static let decoder: [Layer] = [
        .clamp, .first, .activation,
        .memory, .memory, .memory, .upsample, .convolution,
        .memory, .memory, .memory, .upsample, .convolution,
        .memory, .memory, .memory, .upsample, .convolution,
        .memory, .last,
    ]

    /// How much larger pictures are than their latents.
    public static let upscale = 8

    /// Shapes `[1, h, w, channels]` of the decoder's memories for latents of that size; zeros before the first frame.
    public func memoryShapes(height: Int, width: Int) -> [Shape] {
        var scale = 1
        return Self.decoder.compactMap { layer in
            if layer == .upsample { scale *= 2 }
            return layer == .memory ? [1, height * scale, width * scale, channels] : nil
        }
    }

    /// Decodes consecutive frames.
    ///
    /// - Parameters:
    ///   - g: parameters are named `decoder.<layer>…` in its current scope
    ///   - latents: `[frames, h, w, latentChannels]`, as the scheduler leaves them
    ///   - memories: what the previous slice left, of `memoryShapes`
    ///   - record: called with the memories as `mem0` …
    /// - Returns: pictures `[frames, 8 h, 8 w, 3]` of about 0…1, not clamped, and the memories for the next slice
    public func decode(
        _ g: GraphBuilder, _ latents: Value, memories: [Value], record: Recorder? = nil
    ) throws -> (pictures: Value, memories: [Value]) {
        let expected = memoryShapes(height: latents.shape[1], width: latents.shape[2])
        guard memories.map(\.shape) == expected else {
            throw GraphError(.shapeMismatch, at: g.scope, "expected memories \(expected), found \(memories.map(\.shape))")
        }
        var left: [Value] = []
        let pictures = try g.scoped("decoder") {
            var x = latents
            for (index, layer) in Self.decoder.enumerated() {
                switch layer {
                case .clamp: x = try x.scaled(by: 1 / 3).unary(.tanh).scaled(by: 3)
                case .first: x = try g.convolution("\(index)", x, channels)
                case .activation: x = try x.unary(.relu)
                case .upsample: x = try x.upsampledNearest()
                case .convolution: x = try g.convolution("\(index)", x, channels, bias: false)
                case .last: x = try g.convolution("\(index)", x, 3)
                case .memory:
                    let frames = x.shape[0]
                    let memory = memories[left.count]
                    left.append(try x.sliced(axis: 0, start: frames - 1, count: 1))
                    record?("mem\(left.count - 1)", left[left.count - 1])
                    // Every frame's predecessor is known before the block runs, so the slice is one batch.
                    let past =
                        try frames == 1 ? memory : memory.concatenated(with: [x.sliced(axis: 0, start: 0, count: frames - 1)], axis: 0)
                    x = try g.scoped("\(index)") { try block(g, x.concatenated(with: [past], axis: 3), skip: x) }
                }
            }
            return x
        }
        return (pictures, left)
    }

    /// Encodes pictures one by one.
    ///
    /// - Parameter pictures: `[n, height, width, 3]` in 0…1, sizes divisible by 8
    /// - Returns: `[n, height / 8, width / 8, latentChannels]`
    public func encode(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        try g.scoped("encoder") {
            var x = try g.convolution("0", pictures, channels)
            x = try g.scoped("1") { try block(g, x, skip: x) }
            for start in [2, 6, 10] {
                x = try g.convolution("\(start)", x, channels, stride: 2, bias: false)
                for index in start + 1...start + 3 { x = try g.scoped("\(index)") { try block(g, x, skip: x) } }
            }
            return try g.convolution("14", x, latentChannels)
        }
    }

    /// Names and shapes of all parameters, of encoder and decoder.
    public func parameters() throws -> [(name: String, shape: Shape)] {
        let g = GraphBuilder()
        _ = try encode(g, g.input("pictures", [1, 8, 8, 3]))
        let memories = try memoryShapes(height: 1, width: 1).enumerated().map { try g.input("memory\($0.offset)", $0.element) }
        _ = try decode(g, g.input("latents", [1, 1, 1, latentChannels]), memories: memories)
        return try g.graph().parameters
    }

    /// Three convolutions and a shortcut, then the activation.
    private func block(_ g: GraphBuilder, _ x: Value, skip: Value) throws -> Value {
        var hidden = try g.convolution("conv.0", x, channels).unary(.relu)
        hidden = try g.convolution("conv.2", hidden, channels).unary(.relu)
        return try g.convolution("conv.4", hidden, channels).adding(skip).unary(.relu)
    }
}
