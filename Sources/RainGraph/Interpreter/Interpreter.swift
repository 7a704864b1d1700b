/// The engine that defines what every operation means: plain Swift, results stored in float32, sums taken in float64.
///
/// Slow; the oracle for other engines, for rewrites and for gradients, and the way to fold constants.
public struct Interpreter: Engine {
    public init() {}

    public var name: String { "interpreter" }

    public var capabilities: EngineCapabilities { .none }

    public func buffer(_ type: TensorType) -> any EngineBuffer { HostBuffer(type) }

    /// The program runs as it is. The result can also train if the program has gradients: it then conforms to `TrainableExecutable`.
    public func compile(_ program: Program, _ options: CompileOptions) throws -> any Executable {
        try InterpreterExecutable(program, options.buffers)
    }

    /// The results of one operation other than a parameter or an input.
    ///
    /// - Parameter operands: shapes and elements, row-major.
    /// - Throws: what `Operation.resultShapes` throws.
    public static func evaluate(_ operation: Operation, _ operands: [(shape: Shape, elements: [Float])]) throws(GraphError) -> [[Float]] {
        let shapes = try operation.resultShapes(operands.map(\.shape), at: "")
        let tensors = operands.map { Tensor($0.shape, $0.elements) }
        for tensor in tensors where tensor.elements.count != tensor.shape.count {
            throw GraphError(.shapeMismatch, at: operation.name, "\(tensor.elements.count) elements for \(tensor.shape)")
        }
        return RainGraph.evaluate(operation, tensors, results: shapes)
    }
}

/// A program run by the interpreter. Intermediate values are dropped after their last use.
final class InterpreterExecutable: TrainableExecutable {
    let program: Program
    private var graph: Graph { program.graph }
    /// Elements of every result of every node, as far as computed and still needed.
    private var values: [[[Float]?]]
    /// For each node the values that nothing needs once it ran.
    private let dropped: [[ValueID]]
    private let inputs: [String: Int]
    /// Of the inputs, by node.
    private var given: [Int: HostBuffer] = [:]
    /// Of outputs that are bound, by node.
    private var bound: [Int: [(result: Int, buffer: HostBuffer)]] = [:]
    private let trained: [Int]
    private var states: [TrainingState: [[Float]]] = [:]

    init(_ program: Program, _ buffers: [TensorPort: any EngineBuffer]) throws {
        self.program = program
        let graph = program.graph
        values = graph.nodes.map { Array(repeating: nil, count: $0.results.count) }
        var inputs: [String: Int] = [:]
        var trained: [Int] = []
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .input(let name, let type, _):
                inputs[name] = index
                given[index] = try buffers[.input(name)].map { try HostBuffer.checked($0, type, at: .input(name)) } ?? HostBuffer(type)
            case .parameter where node.lifetime == .step: trained.append(index)
            default: break
            }
        }
        self.inputs = inputs
        self.trained = trained
        for output in graph.outputs {
            guard let buffer = buffers[.output(output.name)] else { continue }
            let own = try HostBuffer.checked(buffer, graph.type(output.value), at: .output(output.name))
            bound[output.value.node, default: []].append((output.value.result, own))
        }
        dropped = Self.lastUses(program)
    }

    /// Values made and used by one stage only, listed at their last use.
    private static func lastUses(_ program: Program) -> [[ValueID]] {
        let graph = program.graph
        var last: [ValueID: Int] = [:]
        var kept = Set(graph.outputs.map(\.value) + program.gradients)
        for (index, node) in graph.nodes.enumerated() {
            for operand in node.operands {
                last[operand] = index
                if graph.nodes[operand.node].lifetime != node.lifetime { kept.insert(operand) }
            }
        }
        var dropped = [[ValueID]](repeating: [], count: graph.nodes.count)
        for (value, use) in last where !kept.contains(value) {
            switch graph.nodes[value.node].operation {
            case .parameter, .input: continue
            default: dropped[use].append(value)
            }
        }
        return dropped
    }

    func load(_ parameters: any TensorSource) throws {
        for (index, node) in graph.nodes.enumerated() {
            guard case .parameter(let name, let shape) = node.operation else { continue }
            let elements = try parameters.floats(name, shape)
            values[index][0] = elements
        }
        let elements = trained.map { values[$0][0] ?? [] }
        let zeros = elements.map { [Float](repeating: 0, count: $0.count) }
        states = [.average: elements, .firstMoment: zeros, .secondMoment: zeros]
        try run(.weights)
    }

    func buffer(_ port: TensorPort) throws -> any EngineBuffer {
        switch port {
        case .input(let name):
            guard let node = inputs[name], let buffer = given[node] else {
                throw GraphError(.name, at: "\(port)", "the program has only \(inputs.keys.sorted())")
            }
            return buffer
        case .output(let name):
            guard let value = graph.output(name) else {
                throw GraphError(.name, at: "\(port)", "the program has only \(graph.outputs.map(\.name))")
            }
            return HostBuffer(graph.type(value), try elements(value))
        }
    }

    func submit(_ stage: Lifetime) throws -> any Completion {
        var left: [(HostBuffer, [Float])] = []
        for index in program.stages[stage] ?? [] {
            let node = graph.nodes[index]
            var operands: [Tensor] = []
            for operand in node.operands { operands.append(Tensor(graph.shape(operand), try elements(operand))) }
            let results = evaluate(node.operation, operands, results: node.results)
            for (result, elements) in results.enumerated() { values[index][result] = elements }
            for (result, buffer) in bound[index] ?? [] { left.append((buffer, results[result])) }
            for value in dropped[index] { values[value.node][value.result] = nil }
        }
        for (buffer, elements) in left { buffer.elements = elements }
        return Completed()
    }

    private func elements(_ value: ValueID) throws(GraphError) -> [Float] {
        if let elements = given[value.node]?.elements ?? values[value.node][value.result] { return elements }
        let node = graph.nodes[value.node]
        if case .parameter(let name, _) = node.operation {
            throw GraphError(.name, at: "parameter '\(name)'", "not loaded; call load first")
        }
        throw GraphError(.malformed, at: node.place, "\(value) is not computed yet; run the \(node.lifetime) stage first")
    }

    // MARK: Training

    func update(_ settings: AdamW) throws -> Float {
        let gradients = try program.gradients.map { value throws(GraphError) in try elements(value) }
        var squares = 0.0
        for gradient in gradients { for element in gradient { squares += Double(element) * Double(element) } }
        let norm = squares.squareRoot()
        guard norm.isFinite, !gradients.isEmpty else { return Float(norm) }
        let scale = norm > Double(settings.largestGradientNorm) ? Double(settings.largestGradientNorm) / norm : 1
        var moments = (first: states[.firstMoment] ?? [], second: states[.secondMoment] ?? [])
        var averages = states[.average] ?? []
        for (index, gradient) in gradients.enumerated() {
            var parameter = try elements(ValueID(node: trained[index]))
            for i in gradient.indices {
                settings.apply(
                    gradient: Double(gradient[i]) * scale, parameter: &parameter[i], firstMoment: &moments.first[index][i],
                    secondMoment: &moments.second[index][i], average: &averages[index][i])
            }
            values[trained[index]][0] = parameter
        }
        states = [.firstMoment: moments.first, .secondMoment: moments.second, .average: averages]
        return Float(norm)
    }

    func state(_ state: TrainingState) -> [Float] {
        switch state {
        case .parameters: trained.flatMap { values[$0][0] ?? [] }
        case .gradients: program.gradients.flatMap { values[$0.node][$0.result] ?? [Float](repeating: 0, count: graph.shape($0).count) }
        case .firstMoment, .secondMoment, .average: (states[state] ?? []).flatMap { $0 }
        }
    }

    func setState(_ state: TrainingState, _ flat: [Float]) throws {
        let shapes = graph.trainedParameters.map(\.shape)
        let count = shapes.reduce(0) { $0 + $1.count }
        guard flat.count == count else {
            throw GraphError(.shapeMismatch, at: "state '\(state)'", "\(flat.count) elements given for \(count)")
        }
        var pieces: [[Float]] = []
        var start = 0
        for shape in shapes {
            pieces.append(Array(flat[start..<start + shape.count]))
            start += shape.count
        }
        switch state {
        case .parameters: for (node, piece) in zip(trained, pieces) { values[node][0] = piece }
        case .gradients: for (value, piece) in zip(program.gradients, pieces) { values[value.node][value.result] = piece }
        case .firstMoment, .secondMoment, .average: states[state] = pieces
        }
    }
}

/// A tensor of the interpreter: floats that its elements can hold.
final class HostBuffer: EngineBuffer {
    let type: TensorType
    var elements: [Float]

    init(_ type: TensorType, _ elements: [Float]? = nil) {
        self.type = type
        self.elements = elements ?? Array(repeating: 0, count: type.shape.count)
    }

    static func checked(_ buffer: any EngineBuffer, _ type: TensorType, at port: TensorPort) throws(GraphError) -> HostBuffer {
        guard let own = buffer as? HostBuffer, own.type == type else {
            throw GraphError(.shapeMismatch, at: "\(port)", "expected a buffer of this engine, \(type); found \(buffer.type)")
        }
        return own
    }

    func write<Scalar: TensorScalar>(_ body: (inout MutableSpan<Scalar>) -> Void) throws {
        try require(Scalar.self)
        var scalars = elements.map { Scalar(nearest: $0) }
        var span = scalars.mutableSpan
        body(&span)
        elements = scalars.map(\.float)
    }

    func read<Scalar: TensorScalar, Result>(_ body: (Span<Scalar>) -> Result) throws -> Result {
        try require(Scalar.self)
        let scalars = elements.map { Scalar(nearest: $0) }
        return body(scalars.span)
    }
}

extension AdamW {
    /// One step for one element, in float64 (arXiv 1711.05101, algorithm 2; the decay is scaled by the learning rate).
    func apply(gradient: Double, parameter: inout Float, firstMoment: inout Float, secondMoment: inout Float, average: inout Float) {
        let (beta1, beta2) = (Double(beta1), Double(beta2))
        firstMoment = Float(beta1 * Double(firstMoment) + (1 - beta1) * gradient)
        secondMoment = Float(beta2 * Double(secondMoment) + (1 - beta2) * gradient * gradient)
        let first = Double(firstMoment) / (1 - power(beta1, step))
        let second = Double(secondMoment) / (1 - power(beta2, step))
        let change = first / (second.squareRoot() + Double(epsilon)) + Double(weightDecay) * Double(parameter)
        parameter = Float(Double(parameter) - Double(learningRate) * change)
        average = Float(Double(average) + (1 - Double(averageDecay)) * (Double(parameter) - Double(average)))
    }
}
