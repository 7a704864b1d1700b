/// A graph cut along the lifetimes of its values: what runs when a checkpoint is loaded, when a reference is fused, and at
/// every step.
///
/// An output or a value that a later stage reads stays where its stage left it until that stage runs again.
public struct Program: Sendable {
    public let graph: Graph
    /// Indices of the nodes of each stage, in an order in which they can run. Inputs and parameters are in none.
    public let stages: [Lifetime: [Int]]
    /// For a program that trains: the gradient of each of `graph.trainedParameters`, in order. Empty otherwise.
    public let gradients: [ValueID]

    /// Cuts a verified graph.
    ///
    /// - Parameter gradients: for training, one value per trained parameter of the graph, in order, of the parameter's shape.
    /// - Throws: what `Graph.verify` throws; `GraphError.malformed` if the gradients do not match the parameters.
    public init(_ graph: Graph, gradients: [ValueID] = []) throws(GraphError) {
        try graph.verify()
        if !gradients.isEmpty {
            let parameters = graph.trainedParameters
            guard parameters.count == gradients.count else {
                throw GraphError(.malformed, at: "program", "\(parameters.count) trained parameters, \(gradients.count) gradients")
            }
            for (parameter, gradient) in zip(parameters, gradients) where graph.shape(gradient) != parameter.shape {
                throw GraphError(.malformed, at: parameter.name, "gradient \(graph.shape(gradient)) of a parameter \(parameter.shape)")
            }
        }
        var stages: [Lifetime: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .parameter, .input: continue
            default: stages[node.lifetime, default: []].append(index)
            }
        }
        self.graph = graph
        self.stages = stages
        self.gradients = gradients
    }
}

/// Something that can run programs: the interpreter, the CPU engine.
public protocol Engine: Sendable {
    /// For messages: `interpreter`, `cpu`.
    var name: String { get }
    /// Plans memory and kernels for a program. The result owns its buffers and belongs to one task at a time.
    func prepare(_ program: Program) throws -> any Executable

    /// As `prepare`, beside an executable of this engine that has been loaded with the same parameters: what both can use is kept
    /// once, and the new one takes parameters in the other's form where it could do without them.
    func prepare(_ program: Program, beside other: (any Executable)?) throws -> any Executable

    /// Runs all stages of a program once and keeps nothing of it: for what is run so rarely that its parameters must not stay in
    /// memory. An engine asks for a parameter when it needs it and forgets it soon.
    ///
    /// - Parameters:
    ///   - inputs: those left out are zero
    ///   - parameters: as for `Executable.load`; may be called more than once for a parameter
    /// - Returns: all outputs, row-major
    func evaluate(
        _ program: Program, inputs: [String: [Float]], parameters: (_ name: String, _ shape: Shape) throws -> [Float]
    ) throws -> [String: [Float]]
}

extension Engine {
    public func prepare(_ program: Program, beside other: (any Executable)?) throws -> any Executable { try prepare(program) }

    public func evaluate(
        _ program: Program, inputs: [String: [Float]], parameters: (_ name: String, _ shape: Shape) throws -> [Float]
    ) throws -> [String: [Float]] {
        let executable = try prepare(program)
        try executable.load(parameters)
        for (name, values) in inputs { try executable.write(name, values) }
        for stage in [Lifetime.reference, .step] { try executable.run(stage) }
        return try program.graph.outputs.reduce(into: [:]) { $0[$1.name] = try executable.read($1.name) }
    }
}

/// A program with its memory, ready to run: `load`, then `run(.reference)` after each change of a reference input, then
/// `run(.step)` again and again.
public protocol Executable: AnyObject {
    var program: Program { get }

    /// Fills every parameter and runs the `weights` stage. A program that trains starts over: moments are zero, the average is the
    /// parameters.
    ///
    /// - Parameter parameters: called once per parameter with its name and shape; returns its elements, row-major.
    /// - Throws: what `parameters` throws; `GraphError.shapeMismatch` if a count is wrong.
    func load(_ parameters: (_ name: String, _ shape: Shape) throws -> [Float]) throws

    /// Lets `body` fill an input in place, row-major.
    ///
    /// - Throws: `GraphError.name` if there is no such input.
    func write(_ input: String, _ body: (inout MutableSpan<Float>) -> Void) throws

    /// Lets `body` look at an output, row-major, valid until the stage that makes it runs again.
    ///
    /// - Throws: `GraphError.name` if there is no such output.
    func read<R>(_ output: String, _ body: (Span<Float>) -> R) throws -> R

    /// Pixels of an output whose last axis are the channels, in 0…1, as bytes: the first three channels, rounded; NaN is 0.
    ///
    /// - Parameter pixels: which pixels, row-major
    /// - Returns: the bytes, and whether all channels of these pixels are finite
    /// - Throws: `GraphError.name` if there is no such output.
    func readColors(_ output: String, pixels: Range<Int>) throws -> (bytes: [UInt8], isFinite: Bool)

    /// Runs one stage. Inputs never written are zero.
    func run(_ stage: Lifetime) throws
}

extension Executable {
    /// Fills an input.
    ///
    /// - Throws: `GraphError.name` or `.shapeMismatch` if the count differs.
    public func write(_ input: String, _ values: [Float]) throws {
        var fits = true
        try write(input) { (span: inout MutableSpan<Float>) in
            guard span.count == values.count else {
                fits = false
                return
            }
            for index in values.indices { span[index] = values[index] }
        }
        guard fits else { throw GraphError(.shapeMismatch, at: "input '\(input)'", "given \(values.count) values") }
    }

    public func readColors(_ output: String, pixels: Range<Int>) throws -> (bytes: [UInt8], isFinite: Bool) {
        let channels = program.graph.output(output).map { program.graph.shape($0).last } ?? 0
        return try read(output) { values in
            precondition(channels >= 3 && pixels.upperBound * channels <= values.count, "'\(output)' has no such pixels")
            var bytes = [UInt8](repeating: 0, count: pixels.count * 3)
            var isFinite = true
            for (index, pixel) in pixels.enumerated() {
                for channel in 0..<channels {
                    let value = values[pixel * channels + channel]
                    if !value.isFinite { isFinite = false }
                    // The comparison's order makes a NaN black.
                    if channel < 3 { bytes[index * 3 + channel] = UInt8(min(max(0, value), 1) * 255 + 0.5) }
                }
            }
            return (bytes, isFinite)
        }
    }

    /// A copy of an output.
    public func read(_ output: String) throws -> [Float] {
        try read(output) { span in
            var values = [Float](repeating: 0, count: span.count)
            for index in span.indices { values[index] = span[index] }
            return values
        }
    }
}

/// The flat buffers of a program that trains, all in the order of `graph.trainedParameters`.
public enum TrainingState: String, Sendable, CaseIterable {
    case parameters, firstMoment, secondMoment
    /// Exponential moving average of the parameters.
    case average
    case gradients
}

/// Settings of one AdamW step (arXiv 1711.05101).
public struct AdamW: Sendable {
    public var learningRate: Float
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    public var weightDecay: Float
    /// Gradients whose norm over all parameters is larger are scaled down to it.
    public var largestGradientNorm: Float
    /// Decay of the moving average of the parameters.
    public var averageDecay: Float
    /// 1 for the first step; for the bias corrections.
    public var step: Int

    public init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.98, epsilon: Float = 1e-8, weightDecay: Float = 1e-3,
        largestGradientNorm: Float = 1, averageDecay: Float = 0.998, step: Int
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.largestGradientNorm = largestGradientNorm
        self.averageDecay = averageDecay
        self.step = step
    }
}

/// An executable of a program with gradients.
public protocol TrainableExecutable: Executable {
    /// Updates the trained parameters with the gradients the last `run(.step)` left and returns their norm before clipping. Changes
    /// nothing if the norm is not finite.
    func update(_ settings: AdamW) throws -> Float

    /// A copy of a flat buffer.
    func state(_ state: TrainingState) -> [Float]

    /// Overwrites a flat buffer.
    ///
    /// - Throws: `GraphError.shapeMismatch` if the count differs.
    func setState(_ state: TrainingState, _ values: [Float]) throws
}

/// An engine that can train.
public protocol TrainingEngine: Engine {
    /// Plans a program with gradients.
    ///
    /// - Parameter other: an executable of this engine over the same trained parameters: parameters, gradients, moments and average
    ///   become one memory, and a step of either moves both. The new one is then ready after `run(.weights)`, without `load`.
    func prepare(_ program: Program, sharing other: (any TrainableExecutable)?) throws -> any TrainableExecutable
}
