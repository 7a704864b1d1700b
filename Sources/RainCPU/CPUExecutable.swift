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

    /// Whether parameters have been loaded; without them packed weights are nowhere.
    private var isLoaded = false

    public var program: Program { plan.program }

    /// Bytes of memory shared by all temporaries, of what is kept (parameters and packed weights among it), and of trained parameters.
    public var memory: (arena: Int, persistent: Int, trained: Int) { plan.memory }

    public func load(_ parameters: (_ name: String, _ shape: Shape) throws -> [Float]) throws {
        // Only the first time: later loads may be of other parameters.
        let known = beside?.sharedWeights ?? [:]
        beside = nil
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
            let values = try parameters(name, shape)
            guard values.count == shape.count else {
                throw GraphError(.shapeMismatch, at: name, "\(values.count) values for shape \(shape)")
            }
            try values.withUnsafeBufferPointer { values in
                for (weight, packing) in missing {
                    let block = try Block(count: (packing.bytes + 3) / 4)
                    plan.pool.running.withLock { _ in packing.run(values.baseAddress!, UnsafeMutableRawPointer(block.pointer)) }
                    weight.share(block)
                }
                if !isPacked { plan.pointer(ValueID(node: index)).update(from: values.baseAddress!, count: shape.count) }
            }
        }
        if trained.count > 0 { trained.restart() }
        isLoaded = true
        try run(.weights)
    }

    /// Runs all stages, fetching parameters on the way; for a plan that runs once.
    func runOnce(_ parameters: (_ name: String, _ shape: Shape) throws -> [Float]) throws {
        try withoutActuallyEscaping(parameters) { parameters in
            var failure: (any Error)?
            plan.fetch = { name, shape, target in
                do {
                    let values = try parameters(name, shape)
                    guard values.count == shape.count else {
                        throw GraphError(.shapeMismatch, at: name, "\(values.count) values for shape \(shape)")
                    }
                    values.withUnsafeBufferPointer { target.update(from: $0.baseAddress!, count: shape.count) }
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
    }

    public func write(_ input: String, _ body: (inout MutableSpan<Float>) -> Void) throws {
        for (index, node) in plan.graph.nodes.enumerated() {
            guard case .input(input, let shape, _) = node.operation else { continue }
            var span = MutableSpan(_unsafeStart: plan.pointer(ValueID(node: index)), count: shape.count)
            body(&span)
            return
        }
        throw GraphError(.name, at: "input '\(input)'", "the program has only \(plan.graph.inputs.map(\.name))")
    }

    public func read<R>(_ output: String, _ body: (Span<Float>) -> R) throws -> R {
        guard let value = plan.graph.output(output) else {
            throw GraphError(.name, at: "output '\(output)'", "the program has only \(plan.graph.outputs.map(\.name))")
        }
        return body(Span(_unsafeStart: UnsafePointer(plan.pointer(value)), count: plan.graph.shape(value).count))
    }

    public func readColors(_ output: String, pixels: Range<Int>) throws -> (bytes: [UInt8], isFinite: Bool) {
        guard let value = plan.graph.output(output) else {
            throw GraphError(.name, at: "output '\(output)'", "the program has only \(plan.graph.outputs.map(\.name))")
        }
        let shape = plan.graph.shape(value)
        let channels = shape.last
        precondition(channels >= 3 && pixels.upperBound * channels <= shape.count, "'\(output)' has no such pixels")
        var isFinite = false
        let bytes = [UInt8](unsafeUninitializedCapacity: pixels.count * 3) { buffer, count in
            let from = UnsafePointer(plan.pointer(value) + pixels.lowerBound * channels)
            isFinite = plan.pool.running.withLock { _ in
                rain_color_bytes(plan.pool.pointer, pixels.count, channels, from, buffer.baseAddress!) != 0
            }
            count = pixels.count * 3
        }
        return (bytes, isFinite)
    }

    public func run(_ stage: Lifetime) throws {
        precondition(isLoaded || plan.packedParameters.isEmpty, "a program runs after its parameters have been loaded")
        plan.pool.running.withLock { _ in
            for instruction in plan.instructions[stage] ?? [] { instruction.run() }
        }
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
