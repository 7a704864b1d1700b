import RainGraph
import RainTesting
import Testing

@Suite struct TrainingTests {
    /// loss = mean((x · wᵀ + b − target)²)
    private func regression(rows: Int = 4) throws -> Graph {
        let builder = GraphBuilder(parameterLifetime: .step)
        let x = try builder.input("x", [rows, 2])
        let y = try x.linear(builder.parameter("w", [1, 2]), bias: builder.parameter("b", [1]))
        let error = try y.subtracting(builder.input("target", [rows, 1]))
        builder.output("loss", try error.unary(.square).summed(axes: [0, 1]).reshaped([]).scaled(by: 1 / Float(rows)))
        return try builder.graph()
    }

    private func prepared(_ graph: Graph) throws -> any TrainableExecutable {
        try #require(Interpreter().compile(Program.training(graph, loss: "loss")) as? any TrainableExecutable)
    }

    @Test func gradientsByHand() throws {
        let executable = try prepared(regression(rows: 1))
        try executable.load { name, _ in name == "w" ? [2, 3] : [1] }
        try executable.write("x", [5, 7])
        try executable.write("target", [22])
        try executable.run(.step)
        // The error is 10 + 21 + 1 − 22 = 10.
        #expect(try executable.read("loss") == [100])
        #expect(executable.state(.gradients) == [100, 140, 20])
    }

    @Test func oneStepOfAdamWByHand() throws {
        let executable = try prepared(regression(rows: 1))
        try executable.load { name, _ in name == "w" ? [2, 3] : [1] }
        try executable.write("x", [1, 1])
        try executable.write("target", [5.5])
        try executable.run(.step)
        // The error is ½: all gradients are 1, their norm is √3.
        let settings = AdamW(
            learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0, weightDecay: 0.5, largestGradientNorm: 10, averageDecay: 0.75, step: 1)
        #expect(abs(try executable.update(settings) - Float(3).squareRoot()) < 1e-6)
        // The first step is the sign of the gradient; decay takes 0.1 · 0.5 of the parameter.
        #expect((largestDifference(executable.state(.parameters), [1.8, 2.75, 0.85])?.relative ?? 1) < 1e-6)
        #expect(abs(executable.state(.firstMoment)[0] - 0.1) < 1e-7 && abs(executable.state(.secondMoment)[0] - 0.01) < 1e-8)
        #expect(abs(executable.state(.average)[0] - (2 - 0.25 * 0.2)) < 1e-6)
    }

    @Test func largeGradientsAreClipped() throws {
        let executable = try prepared(regression(rows: 1))
        try executable.load { name, _ in name == "w" ? [2, 3] : [1] }
        try executable.write("x", [3, 4])
        try executable.write("target", [18])
        try executable.run(.step)
        // The error is 1, the gradient (6, 8, 2); momentum shows it scaled to length 1.
        let settings = AdamW(learningRate: 0, beta1: 0, largestGradientNorm: 1, step: 1)
        let norm = try executable.update(settings)
        let expected = [6, 8, 2].map { $0 / Float(104).squareRoot() }
        #expect(abs(norm - Float(104).squareRoot()) < 1e-5)
        #expect((largestDifference(executable.state(.firstMoment), expected)?.relative ?? 1) < 1e-6)
    }

    @Test func gradientsThatAreNotFiniteChangeNothing() throws {
        let executable = try prepared(regression(rows: 1))
        try executable.load { name, _ in name == "w" ? [2, 3] : [1] }
        try executable.write("x", [.infinity, 0])
        try executable.run(.step)
        let before = TrainingState.allCases.filter { $0 != .gradients }.map(executable.state)
        #expect(try !executable.update(AdamW(learningRate: 0.1, step: 1)).isFinite)
        #expect(TrainingState.allCases.filter { $0 != .gradients }.map(executable.state) == before)
    }

    @Test func aRegressionConverges() throws {
        let executable = try prepared(regression(rows: 16))
        try executable.load { _, shape in [Float](repeating: 0, count: shape.count) }
        let x = seeded("x", [16, 2])
        try executable.write("x", x)
        let target: [Float] = (0..<16).map { 0.5 * x[2 * $0] - 0.25 * x[2 * $0 + 1] + 0.125 }
        try executable.write("target", target)
        for step in 1...600 {
            try executable.run(.step)
            _ = try executable.update(AdamW(learningRate: 0.02 * (1 - Float(step) / 601), weightDecay: 0, step: step))
        }
        #expect((largestDifference(executable.state(.parameters), [0.5, -0.25, 0.125])?.relative ?? 1) < 1e-3)
        #expect(try executable.read("loss")[0] < 1e-6)
    }

    @Test func stateSurvivesARoundTrip() throws {
        let executable = try prepared(regression())
        try executable.load { _, shape in [Float](repeating: 1, count: shape.count) }
        #expect(executable.state(.average) == [1, 1, 1] && executable.state(.firstMoment) == [0, 0, 0])
        for (index, state) in TrainingState.allCases.enumerated() {
            let values = [Float(index), 2, 3]
            try executable.setState(state, values)
            #expect(executable.state(state) == values)
            #expect(throws: GraphError.self) { try executable.setState(state, [1]) }
        }
    }

    @Test func frozenAndUnusedParameters() throws {
        let builder = GraphBuilder(parameterLifetime: .step)
        let frozen = try builder.frozen { try builder.parameter("frozen", [3]) }
        _ = try builder.parameter("unused", [2])
        let w = try builder.parameter("w", [3])
        builder.output("loss", try frozen.multiplied(by: w).summed(axes: [0]).reshaped([]))
        let program = try Program.training(try builder.graph(), loss: "loss")
        #expect(program.graph.trainedParameters.map(\.name) == ["unused", "w"])
        let found = try gradients(of: program)
        #expect(found == ["unused": [0, 0], "w": seeded("frozen", [3])])
    }

    @Test func noWorkOffThePath() throws {
        let builder = GraphBuilder(parameterLifetime: .step)
        let x = try builder.input("x", [5, 3]).silu()
        let early = try builder.frozen { try x.linear(builder.parameter("early", [4, 3])).unary(.tanh) }
        builder.output("side", try early.unary(.exp))
        builder.output("loss", try early.linear(builder.parameter("w", [1, 4])).summed(axes: [0, 1]))
        let graph = try builder.graph()
        let (differentiated, gradients) = try graph.differentiated(loss: "loss")
        #expect(gradients.count == 1)
        let added = Set(differentiated.nodes.dropFirst(graph.nodes.count).map(\.operation.name))
        // The seed, spread over the rows, and the one weight gradient.
        #expect(added == ["constant", "broadcast", "linearWeightGradient"])
        #expect(differentiated.outputs == graph.outputs)
    }

    @Test func aValueUsedTwiceAddsItsGradients() throws {
        let builder = GraphBuilder(parameterLifetime: .step)
        let w = try builder.parameter("w", [2])
        builder.output("loss", try w.multiplied(by: w).adding(w).adding(w.multiplied(by: w)).summed(axes: [0]))
        let found = try gradients(of: Program.training(try builder.graph(), loss: "loss"))
        let expected = ["w": seeded("w", [2]).map { 4 * $0 + 1 }]
        #expect(largestDifference(found, expected) < 1e-6)
    }

    @Test func differentiationSaysWhatIsWrong() throws {
        let graph = try regression()
        #expect(throws: GraphError.self) { try graph.differentiated(loss: "none") }
        let builder = GraphBuilder(parameterLifetime: .step)
        let x = try builder.input("x", [2])
        builder.output("vector", try builder.parameter("w", [2]).silu())
        builder.output("free", try x.summed(axes: [0]))
        let other = try builder.graph()
        let vector = #expect(throws: GraphError.self) { try other.differentiated(loss: "vector") }
        #expect(vector?.code == .shapeMismatch && vector?.message.contains("[2]") == true)
        let free = #expect(throws: GraphError.self) { try other.differentiated(loss: "free") }
        #expect(free?.message.contains("trained parameter") == true)
        let (trained, ids) = try graph.differentiated(loss: "loss")
        #expect(throws: GraphError.self) { try Program(trained, gradients: Array(ids.dropLast())) }
        #expect(throws: GraphError.self) { try Program(trained, gradients: ids.reversed()) }
        #expect(throws: GraphError.self) { try trained.differentiated(loss: "loss").graph.differentiated(loss: "gradient") }
    }
}
