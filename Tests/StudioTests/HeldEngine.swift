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

    func prepare(_ program: Program) throws -> any Executable { try prepare(program, beside: nil) }

    func prepare(_ program: Program, beside other: (any Executable)?) throws -> any Executable {
        condition.withLock {
            waiting += 1
            let end = Date(timeIntervalSinceNow: 300)
            while isHeld, condition.wait(until: end) {}
            waiting -= 1
            prepared += 1
        }
        return try engine.prepare(program, beside: other)
    }

    func evaluate(
        _ program: Program, inputs: [String: [Float]], parameters: (_ name: String, _ shape: Shape) throws -> [Float]
    ) throws -> [String: [Float]] {
        condition.withLock { evaluated += 1 }
        return try engine.evaluate(program, inputs: inputs, parameters: parameters)
    }
}
