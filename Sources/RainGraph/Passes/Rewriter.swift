/// Builds the new graph of a pass. Equal operations on equal operands become one node, so every pass also removes common
/// subexpressions.
struct Rewriter {
    private(set) var nodes: [Node] = []
    private var known: [Key: Int] = [:]
    /// Where appended nodes say they come from.
    var place = ""

    /// For each node of the old graph so far, what stands for its results.
    private var images: [[ValueID]] = []

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

    /// What stands for a value of the old graph.
    func image(_ value: ValueID) -> ValueID { images[value.node][value.result] }

    /// Says what stands for the results of the next node of the old graph.
    mutating func setImage(_ results: [ValueID]) { images.append(results) }

    /// Appends a parameter or an input with the lifetime it had.
    mutating func addLeaf(_ node: Node) -> [ValueID] { add(node) }

    /// Appends an operation and returns its results.
    mutating func add(_ operation: Operation, _ operands: [ValueID]) throws(GraphError) -> [ValueID] {
        let results = try operation.resultShapes(operands.map(shape), at: place)
        let lifetime = operands.map { self.lifetime($0) }.max() ?? .weights
        let element = try operation.resultElement(operands.map { nodes[$0.node].element }, at: place)
        return add(Node(operation: operation, operands: operands, results: results, element: element, lifetime: lifetime, place: place))
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

/// What a pass sees of the node it may replace: everything as it was before the pass, so that uses are exact.
struct Site {
    let graph: Graph
    let index: Int
    private let uses: [ValueID: Int]

    init(graph: Graph, index: Int, uses: [ValueID: Int]) {
        self.graph = graph
        self.index = index
        self.uses = uses
    }

    var node: Node { graph.nodes[index] }
    /// The shape of the only result.
    var shape: Shape { node.results[0] }

    func producer(_ value: ValueID) -> Node { graph.nodes[value.node] }

    /// Whether a value is used once: what makes it may then be merged with what uses it.
    func isUsedOnce(_ value: ValueID) -> Bool { uses[value] == 1 }

    /// The value and the shape it is given, seen through a reshape that nothing else uses.
    func behindReshape(_ value: ValueID) -> ValueID {
        guard case .reshape = producer(value).operation, isUsedOnce(value) else { return value }
        return producer(value).operands[0]
    }

    /// The elements of a constant.
    func constant(_ value: ValueID) -> [Float]? {
        if case .constant(let values, _) = producer(value).operation { values } else { nil }
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
    /// - Parameter rule: returns what to use in place of the results of a node, or `nil` to keep the node. It matches values of the old
    ///   graph and builds on their images in the new one.
    /// - Throws: `GraphError` if a rule builds something malformed.
    func rewritten(
        _ rule: (_ site: Site, _ new: inout Rewriter) throws(GraphError) -> [ValueID]?
    ) throws(GraphError) -> Graph {
        var new = Rewriter()
        let uses = uses
        for (index, node) in nodes.enumerated() {
            new.place = node.place
            switch node.operation {
            case .parameter, .input: new.setImage(new.addLeaf(node))
            default:
                let site = Site(graph: self, index: index, uses: uses)
                if let replacement = try rule(site, &new) {
                    new.setImage(replacement)
                } else {
                    new.setImage(try new.add(node.operation, node.operands.map(new.image)))
                }
            }
        }
        let graph = Graph(nodes: new.nodes, outputs: outputs.map { Output(name: $0.name, value: new.image($0.value)) })
        try graph.verify()
        return graph
    }
}
