/// Builds a graph node by node; what models are written against.
///
/// Every operation checks its shapes at once and throws `GraphError` with the current scope and both shapes. Equal
/// operations on equal operands are one node, so models may ask for the same parameter or constant twice.
public final class GraphBuilder {
    public private(set) var nodes: [Node] = []
    private var outputs: [Graph.Output] = []
    private var known: [Key: Int] = [:]
    private var scopes: [String] = []
    private var parameterShapes: [String: Shape] = [:]
    private var isFrozen = false

    private struct Key: Hashable {
        let operation: Operation
        let operands: [ValueID]
    }

    /// The lifetime parameters get: `.weights` to run a model, `.step` to train it.
    public let parameterLifetime: Lifetime

    public init(parameterLifetime: Lifetime = .weights) { self.parameterLifetime = parameterLifetime }

    /// The path of the current scope, joined with dots.
    public var scope: String { scopes.joined(separator: ".") }

    /// Runs `body` with `name` appended to the scope; parameters and errors inside carry it.
    public func scoped<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
        scopes.append(name)
        defer { scopes.removeLast() }
        return try body()
    }

    /// Runs `body` such that parameters first asked for inside it are not trained: they live as long as the checkpoint.
    public func frozen<R>(_ body: () throws -> R) rethrows -> R {
        let outer = isFrozen
        isFrozen = true
        defer { isFrozen = outer }
        return try body()
    }

    /// Appends an operation.
    public func add(_ operation: Operation, _ operands: [Value] = []) throws(GraphError) -> [Value] {
        let ids = operands.map(\.id)
        let key = Key(operation: operation, operands: ids)
        if let node = known[key] { return nodes[node].results.indices.map { Value(builder: self, id: ValueID(node: node, result: $0)) } }
        let results = try operation.resultShapes(operands.map(\.shape), at: scope)
        var lifetime = operands.map { nodes[$0.id.node].lifetime }.max() ?? .weights
        if case .input(_, _, let declared) = operation { lifetime = declared }
        if case .parameter = operation { lifetime = isFrozen ? .weights : parameterLifetime }
        let element = try operation.resultElement(ids.map { nodes[$0.node].element }, at: scope)
        nodes.append(Node(operation: operation, operands: ids, results: results, element: element, lifetime: lifetime, place: scope))
        known[key] = nodes.count - 1
        return results.indices.map { Value(builder: self, id: ValueID(node: nodes.count - 1, result: $0)) }
    }

    /// Appends an operation with one result.
    public func one(_ operation: Operation, _ operands: Value...) throws(GraphError) -> Value { try add(operation, operands)[0] }

    /// A parameter `name` of the current scope.
    ///
    /// - Throws: `GraphError.name` if it was asked for with another shape before.
    public func parameter(_ name: String, _ shape: Shape) throws(GraphError) -> Value {
        let path = scopes.isEmpty ? name : scope + "." + name
        if let earlier = parameterShapes[path], earlier != shape {
            throw GraphError(.name, at: path, "asked for as \(shape), earlier as \(earlier)")
        }
        parameterShapes[path] = shape
        return try add(.parameter(path, shape))[0]
    }

    /// A tensor given from outside.
    public func input(_ name: String, _ shape: Shape, _ lifetime: Lifetime = .step) throws(GraphError) -> Value {
        try input(name, TensorType(shape), lifetime)
    }

    /// A tensor given from outside, of any elements; what is not float32 wants converting before it is computed with.
    public func input(_ name: String, _ type: TensorType, _ lifetime: Lifetime = .step) throws(GraphError) -> Value {
        try add(.input(name, type, lifetime))[0]
    }

    /// A literal; one value stands for all elements.
    public func constant(_ values: [Float], _ shape: Shape) throws(GraphError) -> Value { try add(.constant(values, shape))[0] }

    /// Names a value as a result of the program.
    public func output(_ name: String, _ value: Value) { outputs.append(Graph.Output(name: name, value: value.id)) }

    /// The finished, verified graph.
    public func graph() throws(GraphError) -> Graph {
        let graph = Graph(nodes: nodes, outputs: outputs)
        try graph.verify()
        return graph
    }
}

/// A value of a graph under construction, with the operations models use.
public struct Value {
    public let builder: GraphBuilder
    public let id: ValueID

    public var shape: Shape { builder.nodes[id.node].results[id.result] }
    public var element: Element { builder.nodes[id.node].element }

    // MARK: Elementwise

    public func converted(to element: Element) throws(GraphError) -> Value {
        element == self.element ? self : try builder.one(.convert(element), self)
    }
    /// Pictures in 0…1 as bytes, and which of them are finite.
    public func colorBytes() throws(GraphError) -> (bytes: Value, areFinite: Value) {
        let results = try builder.add(.colors, [self])
        return (results[0], results[1])
    }
    public func unary(_ kind: Unary) throws(GraphError) -> Value { try builder.one(.unary(kind), self) }
    public func silu() throws(GraphError) -> Value { try unary(.silu) }
    public func scaled(by scale: Float, plus offset: Float = 0) throws(GraphError) -> Value {
        try builder.one(.affine(scale: scale, offset: offset), self)
    }
    public func adding(_ other: Value) throws(GraphError) -> Value { try builder.one(.binary(.add), self, other) }
    public func subtracting(_ other: Value) throws(GraphError) -> Value { try builder.one(.binary(.subtract), self, other) }
    public func multiplied(by other: Value) throws(GraphError) -> Value { try builder.one(.binary(.multiply), self, other) }
    public func divided(by other: Value) throws(GraphError) -> Value { try builder.one(.binary(.divide), self, other) }
    /// The smaller of two elements.
    public func atMost(_ other: Value) throws(GraphError) -> Value { try builder.one(.binary(.minimum), self, other) }
    /// The larger of two elements.
    public func atLeast(_ other: Value) throws(GraphError) -> Value { try builder.one(.binary(.maximum), self, other) }
    /// Itself where it is above 0, elsewhere times a slope.
    public func prelu(slope: Value) throws(GraphError) -> Value { try builder.one(.binary(.prelu), self, slope) }
    public func geglu() throws(GraphError) -> Value { try builder.one(.geglu, self) }

    // MARK: Structure

    public func reshaped(_ shape: Shape) throws(GraphError) -> Value {
        shape == self.shape ? self : try builder.one(.reshape(shape), self)
    }
    public func transposed(_ order: [Int]) throws(GraphError) -> Value { try builder.one(.transpose(order), self) }
    public func sliced(axis: Int, start: Int, count: Int) throws(GraphError) -> Value {
        start == 0 && shape.dimensions.indices.contains(axis) && count == shape[axis]
            ? self : try builder.one(.slice(axis: axis, start: start, count: count), self)
    }
    public func concatenated(with others: [Value], axis: Int) throws(GraphError) -> Value {
        try builder.add(.concatenate(axis: axis), [self] + others)[0]
    }
    public func broadcasted(to shape: Shape) throws(GraphError) -> Value {
        shape == self.shape ? self : try builder.one(.broadcast(shape), self)
    }
    public func summed(axes: [Int]) throws(GraphError) -> Value { try builder.one(.sum(axes: axes), self) }
    /// Sums of 2×2 blocks of `[n, 2h, 2w, c]`.
    public func summedBlocks() throws(GraphError) -> Value { try builder.one(.sumPool, self) }
    public func upsampledNearest() throws(GraphError) -> Value { try builder.one(.upsampleNearest, self) }

    // MARK: Contractions, attention, norms

    /// `self · weightᵀ + bias`, weight `[n, k]`.
    public func linear(_ weight: Value, bias: Value? = nil) throws(GraphError) -> Value {
        try builder.add(.linear(Epilogue(bias: bias != nil), transposed: false), [self, weight] + (bias.map { [$0] } ?? []))[0]
    }

    /// Weights `[out, in, kernelHeight, kernelWidth]`.
    public func convolved(_ weight: Value, bias: Value? = nil, _ geometry: Convolution) throws(GraphError) -> Value {
        try builder.add(.convolution(geometry, Epilogue(bias: bias != nil)), [self, weight] + (bias.map { [$0] } ?? []))[0]
    }

    /// Each channel by itself; weight `[kernelHeight, kernelWidth, channels]`.
    public func convolvedByChannel(_ weight: Value, bias: Value? = nil, _ geometry: Convolution) throws(GraphError) -> Value {
        try builder.add(.depthwiseConvolution(geometry, Epilogue(bias: bias != nil)), [self, weight] + (bias.map { [$0] } ?? []))[0]
    }
    /// The largest value under a window.
    public func pooled(height: Int, width: Int, _ geometry: Convolution) throws(GraphError) -> Value {
        try builder.one(.maxPool(geometry, kernelHeight: height, kernelWidth: width), self)
    }
    /// Bent by a mesh `[n, gh, gw, 2]`; `Operation.sample` says how.
    public func sampled(_ grid: Value, height: Int, width: Int) throws(GraphError) -> Value {
        try builder.one(.sample(height: height, width: width), self, grid)
    }
    /// Layers `[k, b, h, w, 4]` bent by meshes `[k, n, gh, gw, 2]` and composited, and how far each is there.
    public func composited(_ grids: Value, height: Int, width: Int) throws(GraphError) -> (picture: Value, alphas: Value) {
        let results = try builder.add(.composite(height: height, width: width), [self, grids])
        return (results[0], results[1])
    }
    /// Premultiplied colours over others.
    public func over(_ back: Value) throws(GraphError) -> Value { try builder.one(.over, self, back) }
    /// Over the innermost axis.
    public func softmax() throws(GraphError) -> Value { try builder.one(.softmax, self) }

    /// Attention of `self` (queries) over keys and values and, where given, those of a shared reference.
    public func attention(keys: Value, values: Value, reference: (keys: Value, values: Value)? = nil, heads: Int) throws(GraphError)
        -> Value
    {
        try builder.add(.attention(heads: heads), [self, keys, values] + (reference.map { [$0.keys, $0.values] } ?? []))[0]
    }

    /// Attention over frames; all `[batch, frames, positions, channels]`.
    public func temporalAttention(keys: Value, values: Value, heads: Int) throws(GraphError) -> Value {
        try builder.one(.temporalAttention(heads: heads), self, keys, values)
    }

    public func groupNorm(gamma: Value, beta: Value, groups: Int, epsilon: Float) throws(GraphError) -> Value {
        try builder.one(.groupNorm(groups: groups, epsilon: epsilon, activation: nil), self, gamma, beta)
    }

    public func layerNorm(gamma: Value, beta: Value, epsilon: Float) throws(GraphError) -> Value {
        try builder.one(.layerNorm(epsilon: epsilon), self, gamma, beta)
    }
}
