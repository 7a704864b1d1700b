public import RainGraph

/// Joins the driven layers and the diffused face, and repaints what neither shows: rims, hidden parts, blends.
///
/// Everything is a layer with premultiplied colours. The face's is laid under the front one: with F the crop that was diffused and G what
/// the reference alone would have there, its colour is F - (1 - t) G and its alpha t. Where t is 0, as at the start, the picture keeps
/// the reference's own pixels, moved, and only gets what the diffusion changed; where t is 1, F alone is shown, without a trace of what
/// it replaced. What is repainted is a layer over all. Both are smooth, and may be enlarged for a larger output.
public struct Repainter: Hashable, Sendable, Codable {
    /// Channels at 1/16, 1/8 and 1/4 of the picture.
    public var channels = [96, 64, 48]
    /// Channels at 1/4 of the crop, for t.
    public var faceChannels = 32

    public init() {}

    enum CodingKeys: String, CodingKey {
        case channels
        case faceChannels = "face_channels"
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        guard channels.count == 3, (channels + [faceChannels]).allSatisfy((1...1024).contains) else {
            throw ModelError(
                .configuration, at: "repainter configuration",
                "expected 3 widths and one of the face, up to 1024 channels, found \(channels), \(faceChannels)")
        }
    }

    /// The face as a layer, `[n, c, c, 4]`.
    ///
    /// - Parameters:
    ///   - face: F, `[n, c, c, 3]` in 0…1, c a multiple of 4
    ///   - plain: G, alike
    public func face(_ g: GraphBuilder, _ face: Value, plain: Value) throws -> Value {
        try validate()
        let change = try face.subtracting(plain)
        let share = try g.scoped("face") {
            var x = try g.convolution("in", face, faceChannels, kernel: 4, stride: 4, padding: 0)
            x = try x.adding(g.convolution("change", change.scaled(by: 4), faceChannels, kernel: 4, stride: 4, padding: 0))
            x = try g.residualBlock("block", x)
            return try g.convolution("out", x.unary(.relu), 16).pixelShuffled(4)
        }
        return try change.adding(plain.multiplied(by: share)).concatenated(with: [share], axis: 3)
    }

    /// What is repainted, as a layer over the picture: `[n, s, s, 4]`.
    ///
    /// - Parameters:
    ///   - drawn: the picture so far, with the face laid in: `[n, s, s, 4]` in 0…1, s a multiple of 16
    ///   - warped: the same without the face
    ///   - seen: how much of each layer is seen, `[n, s/4, s/4, layers]`
    public func callAsFunction(_ g: GraphBuilder, drawn: Value, warped: Value, seen: Value) throws -> Value {
        try validate()
        var x = try g.convolution("drawn", drawn, channels[2], kernel: 4, stride: 4, padding: 0)
        x = try x.adding(g.convolution("warped", warped, channels[2], kernel: 4, stride: 4, padding: 0))
        let fine = try x.adding(g.convolution("seen", seen, channels[2]))
        let middle = try g.residualBlock(
            "down.0.block", g.convolution("down.0", fine.unary(.relu), channels[1], kernel: 2, stride: 2, padding: 0))
        x = try g.convolution("down.1", middle.unary(.relu), channels[0], kernel: 2, stride: 2, padding: 0)
        for index in 0..<2 { x = try g.residualBlock("down.1.block.\(index)", x) }
        x = try g.convolution("up.0", x, 4 * channels[1], kernel: 1).pixelShuffled(2).adding(middle)
        x = try g.residualBlock("up.0.block", x)
        x = try g.convolution("up.1", x, 4 * channels[2], kernel: 1).pixelShuffled(2).adding(fine)
        x = try g.residualBlock("up.1.block", x)
        return try g.convolution("out", x.unary(.relu), 64).pixelShuffled(4)
    }
}
