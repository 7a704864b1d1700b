public import RainGraph

/// Joins the driven layers and the diffused face, and repaints what neither shows: rims, hidden parts, blends.
///
/// With W the driven layers, F the same with the diffused face laid in, and G with the face that the reference alone would have there,
/// every output pixel is `B - (B - ½) q + t (F - B) + r` with B = W + F - G: the reference's own pixels, moved, plus what the diffusion
/// changed. Where q, t and r are zero, as at the start, nothing is repainted and nothing is lost. They are smooth, and may be enlarged
/// for a larger output.
public struct Repainter: Hashable, Sendable, Codable {
    /// Channels at 1/16, 1/8, 1/4 and 1/2 of the picture.
    public var channels = [96, 64, 48, 24]

    public init() {}

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        guard channels.count == 4, channels.allSatisfy((1...1024).contains) else {
            throw ModelError(.configuration, at: "repainter configuration", "expected 4 widths of up to 1024 channels, found \(channels)")
        }
    }

    /// What is repainted: `[n, s, s, 5]`, r in three channels, then q, then t.
    ///
    /// - Parameters:
    ///   - warped: W, `[n, s, s, 3]` in 0…1, s a multiple of 16
    ///   - seen: how much of each layer is seen, `[n, s/4, s/4, layers]`
    ///   - face: F, `[n, s, s, 3]`
    ///   - plain: G, `[n, s, s, 3]`
    public func callAsFunction(_ g: GraphBuilder, warped: Value, seen: Value, face: Value, plain: Value) throws -> Value {
        try validate()
        let w = try warped.scaled(by: 1, plus: -0.5)
        let drawn = try face.scaled(by: 1, plus: -0.5).concatenated(with: [face.subtracting(plain).scaled(by: 2)], axis: 3)
        let quarter = try g.convolution("guide.in", w.pixelUnshuffled(4).concatenated(with: [seen], axis: 3), channels[2])
        let fine = try g.residualBlock(
            "guide.0", quarter.adding(g.convolution("face.0", drawn.pixelUnshuffled(4), channels[2], kernel: 1)))
        let middle = try g.residualBlock(
            "guide.1", g.convolution("guide.down.0", fine.unary(.relu), channels[1], kernel: 2, stride: 2, padding: 0))
        var x = try g.residualBlock(
            "guide.2", g.convolution("guide.down.1", middle.unary(.relu), channels[0], kernel: 2, stride: 2, padding: 0))
        x = try g.residualBlock("decoder.0", x)
        x = try g.convolution("decoder.up.0", x, 4 * channels[1], kernel: 1).pixelShuffled(2).adding(middle)
        x = try g.residualBlock("decoder.1", x)
        x = try g.convolution("decoder.up.1", x, 4 * channels[2], kernel: 1).pixelShuffled(2).adding(fine)
        x = try g.residualBlock("decoder.2", x)
        x = try g.convolution("decoder.up.2", x, 4 * channels[3], kernel: 1).pixelShuffled(2)
        x = try x.adding(g.convolution("warped.1", w.pixelUnshuffled(2), channels[3]))
        x = try x.adding(g.convolution("face.1", drawn.pixelUnshuffled(2), channels[3]))
        x = try g.residualBlock("decoder.3", x)
        return try g.convolution("decoder.out", x.unary(.relu), 20).pixelShuffled(2)
    }

    /// The picture, `[n, s, s, 3]` of about 0…1, not clamped.
    ///
    /// - Parameter repaint: what the network says
    public func paint(_ repaint: Value, warped: Value, face: Value, plain: Value) throws -> Value {
        func channels(_ range: Range<Int>) throws -> Value { try repaint.sliced(axis: 3, start: range.lowerBound, count: range.count) }
        let base = try warped.adding(face).subtracting(plain)
        let gated = try base.subtracting(base.scaled(by: 1, plus: -0.5).multiplied(by: channels(3..<4)))
        return try gated.adding(face.subtracting(base).multiplied(by: channels(4..<5))).adding(channels(0..<3))
    }
}
