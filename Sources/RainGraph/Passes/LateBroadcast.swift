extension Graph {
    /// Moves broadcasts behind operations that treat rows alike, so that these work on the small value, and into elementwise
    /// operations, which broadcast by themselves.
    func withLateBroadcasts() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            let x = site.node.operands
            if case .binary(let kind) = site.node.operation {
                guard x.contains(where: { site.unbroadcast($0) != nil }) else { return nil }
                let small = x.map { new.image(site.unbroadcast($0) ?? $0) }
                return [try new.broadcast(new.one(.binary(kind), small[0], small[1]), to: site.shape)]
            }
            guard let first = x.first, let source = site.unbroadcast(first) else { return nil }
            let (full, small) = (site.graph.shape(first), site.graph.shape(source))
            let rowsRepeat = small.rank > 0 && small.last == full.last
            let rest = x.dropFirst().map(new.image)
            switch site.node.operation {
            case .unary, .affine: return [try new.broadcast(new.one(site.node.operation, new.image(source)), to: site.shape)]
            case .geglu where rowsRepeat, .layerNorm where rowsRepeat:
                return [try new.broadcast(new.add(site.node.operation, [new.image(source)] + rest)[0], to: site.shape)]
            case .linear(let epilogue, let transposed) where rowsRepeat && !epilogue.sampleBias:
                if epilogue.residual {
                    let product = try new.add(
                        .linear(Epilogue(bias: epilogue.bias), transposed: transposed), [new.image(source)] + rest.dropLast())[0]
                    let sum = try new.one(.binary(.add), product, rest[rest.count - 1])
                    guard let activation = epilogue.activation else { return [sum] }
                    return [try new.one(.unary(activation), sum)]
                }
                let product = try new.add(.linear(epilogue, transposed: transposed), [new.image(source)] + rest)[0]
                return [try new.broadcast(product, to: site.shape)]
            case .reshape(let shape):
                guard let between = reshaped(small, broadcastTo: full, as: shape) else { return nil }
                return [try new.broadcast(new.reshape(new.image(source), to: between), to: shape)]
            case .transpose(let order):
                let aligned = Shape(Array(repeating: 1, count: full.rank - small.rank) + small.dimensions)
                let moved = try new.one(.transpose(order), new.reshape(new.image(source), to: aligned))
                return [try new.broadcast(moved, to: site.shape)]
            case .slice(let axis, let start, let count):
                let own = axis - (full.rank - small.rank)
                let isRepeated = own < 0 || small[own] == 1
                let part = isRepeated ? new.image(source) : try new.one(.slice(axis: own, start: start, count: count), new.image(source))
                return [try new.broadcast(part, to: site.shape)]
            default: return nil
            }
        }
    }
}

extension Site {
    /// What a value is a broadcast of.
    fileprivate func unbroadcast(_ value: ValueID) -> ValueID? {
        if case .broadcast = producer(value).operation { producer(value).operands[0] } else { nil }
    }
}

/// The shape to give a value of shape `small` so that broadcasting it to `shape` repeats it as broadcasting to `full` and then reshaping
/// does; `nil` if there is none.
func reshaped(_ small: Shape, broadcastTo full: Shape, as shape: Shape) -> Shape? {
    let aligned = Array(repeating: 1, count: full.rank - small.rank) + small.dimensions
    var result = Array(repeating: 1, count: shape.rank)
    var (i, j) = (0, 0)
    // The shortest runs of axes with equal products: repeated as a whole or not at all.
    while i < full.rank || j < shape.rank {
        let (firstI, firstJ) = (i, j)
        var (a, b) = (1, 1)
        repeat {
            if a <= b, i < full.rank {
                a *= full[i]
                i += 1
            } else if j < shape.rank {
                b *= shape[j]
                j += 1
            } else if i < full.rank {
                a *= full[i]
                i += 1
            } else {
                return nil
            }
        } while a != b
        let long = (firstI..<i).filter { full[$0] > 1 }
        if long.allSatisfy({ aligned[$0] == full[$0] }) {
            for axis in firstJ..<j { result[axis] = shape[axis] }
        } else if !long.allSatisfy({ aligned[$0] == 1 }) {
            return nil
        }
    }
    return Shape(result)
}
