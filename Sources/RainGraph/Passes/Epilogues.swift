extension Graph {
    /// Lets linear layers and convolutions do what follows them before they write: add biases, a residual, apply an activation or gates.
    ///
    /// Only where nothing else needs the intermediate, and never so that a contraction moves to a later stage.
    ///
    /// - Parameter activations: which may be merged, GEGLU with gelu; before differentiation only those with a gradient known from the
    ///   output.
    func withEpilogues(activations: Set<Unary>) throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            switch site.node.operation {
            case .unary(let kind) where activations.contains(kind):
                guard var contraction = Contraction(site, behind: site.node.operands[0], &new) else { return nil }
                contraction.epilogue.activation = kind
                return [try contraction.build(site.shape, &new)]
            case .geglu where activations.contains(.gelu):
                guard var contraction = Contraction(site, behind: site.node.operands[0], &new), contraction.gate() else { return nil }
                return [try contraction.build(site.shape, &new)]
            case .binary(.add):
                // The later of two contractions takes the other as its residual.
                let order = site.node.operands[0].node > site.node.operands[1].node ? [(0, 1), (1, 0)] : [(1, 0), (0, 1)]
                for (position, other) in order {
                    let operand = site.node.operands[position]
                    guard site.graph.shape(operand) == site.shape, var contraction = Contraction(site, behind: operand, &new) else {
                        continue
                    }
                    if try contraction.absorb(new.image(site.node.operands[other]), site.shape, &new) {
                        return [try contraction.build(site.shape, &new)]
                    }
                }
                return nil
            default: return nil
            }
        }
    }
}

/// A linear layer or a convolution without activation or gates, taken apart.
private struct Contraction {
    private enum Kind {
        case linear(transposed: Bool)
        case convolution(Convolution)
        case depthwise(Convolution)
    }

    private let kind: Kind
    private var input: ValueID
    private let weight: ValueID
    private var result: Shape
    var epilogue: Epilogue
    private var bias: ValueID?
    private var sampleBias: ValueID?
    private var residual: ValueID?

    /// The contraction that makes `value`, perhaps behind a reshape, if it may be merged with the site: nothing else needs it, and it
    /// belongs to the same stage.
    init?(_ site: Site, behind value: ValueID, _ new: inout Rewriter) {
        let source = site.behindReshape(value)
        let node = site.producer(source)
        guard site.isUsedOnce(source), node.lifetime == site.node.lifetime else { return nil }
        switch node.operation {
        case .linear(let epilogue, let transposed): (kind, self.epilogue) = (.linear(transposed: transposed), epilogue)
        case .convolution(let geometry, let epilogue): (kind, self.epilogue) = (.convolution(geometry), epilogue)
        case .depthwiseConvolution(let geometry, let epilogue): (kind, self.epilogue) = (.depthwise(geometry), epilogue)
        default: return nil
        }
        // A reshape that cuts rows differently leaves no columns to add to.
        let columns = site.graph.shape(value).rank > 0 ? site.graph.shape(value).last : 0
        guard epilogue.isOpen, node.results[0].last == columns else { return nil }
        var operands = node.operands.map(new.image)[...]
        input = operands.removeFirst()
        weight = operands.removeFirst()
        result = node.results[0]
        bias = epilogue.bias ? operands.removeFirst() : nil
        sampleBias = epilogue.sampleBias ? operands.removeFirst() : nil
        residual = epilogue.residual ? operands.removeFirst() : nil
    }

    /// Lets the values be gated; `false` if that is not possible.
    mutating func gate() -> Bool {
        guard case .linear = kind, sampleBias == nil, residual == nil else { return false }
        epilogue.gated = true
        result[result.rank - 1] /= 2
        return true
    }

    /// Takes over an addend that broadcasts to `shape`, a reshape of the result.
    ///
    /// - Returns: `false` if it cannot.
    mutating func absorb(_ addend: ValueID, _ shape: Shape, _ new: inout Rewriter) throws(GraphError) -> Bool {
        let own = new.shape(addend)
        if own == shape {
            guard residual == nil else { return false }
            residual = try new.reshape(addend, to: result)
            return true
        }
        guard own.count > 1 || shape.last == 1, own.last == shape.last else { return false }
        if own.count == shape.last {
            let column = try new.reshape(addend, to: [shape.last])
            bias = if let bias { try new.one(.binary(.add), bias, column) } else { column }
            return true
        }
        // One row per sample: the leading axes up to the last one along which the addend varies.
        let aligned = Array(repeating: 1, count: shape.rank - own.rank) + own.dimensions
        let samplesEnd = (aligned.indices.dropLast().last { aligned[$0] > 1 } ?? -1) + 1
        let samples = shape.dimensions[..<samplesEnd].reduce(1, *)
        guard samples * shape.last < shape.count else { return false }
        if samples != result[0] {
            // Rows of a linear layer may be grouped anew, unless an earlier sample bias depends on the groups.
            guard case .linear = kind, sampleBias == nil else { return false }
            let rows = shape.count / shape.last / samples
            input = try new.reshape(input, to: [samples, rows, new.shape(input).last])
            result = [samples, rows, result.last]
            residual = if let residual { try new.reshape(residual, to: result) } else { nil }
        }
        let full = Shape(Array(shape.dimensions[..<samplesEnd]) + Array(aligned[samplesEnd...]))
        let rows = try new.reshape(new.broadcast(addend, to: full), to: [samples, shape.last])
        sampleBias = if let sampleBias { try new.one(.binary(.add), sampleBias, rows) } else { rows }
        return true
    }

    /// The contraction with its new epilogue, reshaped.
    func build(_ shape: Shape, _ new: inout Rewriter) throws(GraphError) -> ValueID {
        var epilogue = epilogue
        epilogue.bias = bias != nil
        epilogue.sampleBias = sampleBias != nil
        epilogue.residual = residual != nil
        let operation: Operation =
            switch kind {
            case .linear(let transposed): .linear(epilogue, transposed: transposed)
            case .convolution(let geometry): .convolution(geometry, epilogue)
            case .depthwise(let geometry): .depthwiseConvolution(geometry, epilogue)
            }
        let operands = [input, weight] + [bias, sampleBias, residual].compactMap { $0 }
        return try new.reshape(new.add(operation, operands)[0], to: shape)
    }
}
