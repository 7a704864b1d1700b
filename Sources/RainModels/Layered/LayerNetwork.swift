public import RainGraph

/// Cuts a reference picture into layers, once: how far each layer before the background reaches, also where others hide it.
///
/// A small U-shaped network over the picture in blocks of 4×4 pixels; masks are refined beside the picture in blocks of 2×2.
public struct LayerNetwork: Hashable, Sendable, Codable {
    /// Layers, the opaque background among them.
    public var layers = 6
    /// Channels at a quarter of the picture, then after each halving.
    public var channels = [48, 64, 80, 96]
    /// Channels at half the picture.
    public var maskChannels = 24

    public init() {}

    enum CodingKeys: String, CodingKey {
        case layers, channels
        case maskChannels = "mask_channels"
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        guard (2...16).contains(layers), (2...6).contains(channels.count), (channels + [maskChannels]).allSatisfy((1...1024).contains)
        else {
            throw ModelError(
                .configuration, at: "layer network configuration",
                "expected 2 to 16 layers and 2 to 6 widths of up to 1024 channels, found \(self)")
        }
    }

    /// Height and width of pictures are multiples of it.
    public var granularity: Int { 4 << (channels.count - 1) }

    /// - Parameters:
    ///   - pictures: `[n, s, s, 3]` in 0…1, s a multiple of `granularity`
    ///   - poses: the pictures' landmarks drawn as points, `[n, s/4, s/4, 3]`
    /// - Returns: masks before a sigmoid, `[n, s, s, layers - 1]`
    public func callAsFunction(_ g: GraphBuilder, _ pictures: Value, poses: Value) throws -> Value {
        try validate()
        let x = try pictures.scaled(by: 1, plus: -0.5)
        var h = try g.convolution("in", x.pixelUnshuffled(4).concatenated(with: [poses], axis: 3), channels[0])
        var skipped: [Value] = []
        for level in channels.indices {
            if level > 0 {
                skipped.append(h)
                h = try g.convolution("down.\(level - 1)", h.unary(.relu), channels[level], kernel: 2, stride: 2, padding: 0)
            }
            if level == channels.count - 1 {
                // What is where in a portrait.
                h = try h.adding(g.parameter("position_embedding", Shape(Array(h.shape.dimensions.dropFirst()))))
                h = try g.residualBlock("middle.0", h)
            }
            h = try g.residualBlock("encoder.\(level)", h)
        }
        h = try g.residualBlock("middle.1", h)
        for level in channels.indices.dropLast().reversed() {
            h = try g.convolution("up.\(level)", h, channels[level], kernel: 1).upsampledNearest().adding(skipped[level])
            h = try g.residualBlock("decoder.\(level)", h)
        }
        let features = try h.unary(.relu)
        let fine = try g.convolution("mask.in", x.pixelUnshuffled(2), maskChannels)
        var mask = try g.convolution("mask.up", features, 4 * maskChannels, kernel: 1).pixelShuffled(2).adding(fine)
        mask = try g.residualBlock("mask.block", mask)
        mask = try g.convolution("mask.out", mask.unary(.relu), 4 * (layers - 1)).pixelShuffled(2)
        return try mask.scaled(by: 3)
    }
}

extension GraphBuilder {
    /// `x + conv2(relu(conv1(relu(x))))`, as many channels out as in.
    func residualBlock(_ name: String, _ x: Value) throws -> Value {
        try scoped(name) {
            let hidden = try convolution("conv1", x.unary(.relu), x.shape[3]).unary(.relu)
            return try convolution("conv2", hidden, x.shape[3]).adding(x)
        }
    }
}
