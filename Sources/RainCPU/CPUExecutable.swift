import CPUKernels
public import RainGraph
import Synchronization

/// A program planned onto the CPU, with its memory. Belongs to one task at a time.
public final class CPUExecutable: TrainableExecutable {
    let plan: Plan
    var trained: TrainedMemory { plan.trained }

    /// The plan of an executable loaded with the parameters that this one is about to be loaded with.
    private var beside: Plan?

    init(_ plan: Plan, beside: Plan? = nil) {
        self.plan = plan
        self.beside = beside
    }

    /// Of ports that have been asked for.
    private var buffers: [TensorPort: CPUBuffer] = [:]

    /// Whether parameters have been loaded; without them packed weights are nowhere.
    private var isLoaded = false

    public var program: Program { plan.program }

    /// Bytes of memory shared by all temporaries, of what is kept (parameters and packed weights among it), and of trained parameters.
    public var memory: (arena: Int, persistent: Int, trained: Int) { plan.memory }

    public func load(_ parameters: any TensorSource) throws {
        // Only the first time: later loads may be of other parameters.
        let known = beside?.sharedWeights ?? [:]
        beside = nil
        // Where weights are widened before they are packed: as large as the largest.
        var widened = try Block(count: 0)
        for (index, node) in plan.graph.nodes.enumerated() {
            guard case .parameter(let name, let shape) = node.operation else { continue }
            var missing = plan.packedParameters[ValueID(node: index)] ?? []
            let isPacked = !missing.isEmpty
            missing.removeAll { weight, packing in
                guard let block = known[PackedParameterKey(parameter: name, shape: shape, form: packing.key.form)]?.block else {
                    return false
                }
                weight.share(block)
                return true
            }
            if isPacked, missing.isEmpty { continue }
            if isPacked, widened.count < shape.count { widened = try Block(count: shape.count) }
            let target = isPacked ? widened.pointer : plan.pointer(ValueID(node: index))
            try plan.fill(target, name, shape, from: parameters)
            for (weight, packing) in missing {
                let block = try Block(count: (packing.bytes + 3) / 4)
                plan.pool.running.withLock { _ in packing.run(target, UnsafeMutableRawPointer(block.pointer)) }
                weight.share(block)
            }
        }
        if trained.count > 0 { trained.restart() }
        isLoaded = true
        try run(.weights)
    }

    /// Runs all stages, fetching parameters on the way; for a plan that runs once.
    func runOnce(_ parameters: any TensorSource) throws {
        var failure: (any Error)?
        plan.fetch = { [plan] name, shape, target in
            do {
                try plan.fill(target, name, shape, from: parameters, isRunning: true)
            } catch {
                failure = error
            }
        }
        defer { plan.fetch = nil }
        try plan.pool.running.withLock { _ in
            for stage in Lifetime.allCases {
                for instruction in plan.instructions[stage] ?? [] {
                    instruction.run()
                    if let failure { throw failure }
                }
            }
        }
    }

    public func buffer(_ port: TensorPort) throws -> any EngineBuffer {
        if let known = buffers[port] { return known }
        let type = try plan.type(of: port)
        let made = plan.buffer(port, type)
        buffers[port] = made
        return made
    }

    public func submit(_ stage: Lifetime) throws -> any Completion {
        precondition(isLoaded || plan.packedParameters.isEmpty, "a program runs after its parameters have been loaded")
        plan.pool.running.withLock { _ in
            for instruction in plan.instructions[stage] ?? [] { instruction.run() }
        }
        return Completed()
    }

    /// Runs a stage and returns the seconds each node took, in order of execution; packing counts for the node it serves.
    public func runTimed(_ stage: Lifetime) -> [(node: Int, seconds: Double)] {
        let clock = ContinuousClock()
        return plan.pool.running.withLock { _ in
            (plan.instructions[stage] ?? []).map { instruction in
                (instruction.node, clock.measure(instruction.run) / .seconds(1))
            }
        }
    }

    // MARK: Training

    public func update(_ settings: AdamW) throws -> Float { plan.pool.running.withLock { _ in updated(settings) } }

    private func updated(_ settings: AdamW) -> Float {
        let norm = rain_sum_of_squares(plan.pool.pointer, trained.count, trained.gradients.pointer).squareRoot()
        guard norm.isFinite else { return Float(norm) }
        let scale = norm > Double(settings.largestGradientNorm) ? Double(settings.largestGradientNorm) / norm : 1
        var kernel = RainAdamW(
            learning_rate: settings.learningRate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
            weight_decay: settings.weightDecay, gradient_scale: Float(scale),
            bias_correction1: 1 - power(settings.beta1, settings.step), bias_correction2: 1 - power(settings.beta2, settings.step),
            ema_decay: settings.averageDecay)
        rain_adamw(
            plan.pool.pointer, &kernel, trained.count, trained.gradients.pointer, trained.parameters.pointer,
            trained.firstMoment.pointer, trained.secondMoment.pointer, trained.average.pointer)
        return Float(norm)
    }

    private func power(_ base: Float, _ exponent: Int) -> Float {
        var result = 1.0
        var factor = Double(base)
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return Float(result)
    }

    private func block(_ state: TrainingState) -> Block {
        switch state {
        case .parameters: trained.parameters
        case .gradients: trained.gradients
        case .firstMoment: trained.firstMoment
        case .secondMoment: trained.secondMoment
        case .average: trained.average
        }
    }

    public func state(_ state: TrainingState) -> [Float] {
        let source = block(state).pointer
        var values: [Float] = []
        for (name, shape) in plan.graph.trainedParameters {
            values += UnsafeBufferPointer(start: source + trained.offsets[name]!, count: shape.count)
        }
        return values
    }

    public func setState(_ state: TrainingState, _ values: [Float]) throws {
        let total = plan.graph.trainedParameters.reduce(0) { $0 + $1.shape.count }
        guard values.count == total else {
            throw GraphError(.shapeMismatch, at: state.rawValue, "\(values.count) values for \(total) parameters")
        }
        let target = block(state).pointer
        var next = 0
        for (name, shape) in plan.graph.trainedParameters {
            let place = target + trained.offsets[name]!
            for element in 0..<shape.count { place[element] = values[next + element] }
            next += shape.count
        }
    }
}
