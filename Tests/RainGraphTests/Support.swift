import RainGraph

extension Graph {
    /// How many nodes of each kind; epilogues and activations are part of the name.
    func count(_ matches: (RainGraph.Operation) -> Bool) -> Int { nodes.count { matches($0.operation) } }
    func count(_ name: String) -> Int { nodes.count { $0.operation.name == name } }
}
