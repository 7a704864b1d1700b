import CPUKernels
import RainGraph
import Synchronization

/// A tensor in memory, at an address that never changes.
final class CPUBuffer: EngineBuffer {
    let type: TensorType
    let pointer: UnsafeMutablePointer<Float>
    /// What the memory belongs to.
    private let owner: AnyObject

    init(_ type: TensorType) throws(CPUError) {
        let block = try Block(count: (type.byteCount + 3) / 4)
        self.type = type
        pointer = block.pointer
        owner = block
    }

    init(_ type: TensorType, at pointer: UnsafeMutablePointer<Float>, of owner: AnyObject) {
        self.type = type
        self.pointer = pointer
        self.owner = owner
    }

    func write<Scalar: TensorScalar>(_ body: (inout MutableSpan<Scalar>) -> Void) throws {
        try require(Scalar.self)
        var span = MutableSpan(_unsafeStart: scalars(Scalar.self), count: type.shape.count)
        body(&span)
    }

    func read<Scalar: TensorScalar, Result>(_ body: (Span<Scalar>) -> Result) throws -> Result {
        try require(Scalar.self)
        return body(Span(_unsafeStart: UnsafePointer(scalars(Scalar.self)), count: type.shape.count))
    }

    private func scalars<Scalar: TensorScalar>(_ type: Scalar.Type) -> UnsafeMutablePointer<Scalar> {
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: type)
    }
}

extension Plan {
    /// The memory of a port.
    func buffer(_ port: TensorPort, _ type: TensorType) -> CPUBuffer {
        if let bound = bound[port] { return bound }
        switch port {
        case .input(let name):
            guard let node = graph.nodes.firstIndex(where: { $0.isInput(name) }) else {
                preconditionFailure("the type was asked for before")
            }
            return CPUBuffer(type, at: pointer(ValueID(node: node)), of: self)
        case .output(let name):
            guard let value = graph.output(name) else { preconditionFailure("it has a type") }
            return CPUBuffer(type, at: pointer(value), of: self)
        }
    }

    /// Puts a parameter's elements where floats are wanted.
    ///
    /// - Parameter isRunning: whether the caller has the pool already
    func fill(
        _ target: UnsafeMutablePointer<Float>, _ name: String, _ shape: Shape, from parameters: any TensorSource, isRunning: Bool = false
    ) throws {
        try parameters.withTensor(name, shape) { element, bytes in
            guard bytes.byteCount == shape.count * element.byteCount else {
                throw GraphError.wrongCount(name, shape, element, bytes.byteCount)
            }
            bytes.withUnsafeBytes { bytes in
                let convert = {
                    rain_convert(self.pool.pointer, shape.count, element.kernel, bytes.baseAddress, RAIN_ELEMENT_FLOAT32, target)
                }
                if isRunning { convert() } else { pool.running.withLock { _ in convert() } }
            }
        }
    }
}

extension Node {
    fileprivate func isInput(_ wanted: String) -> Bool { if case .input(wanted, _, _) = operation { true } else { false } }
}
