public import RainGraph

/// Decides how much of what was diffused is shown, and how.
///
/// What was diffused is a layer with premultiplied colours over the moved crop. With F the crop that was diffused and G what the reference
/// alone would have there, its colour is g (F - G) + t G and its alpha t. Where t is 0 and g 1, as at the start, the crop keeps the
/// reference's own pixels and only gets what the diffusion changed; where both are 1, F alone is shown, without a trace of what it replaced;
/// where g is 0, nothing of what the diffusion was not sure of.
public struct FaceGate: Hashable, Sendable, Codable {
    /// Channels at 1/4 of the crop.
    public var channels = 32

    public init() {}

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        guard (1...1024).contains(channels) else {
            throw ModelError(.configuration, at: "face gate configuration", "expected 1 to 1024 channels, found \(channels)")
        }
    }

    /// The face as a layer, `[n, c, c, 4]`.
    ///
    /// - Parameters:
    ///   - face: F, `[n, c, c, 3]` in 0…1, c a multiple of 4
    ///   - plain: G, alike
    public func callAsFunction(_ g: GraphBuilder, _ face: Value, plain: Value) throws -> Value {
        try validate()
        let change = try face.subtracting(plain)
        var x = try g.convolution("in", face, channels, kernel: 4, stride: 4, padding: 0)
        x = try x.adding(g.convolution("change", change.scaled(by: 4), channels, kernel: 4, stride: 4, padding: 0))
        x = try g.residualBlock("block", x)
        let shares = try g.convolution("out", x.unary(.relu), 32).pixelShuffled(4)
        let (share, gate) = (try shares.sliced(axis: 3, start: 0, count: 1), try shares.sliced(axis: 3, start: 1, count: 1))
        let shown = try change.multiplied(by: gate.scaled(by: 1, plus: 1))
        return try shown.adding(plain.multiplied(by: share)).concatenated(with: [share], axis: 3)
    }
}
