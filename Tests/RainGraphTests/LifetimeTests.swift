import RainGraph
import RainTesting
import Testing

@Suite struct LifetimeTests {
    /// y = silu(w · reference) · step, with the silu of the weight alone as another output.
    private func graph() throws -> Graph {
        let builder = GraphBuilder()
        let w = try builder.parameter("w", [3])
        let loaded = try w.silu()
        let fused = try builder.input("reference", [3], .reference).multiplied(by: w).silu()
        builder.output("loaded", loaded)
        builder.output("fused", fused)
        builder.output("y", try fused.multiplied(by: builder.input("step", [3])))
        return try builder.graph()
    }

    @Test func aValueLivesAsLongAsItsShortestLivedInput() throws {
        let graph = try graph()
        #expect(graph.nodes.map(\.lifetime) == [.weights, .weights, .reference, .reference, .reference, .step, .step])
    }

    @Test func theProgramIsCutAlongLifetimes() throws {
        let program = try Program(graph())
        #expect(program.stages == [.weights: [1], .reference: [3, 4], .step: [6]])
        #expect(program.gradients.isEmpty)
    }

    @Test func stagesKeepWhatLaterStagesRead() throws {
        let executable = try Interpreter().compile(Program(graph()))
        try executable.load { _, _ in [1, 2, 3] }
        try executable.write("reference", [1, 1, 1])
        try executable.run(.reference)
        let fused = try executable.read("fused")
        for factor in [1, 2, 3] as [Float] {
            try executable.write("step", [factor, factor, factor])
            try executable.run(.step)
            #expect(try executable.read("y") == fused.map { $0 * factor })
        }
        // A new reference shows only once it is fused.
        try executable.write("reference", [2, 2, 2])
        try executable.run(.step)
        #expect(try executable.read("fused") == fused)
        try executable.run(.reference)
        try executable.run(.step)
        #expect(try executable.read("fused") != fused)
        #expect(try executable.read("y") == executable.read("fused").map { $0 * 3 })
    }

    @Test func runningOutOfOrderThrows() throws {
        let executable = try Interpreter().compile(Program(graph()))
        #expect(throws: GraphError.self) { try executable.run(.reference) }
        try executable.load { _, _ in [1, 2, 3] }
        let error = #expect(throws: GraphError.self) { try executable.run(.step) }
        #expect(error?.message.contains("reference stage") == true)
    }

    @Test func namesAndCountsAreChecked() throws {
        let executable = try Interpreter().compile(Program(graph()))
        #expect(throws: GraphError.self) { try executable.load { _, _ in [1, 2] } }
        #expect(throws: GraphError.self) { try executable.write("none", [1]) }
        #expect(throws: GraphError.self) { try executable.write("step", [1]) }
        #expect(throws: GraphError.self) { try executable.read("none") }
    }

    @Test func trainedParametersChangeWithTheStepUnlessFrozen() throws {
        let builder = GraphBuilder(parameterLifetime: .step)
        let frozen = try builder.frozen { try builder.parameter("frozen", [2]).silu() }
        builder.output("y", try builder.parameter("w", [2]).multiplied(by: frozen))
        let graph = try builder.graph()
        #expect(graph.trainedParameters.map(\.name) == ["w"])
        #expect(graph.parameters.map(\.name) == ["frozen", "w"])
        #expect(graph.nodes.map(\.lifetime) == [.weights, .weights, .step, .step])
    }
}
