public import RainGraph

/// One operation on operands of given shapes: a line of the table that every engine, and every gradient, is tested with.
public struct OperationCase: Sendable, CustomStringConvertible {
    public let operation: RainGraph.Operation
    public let operands: [Shape]
    /// Operands that models give as parameters (weights, biases, gammas): engines may pack them ahead.
    public let parameters: Set<Int>
    /// Elements are uniform in this range.
    public let range: ClosedRange<Float>
    /// Whether finite differences are meaningful: no kinks in range, arguments not huge.
    public let isSmooth: Bool

    public init(
        _ operation: RainGraph.Operation, _ operands: [Shape], parameters: Set<Int> = [], range: ClosedRange<Float> = -1...1,
        isSmooth: Bool = true
    ) {
        self.operation = operation
        self.operands = operands
        self.parameters = parameters
        self.range = range
        self.isSmooth = isSmooth
    }

    public var description: String { "\(operation) on \(operands.map(\.description).joined(separator: ", "))" }

    /// The number of terms in the longest sum behind an element of a result.
    public var reductionLength: Int {
        let x = operands.first ?? []
        switch operation {
        case .sum(let axes): return axes.reduce(1) { $0 * x[$1] }
        case .linear: return x.last
        case .linearWeightGradient: return x.count / x.last
        case .convolution: return operands[1].count / operands[1][0]
        case .depthwiseConvolution: return operands[1][0] * operands[1][1]
        case .softmax: return x.last
        // A place in float32 is off by its picture's size times a rounding.
        case .sample: return 64 + (x[1] + x[2]) * (x[1] + x[2])
        // Alphas beyond 1 make every layer larger than what is under it.
        case .composite: return 64 + (x[2] + x[3]) * (x[2] + x[3]) << (2 * x[0])
        case .sampleGradient: return 64 + (x[1] + x[2]) * (x[1] + x[2]) + operands[2].count
        case .convolutionInputGradient: return operands[1].count / operands[1][1]
        case .convolutionWeightGradient: return operands[1].count / operands[1].last
        case .attention, .attentionGradient:
            let reference = operands.count >= 5 ? operands[3][1] * (x[0] / operands[3][0]) : 0
            return x[1] + x[2] + operands[1][1] + reference
        case .temporalAttention, .temporalAttentionGradient: return 2 * x[1] + x[3]
        case .groupNorm, .layerNorm: return x.count / x[0]
        case .groupNormGradient, .layerNormGradient: return x.count
        default: return 4
        }
    }

    /// A graph of this operation alone; results are the outputs `y0`, `y1` …, operands the inputs or parameters `x0`, `x1` ….
    ///
    /// - Parameter parameterLifetime: that of the parameters.
    /// - Parameter allParameters: makes every operand a parameter.
    public func graph(parameterLifetime: Lifetime = .weights, allParameters: Bool = false) throws -> Graph {
        let builder = GraphBuilder(parameterLifetime: parameterLifetime)
        var values: [Value] = []
        for (index, shape) in operands.enumerated() {
            let isParameter = allParameters || parameters.contains(index)
            values.append(isParameter ? try builder.parameter("x\(index)", shape) : try builder.input("x\(index)", shape))
        }
        for (index, result) in try builder.add(operation, values).enumerated() { builder.output("y\(index)", result) }
        return try builder.graph()
    }

    /// Elements for every operand, the same whenever asked.
    public func elements() -> [[Float]] {
        var numbers = SeededNumbers(seed: UInt64(description.utf8.reduce(5381) { ($0 &* 33 &+ UInt64($1)) & 0xFFFF_FFFF }))
        return operands.map { numbers.numbers($0.count, in: range) }
    }

    /// Runs the operation on an engine.
    ///
    /// - Returns: the elements of every result.
    public func results(on engine: any Engine, parameterLifetime: Lifetime = .weights) throws -> [[Float]] {
        let graph = try graph(parameterLifetime: parameterLifetime)
        let executable = try engine.compile(Program(graph), CompileOptions(isRewritten: false))
        let elements = elements()
        try executable.load { name, _ in elements[Int(name.dropFirst()) ?? 0] }
        try executable.run(.reference)
        for input in graph.inputs { try executable.write(input.name, elements[Int(input.name.dropFirst()) ?? 0]) }
        try executable.run(.step)
        return try graph.outputs.map { try executable.read($0.name) }
    }

    /// Compares an engine with the interpreter, element by element.
    ///
    /// - Parameter factor: widens the tolerance; say why where it is used.
    /// - Returns: what disagrees, or `nil`.
    public func disagreement(
        of engine: any Engine, parameterLifetime: Lifetime = .weights, factor: Float = 1
    ) throws -> String? {
        let found = try results(on: engine, parameterLifetime: parameterLifetime)
        let expected = try results(on: Interpreter(), parameterLifetime: parameterLifetime)
        let allowed = factor * tolerance(reductionLength: reductionLength)
        for (index, (found, expected)) in zip(found, expected).enumerated() {
            guard found.count == expected.count else {
                return "\(self): result \(index) has \(found.count) elements, expected \(expected.count)"
            }
            if let difference = largestDifference(found, expected), !(difference.relative <= allowed) {
                return "\(self): result \(index), \(difference), allowed \(allowed)"
            }
        }
        return nil
    }
}
