import RainGraph
import RainNetworks

extension Importer {
    /// Operators along axes: sums, norms and softmax.
    static let rows: [String: Translation] = [
        "ReduceSum": { importer, node in try importer.reduced(node) { try $0.value.summed(axes: $1) } },
        "ReduceSumSquare": { importer, node in try importer.reduced(node) { try $0.value.unary(.square).summed(axes: $1) } },
        "ReduceL2": { importer, node in
            try importer.reduced(node) { try $0.value.unary(.square).summed(axes: $1).unary(.squareRoot) }
        },
        "ReduceL1": { importer, node in try importer.reduced(node) { try $0.value.unary(.absolute).summed(axes: $1) } },
        "ReduceMean": { importer, node in
            try importer.reduced(node) { x, positions in try importer.mean(x, positions.map { x.order[$0] }).value }
        },
        "Softmax": { try $0.softmax($1) },
        "LayerNormalization": { importer, node in
            let x = try importer.carried(node.input(0))
            let axis = try node.axis(node.integer("axis", -1), rank: x.rank)
            _ = try node.integer("stash_type", 1)
            guard axis == x.rank - 1 else { throw node.unsupported("a norm over the last axis", "axis \(axis) of \(x.rank)") }
            let order = x.order.filter { $0 != axis } + [axis]
            let channels: Shape = [x.shape[axis]]
            let gamma = try importer.carried(node.input(1)).plain()
            let beta = try node.isGiven(2) ? importer.carried(node.input(2)).plain() : importer.builder.constant([0], channels)
            let epsilon = node.float("epsilon", 1e-5)
            return [.graph(Carried(try x.ordered(order).layerNorm(gamma: gamma, beta: beta, epsilon: epsilon), order: order))]
        },
        "BatchNormalization": { try $0.batchNormalized($1) },
    ]

    func mean(_ x: Carried, _ axes: [Int]) throws -> Carried {
        let count = axes.reduce(1) { $0 * x.shape[$1] }
        return Carried(try x.value.summed(axes: axes.map(x.position).sorted()).scaled(by: 1 / Float(count)), order: x.order)
    }

    /// - Parameter body: reduces the axes at these positions, which stay with size 1.
    private func reduced(_ node: NodeReader, _ body: (Carried, [Int]) throws -> Value) throws -> [Imported] {
        let x = try carried(node.input(0))
        let listed = try node.axes(input: 1, rank: x.rank) ?? []
        let keeps = try node.integer("keepdims", 1) != 0
        if listed.isEmpty, try node.integer("noop_with_empty_axes", 0) != 0 { return [.graph(x)] }
        let axes = listed.isEmpty ? Array(0..<x.rank) : listed
        let result = Carried(try body(x, axes.map(x.position).sorted()), order: x.order)
        if keeps { return [.graph(result)] }
        let shape = result.shape
        return [.graph(try result.reshaped(shape.indices.filter { !axes.contains($0) }.map { shape[$0] }))]
    }

    private func softmax(_ node: NodeReader) throws -> [Imported] {
        let x = try carried(node.input(0))
        let axis = try node.axis(node.integer("axis", version < 13 ? 1 : -1), rank: x.rank)
        if version < 13, axis < x.rank - 1 {
            // Before operator set 13, over all axes from this one on.
            let shape = x.shape
            let flat: Shape = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
            return [.graph(Carried(try x.plain().reshaped(flat).softmax().reshaped(Shape(shape))))]
        }
        let order = x.order.filter { $0 != axis } + [axis]
        return [.graph(Carried(try x.ordered(order).softmax(), order: order))]
    }

    /// (x - mean) / √(variance + epsilon) · scale + bias, statistics known: a factor and an offset per channel.
    private func batchNormalized(_ node: NodeReader) throws -> [Imported] {
        let x = try node.input(0)
        guard x.shape.count >= 2 else { throw node.fault(.inconsistent, "channels", "\(x.shape)") }
        guard try node.integer("training_mode", 0) == 0 else { throw node.unsupported("a network for running", "training mode") }
        _ = node.float("momentum", 0.9)
        let epsilon = node.float("epsilon", 1e-5)
        let channels = x.shape[1]
        let terms = try (1...4).map { try node.host($0, "statistics").floats }
        guard terms.allSatisfy({ $0.count == channels }) else {
            throw node.fault(.inconsistent, "\(channels) statistics", "\(terms.map(\.count))")
        }
        let factors = zip(terms[0], terms[3]).map { $0 / ($1 + epsilon).squareRoot() }
        let offsets = (0..<channels).map { terms[1][$0] - terms[2][$0] * factors[$0] }
        let shape = [channels] + Array(repeating: 1, count: x.shape.count - 2)
        let scaled = try binary(.multiply, x, .host(HostTensor(shape, .floats(factors))), node)[0]
        return try binary(.add, scaled, .host(HostTensor(shape, .floats(offsets))), node)
    }
}
