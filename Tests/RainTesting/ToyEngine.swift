import Foundation
public import RainGraph

/// A second engine, to show what one takes: the interpreter's operations in float16, on a device whose memory no caller can address and
/// whose queue completes later, on another thread.
public struct ToyEngine: Engine {
    private let device = ToyDevice()

    public init() {}

    public let name = "toy"
    public var capabilities: EngineCapabilities { .none }

    /// Stages that have been run to their end.
    public var completed: Int { device.sync { $0.completed } }
    /// Bytes of the buffers that there are.
    public var bytes: Int { device.sync { $0.tensors.values.reduce(0) { $0 + $1.count } } }

    public func buffer(_ type: TensorType) throws -> any EngineBuffer { ToyBuffer(type, device) }

    public func compile(_ program: Program, _ options: CompileOptions) throws -> any Executable {
        try ToyExecutable(options.isRewritten ? program.rewritten(for: capabilities) : program, options.buffers, device)
    }
}

/// Memory and queue. Only its own thread looks at what is in it.
final class ToyDevice: @unchecked Sendable {
    // Safe: contents are touched on the queue alone.
    struct Contents {
        /// Elements as their type stores them, by buffer.
        var tensors: [Int: [UInt8]] = [:]
        var next = 0
        var completed = 0
        /// What went wrong in a stage; the next to wait or to read is told.
        var failure: (any Error)?
    }
    private var contents = Contents()
    private let queue = DispatchQueue(label: "toy device")

    func async(_ body: @escaping @Sendable (inout Contents) -> Void) { queue.async { body(&self.contents) } }
    func sync<Result>(_ body: (inout Contents) throws -> Result) rethrows -> Result { try queue.sync { try body(&contents) } }
}

/// A tensor of the device.
final class ToyBuffer: EngineBuffer, @unchecked Sendable {
    // Safe: nothing in it changes.
    let type: TensorType
    let id: Int
    private let device: ToyDevice

    init(_ type: TensorType, _ device: ToyDevice) {
        self.type = type
        self.device = device
        id = device.sync { contents in
            contents.next += 1
            contents.tensors[contents.next] = [UInt8](repeating: 0, count: type.byteCount)
            return contents.next
        }
    }

    deinit { device.async { [id] in $0.tensors[id] = nil } }

    func write<Scalar: TensorScalar>(_ body: (inout MutableSpan<Scalar>) -> Void) throws {
        try require(Scalar.self)
        var scalars: [Scalar] = try downloaded()
        var span = scalars.mutableSpan
        body(&span)
        let bytes = scalars.withUnsafeBytes { [UInt8]($0) }
        device.async { [id] in $0.tensors[id] = bytes }
    }

    func read<Scalar: TensorScalar, Result>(_ body: (Span<Scalar>) -> Result) throws -> Result {
        try require(Scalar.self)
        let scalars: [Scalar] = try downloaded()
        return body(scalars.span)
    }

    private func downloaded<Scalar: TensorScalar>() throws -> [Scalar] {
        let bytes = try device.sync { contents in
            if let failure = contents.failure { throw failure }
            return contents.tensors[id] ?? []
        }
        return bytes.withUnsafeBytes { bytes in
            (0..<type.shape.count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Scalar>.stride, as: Scalar.self) }
        }
    }
}

/// The end of a stage.
private struct ToyCompletion: Completion {
    let device: ToyDevice

    func wait() throws { try device.sync { if let failure = $0.failure { throw failure } } }
}

/// A program of the device: parameters as they are stored, and between stages what later ones read.
final class ToyExecutable: Executable, @unchecked Sendable {
    // Safe: `values` and `parameters` are touched on the device's queue alone; the rest does not change after `init` but `ports`, which
    // belongs to the one task that an executable belongs to.
    let program: Program
    private let device: ToyDevice
    private var ports: [TensorPort: ToyBuffer]
    private var inputs: [Int: ToyBuffer] = [:]
    private var outputs: [(value: ValueID, buffer: ToyBuffer)] = []
    private var values: [ValueID: [Float]] = [:]
    private var parameters: [Int: (element: Element, bytes: [UInt8])] = [:]

    init(_ program: Program, _ buffers: [TensorPort: any EngineBuffer], _ device: ToyDevice) throws {
        self.program = program
        self.device = device
        ports = try buffers.mapValues { buffer in
            guard let own = buffer as? ToyBuffer else { throw GraphError(.malformed, at: "toy", "a buffer of another engine") }
            return own
        }
        let graph = program.graph
        for (index, node) in graph.nodes.enumerated() {
            guard case .input(let name, let type, _) = node.operation else { continue }
            inputs[index] = try port(.input(name), type)
        }
        for output in graph.outputs { outputs.append((output.value, try port(.output(output.name), graph.type(output.value)))) }
    }

    private func port(_ port: TensorPort, _ type: TensorType) throws -> ToyBuffer {
        if let known = ports[port] {
            guard known.type == type else { throw GraphError(.shapeMismatch, at: "\(port)", "\(known.type) for \(type)") }
            return known
        }
        let made = ToyBuffer(type, device)
        ports[port] = made
        return made
    }

    func load(_ parameters: any TensorSource) throws {
        for (index, node) in program.graph.nodes.enumerated() {
            guard case .parameter(let name, let shape) = node.operation else { continue }
            let stored = try parameters.withTensor(name, shape) { element, bytes in
                (element, bytes.withUnsafeBytes { [UInt8]($0) })
            }
            guard stored.1.count == shape.count * stored.0.byteCount else {
                throw GraphError.wrongCount(name, shape, stored.0, stored.1.count)
            }
            device.async { _ in self.parameters[index] = stored }
        }
        try run(.weights)
    }

    func buffer(_ port: TensorPort) throws -> any EngineBuffer {
        guard let buffer = ports[port] else { throw GraphError(.name, at: "\(port)", "the program has only \(ports.keys)") }
        return buffer
    }

    func submit(_ stage: Lifetime) throws -> any Completion {
        device.async { contents in
            do {
                try self.run(stage, &contents)
                contents.completed += 1
            } catch {
                contents.failure = error
            }
        }
        return ToyCompletion(device: device)
    }

    /// On the device's queue.
    private func run(_ stage: Lifetime, _ contents: inout ToyDevice.Contents) throws {
        let graph = program.graph
        for index in program.stages[stage] ?? [] {
            let node = graph.nodes[index]
            let operands = try node.operands.map { (graph.shape($0), try elements(of: $0, contents)) }
            for (result, elements) in try Interpreter.evaluate(node.operation, operands).enumerated() {
                values[ValueID(node: index, result: result)] = node.element == .float32 ? elements.map(Self.held) : elements
            }
        }
        // What was read stays as it was until the stage has ended.
        for (value, buffer) in outputs where graph.nodes[value.node].lifetime == stage {
            contents.tensors[buffer.id] = Self.stored(try elements(of: value, contents), buffer.type.element)
        }
    }

    private func elements(of value: ValueID, _ contents: ToyDevice.Contents) throws -> [Float] {
        if let buffer = inputs[value.node] { return Self.floats(contents.tensors[buffer.id] ?? [], buffer.type.element) }
        if let parameter = parameters[value.node] { return Self.floats(parameter.bytes, parameter.element) }
        guard let elements = values[value] else { throw GraphError(.malformed, at: "toy", "\(value) is not computed yet") }
        return elements
    }

    /// A number as the device holds it. What float16 cannot hold becomes its largest: the residual sums of rain-mini's reference network
    /// reach 75,000.
    private static func held(_ value: Float) -> Float { Element.float16.nearest(value.isNaN ? value : min(max(value, -65504), 65504)) }

    /// Numbers of the device: float16, or integers.
    private static func floats(_ bytes: [UInt8], _ element: Element) -> [Float] {
        let stride = element.byteCount
        return bytes.withUnsafeBytes { bytes in
            (0..<(bytes.count / stride)).map { index in
                func scalar<Scalar: TensorScalar>(_ type: Scalar.Type) -> Float {
                    bytes.loadUnaligned(fromByteOffset: index * stride, as: type).float
                }
                return switch element {
                case .float32: held(scalar(Float.self))
                case .float16: scalar(Half.self)
                case .bfloat16: held(scalar(BrainFloat.self))
                case .int32: scalar(Int32.self)
                case .uint8: scalar(UInt8.self)
                }
            }
        }
    }

    private static func stored(_ elements: [Float], _ element: Element) -> [UInt8] {
        func bytes<Scalar: TensorScalar>(_ type: Scalar.Type) -> [UInt8] {
            elements.map { Scalar(nearest: $0) }.withUnsafeBytes { [UInt8]($0) }
        }
        return switch element {
        case .float32: bytes(Float.self)
        case .float16: bytes(Half.self)
        case .bfloat16: bytes(BrainFloat.self)
        case .int32: bytes(Int32.self)
        case .uint8: bytes(UInt8.self)
        }
    }
}
