import CPUKernels
import RainGraph

extension Plan {
    func attentionGeometry(_ index: Int) -> RainAttention {
        let node = graph.nodes[index]
        let operands = node.operands.map(graph.shape)
        let (heads, inputs) =
            switch node.operation {
            case .attention(let heads): (heads, operands.count)
            case .attentionGradient(let heads): (heads, operands.count - 1)
            default: preconditionFailure("not an attention")
            }
        let channels = operands[0][2]
        return RainAttention(
            batch: operands[0][0], queries: operands[0][1], keys: operands[1][1], channels: channels, heads: heads,
            reference_batch: inputs == 5 ? operands[3][0] : 1, reference_keys: inputs == 5 ? operands[3][1] : 0,
            scale: 1 / Float(channels / heads).squareRoot(), q_stride: channels, k_stride: channels, v_stride: channels)
    }

    func attention(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let inputs = self.inputs(index)
        let results = node.results.indices.map { pointer(ValueID(node: index, result: $0)) }
        let scratch = self.scratch(index)
        switch node.operation {
        case .attention:
            let geometry = attentionGeometry(index)
            let (referenceK, referenceV) = inputs.count == 5 ? (inputs[3], inputs[4]) : (nil, nil)
            return {
                var geometry = geometry
                rain_attention(pool, &geometry, inputs[0], inputs[1], inputs[2], referenceK, referenceV, results[0], scratch)
            }
        case .attentionGradient:
            let geometry = attentionGeometry(index)
            let hasReference = inputs.count == 6
            let (referenceK, referenceV) = hasReference ? (inputs[3], inputs[4]) : (nil, nil)
            let (dReferenceK, dReferenceV) = hasReference ? (results[3], results[4]) : (nil, nil)
            let dy = inputs[inputs.count - 1]
            return {
                var geometry = geometry
                rain_attention_gradient(
                    pool, &geometry, inputs[0], inputs[1], inputs[2], referenceK, referenceV, dy, results[0], results[1], results[2],
                    dReferenceK, dReferenceV, scratch)
            }
        case .temporalAttention(let heads), .temporalAttentionGradient(let heads):
            let shape = graph.shape(node.operands[0])
            let geometry = RainTemporalAttention(
                batch: shape[0], frames: shape[1], positions: shape[2], channels: shape[3], heads: heads,
                scale: 1 / Float(shape[3] / heads).squareRoot())
            if case .temporalAttention = node.operation {
                return {
                    var geometry = geometry
                    rain_temporal_attention(pool, &geometry, inputs[0], inputs[1], inputs[2], results[0])
                }
            }
            return {
                var geometry = geometry
                rain_temporal_attention_gradient(
                    pool, &geometry, inputs[0], inputs[1], inputs[2], inputs[3], results[0], results[1], results[2])
            }
        default: return nil
        }
    }
}
