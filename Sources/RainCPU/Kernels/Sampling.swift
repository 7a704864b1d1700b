import CPUKernels
import RainGraph

extension Plan {
    func sampling(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let inputs = self.inputs(index)
        func planned(_ out: Shape) -> RainSampling {
            let (x, grid) = (graph.shape(node.operands[0]), graph.shape(node.operands[1]))
            return RainSampling(
                pictures: x[0], samples: grid[0], height: x[1], width: x[2], channels: x[3], grid_height: grid[1], grid_width: grid[2],
                out_height: out[1], out_width: out[2])
        }
        switch node.operation {
        case .sample:
            let result = pointer(ValueID(node: index))
            let geometry = planned(node.results[0])
            return {
                var geometry = geometry
                rain_sample(pool, &geometry, inputs[0], inputs[1], result)
            }
        case .sampleGradient:
            let results = node.results.indices.map { pointer(ValueID(node: index, result: $0)) }
            let geometry = planned(graph.shape(node.operands[2]))
            return {
                var geometry = geometry
                rain_sample_gradient(pool, &geometry, inputs[0], inputs[1], inputs[2], results[0], results[1])
            }
        case .composite:
            let results = node.results.indices.map { pointer(ValueID(node: index, result: $0)) }
            let (x, grid, out) = (graph.shape(node.operands[0]), graph.shape(node.operands[1]), node.results[0])
            let layers = x[0]
            let geometry = RainSampling(
                pictures: x[1], samples: grid[1], height: x[2], width: x[3], channels: 4, grid_height: grid[2], grid_width: grid[3],
                out_height: out[1], out_width: out[2])
            return {
                var geometry = geometry
                rain_composite(pool, &geometry, layers, inputs[0], inputs[1], results[0], results[1])
            }
        case .over:
            let result = pointer(ValueID(node: index))
            let pixels = node.results[0].count / 4
            return { rain_over(pool, pixels, inputs[0], inputs[1], result) }
        default: return nil
        }
    }
}
