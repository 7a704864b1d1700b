/// One result of one node.
public struct ValueID: Hashable, Sendable, CustomStringConvertible {
    public var node: Int
    public var result: Int

    public init(node: Int, result: Int = 0) {
        self.node = node
        self.result = result
    }

    public var description: String { result == 0 ? "%\(node)" : "%\(node).\(result)" }
}

/// An operation applied to values of earlier nodes.
public struct Node: Hashable, Sendable {
    public var operation: Operation
    public var operands: [ValueID]
    public var results: [Shape]
    /// Of all results.
    public var element = Element.float32
    public var lifetime: Lifetime
    /// The scope in the model, e.g. `down_blocks.0.resnets.1`; for dumps and errors.
    public var place: String
}

/// A computation: nodes in an order in which every operand precedes its use, and named outputs. Immutable and `Sendable`.
public struct Graph: Sendable {
    public struct Output: Hashable, Sendable {
        public var name: String
        public var value: ValueID

        public init(name: String, value: ValueID) {
            self.name = name
            self.value = value
        }
    }

    public internal(set) var nodes: [Node]
    public internal(set) var outputs: [Output]

    public func shape(_ value: ValueID) -> Shape { nodes[value.node].results[value.result] }
    public func type(_ value: ValueID) -> TensorType { TensorType(shape(value), nodes[value.node].element) }

    /// The output of that name.
    public func output(_ name: String) -> ValueID? { outputs.first { $0.name == name }?.value }

    /// Names and shapes of all parameters, in order of first use.
    public var parameters: [(name: String, shape: Shape)] {
        nodes.compactMap { if case .parameter(let name, let shape) = $0.operation { (name, shape) } else { nil } }
    }

    /// The parameters that training changes: those of lifetime `.step`, in order of first use.
    public var trainedParameters: [(name: String, shape: Shape)] {
        nodes.compactMap { node in
            if case .parameter(let name, let shape) = node.operation, node.lifetime == .step { (name, shape) } else { nil }
        }
    }

    /// Names, types and lifetimes of all inputs, in order of first use.
    public var inputs: [(name: String, type: TensorType, lifetime: Lifetime)] {
        nodes.compactMap {
            if case .input(let name, let type, let lifetime) = $0.operation { (name, type, lifetime) } else { nil }
        }
    }

    /// Checks everything a graph promises; run after every pass.
    ///
    /// - Throws: `GraphError.malformed`, `.name` or what `Operation.resultShapes` throws.
    public func verify() throws(GraphError) {
        var names: Set<String> = []
        for (index, node) in nodes.enumerated() {
            /// Made only for errors: graphs are checked after every pass.
            var place: String { "\(node.place) (%\(index) \(node.operation.name))" }
            var lifetime = Lifetime.weights
            for operand in node.operands {
                guard operand.node < index, nodes.indices.contains(operand.node),
                    nodes[operand.node].results.indices.contains(operand.result)
                else { throw GraphError(.malformed, at: place, "operand \(operand) does not precede its use") }
                lifetime = max(lifetime, nodes[operand.node].lifetime)
            }
            switch node.operation {
            case .input(let name, _, let declared):
                lifetime = declared
                guard names.insert("input " + name).inserted else { throw GraphError(.name, at: place, "input '\(name)' is defined twice") }
            case .parameter(let name, _):
                lifetime = node.lifetime
                guard names.insert("parameter " + name).inserted else {
                    throw GraphError(.name, at: place, "parameter '\(name)' is defined twice")
                }
            default: break
            }
            guard node.lifetime == lifetime else {
                throw GraphError(.malformed, at: place, "lifetime is \(node.lifetime), its operands' is \(lifetime)")
            }
            let shapes = try node.operation.resultShapes(node.operands.map(shape), at: node.place)
            guard shapes == node.results else {
                throw GraphError(.malformed, at: place, "results \(node.results) should be \(shapes)")
            }
            let element = try node.operation.resultElement(node.operands.map { nodes[$0.node].element }, at: node.place)
            guard element == node.element else {
                throw GraphError(.malformed, at: place, "elements \(node.element) should be \(element)")
            }
        }
        var outputNames: Set<String> = []
        for output in outputs {
            guard nodes.indices.contains(output.value.node), nodes[output.value.node].results.indices.contains(output.value.result) else {
                throw GraphError(.malformed, at: "output '\(output.name)'", "\(output.value) does not exist")
            }
            guard outputNames.insert(output.name).inserted else {
                throw GraphError(.name, at: "output '\(output.name)'", "defined twice")
            }
        }
    }
}
