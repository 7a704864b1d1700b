import CPUKernels
import RainGraph

extension Plan {
    /// `(samples, positions, channels)` of a group norm's input `[n, …, c]`.
    func groupNormSizes(_ index: Int) -> (samples: Int, positions: Int, channels: Int) {
        let shape = graph.shape(graph.nodes[index].operands[0])
        return (shape[0], shape.count / max(1, shape[0] * shape.last), shape.last)
    }

    func norm(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let inputs = self.inputs(index)
        let results = node.results.indices.map { pointer(ValueID(node: index, result: $0)) }
        let scratch = self.scratch(index)
        switch node.operation {
        case .groupNorm(let groups, let epsilon, let activation):
            let (samples, positions, channels) = groupNormSizes(index)
            let after = activation?.activation ?? RAIN_ACT_NONE
            let widths = parts(node.operands[0]).map { graph.shape($0).last }
            if widths.count == 2 {
                return {
                    rain_group_norm_of_two(
                        pool, samples, positions, widths[0], widths[1], groups, epsilon, after, inputs[0], inputs[1], inputs[2], inputs[3],
                        results[0], scratch)
                }
            }
            return {
                rain_group_norm(
                    pool, samples, positions, channels, groups, epsilon, after, inputs[0], inputs[1], inputs[2], results[0], scratch)
            }
        case .groupNormGradient(let groups, let epsilon, let activation):
            let (samples, positions, channels) = groupNormSizes(index)
            let after = activation?.activation ?? RAIN_ACT_NONE
            return {
                rain_group_norm_gradient(
                    pool, samples, positions, channels, groups, epsilon, after, inputs[0], inputs[1], inputs[2], inputs[3], results[0],
                    results[1], results[2], scratch)
            }
        case .layerNorm(let epsilon):
            let shape = graph.shape(node.operands[0])
            let (rows, channels) = (shape.count / shape.last, shape.last)
            return { rain_layer_norm(pool, rows, channels, epsilon, inputs[0], inputs[1], inputs[2], results[0]) }
        case .layerNormGradient(let epsilon):
            let shape = graph.shape(node.operands[0])
            let (rows, channels) = (shape.count / shape.last, shape.last)
            return {
                rain_layer_norm_gradient(
                    pool, rows, channels, epsilon, inputs[0], inputs[1], inputs[2], results[0], results[1], results[2], scratch)
            }
        default: return nil
        }
    }
}
