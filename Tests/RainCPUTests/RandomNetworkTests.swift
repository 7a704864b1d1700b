import RainCPU
import RainGraph
import RainTesting
import Testing

/// Whole networks find what single operations cannot: memory planned too tightly, views of the wrong place, weights packed at the
/// wrong time.
@Suite struct RandomNetworkTests {
    private static let engine = CPUEngine(threads: 2, arithmetic: .exact)

    @Test(arguments: UInt64(0)..<60)
    func runAsOnTheInterpreter(_ seed: UInt64) throws {
        let graph = try RandomGraph.make(seed: seed)
        let expected = try outputs(of: graph)
        #expect(try largestDifference(outputs(of: graph, on: Self.engine), expected) < 3e-5)
        #expect(try largestDifference(outputs(of: graph.optimizedForInference(), on: Self.engine), expected) < 3e-5)
    }

    @Test(arguments: UInt64(0)..<40)
    func trainAsOnTheInterpreter(_ seed: UInt64) throws {
        let graph = try RandomGraph.make(seed: seed, parameterLifetime: .step)
        guard graph.outputs.contains(where: { $0.name == "loss" }) else { return }
        let program = try Program.training(graph, loss: "loss")
        #expect(try largestDifference(gradients(of: program, on: Self.engine), gradients(of: program)) < 1e-4)
    }

    /// Two programs over one memory of parameters: a step of either moves both.
    @Test func programsShareWhatTheyTrain() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let weight = try g.parameter("w", [3])
        g.output("loss", try weight.unary(.square).summed(axes: [0]).reshaped([]))
        let program = try Program.training(g.graph(), loss: "loss")
        let first = try Self.engine.prepareForTraining(program)
        try first.load { _, _ in [1, -2, 3] }
        let second = try Self.engine.prepareForTraining(program, sharing: first)
        try second.run(.weights)
        try second.run(.step)
        #expect(try second.read("loss") == [14])
        _ = try second.update(AdamW(learningRate: 0.1, step: 1))
        #expect(first.state(.parameters) == second.state(.parameters))
        #expect(first.state(.parameters) != [1, -2, 3])
    }
}
