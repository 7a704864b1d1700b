import Foundation
import RainCPU
import RainGraph

/// An engine that counts what it is asked for, and that can be held before it prepares anything: so a test sees what goes on meanwhile,
/// however fast the machine is.
final class HeldEngine: Engine, @unchecked Sendable {
    // Safe: all that changes is only touched under the condition's lock.
    private let engine = CPUEngine()
    private let condition = NSCondition()
    private var isHeld = false
    private var waiting = 0
    private var prepared = 0
    private var evaluated = 0

    let name = "held"

    /// How many programs have been prepared, and how many were run once.
    var counts: (prepared: Int, evaluated: Int) { condition.withLock { (prepared, evaluated) } }
    /// Whether somebody waits for a program.
    var isWaitedFor: Bool { condition.withLock { waiting > 0 } }

    /// Lets go by itself in the end, so that a test that fails is not held for ever.
    func hold() { condition.withLock { isHeld = true } }

    func letGo() {
        condition.withLock {
            isHeld = false
            condition.broadcast()
        }
    }

    var capabilities: EngineCapabilities { engine.capabilities }

    func buffer(_ type: TensorType) throws -> any EngineBuffer { try engine.buffer(type) }

    func compile(_ program: Program, _ options: CompileOptions) throws -> any Executable {
        condition.withLock {
            waiting += 1
            let end = Date(timeIntervalSinceNow: 300)
            while isHeld, condition.wait(until: end) {}
            waiting -= 1
            prepared += 1
        }
        return try engine.compile(program, options)
    }

    func evaluate(_ program: Program, inputs: [String: [Float]], parameters: any TensorSource) throws -> [String: [Float]] {
        condition.withLock { evaluated += 1 }
        return try engine.evaluate(program, inputs: inputs, parameters: parameters)
    }
}
