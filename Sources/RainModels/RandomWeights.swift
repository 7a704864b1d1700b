import RainCheckpoints
import RainGraph
import RainNumbers

/// First values for networks that nobody has trained, such that signals keep about their size through all layers.
///
/// Weights are uniform with standard deviation 1/√fan-in, gains near one, biases small. The layers that a training starts at zero
/// (ends of motion modules and of the pose guider, the guidance embedding) are a quarter as large, so that all of them take part.
public struct RandomWeights: Sendable {
    private let seed: UInt64

    /// - Parameter seed: another one gives other numbers
    public init(seed: UInt64) { self.seed = seed }

    /// The bytes of a tensor.
    ///
    /// - Parameters:
    ///   - network: in which it is; equal names in different networks get different numbers
    ///   - path: for errors
    func bytes(of tensor: TensorDeclaration, in network: String, path: String) throws -> [UInt8] {
        if tensor.dtype == .int64 {
            // Positions are numbered.
            return (0..<tensor.shape.reduce(1, *)).flatMap { index in (0..<8).map { UInt8(truncatingIfNeeded: index >> (8 * $0)) } }
        }
        return try tensor.dtype.encoded(values(tensor.name, tensor.shape, in: network), tensor: tensor.name, path: path)
    }

    /// The elements of a parameter, row-major, which depend on the seed, both names and the shape alone.
    ///
    /// - Parameters:
    ///   - shape: the output channels first
    ///   - network: in which it is
    public func values(_ name: String, _ shape: [Int], in network: String) -> [Float] {
        let count = shape.reduce(1, *)
        if name.hasSuffix("pos_encoder.pe"), shape.count == 3 { return Sinusoids.positions(shape[1], channels: shape[2]) }
        // Each name has noise of its own.
        var random = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ stableHash("\(network)/\(name)".utf8))
        let (center, spread): (Float, Float) =
            if shape.count <= 1 {
                (name.hasSuffix(".weight") ? 1 : 0, 0.1)
            } else if name.hasSuffix("position_embedding.weight") {
                (0, 0.1)
            } else {
                (0, Self.gain(name, in: network) * (3 / Float(max(1, count / max(1, shape[0])))).squareRoot())
            }
        var values = [Float](repeating: 0, count: count)
        for index in values.indices {
            // The 24 upper bits to -1…1.
            values[index] = center + spread * (Float(Int32(truncatingIfNeeded: random.next() >> 40)) * 0x1p-23 - 1)
        }
        return values
    }

    private static func gain(_ name: String, in network: String) -> Float {
        let startsAtZero =
            name.hasSuffix("temporal_transformer.proj_out.weight") || name.hasSuffix("cond_proj.weight")
            || network == PublishedConfiguration.Part.poseGuider.rawValue && name == "conv_out.weight"
        return startsAtZero ? 0.25 : 1
    }
}
