import RainCPU
import RainGraph
import RainPictures
import RainTesting
import Testing

@testable import RainAnimation

/// The stream on an engine that is neither the interpreter nor the processor's: nothing in it may depend on either.
@Suite struct EngineContractTests {
    private func pictures(_ model: AnimationModel, _ engine: any Engine, window: String, groups: Int) throws -> [Picture] {
        let batch = try StreamBatch(model: model, engine: engine, schedule: StreamSchedule(window: window), seed: 3)
        try batch.fuse(reference: TinyModel.reference)
        return try StreamBatchTests.run(batch, groups: groups)
    }

    /// - Returns: the root of the mean square of differences between bytes
    private func difference(_ a: [Picture], _ b: [Picture]) throws -> Double {
        #expect(a.count == b.count && !a.isEmpty)
        var sum = 0.0
        for (a, b) in zip(a, b) {
            for (x, y) in zip(a.bytes, b.bytes) { sum += Double((Int(x) - Int(y)) * (Int(x) - Int(y))) }
        }
        return (sum / Double(a.reduce(0) { $0 + $1.bytes.count })).squareRoot()
    }

    @Test(arguments: [TinyModel.configuration, TinyModel.layered], ["2x2", "1x4"])
    func anotherEngineStreams(_ configuration: ModelConfiguration, _ window: String) throws {
        let model = try AnimationModel.random(configuration, seed: 5)
        let toy = ToyEngine()
        let found = try pictures(model, toy, window: window, groups: 6)
        let expected = try pictures(model, CPUEngine(threads: 1), window: window, groups: 6)
        #expect(toy.completed > 6)
        let (difference, spread) = (try difference(found, expected), try difference(found, found.reversed()))
        // Random weights make much of rounding; by how much frames differ is the measure.
        #expect(difference < 0.1 * spread, "\(difference), frames differ by \(spread) of 255")
    }

    @Test("rain-mini streams on another engine") func rainMini() throws {
        let model = try AnimationModel.embedded()
        let found = try pictures(model, ToyEngine(), window: "1x1", groups: 1)
        let expected = try pictures(model, CPUEngine(), window: "1x1", groups: 1)
        let difference = try difference(found, expected)
        #expect(difference < 2, "\(difference) of 255")
    }

    @Test("Nothing of an engine's memory stays when a stream ends") func memoryIsGivenBack() throws {
        let toy = ToyEngine()
        let empty = toy.bytes
        _ = try pictures(AnimationModel.random(TinyModel.configuration, seed: 5), toy, window: "1x2", groups: 2)
        #expect(toy.bytes == empty)
    }
}
