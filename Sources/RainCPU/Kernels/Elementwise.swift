import CPUKernels
import RainGraph

extension Unary {
    var kernel: RainUnary {
        switch self {
        case .silu: RAIN_UNARY_SILU
        case .gelu: RAIN_UNARY_GELU
        case .quickGELU: RAIN_UNARY_QUICK_GELU
        case .relu: RAIN_UNARY_RELU
        case .tanh: RAIN_UNARY_TANH
        case .sigmoid: RAIN_UNARY_SIGMOID
        case .exp: RAIN_UNARY_EXP
        case .sin: RAIN_UNARY_SIN
        case .cos: RAIN_UNARY_COS
        case .square: RAIN_UNARY_SQUARE
        case .squareRoot: RAIN_UNARY_SQRT
        case .reciprocal: RAIN_UNARY_RECIPROCAL
        case .absolute: RAIN_UNARY_ABS
        case .logarithm: RAIN_UNARY_LOG
        }
    }
}

extension Element {
    var kernel: RainElement {
        switch self {
        case .float32: RAIN_ELEMENT_FLOAT32
        case .float16: RAIN_ELEMENT_FLOAT16
        case .bfloat16: RAIN_ELEMENT_BFLOAT16
        case .int32: RAIN_ELEMENT_INT32
        case .uint8: RAIN_ELEMENT_UINT8
        }
    }
}

extension Binary {
    var kernel: RainBinary {
        switch self {
        case .add: RAIN_BINARY_ADD
        case .subtract: RAIN_BINARY_SUBTRACT
        case .multiply: RAIN_BINARY_MULTIPLY
        case .divide: RAIN_BINARY_DIVIDE
        case .minimum: RAIN_BINARY_MINIMUM
        case .maximum: RAIN_BINARY_MAXIMUM
        case .prelu: RAIN_BINARY_PRELU
        }
    }
}

/// Merges neighbouring axes that every operand walks as one, so that kernels see long inner runs.
///
/// - Returns: dimensions and, per operand, strides; rank at least 1.
func collapsed(_ dimensions: [Int], _ strides: [[Int]]) -> (dimensions: [Int], strides: [[Int]]) {
    var outDimensions: [Int] = []
    var outStrides = [[Int]](repeating: [], count: strides.count)
    for axis in dimensions.indices where dimensions[axis] != 1 {
        if let last = outDimensions.indices.last,
            strides.indices.allSatisfy({ outStrides[$0][last] == strides[$0][axis] * dimensions[axis] })
        {
            outDimensions[last] *= dimensions[axis]
            for operand in strides.indices { outStrides[operand][last] = strides[operand][axis] }
        } else {
            outDimensions.append(dimensions[axis])
            for operand in strides.indices { outStrides[operand].append(strides[operand][axis]) }
        }
    }
    if outDimensions.isEmpty { return ([1], strides.map { _ in [0] }) }
    return (outDimensions, outStrides)
}

extension Plan {
    /// Strides with which `shape` is read as `result`: 0 along axes it is broadcast over.
    private func broadcastStrides(_ shape: Shape, to result: Shape) -> [Int] {
        let own = shape.strides
        return result.dimensions.indices.map { axis in
            let source = axis - (result.rank - shape.rank)
            return source < 0 || shape[source] == 1 ? 0 : own[source]
        }
    }

    private func copy(
        _ dimensions: [Int], from: UnsafePointer<Float>, _ fromStrides: [Int], to: UnsafeMutablePointer<Float>, _ toStrides: [Int]
    ) -> Instruction {
        let pool = self.pool.pointer
        let (dimensions, strides) = collapsed(dimensions, [fromStrides, toStrides])
        precondition(dimensions.count <= RAIN_MAX_RANK, "rank \(dimensions.count) is more than kernels walk")
        return { rain_copy_strided(pool, Int32(dimensions.count), dimensions, from, strides[0], to, strides[1]) }
    }

    func elementwise(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let inputs = self.inputs(index)
        let operands = node.operands.map(graph.shape)
        let result = pointer(ValueID(node: index))
        let shape = node.results[0]
        let count = shape.count
        switch node.operation {
        case .convert(let element):
            let from = graph.nodes[node.operands[0].node].element
            return { rain_convert(pool, count, from.kernel, inputs[0], element.kernel, result) }
        case .colors:
            let bytes = UnsafeMutableRawPointer(result).assumingMemoryBound(to: UInt8.self)
            let areFinite = UnsafeMutableRawPointer(pointer(ValueID(node: index, result: 1))).assumingMemoryBound(to: UInt8.self)
            let (pictures, channels) = (operands[0][0], operands[0].last)
            let pixels = operands[0][1] * operands[0][2]
            return {
                for picture in 0..<pictures {
                    let from = inputs[0] + picture * pixels * channels
                    areFinite[picture] = UInt8(rain_color_bytes(pool, pixels, channels, from, bytes + picture * pixels * 3))
                }
            }
        case .unary(let kind): return { rain_unary(pool, kind.kernel, count, inputs[0], result) }
        case .unaryGradient(let kind): return { rain_unary_gradient(pool, kind.kernel, count, inputs[0], inputs[1], result) }
        case .affine(let scale, let offset): return { rain_affine(pool, count, scale, offset, inputs[0], result) }
        case .binary(let kind):
            let (dimensions, strides) = collapsed(shape.dimensions, operands.map { broadcastStrides($0, to: shape) })
            precondition(dimensions.count <= RAIN_MAX_RANK, "rank \(dimensions.count) is more than kernels walk")
            return {
                rain_binary(pool, kind.kernel, Int32(dimensions.count), dimensions, inputs[0], strides[0], inputs[1], strides[1], result)
            }
        case .geglu:
            return { rain_geglu(pool, count / shape.last, shape.last, inputs[0], result) }
        case .gegluGradient:
            let channels = shape.last / 2
            return { rain_geglu_gradient(pool, count / shape.last, channels, inputs[0], inputs[1], result) }
        case .upsampleNearest:
            let x = operands[0]
            return { rain_upsample_nearest(pool, x[0], x[1], x[2], x[3], inputs[0], result) }
        case .sumPool:
            return { rain_sum_pool(pool, shape[0], shape[1], shape[2], shape[3], inputs[0], result) }
        default: return nil
        }
    }

    func structural(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let inputs = self.inputs(index)
        let operands = node.operands.map(graph.shape)
        let result = pointer(ValueID(node: index))
        let shape = node.results[0]
        switch node.operation {
        case .transpose(let order):
            let source = operands[0].strides
            return copy(shape.dimensions, from: inputs[0], order.map { source[$0] }, to: result, shape.strides)
        case .broadcast:
            return copy(shape.dimensions, from: inputs[0], broadcastStrides(operands[0], to: shape), to: result, shape.strides)
        case .slice(let axis, let start, _):
            let source = operands[0].strides
            return copy(shape.dimensions, from: inputs[0] + start * source[axis], source, to: result, shape.strides)
        case .pad(let axis, let before, _):
            let target = shape.strides
            let fill = copy(operands[0].dimensions, from: inputs[0], operands[0].strides, to: result + before * target[axis], target)
            return {
                rain_fill(pool, shape.count, 0, result)
                fill()
            }
        case .concatenate(let axis):
            let target = shape.strides
            var start = 0
            var copies: [Instruction] = []
            for (input, operand) in zip(inputs, operands) {
                copies.append(copy(operand.dimensions, from: input, operand.strides, to: result + start * target[axis], target))
                start += operand[axis]
            }
            return { for copy in copies { copy() } }
        case .sum:
            return sum(index)
        default: return nil
        }
    }

    /// The runs of neighbouring summed axes, innermost first, each as `(outer, middle, inner)` of the tensor it meets.
    func sumRuns(_ axes: [Int], _ shape: Shape) -> [(outer: Int, middle: Int, inner: Int)] {
        var runs: [(Int, Int, Int)] = []
        var current = shape
        var axis = shape.rank - 1
        while axis >= 0 {
            guard axes.contains(axis), current[axis] != 1 else {
                axis -= 1
                continue
            }
            var first = axis
            while first > 0, axes.contains(first - 1) { first -= 1 }
            runs.append(
                (
                    current.dimensions[..<first].reduce(1, *), current.dimensions[first...axis].reduce(1, *),
                    current.dimensions[(axis + 1)...].reduce(1, *)
                ))
            for summed in first...axis { current[summed] = 1 }
            axis = first - 1
        }
        return runs
    }

    private func sum(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        guard case .sum(let axes) = node.operation else { return nil }
        let pool = self.pool.pointer
        let input = UnsafePointer(pointer(node.operands[0]))
        let result = pointer(ValueID(node: index))
        let runs = sumRuns(axes, graph.shape(node.operands[0]))
        let count = node.results[0].count
        if runs.isEmpty { return { result.update(from: input, count: count) } }
        let scratch = self.scratch(index)
        if runs.count == 1 {
            let run = runs[0]
            return { rain_reduce_sum(pool, run.outer, run.middle, run.inner, input, result, scratch) }
        }
        // Between runs the partial sums take turns in two halves at the start of the scratch memory.
        let half = aligned(runs.dropLast().map { $0.outer * $0.inner }.max()!)
        let base = scratch!.assumingMemoryBound(to: Float.self)
        return {
            var source = input
            for (position, run) in runs.enumerated() {
                let target = position == runs.count - 1 ? result : base + (position % 2) * half
                rain_reduce_sum(pool, run.outer, run.middle, run.inner, source, target, UnsafeMutableRawPointer(base + 2 * half))
                source = UnsafePointer(target)
            }
        }
    }

    /// Bytes of scratch memory a node's kernel wants.
    func scratchBytes(_ index: Int) -> Int {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let operands = node.operands.map(graph.shape)
        switch node.operation {
        case .linearWeightGradient:
            let k = operands[0].last
            return rain_linear_weight_gradient_scratch_bytes(pool, operands[0].count / k, operands[1].last, k)
        case .convolution, .convolutionInputGradient, .convolutionWeightGradient:
            let planned = convolution(index)!
            var geometry = planned.geometry
            return switch node.operation {
            case .convolution: rain_conv_scratch_bytes(pool, &geometry, planned.algorithm)
            case .convolutionInputGradient: rain_conv_input_gradient_scratch_bytes(pool, &geometry, planned.algorithm)
            default: rain_conv_weight_gradient_scratch_bytes(pool, &geometry, planned.algorithm)
            }
        case .attention:
            var geometry = attentionGeometry(index)
            return rain_attention_scratch_bytes(pool, &geometry)
        case .attentionGradient:
            var geometry = attentionGeometry(index)
            return rain_attention_gradient_scratch_bytes(pool, &geometry)
        case .groupNorm(let groups, _, _):
            let (samples, positions, channels) = groupNormSizes(index)
            return rain_group_norm_scratch_bytes(pool, samples, positions, channels, groups)
        case .groupNormGradient(let groups, _, _):
            let (samples, positions, channels) = groupNormSizes(index)
            return rain_group_norm_gradient_scratch_bytes(pool, samples, positions, channels, groups)
        case .layerNormGradient:
            return rain_layer_norm_gradient_scratch_bytes(pool, operands[0].count / operands[0].last, operands[0].last)
        case .sum(let axes):
            let runs = sumRuns(axes, operands[0])
            let kernel = runs.map { rain_reduce_sum_scratch_bytes(pool, $0.outer, $0.middle, $0.inner) }.max() ?? 0
            guard runs.count > 1 else { return kernel }
            return 2 * 4 * aligned(runs.dropLast().map { $0.outer * $0.inner }.max()!) + kernel
        default: return 0
        }
    }

    /// The closure that runs a node; `nil` for leaves.
    func instruction(_ index: Int) throws -> Instruction? {
        switch graph.nodes[index].operation {
        case .parameter, .input, .constant: return nil
        default: break
        }
        guard
            let run = contraction(index) ?? window(index) ?? sampling(index) ?? attention(index) ?? norm(index) ?? elementwise(index)
                ?? structural(index)
        else {
            throw CPUError(message: "no kernel for \(graph.nodes[index].operation.name)")
        }
        return run
    }
}
