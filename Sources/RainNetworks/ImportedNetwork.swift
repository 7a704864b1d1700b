public import RainGraph

/// An ONNX graph as a graph of Rain, with its weights.
public struct ONNXNetwork: Sendable {
    /// Inputs and outputs have the names, shapes and axis orders of the file.
    public let graph: Graph
    private let weights: [String: [Float]]

    init(graph: Graph, weights: [String: [Float]]) {
        self.graph = graph
        self.weights = weights
    }

    /// The elements of a parameter of the graph; what `Executable.load` asks for.
    ///
    /// - Throws: `GraphError.name` for any other.
    public func parameter(_ name: String, _ shape: Shape) throws(GraphError) -> [Float] {
        guard let values = weights[name] else { throw GraphError(.name, at: "parameter '\(name)'", "the network has no such weight") }
        return values
    }

    /// Plans the network, rewritten to be fast, and loads its weights.
    ///
    /// - Throws: what the engine throws.
    public func prepared(on engine: any Engine) throws -> any Executable {
        let executable = try engine.prepare(Program(graph.optimizedForInference()))
        try executable.load { try parameter($0, $1) }
        return executable
    }
}

extension ONNXModel {
    /// The network as a graph: every operator translated, shapes inferred, what depends on shapes alone computed here.
    ///
    /// - Parameter inputShapes: extents by input, for those the file leaves open; a batch left open is 1.
    /// - Throws: `ONNXError`, naming every operator that is not supported, or the node that contradicts itself.
    public func network(inputShapes: [String: [Int]] = [:]) throws(ONNXError) -> ONNXNetwork {
        try Importer(self).network(inputShapes)
    }
}
