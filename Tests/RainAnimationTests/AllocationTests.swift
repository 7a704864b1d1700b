import CAllocationCount
import RainCPU
import RainGraph
import Testing

@testable import RainAnimation

@Suite struct AllocationTests {
    /// Memory that a step takes from the heap is time that nobody can foretell. With one thread, the caller does all of the work and
    /// what it asks for is all there is.
    @Test(arguments: CPUEngine.InstructionSet.allCases.filter(\.isAvailable), ["1x4", "4x4"])
    func aStepTakesNothingFromTheHeap(_ set: CPUEngine.InstructionSet, window: String) throws {
        let model = try AnimationModel.embedded()
        let engine = CPUEngine(threads: 1, instructionSet: set)
        let schedule = try StreamSchedule(window: window)
        let step = try engine.compile(ModelPrograms(model.configuration).step(schedule))
        try step.load(model.parameters)
        try step.run(.reference)
        let (before, made) = (rain_thread_allocations(), [Float](repeating: 0, count: 1000))
        #expect(rain_thread_allocations() > before, "allocations are not counted; \(made.count)")

        let start = rain_thread_allocations()
        for _ in 0..<2 { try step.run(.step) }
        #expect(rain_thread_allocations() - start == 0)
    }
}
