import RainTesting
import Testing

@testable import RainGraph

@Suite struct RandomGraphTests {
    @Test(arguments: 1...120 as ClosedRange<UInt64>)
    func rewritesLeaveResultsUnchanged(_ seed: UInt64) throws {
        let graph = try RandomGraph.make(seed: seed)
        let optimized = try graph.optimizedForInference()
        #expect(try largestDifference(outputs(of: optimized), outputs(of: graph)) < 3e-6)
        let again = try optimized.optimizedForInference()
        #expect(again.nodes == optimized.nodes && again.outputs == optimized.outputs)
    }

    @Test(arguments: 1...120 as ClosedRange<UInt64>)
    func rewritesMoveNoWorkToLaterStages(_ seed: UInt64) throws {
        let graph = try RandomGraph.make(seed: seed)
        let (before, after) = (try Program(graph.withoutDeadCode()), try Program(graph.optimizedForInference()))
        #expect(after.multiplyAdds(in: .step) <= before.multiplyAdds(in: .step))
        // Reshapes are free; slices of several parts copy no more than the one slice of all of them.
        let free: Set = ["reshape", "slice"]
        func count(_ program: Program) -> Int {
            (program.stages[.step] ?? []).count { !free.contains(program.graph.nodes[$0].operation.name) }
        }
        #expect(count(after) <= count(before))
    }

    @Test(arguments: 1...80 as ClosedRange<UInt64>)
    func rewritesLeaveGradientsUnchanged(_ seed: UInt64) throws {
        let graph = try RandomGraph.make(seed: seed, parameterLifetime: .step)
        guard graph.trainedParameters.contains(where: { _ in true }), let (plain, ids) = try? graph.differentiated(loss: "loss") else {
            return
        }
        let expected = try gradients(of: Program(plain, gradients: ids))
        let found = try gradients(of: Program.training(graph, loss: "loss"))
        #expect(largestDifference(found, expected) < 1e-5)
    }
}
