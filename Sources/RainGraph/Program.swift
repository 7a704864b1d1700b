/// A graph cut along the lifetimes of its values: what runs when a checkpoint is loaded, when a reference is fused, and at
/// every step.
///
/// An output or a value that a later stage reads stays where its stage left it until that stage runs again.
public struct Program: Sendable {
    public let graph: Graph
    /// Indices of the nodes of each stage, in an order in which they can run. Inputs and parameters are in none.
    public let stages: [Lifetime: [Int]]
    /// For a program that trains: the gradient of each of `graph.trainedParameters`, in order. Empty otherwise.
    public let gradients: [ValueID]

    /// Cuts a verified graph.
    ///
    /// - Parameter gradients: for training, one value per trained parameter of the graph, in order, of the parameter's shape.
    /// - Throws: what `Graph.verify` throws; `GraphError.malformed` if the gradients do not match the parameters.
    public init(_ graph: Graph, gradients: [ValueID] = []) throws(GraphError) {
        try graph.verify()
        if !gradients.isEmpty {
            let parameters = graph.trainedParameters
            guard parameters.count == gradients.count else {
                throw GraphError(.malformed, at: "program", "\(parameters.count) trained parameters, \(gradients.count) gradients")
            }
            for (parameter, gradient) in zip(parameters, gradients) where graph.shape(gradient) != parameter.shape {
                throw GraphError(.malformed, at: parameter.name, "gradient \(graph.shape(gradient)) of a parameter \(parameter.shape)")
            }
        }
        var stages: [Lifetime: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .parameter, .input: continue
            default: stages[node.lifetime, default: []].append(index)
            }
        }
        self.graph = graph
        self.stages = stages
        self.gradients = gradients
    }
}
