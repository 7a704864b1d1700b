import RainGraph

extension Plan {
    /// The concatenations that need not be made: of two values along the last axis, read by nothing but kernels that take both in place
    /// of it, in the stage that it belongs to. A later stage might meet other operands than those that were joined.
    static func unmade(in program: Program) -> Set<ValueID> {
        let graph = program.graph
        var candidates: Set<ValueID> = []
        var unmade: Set<ValueID> = []
        for (index, node) in graph.nodes.enumerated() {
            if case .concatenate(let axis) = node.operation, node.operands.count == 2, axis == node.results[0].rank - 1 {
                candidates.insert(ValueID(node: index))
            }
            for (position, operand) in node.operands.enumerated() where candidates.contains(operand) {
                if takesParts(node, position), node.lifetime == graph.nodes[operand.node].lifetime {
                    unmade.insert(operand)
                } else {
                    candidates.remove(operand)
                }
            }
        }
        return unmade.intersection(candidates).subtracting(graph.outputs.map(\.value)).subtracting(program.gradients)
    }

    /// Whether a node's kernel reads the rows of an operand in two places.
    private static func takesParts(_ node: Node, _ position: Int) -> Bool {
        switch node.operation {
        case .groupNorm: position == 0
        case .linear(let after, _): position == 0 && !after.gated
        default: false
        }
    }

    /// What is read of a value: itself, or both parts of a concatenation that is not made.
    func parts(_ value: ValueID) -> [ValueID] { unmade.contains(value) ? graph.nodes[value.node].operands : [value] }

    /// The addresses of what a node reads, operand by operand.
    func inputs(_ node: Int) -> [UnsafePointer<Float>] { graph.nodes[node].operands.flatMap(parts).map { UnsafePointer(pointer($0)) } }
}
