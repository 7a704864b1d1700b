extension Graph {
    /// Replaces what is computed from literals alone by literals, up to a size at which the text of a program stays small.
    func withConstantsFolded(upTo largest: Int = 256) throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            let node = site.node
            guard !node.operation.isLeaf, node.element == .float32, node.results.count == 1, site.shape.count <= largest else { return nil }
            var operands: [(shape: Shape, elements: [Float])] = []
            for operand in node.operands {
                let shape = site.graph.shape(operand)
                guard let values = site.constant(operand), shape.count <= largest else { return nil }
                operands.append((shape, values.count == 1 ? Array(repeating: values[0], count: shape.count) : values))
            }
            let values = try Interpreter.evaluate(node.operation, operands)[0]
            guard !values.contains(where: \.isNaN) else { return nil }
            let isUniform = values.allSatisfy { $0 == values.first }
            return [try new.one(.constant(isUniform ? Array(values.prefix(1)) : values, site.shape))]
        }
    }
}
