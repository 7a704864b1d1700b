extension Graph {
    /// Drops nodes that no output needs. Inputs stay, so that they can still be written, and so do parameters under training.
    func withoutDeadCode() throws(GraphError) -> Graph {
        var isLive = [Bool](repeating: false, count: nodes.count)
        for output in outputs { isLive[output.value.node] = true }
        for index in nodes.indices.reversed() {
            switch nodes[index].operation {
            case .input: isLive[index] = true
            case .parameter where nodes[index].lifetime == .step: isLive[index] = true
            default: break
            }
            guard isLive[index] else { continue }
            for operand in nodes[index].operands { isLive[operand.node] = true }
        }
        var moved = [Int](repeating: 0, count: nodes.count)
        var kept: [Node] = []
        func move(_ value: ValueID) -> ValueID { ValueID(node: moved[value.node], result: value.result) }
        for (index, node) in nodes.enumerated() where isLive[index] {
            moved[index] = kept.count
            var node = node
            node.operands = node.operands.map(move)
            kept.append(node)
        }
        let graph = Graph(nodes: kept, outputs: outputs.map { Output(name: $0.name, value: move($0.value)) })
        try graph.verify()
        return graph
    }
}
