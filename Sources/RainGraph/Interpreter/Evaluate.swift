/// The meaning of every operation: the elements of its results for operands of fitting shapes.
func evaluate(_ operation: Operation, _ x: [Tensor], results: [Shape]) -> [[Float]] {
    switch operation {
    case .parameter, .input: preconditionFailure("parameters and inputs are given, not computed")
    case .constant(let values, let shape): [values.count == 1 ? Array(repeating: values[0], count: shape.count) : values]

    case .colors: colors(x[0])
    case .convert(let element): [x[0].elements.map(element.nearest)]
    case .unary(let kind): [kind.map(x[0].elements)]
    case .unaryGradient(let kind): [kind.mapGradient(x[0].elements, x[1].elements)]
    case .affine(let scale, let offset): [affine(x[0].elements, scale, offset)]
    case .binary(let kind): [kind.map(x[0].broadcasted(to: results[0]), x[1].broadcasted(to: results[0]))]
    case .geglu: [geglu(x[0])]
    case .gegluGradient: [gegluGradient(x[0], x[1])]

    case .reshape: [x[0].elements]
    case .transpose(let order): [x[0].gathered(results[0], strides: order.map { x[0].shape.strides[$0] })]
    case .concatenate(let axis): [concatenate(x, axis, results[0])]
    case .slice(let axis, let start, _):
        [x[0].gathered(results[0], strides: x[0].shape.strides, offset: start * x[0].shape.strides[axis])]
    case .pad(let axis, let before, _): [pad(x[0], axis, before, results[0])]
    case .broadcast(let shape): [x[0].broadcasted(to: shape)]
    case .sum: [sum(x[0], results[0])]
    case .upsampleNearest: [upsampleNearest(x[0], results[0])]
    case .sumPool: [sumPool(x[0], results[0])]

    case .linear(let epilogue, let transposed): [linear(x, epilogue, transposed: transposed, results[0])]
    case .linearWeightGradient: [linearWeightGradient(x[0], x[1])]
    case .convolution(let geometry, let epilogue): [convolution(x, geometry, epilogue, results[0])]
    case .depthwiseConvolution(let geometry, let epilogue): [depthwiseConvolution(x, geometry, epilogue, results[0])]
    case .maxPool(let geometry, let height, let width): [maxPool(x[0], geometry, kernel: (height, width), results[0])]
    case .softmax: [softmax(x[0])]
    case .sample: [sample(x[0], x[1], results[0])]
    case .sampleGradient: sampleGradient(x[0], x[1], x[2])
    case .composite: composite(x[0], x[1], results)
    case .over: [over(x[0].elements, x[1].elements)]
    case .convolutionInputGradient(let geometry, _, _): [convolutionInputGradient(x[0], x[1], geometry, results[0])]
    case .convolutionWeightGradient(let geometry, _, _): [convolutionWeightGradient(x[0], x[1], geometry, results[0])]

    case .attention(let heads): [attention(x, heads: heads)]
    case .attentionGradient(let heads): attentionGradient(x, heads: heads)
    case .temporalAttention(let heads): [temporalAttention(x, heads: heads)]
    case .temporalAttentionGradient(let heads): temporalAttentionGradient(x, heads: heads)

    case .groupNorm(let groups, let epsilon, let activation): [groupNorm(x, groups, epsilon, activation)]
    case .groupNormGradient(let groups, let epsilon, let activation): groupNormGradient(x, groups, epsilon, activation)
    case .layerNorm(let epsilon): [layerNorm(x, epsilon)]
    case .layerNormGradient(let epsilon): layerNormGradient(x, epsilon)
    }
}
