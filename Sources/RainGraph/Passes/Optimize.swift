extension Program {
    /// The program that trains a graph built with `GraphBuilder(parameterLifetime: .step)`: rewritten and differentiated.
    ///
    /// - Parameter loss: the name of a scalar output.
    /// - Throws: what `Graph.differentiated(loss:)` throws.
    public static func training(_ graph: Graph, loss: String) throws(GraphError) -> Program {
        let (graph, gradients) = try graph.optimizedForTraining().differentiated(loss: loss)
        return try Program(graph, gradients: gradients)
    }
}

extension Program {
    /// The same program with what an engine can do in one go merged, and computed as cheaply as algebra allows. Outputs stay as they are, up to
    /// rounding. Doing it twice changes nothing.
    ///
    /// Parameters that no output needs disappear; inputs stay.
    ///
    /// - Throws: `GraphError` only if a pass is at fault.
    public func rewritten(for capabilities: EngineCapabilities) throws(GraphError) -> Program {
        guard !gradients.isEmpty else { return try Program(graph.optimizedForInference(capabilities)) }
        var graph = graph
        let outputs = graph.outputs
        // Gradients travel through the passes as outputs.
        graph.outputs += gradients.enumerated().map { Graph.Output(name: "gradient \($0.offset)", value: $0.element) }
        graph = try graph.optimizedAfterDifferentiation(capabilities)
        let gradients = graph.outputs[outputs.count...].map(\.value)
        graph.outputs.removeLast(gradients.count)
        return try Program(graph, gradients: gradients)
    }
}

extension Graph {
    /// Rewrites that make a graph cheaper to run.
    func optimizedForInference(_ capabilities: EngineCapabilities = .all) throws(GraphError) -> Graph {
        // Algebra first, until it settles: what is merged into an epilogue too early is no longer seen to be simpler.
        try settled { (graph) throws(GraphError) in try graph.withAlgebra() }.settled { (graph) throws(GraphError) in
            var graph = try graph.withAlgebra().withLinearOfSumsSplit().withoutDeadCode()
            if !capabilities.activations.isEmpty {
                graph = try graph.withNormsActivated().withoutDeadCode().withEpilogues(activations: capabilities.activations)
                    .withoutDeadCode()
            }
            return capabilities.upsamplesInConvolutions ? try graph.withUpsamplingInConvolutions().withoutDeadCode() : graph
        }
    }

    /// The rewrites of `optimizedForInference` after which gradients stay as cheap: no activation is merged into a contraction except
    /// relu, whose gradient is known from its output.
    func optimizedForTraining() throws(GraphError) -> Graph {
        try settled { (graph) throws(GraphError) in try graph.withAlgebra() }.settled { (graph) throws(GraphError) in
            try graph.withAlgebra().withNormsActivated().withoutDeadCode().withEpilogues(activations: [.relu]).withoutDeadCode()
        }
    }

    /// What remains to be done when the gradients are there. Forward activations stay apart where gradients need what is before them.
    func optimizedAfterDifferentiation(_ capabilities: EngineCapabilities) throws(GraphError) -> Graph {
        try settled { (graph) throws(GraphError) in
            let graph = try graph.withAlgebra()
            guard !capabilities.activations.isEmpty else { return graph }
            return try graph.withEpilogues(activations: capabilities.activations).withoutDeadCode()
        }
    }

    private func withAlgebra() throws(GraphError) -> Graph {
        // Uses are exact only without dead code, so it goes after every pass.
        try withoutDeadCode().withConstantsFolded().withoutDeadCode().withoutIdentities().withoutDeadCode()
            .withPointwiseConvolutionsAsLinear().withSingleKeyAttentionResolved().withoutDeadCode().withLateBroadcasts().withoutDeadCode()
    }

    /// Repeats passes until they change nothing.
    private func settled(_ passes: (Graph) throws(GraphError) -> Graph) throws(GraphError) -> Graph {
        var graph = self
        // Every pass shortens chains of merges, so the number of rounds is bounded by the longest chain; the limit catches two
        // passes that undo each other.
        for _ in 0..<1000 {
            let next = try passes(graph)
            if next.nodes == graph.nodes, next.outputs == graph.outputs { return graph }
            graph = next
        }
        throw GraphError(.malformed, at: "optimizer", "passes do not settle")
    }
}
