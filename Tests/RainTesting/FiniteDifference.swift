public import RainGraph

extension OperationCase {
    /// Whether the operation has a gradient to check.
    public var isDifferentiable: Bool {
        switch operation {
        case .unaryGradient, .gegluGradient, .linearWeightGradient, .convolutionInputGradient, .convolutionWeightGradient,
            .attentionGradient, .temporalAttentionGradient, .groupNormGradient, .layerNormGradient, .constant, .depthwiseConvolution,
            .maxPool, .sampleGradient, .composite:
            false
        default: isSmooth
        }
    }

    /// Compares the gradients of `Σ r · y`, for a fixed random r, with central differences of the interpreter's float32 results, summed
    /// in float64 and extrapolated from two steps (Richardson).
    ///
    /// - Parameters:
    ///   - engine: the one whose gradients are checked.
    ///   - probes: how many elements of each operand are checked.
    /// - Returns: what disagrees, or `nil`.
    public func gradientDisagreement(on engine: any Engine, probes: Int = 6) throws -> String? {
        let forward = try Interpreter().compile(Program(graph(parameterLifetime: .step, allParameters: true)))
        var elements = elements()
        var numbers = SeededNumbers(seed: 99)
        let result = forward.program.graph.shape(forward.program.graph.outputs[0].value)
        let weights = numbers.numbers(result.count, in: -1...1)

        func loss() throws -> Double {
            try forward.load { name, _ in elements[Int(name.dropFirst()) ?? 0] }
            try forward.run(.step)
            return zip(try forward.read("y0"), weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }

        let gradients = try gradients(on: engine, elements, weights: weights, result: result)
        for operand in operands.indices {
            var found: [Float] = []
            var expected: [Float] = []
            let count = operands[operand].count
            let indices = count <= probes ? Array(0..<count) : (0..<probes).map { _ in Int(numbers.next() % UInt64(count)) }
            for index in indices {
                let centre = elements[operand][index]
                func slope(_ step: Float) throws -> Double {
                    elements[operand][index] = centre + step
                    let (above, x1) = (try loss(), elements[operand][index])
                    elements[operand][index] = centre - step
                    let (below, x0) = (try loss(), elements[operand][index])
                    elements[operand][index] = centre
                    return (above - below) / (Double(x1) - Double(x0))
                }
                let (wide, narrow) = (try slope(0.04), try slope(0.02))
                expected.append(Float((4 * narrow - wide) / 3))
                found.append(gradients[operand][index])
            }
            // Relative to the whole gradient, as the probed elements may all be small.
            let scale = gradients[operand].map(abs).max() ?? 0
            for (probe, index) in indices.enumerated() where !(abs(found[probe] - expected[probe]) <= 1e-3 * scale + 1e-4) {
                return "\(self): gradient of operand \(operand) at \(index) is \(found[probe]), differences say \(expected[probe])"
            }
        }
        return nil
    }

    private func gradients(on engine: any Engine, _ elements: [[Float]], weights: [Float], result: Shape) throws -> [[Float]] {
        let builder = GraphBuilder(parameterLifetime: .step)
        var values: [Value] = []
        for (index, shape) in operands.enumerated() { values.append(try builder.parameter("x\(index)", shape)) }
        let y = try builder.add(operation, values)[0]
        let product = try y.multiplied(by: try builder.constant(weights, result))
        builder.output("loss", try product.summed(axes: Array(result.dimensions.indices)).reshaped([]))
        let program = try Program.training(try builder.graph(), loss: "loss")
        guard let executable = try engine.compile(program) as? any TrainableExecutable else {
            throw GraphError(.malformed, at: engine.name, "cannot train")
        }
        try executable.load { name, _ in elements[Int(name.dropFirst()) ?? 0] }
        try executable.run(.reference)
        try executable.run(.step)
        var flat = executable.state(.gradients)[...]
        return operands.map { shape in
            defer { flat = flat.dropFirst(shape.count) }
            return Array(flat.prefix(shape.count))
        }
    }
}
