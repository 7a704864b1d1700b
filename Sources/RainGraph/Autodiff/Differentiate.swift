extension Graph {
    /// Appends the gradients of a scalar output for all trained parameters (reverse mode).
    ///
    /// Nodes that are on no path from a trained parameter to the loss cause no work; parameters the loss does not depend on get zeros.
    ///
    /// - Parameter loss: the name of an output of one element.
    /// - Returns: the graph with the same outputs, and one value per element of `trainedParameters`, in order: what
    ///   `Program(_:gradients:)` takes. One value may be the gradient of several parameters.
    /// - Throws: `GraphError.name` if there is no such output, `.shapeMismatch` if it is no scalar, `.malformed` if it depends on no
    ///   trained parameter or on them through an operation that is itself a gradient.
    public func differentiated(loss: String) throws(GraphError) -> (graph: Graph, gradients: [ValueID]) {
        let graph = try splitForDifferentiation()
        guard let output = graph.output(loss) else {
            throw GraphError(.name, at: "output '\(loss)'", "the graph has only \(outputs.map(\.name))")
        }
        guard graph.shape(output).count == 1 else {
            throw GraphError(.shapeMismatch, at: "output '\(loss)'", "\(graph.shape(output)) is no scalar to differentiate")
        }
        let depends = graph.dependsOnTraining
        guard depends[output.node] else {
            throw GraphError(.malformed, at: "output '\(loss)'", "depends on no trained parameter; was the graph built for training?")
        }

        var backward = Rewriter(nodes: graph.nodes)
        var gradients: [ValueID: ValueID] = [:]
        backward.place = "loss"
        gradients[output] = try backward.one(.constant([1], graph.shape(output)))
        for index in graph.nodes[...output.node].indices.reversed() where depends[index] {
            let node = graph.nodes[index]
            if node.operation.isLeaf { continue }
            guard let dy = gradients[ValueID(node: index)] else { continue }
            backward.place = node.place
            let needed = node.operands.map { depends[$0.node] }
            let results = try backward.gradients(of: node, result: ValueID(node: index), dy, needed: needed)
            for (operand, gradient) in zip(node.operands, results) {
                guard let gradient, depends[operand.node] else { continue }
                if let sum = gradients[operand] {
                    gradients[operand] = try backward.one(.binary(.add), sum, gradient)
                } else {
                    gradients[operand] = gradient
                }
            }
        }

        var all: [ValueID] = []
        for (index, node) in graph.nodes.enumerated() where node.isTrainedParameter {
            backward.place = node.place
            all.append(try gradients[ValueID(node: index)] ?? backward.one(.constant([0], node.results[0])))
        }
        let result = Graph(nodes: backward.nodes, outputs: graph.outputs)
        try result.verify()
        return (result, all)
    }

    /// For each node, whether a trained parameter is upstream.
    private var dependsOnTraining: [Bool] {
        var depends: [Bool] = []
        for node in nodes { depends.append(node.isTrainedParameter || node.operands.contains { depends[$0.node] }) }
        return depends
    }

    /// Splits off what gradients need to see: activations and gates after contractions, except relu, whose output tells enough, and the
    /// enlargement before convolutions.
    private func splitForDifferentiation() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            var operands = site.node.operands.map(new.image)
            switch site.node.operation {
            case .linear(var epilogue, let transposed) where epilogue.gated:
                epilogue.gated = false
                return try new.add(.geglu, new.add(.linear(epilogue, transposed: transposed), operands))
            case .linear(var epilogue, let transposed):
                guard let activation = epilogue.activation, activation != .relu else { return nil }
                epilogue.activation = nil
                return try new.add(.unary(activation), new.add(.linear(epilogue, transposed: transposed), operands))
            case .convolution(var geometry, var epilogue):
                let activation = epilogue.activation == .relu ? nil : epilogue.activation
                guard geometry.upsample || activation != nil else { return nil }
                if geometry.upsample { operands[0] = try new.one(.upsampleNearest, operands[0]) }
                geometry.upsample = false
                if activation != nil { epilogue.activation = nil }
                let result = try new.add(.convolution(geometry, epilogue), operands)
                return if let activation { try new.add(.unary(activation), result) } else { result }
            default: return nil
            }
        }
    }
}

extension Node {
    var isTrainedParameter: Bool { if case .parameter = operation { lifetime == .step } else { false } }
}

extension Operation {
    var isLeaf: Bool {
        switch self {
        case .parameter, .input, .constant: true
        default: false
        }
    }
}
