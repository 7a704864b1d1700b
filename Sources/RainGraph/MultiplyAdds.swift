extension Node {
    /// Multiplications with an addition that linear layers, convolutions and attention ask for when computed directly; 0 for the rest,
    /// whose work is a matter of memory.
    ///
    /// - Parameter operands: shapes of the operands.
    func multiplyAdds(_ operands: [Shape]) -> Int {
        switch operation {
        case .linear: operands[0].count / operands[0].last * operands[1].count
        case .linearWeightGradient: operands[1].count * operands[0].last
        case .convolution: results[0].count * (operands[1].count / operands[1][0])
        case .depthwiseConvolution: results[0].count * operands[1][0] * operands[1][1]
        case .convolutionInputGradient: operands[0].count * (operands[1].count / operands[1][0])
        case .convolutionWeightGradient: operands[1].count * (results[0].count / results[0][0])
        case .attention: 2 * attentionProducts(operands)
        // The scores again, then the gradients of scores, queries, keys and values.
        case .attentionGradient: 5 * attentionProducts(operands)
        case .temporalAttention: 2 * operands[0].count * operands[0][1]
        case .temporalAttentionGradient: 5 * operands[0].count * operands[0][1]
        default: 0
        }
    }

    /// Multiply-adds of queries times keys, summed over heads.
    private func attentionProducts(_ operands: [Shape]) -> Int {
        operands[0].count * (operands[1][1] + (operands.count >= 5 ? operands[3][1] : 0))
    }
}

extension Program {
    /// Multiply-adds of one node, counting convolutions as computed directly; 0 where the work is a matter of memory.
    public func multiplyAdds(of node: Int) -> Int { graph.nodes[node].multiplyAdds(graph.nodes[node].operands.map(graph.shape)) }

    /// Multiply-adds of one run of a stage, counting convolutions as computed directly.
    public func multiplyAdds(in stage: Lifetime) -> Int { (stages[stage] ?? []).reduce(0) { $0 + multiplyAdds(of: $1) } }
}
