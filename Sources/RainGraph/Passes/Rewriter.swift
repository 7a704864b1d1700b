/// Builds the new graph of a pass. Equal operations on equal operands become one node, so every pass also removes common
/// subexpressions.
struct Rewriter {
    private(set) var nodes: [Node] = []
    private var known: [Key: Int] = [:]
    /// Where appended nodes say they come from.
    var place = ""

    private struct Key: Hashable {
        let operation: Operation
        let operands: [ValueID]
    }

    init() {}

    /// Continues a graph; its nodes keep their indices.
    init(nodes: [Node]) {
        self.nodes = nodes
        for (index, node) in nodes.enumerated() { known[Key(operation: node.operation, operands: node.operands)] = index }
    }

    func shape(_ value: ValueID) -> Shape { nodes[value.node].results[value.result] }
    func lifetime(_ value: ValueID) -> Lifetime { nodes[value.node].lifetime }

    /// The operation and operands that make a value.
    func origin(_ value: ValueID) -> (operation: Operation, operands: [ValueID]) {
        (nodes[value.node].operation, nodes[value.node].operands)
    }

    /// Appends a parameter or an input with the lifetime it had.
    mutating func addLeaf(_ node: Node) -> [ValueID] { add(node) }

    /// Appends an operation and returns its results.
    mutating func add(_ operation: Operation, _ operands: [ValueID]) throws(GraphError) -> [ValueID] {
        let results = try operation.resultShapes(operands.map(shape), at: place)
        let lifetime = operands.map { self.lifetime($0) }.max() ?? .weights
        return add(Node(operation: operation, operands: operands, results: results, lifetime: lifetime, place: place))
    }

    /// Appends an operation with one result.
    mutating func one(_ operation: Operation, _ operands: ValueID...) throws(GraphError) -> ValueID { try add(operation, operands)[0] }

    /// The value itself if it has that shape already.
    mutating func reshape(_ value: ValueID, to shape: Shape) throws(GraphError) -> ValueID {
        self.shape(value) == shape ? value : try one(.reshape(shape), value)
    }

    /// The value itself if it has that shape already.
    mutating func broadcast(_ value: ValueID, to shape: Shape) throws(GraphError) -> ValueID {
        self.shape(value) == shape ? value : try one(.broadcast(shape), value)
    }

    /// Sums over the axes along which a value of `shape` was broadcast to the shape of `value`.
    mutating func reduce(_ value: ValueID, to shape: Shape) throws(GraphError) -> ValueID {
        let from = self.shape(value)
        let missing = from.rank - shape.rank
        let axes = from.dimensions.indices.filter { from[$0] > 1 && ($0 < missing || shape[$0 - missing] == 1) }
        return try reshape(axes.isEmpty ? value : one(.sum(axes: axes), value), to: shape)
    }

    private mutating func add(_ node: Node) -> [ValueID] {
        let key = Key(operation: node.operation, operands: node.operands)
        let index: Int
        if let earlier = known[key] {
            index = earlier
        } else {
            index = nodes.count
            nodes.append(node)
            known[key] = index
        }
        return node.results.indices.map { ValueID(node: index, result: $0) }
    }
}

/// What a pass sees of the node it may replace.
struct Site {
    /// The graph before the pass and the node's index in it.
    let graph: Graph
    let index: Int
    /// How often each value of the old graph is used, as an operand or an output.
    let uses: [ValueID: Int]
    /// The operands, already in the new graph.
    let operands: [ValueID]

    var node: Node { graph.nodes[index] }

    /// Whether this node is all that uses an operand.
    func isOnlyUse(ofOperand position: Int) -> Bool { uses[node.operands[position]] == 1 }

    /// Whether this node is all that uses the operand and the values `steps` nodes up the chain of first operands from there.
    func isOnlyUse(ofOperand position: Int, andFirstOperandsUp steps: Int) -> Bool {
        var value = node.operands[position]
        guard uses[value] == 1 else { return false }
        for _ in 0..<steps {
            guard let next = graph.nodes[value.node].operands.first, uses[next] == 1 else { return false }
            value = next
        }
        return true
    }
}

extension Graph {
    /// How often each value is used, as an operand or an output.
    var uses: [ValueID: Int] {
        var uses: [ValueID: Int] = [:]
        for node in nodes { for operand in node.operands { uses[operand, default: 0] += 1 } }
        for output in outputs { uses[output.value, default: 0] += 1 }
        return uses
    }

    /// Rebuilds the graph node by node, in order.
    ///
    /// - Parameter rule: returns what to use in place of the results of a node, or `nil` to keep the node.
    /// - Throws: `GraphError` if a rule builds something malformed.
    func rewritten(
        _ rule: (_ site: Site, _ rewriter: inout Rewriter) throws(GraphError) -> [ValueID]?
    ) throws(GraphError) -> Graph {
        var rewriter = Rewriter()
        var map: [[ValueID]] = []
        map.reserveCapacity(nodes.count)
        let uses = uses
        for (index, node) in nodes.enumerated() {
            rewriter.place = node.place
            switch node.operation {
            case .parameter, .input:
                map.append(rewriter.addLeaf(node))
                continue
            default: break
            }
            let site = Site(graph: self, index: index, uses: uses, operands: node.operands.map { map[$0.node][$0.result] })
            if let replaced = try rule(site, &rewriter) {
                map.append(replaced)
            } else {
                map.append(try rewriter.add(node.operation, site.operands))
            }
        }
        let graph = Graph(
            nodes: rewriter.nodes, outputs: outputs.map { Output(name: $0.name, value: map[$0.value.node][$0.value.result]) })
        try graph.verify()
        return graph
    }
}
