import RainGraph
import RainTesting
import Testing

@Suite struct GradientTests {
    @Test(arguments: OperationCase.all.filter(\.isDifferentiable))
    func agreesWithFiniteDifferences(_ operation: OperationCase) throws {
        let disagreement = try operation.gradientDisagreement(on: Interpreter())
        #expect(disagreement == nil)
    }
}

@Suite struct LargerAndSmallerTests {
    /// The gradient goes to the operand that is taken; the second where both are equal.
    @Test func gradientsGoToTheOneTaken() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let (a, b) = (try g.parameter("a", [2, 3]), try g.parameter("b", [3]))
        let weights = try g.constant([1, 2, 3, 4, 5, 6], [2, 3])
        let sum = try a.atLeast(b).adding(a.atMost(b).scaled(by: 10))
        g.output("loss", try sum.multiplied(by: weights).summed(axes: [0, 1]).reshaped([]))
        let program = try Program.training(g.graph(), loss: "loss")
        let executable = try #require(try Interpreter().compile(program) as? any TrainableExecutable)
        try executable.load { name, _ in name == "a" ? [1, -2, 3, 0, 5, -6] : [0, 0, 4] }
        try executable.run(.step)
        // Larger: 1 for the one taken; smaller: 10.
        let expected: [Float] = [1, 20, 30, 40, 5, 60, 14, 52, 9]
        #expect(executable.state(.gradients) == expected)
    }

    @Test func whatHasNoGradientSaysSo() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let x = try g.parameter("x", [1, 4, 4, 2])
        let y = try x.pooled(height: 2, width: 2, Convolution(padding: [0, 0, 0, 0]))
        g.output("loss", try y.summed(axes: [0, 1, 2, 3]).reshaped([]))
        let graph = try g.graph()
        let error = #expect(throws: GraphError.self) { try Program.training(graph, loss: "loss") }
        #expect(error?.message.contains("for running only") == true)
    }
}
