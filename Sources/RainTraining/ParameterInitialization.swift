import RainGraph

/// First values of the parameters of a network, by their published names.
///
/// Weights are uniform within ±1/√fan-in, as PyTorch's defaults are; gains are one, biases zero. The layers that end a
/// residual branch or the network are zero, so that every block starts as the identity.
enum ParameterInitialization {
    private static let zeroSuffixes = [
        "conv2.weight", "proj_out.weight", "conv_out.weight", ".last.weight",
    ]

    /// - Parameter name: decides the kind and, with `seed`, the numbers, so that the order of calls does not matter.
    static func values(_ name: String, _ shape: Shape, seed: UInt64) -> [Float] {
        if shape.rank <= 1 {
            return [Float](repeating: name.hasSuffix(".weight") ? 1 : 0, count: shape.count)
        }
        if zeroSuffixes.contains(where: name.hasSuffix) { return [Float](repeating: 0, count: shape.count) }
        var random = TrainingRandom(seed: seed, stream: name)
        if name.hasSuffix("position_embedding") { return (0..<shape.count).map { _ in 0.1 * random.normal() } }
        let fanIn = shape.count / shape[0]
        let bound = 1 / Float(fanIn).squareRoot()
        return (0..<shape.count).map { _ in (random.uniform() * 2 - 1) * bound }
    }
}
