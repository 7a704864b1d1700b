extension Program {
    /// The program that trains a graph built with `GraphBuilder(parameterLifetime: .step)`: rewritten, differentiated, rewritten again.
    ///
    /// - Parameter loss: the name of a scalar output.
    /// - Throws: what `Graph.differentiated(loss:)` throws.
    public static func training(_ graph: Graph, loss: String) throws(GraphError) -> Program {
        var (graph, gradients) = try graph.optimizedForTraining().differentiated(loss: loss)
        let outputs = graph.outputs
        // Gradients travel through the passes as outputs.
        graph.outputs += gradients.enumerated().map { Graph.Output(name: "gradient \($0.offset)", value: $0.element) }
        graph = try graph.optimizedAfterDifferentiation()
        gradients = graph.outputs[outputs.count...].map(\.value)
        graph.outputs.removeLast(gradients.count)
        return try Program(graph, gradients: gradients)
    }
}

extension Graph {
    /// Rewrites that make a graph cheaper to run and leave its outputs as they are.
    public func optimizedForInference() throws(GraphError) -> Graph { try withoutDeadCode() }

    /// The rewrites of `optimizedForInference` after which gradients stay as cheap.
    public func optimizedForTraining() throws(GraphError) -> Graph { try withoutDeadCode() }

    func optimizedAfterDifferentiation() throws(GraphError) -> Graph { try withoutDeadCode() }
}
