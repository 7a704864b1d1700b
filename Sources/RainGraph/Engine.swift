/// Something that can run programs: the interpreter, the processor, a GPU.
///
/// An engine has one queue: what is submitted, and reads and writes of its buffers, take effect in the order of the calls. When that is, is
/// the engine's affair; reading a buffer waits for it. Engines may be used by several tasks at once, their executables and buffers by one
/// at a time.
public protocol Engine: Sendable {
    /// For messages: `interpreter`, `cpu`.
    var name: String { get }
    /// What this engine can do in one go. Programs are rewritten for it when they are compiled.
    var capabilities: EngineCapabilities { get }

    /// Memory for one tensor, zero at first, that ports of several executables can be bound to.
    func buffer(_ type: TensorType) throws -> any EngineBuffer

    /// Rewrites a program for this engine, and plans its memory and kernels.
    func compile(_ program: Program, _ options: CompileOptions) throws -> any Executable

    /// Runs all stages of a program once and keeps nothing of it: for what is run so rarely that its parameters must not stay in
    /// memory. An engine asks for a parameter when it needs it and forgets it soon.
    ///
    /// - Parameters:
    ///   - inputs: those left out are zero; float32
    ///   - parameters: may be asked for a parameter more than once
    /// - Returns: all outputs, row-major, as floats
    func evaluate(_ program: Program, inputs: [String: [Float]], parameters: any TensorSource) throws -> [String: [Float]]
}

/// What an engine can do in one go.
public struct EngineCapabilities: Sendable {
    /// Activations that contractions and norms can end with; without any, contractions stay without epilogues.
    public var activations: Set<Unary>
    /// Whether convolutions enlarge their input on the way in.
    public var upsamplesInConvolutions: Bool

    public init(activations: Set<Unary>, upsamplesInConvolutions: Bool) {
        self.activations = activations
        self.upsamplesInConvolutions = upsamplesInConvolutions
    }

    /// An engine that runs programs as they are.
    public static let none = EngineCapabilities(activations: [], upsamplesInConvolutions: false)
    /// An engine with all that can be merged.
    public static let all = EngineCapabilities(activations: Epilogue.activations, upsamplesInConvolutions: true)
}

/// How a program is compiled.
public struct CompileOptions {
    /// An executable of the same engine that has been loaded with the same parameters: what both can use is kept once, and the new one
    /// takes parameters in the other's form where it could do without them.
    public var neighbour: (any Executable)?
    /// Buffers of the same engine in place of the executable's own, so that what one executable makes another finds. One buffer at an
    /// input and an output is a state: it changes when the stage that makes the output ends.
    public var buffers: [TensorPort: any EngineBuffer]
    /// Whether the program may be rewritten, which changes results by their rounding; false for comparisons with a reference.
    public var isRewritten: Bool

    public init(beside neighbour: (any Executable)? = nil, buffers: [TensorPort: any EngineBuffer] = [:], isRewritten: Bool = true) {
        self.neighbour = neighbour
        self.buffers = buffers
        self.isRewritten = isRewritten
    }
}

/// A place where tensors go into a program or come out of it.
public enum TensorPort: Hashable, Sendable, CustomStringConvertible {
    case input(String)
    case output(String)

    public var description: String {
        switch self {
        case .input(let name): "input '\(name)'"
        case .output(let name): "output '\(name)'"
        }
    }
}

/// Memory of an engine for one tensor. Where it lies, only the engine knows.
public protocol EngineBuffer: AnyObject {
    var type: TensorType { get }

    /// Lets `body` fill the buffer, row-major; it finds what was there.
    ///
    /// - Throws: `GraphError.shapeMismatch` if the buffer's elements are others
    func write<Scalar: TensorScalar>(_ body: (inout MutableSpan<Scalar>) -> Void) throws

    /// Lets `body` look at the buffer, row-major, after all that was submitted.
    ///
    /// - Throws: `GraphError.shapeMismatch` if the buffer's elements are others; what went wrong in the engine
    func read<Scalar: TensorScalar, Result>(_ body: (Span<Scalar>) -> Result) throws -> Result
}

extension EngineBuffer {
    /// - Throws: `GraphError.shapeMismatch`
    public func require<Scalar: TensorScalar>(_ scalar: Scalar.Type) throws(GraphError) {
        guard type.element == Scalar.element else {
            throw GraphError(.shapeMismatch, at: "buffer", "elements are \(type.element), not \(Scalar.element)")
        }
    }
}

/// The end of what was submitted.
public protocol Completion: Sendable {
    /// Waits for it.
    ///
    /// - Throws: what went wrong in the engine
    func wait() throws
}

/// What was complete when it was submitted.
public struct Completed: Completion {
    public init() {}
    public func wait() {}
}

/// A program with its memory, ready to run: `load`, then `.reference` after each change of a reference input, then `.step` again and again.
public protocol Executable: AnyObject {
    /// As it runs: rewritten for the engine.
    var program: Program { get }

    /// Fills every parameter and runs the `weights` stage. A program that trains starts over: moments are zero, the average is the
    /// parameters.
    ///
    /// - Throws: what `parameters` throws; `GraphError.shapeMismatch` if a count is wrong.
    func load(_ parameters: any TensorSource) throws

    /// The memory at a port: bound to it, or its own. An output's contents are valid until the stage that makes it runs again.
    ///
    /// - Throws: `GraphError.name` if there is no such port.
    func buffer(_ port: TensorPort) throws -> any EngineBuffer

    /// Puts a stage into the engine's queue. Inputs never written are zero.
    func submit(_ stage: Lifetime) throws -> any Completion
}

extension Engine {
    public func compile(_ program: Program, beside other: (any Executable)? = nil) throws -> any Executable {
        try compile(program, CompileOptions(beside: other))
    }

    public func evaluate(_ program: Program, inputs: [String: [Float]], parameters: any TensorSource) throws -> [String: [Float]] {
        let executable = try compile(program)
        try executable.load(parameters)
        for (name, values) in inputs { try executable.write(name, values) }
        for stage in [Lifetime.reference, .step] { try executable.run(stage) }
        return try program.graph.outputs.reduce(into: [:]) { $0[$1.name] = try executable.read($1.name) }
    }

    /// The same with parameters as floats.
    public func evaluate(
        _ program: Program, inputs: [String: [Float]], parameters: (_ name: String, _ shape: Shape) throws -> [Float]
    ) throws -> [String: [Float]] {
        try withoutActuallyEscaping(parameters) { try evaluate(program, inputs: inputs, parameters: FloatTensors($0)) }
    }
}

extension Executable {
    /// Runs one stage to its end.
    public func run(_ stage: Lifetime) throws { try submit(stage).wait() }

    /// Loads parameters that are floats.
    public func load(_ parameters: (_ name: String, _ shape: Shape) throws -> [Float]) throws {
        try withoutActuallyEscaping(parameters) { try load(FloatTensors($0)) }
    }

    /// Lets `body` fill an input in place, row-major.
    ///
    /// - Throws: `GraphError.name` if there is no such input.
    public func write<Scalar: TensorScalar>(_ input: String, _ body: (inout MutableSpan<Scalar>) -> Void) throws {
        try buffer(.input(input)).write(body)
    }

    /// Lets `body` look at an output, row-major.
    ///
    /// - Throws: `GraphError.name` if there is no such output.
    public func read<Scalar: TensorScalar, Result>(_ output: String, _ body: (Span<Scalar>) -> Result) throws -> Result {
        try buffer(.output(output)).read(body)
    }

    /// Fills an input.
    ///
    /// - Throws: `GraphError.name` or `.shapeMismatch` if the count differs.
    public func write<Scalar: TensorScalar>(_ input: String, _ values: [Scalar]) throws { try fill(input, values) }

    /// Fills an input with floats, which literals are.
    public func write(_ input: String, _ values: [Float]) throws { try fill(input, values) }

    private func fill<Scalar: TensorScalar>(_ input: String, _ values: [Scalar]) throws {
        var fits = true
        try write(input) { (span: inout MutableSpan<Scalar>) in
            guard span.count == values.count else {
                fits = false
                return
            }
            for index in values.indices { span[index] = values[index] }
        }
        guard fits else { throw GraphError(.shapeMismatch, at: "input '\(input)'", "given \(values.count) values") }
    }

    /// A copy of an output as floats.
    public func read(_ output: String) throws -> [Float] {
        func floats<Scalar: TensorScalar>(_ span: Span<Scalar>) -> [Float] {
            var values = [Float](repeating: 0, count: span.count)
            for index in span.indices { values[index] = span[index].float }
            return values
        }
        let buffer = try buffer(.output(output))
        return switch buffer.type.element {
        case .float32: try buffer.read { (span: Span<Float>) in floats(span) }
        case .int32: try buffer.read { (span: Span<Int32>) in floats(span) }
        case .uint8: try buffer.read { (span: Span<UInt8>) in floats(span) }
        case .float16: try buffer.read { (span: Span<Half>) in floats(span) }
        case .bfloat16: try buffer.read { (span: Span<BrainFloat>) in floats(span) }
        }
    }
}
