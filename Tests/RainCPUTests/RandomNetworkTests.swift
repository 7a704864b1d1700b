import RainGraph
import RainTesting
import Testing

@testable import RainCPU

/// Whole networks find what single operations cannot: memory planned too tightly, views of the wrong place, weights packed at the
/// wrong time.
@Suite struct RandomNetworkTests {
    private static let engine = CPUEngine(threads: 2, arithmetic: .exact)

    @Test(arguments: UInt64(0)..<60)
    func runAsOnTheInterpreter(_ seed: UInt64) throws {
        let graph = try RandomGraph.make(seed: seed)
        let expected = try outputs(of: graph)
        #expect(try largestDifference(outputs(of: graph, on: Self.engine), expected) < 3e-5)
        #expect(try largestDifference(outputs(of: Program(graph).rewritten(for: .all).graph, on: Self.engine), expected) < 3e-5)
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
        let first = try Self.engine.compileForTraining(program)
        try first.load { _, _ in [1, -2, 3] }
        let second = try Self.engine.compileForTraining(program, sharing: first)
        try second.run(.weights)
        try second.run(.step)
        #expect(try second.read("loss") == [14])
        _ = try second.update(AdamW(learningRate: 0.1, step: 1))
        #expect(first.state(.parameters) == second.state(.parameters))
        #expect(first.state(.parameters) != [1, -2, 3])
    }

    /// Programs that train the same parameters take turns, so one arena serves them; none sees what another left there.
    @Test func programsThatTakeTurnsShareAnArena() throws {
        func program(batch: Int) throws -> Program {
            let g = GraphBuilder(parameterLifetime: .step)
            let x = try g.input("x", [batch, 24])
            let hidden = try x.linear(g.parameter("a", [40, 24]), bias: nil).silu()
            let y = try hidden.linear(g.parameter("b", [7, 40]), bias: nil)
            g.output("y", y)
            g.output("loss", try y.unary(.square).summed(axes: [0, 1]).reshaped([]))
            return try Program.training(g.graph(), loss: "loss")
        }
        func filled(_ executable: CPUExecutable) throws -> CPUExecutable {
            try executable.write("x", (0..<executable.program.graph.inputs[0].type.shape.count).map { Float($0 % 13) / 13 - 0.4 })
            return executable
        }
        func values(_ name: String, _ shape: Shape) -> [Float] { (0..<shape.count).map { Float(($0 * 7 + name.count) % 19) / 19 - 0.5 } }
        let batches = [31, 12, 1]
        let alone = try batches.map { batch in
            let executable = try filled(Self.engine.compileForTraining(program(batch: batch)))
            try executable.load(values)
            try executable.run(.step)
            return (executable.state(.gradients), try executable.read("y"))
        }
        var together: [CPUExecutable] = []
        for batch in batches { together.append(try filled(Self.engine.compileForTraining(program(batch: batch), sharing: together.first))) }
        try together[0].load(values)
        for executable in together.dropFirst() { try executable.run(.weights) }
        #expect(together.allSatisfy { $0.plan.arena === together[0].plan.arena })
        for turn in [0, 1, 2, 0, 2, 1, 0] {
            try together[turn].run(.step)
            #expect(together[turn].state(.gradients) == alone[turn].0)
            #expect(try together[turn].read("y") == alone[turn].1)
        }
        #expect(throws: CPUError.self) {
            try CPUEngine(threads: 1).compileForTraining(program(batch: 2), sharing: together[0])
        }
    }
}
