extension Rewriter {
    /// The gradients of all operands of a node, given the gradient `dy` of its result `y`: the definition of every derivative, in
    /// terms of the operations themselves.
    ///
    /// - Parameter needed: for which operands a gradient is wanted; others may be `nil`.
    mutating func gradients(
        of node: Node, result y: ValueID, _ dy: ValueID, needed: [Bool]
    ) throws(GraphError) -> [ValueID?] {
        let x = node.operands
        switch node.operation {
        case .parameter, .input, .constant: return []

        // A conversion to fewer bits is the identity plus rounding.
        case .convert(.float32), .convert(.float16), .convert(.bfloat16): return [dy]
        case .convert: throw GraphError(.malformed, at: place, "a conversion to integers has no gradient")
        case .unary(let kind): return [try one(.unaryGradient(kind), x[0], dy)]
        case .affine(let scale, _): return [try scaled(dy, scale)]
        case .binary(let kind): return try binaryGradients(kind, x, y, dy, needed)
        case .geglu: return [try one(.gegluGradient, x[0], dy)]

        case .reshape: return [try reshape(dy, to: shape(x[0]))]
        case .transpose(let order):
            var inverse = order
            for (position, axis) in order.enumerated() { inverse[axis] = position }
            return [try one(.transpose(inverse), dy)]
        case .concatenate(let axis): return try slices(of: dy, along: axis, like: x, needed)
        case .slice(let axis, let start, let count):
            return [try one(.pad(axis: axis, before: start, after: shape(x[0])[axis] - start - count), dy)]
        case .pad(let axis, let before, _): return [try one(.slice(axis: axis, start: before, count: shape(x[0])[axis]), dy)]
        case .broadcast: return [try reduce(dy, to: shape(x[0]))]
        case .sum: return [try broadcast(dy, to: shape(x[0]))]
        case .upsampleNearest: return [try one(.sumPool, dy)]
        case .sumPool: return [try one(.upsampleNearest, dy)]

        case .linear(let epilogue, let transposed):
            let before = try gradientBeforeActivation(epilogue, y, dy)
            let dx = needed[0] ? try one(.linear(Epilogue(), transposed: !transposed), before, x[1]) : nil
            var dw: ValueID?
            if needed[1] { dw = try transposed ? one(.linearWeightGradient, before, x[0]) : one(.linearWeightGradient, x[0], before) }
            return [dx, dw] + (try epilogueGradients(epilogue, before, needed))
        case .convolution(let geometry, let epilogue):
            let before = try gradientBeforeActivation(epilogue, y, dy)
            let (input, weight) = (shape(x[0]), shape(x[1]))
            let dx = needed[0] ? try one(.convolutionInputGradient(geometry, height: input[1], width: input[2]), before, x[1]) : nil
            let dw =
                needed[1]
                ? try one(.convolutionWeightGradient(geometry, kernelHeight: weight[2], kernelWidth: weight[3]), x[0], before) : nil
            return [dx, dw] + (try epilogueGradients(epilogue, before, needed))

        case .softmax:
            // y · (dy - Σ y · dy)
            let product = try one(.binary(.multiply), y, dy)
            let sum = try one(.sum(axes: [shape(y).rank - 1]), product)
            return [try one(.binary(.subtract), product, one(.binary(.multiply), y, sum))]

        case .sample: return try add(.sampleGradient, x + [dy])
        case .attention(let heads): return try add(.attentionGradient(heads: heads), x + [dy])
        case .temporalAttention(let heads): return try add(.temporalAttentionGradient(heads: heads), x + [dy])

        case .groupNorm(let groups, let epsilon, let activation):
            return try add(.groupNormGradient(groups: groups, epsilon: epsilon, activation: activation), x + [dy])
        case .layerNorm(let epsilon): return try add(.layerNormGradient(epsilon: epsilon), [x[0], x[1], dy])

        case .over: return try overGradients(x, dy, needed)

        case .depthwiseConvolution, .maxPool, .composite, .colors:
            throw GraphError(.malformed, at: place, "\(node.operation.name) is for running only and has no gradient")
        case .unaryGradient, .gegluGradient, .linearWeightGradient, .convolutionInputGradient, .convolutionWeightGradient,
            .attentionGradient, .temporalAttentionGradient, .groupNormGradient, .layerNormGradient, .sampleGradient:
            throw GraphError(.malformed, at: place, "\(node.operation.name) is itself a gradient and has none here")
        }
    }

    private mutating func scaled(_ value: ValueID, _ scale: Float) throws(GraphError) -> ValueID {
        scale == 1 ? value : try one(.affine(scale: scale, offset: 0), value)
    }

    private mutating func binaryGradients(
        _ kind: Binary, _ x: [ValueID], _ y: ValueID, _ dy: ValueID, _ needed: [Bool]
    ) throws(GraphError) -> [ValueID?] {
        var results: [ValueID?] = [nil, nil]
        for position in 0..<2 where needed[position] {
            let full: ValueID
            switch (kind, position) {
            case (.add, _), (.subtract, 0): full = dy
            case (.subtract, _): full = try scaled(reduce(dy, to: shape(x[1])), -1)
            case (.multiply, 0): full = try one(.binary(.multiply), dy, x[1])
            case (.multiply, _): full = try one(.binary(.multiply), dy, x[0])
            // max(a, b) = b + relu(a - b), min(a, b) = a - relu(a - b)
            case (.maximum, 0), (.minimum, 1): full = try one(.unaryGradient(.relu), difference(x), dy)
            case (.maximum, _), (.minimum, _):
                full = try one(.binary(.subtract), dy, one(.unaryGradient(.relu), difference(x), dy))
            case (.prelu, _):
                // What passes unchanged, and the rest, which the slope takes.
                let above = try one(.unaryGradient(.relu), x[0], dy)
                let below = try one(.binary(.subtract), dy, above)
                let scaled = try one(.binary(.multiply), below, x[1 - position])
                full = position == 0 ? try one(.binary(.add), above, scaled) : scaled
            case (.divide, 0): full = try one(.binary(.divide), dy, x[1])
            case (.divide, _): full = try scaled(one(.binary(.divide), one(.binary(.multiply), dy, y), x[1]), -1)
            }
            results[position] = try reduce(full, to: shape(x[position]))
        }
        return results
    }

    /// `y = front + back (1 - a)`, a being the front's last channel.
    private mutating func overGradients(_ x: [ValueID], _ dy: ValueID, _ needed: [Bool]) throws(GraphError) -> [ValueID?] {
        let axis = shape(x[0]).rank - 1
        var results: [ValueID?] = [nil, nil]
        if needed[0] {
            let hidden = try one(.sum(axes: [axis]), one(.binary(.multiply), dy, x[1]))
            results[0] = try one(.binary(.subtract), dy, one(.pad(axis: axis, before: 3, after: 0), hidden))
        }
        if needed[1] {
            let open = try one(.affine(scale: -1, offset: 1), one(.slice(axis: axis, start: 3, count: 1), x[0]))
            results[1] = try one(.binary(.multiply), dy, open)
        }
        return results
    }

    /// The first operand minus the second.
    private mutating func difference(_ x: [ValueID]) throws(GraphError) -> ValueID { try one(.binary(.subtract), x[0], x[1]) }

    private mutating func slices(
        of dy: ValueID, along axis: Int, like operands: [ValueID], _ needed: [Bool]
    ) throws(GraphError) -> [ValueID?] {
        var start = 0
        var results: [ValueID?] = []
        for (operand, isNeeded) in zip(operands, needed) {
            let count = shape(operand)[axis]
            results.append(isNeeded ? try one(.slice(axis: axis, start: start, count: count), dy) : nil)
            start += count
        }
        return results
    }

    /// The gradient before the activation of an epilogue; `splitForDifferentiation` left none but relu.
    private mutating func gradientBeforeActivation(_ epilogue: Epilogue, _ y: ValueID, _ dy: ValueID) throws(GraphError) -> ValueID {
        guard let activation = epilogue.activation else { return dy }
        precondition(activation == .relu, "only relu is known by its output")
        return try one(.unaryGradient(.relu), y, dy)
    }

    /// Gradients of bias, sample bias and residual, as far as the epilogue has them.
    private mutating func epilogueGradients(_ epilogue: Epilogue, _ dy: ValueID, _ needed: [Bool]) throws(GraphError) -> [ValueID?] {
        let result = shape(dy)
        let biasPosition = 2
        let samplePosition = biasPosition + (epilogue.bias ? 1 : 0)
        var sampleGradient: ValueID?
        if epilogue.sampleBias, needed[samplePosition] {
            let axes = Array(1..<result.rank - 1)
            sampleGradient = try reshape(axes.isEmpty ? dy : one(.sum(axes: axes), dy), to: [result[0], result.last])
        }
        var results: [ValueID?] = []
        // Sums over samples, where they are there already, are fewer to add than rows.
        if epilogue.bias { results.append(needed[biasPosition] ? try reduce(sampleGradient ?? dy, to: [result.last]) : nil) }
        if epilogue.sampleBias { results.append(sampleGradient) }
        if epilogue.residual { results.append(dy) }
        return results
    }
}
