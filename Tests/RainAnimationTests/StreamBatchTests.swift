import Foundation
import RainCPU
import RainGraph
import RainModels
import RainPictures
import RainPose
import RainTesting
import Testing

@testable import RainAnimation

@Suite struct StreamBatchTests {
    static func batch(
        _ window: String = "4x4", steps: Int? = nil, seed: UInt64 = 1, engine: any Engine = CPUEngine(threads: 1)
    ) throws -> StreamBatch {
        let batch = try StreamBatch(
            model: TinyModel.model(), engine: engine, schedule: StreamSchedule(window: window, steps: steps), seed: seed)
        try batch.fuse(reference: TinyModel.reference)
        return batch
    }

    static func run(_ batch: StreamBatch, groups: Int) throws -> [Picture] {
        let size = batch.schedule.framesPerGroup
        var pictures: [Picture] = []
        for group in 0..<groups { pictures += try batch.push((0..<size).map { TinyModel.driving(group * size + $0) }) }
        while let last = try batch.drain() { pictures += last }
        return pictures
    }

    @Test(
        "Every frame that enters leaves, whatever the window and the length",
        arguments: [
            ("4x4", nil as Int?), ("1x4", nil), ("2x3", 6), ("4x1", 4), ("1x1", nil),
        ])
    func lengths(_ window: String, steps: Int?) throws {
        let batch = try Self.batch(window, steps: steps)
        for groups in [0, 1, 2, 3, 4, 5, 9] {
            try batch.reset()
            let pictures = try Self.run(batch, groups: groups)
            #expect(pictures.count == groups * batch.schedule.framesPerGroup)
            #expect(batch.framesInFlight == 0)
            #expect(Set(pictures.map(\.bytes)).count == pictures.count, "different noise and poses make different pictures")
        }
    }

    @Test("The stream fills before it delivers") func latency() throws {
        let batch = try Self.batch()
        let group = (0..<4).map(TinyModel.driving)
        for count in 1...3 {
            #expect(try batch.push(group).isEmpty)
            #expect(batch.framesInFlight == 4 * count)
        }
        #expect(try batch.push(group).count == 4)
        #expect(batch.framesInFlight == 12)
    }

    @Test("A run is reproduced by its seed, on any number of threads") func reproducible() throws {
        let pictures = try Self.run(Self.batch(), groups: 6)
        #expect(try Self.run(Self.batch(), groups: 6) == pictures)
        #expect(try Self.run(Self.batch(engine: CPUEngine(threads: 2)), groups: 6) == pictures)
        #expect(try Self.run(Self.batch(seed: 2), groups: 6) != pictures)
        let batch = try Self.batch()
        _ = try Self.run(batch, groups: 3)
        try batch.reset()
        #expect(try Self.run(batch, groups: 6) == pictures)
    }

    @Test("Interpreter and engine agree to the last grey level but one") func engines() throws {
        let interpreted = try Self.run(Self.batch("2x2", engine: Interpreter()), groups: 4)
        let compiled = try Self.run(Self.batch("2x2"), groups: 4)
        for (a, b) in zip(interpreted, compiled) {
            #expect(zip(a.bytes, b.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
    }

    @Test("A new reference replaces the old one") func references() throws {
        let other = Picture(width: 48, height: 20, red: 10, green: 200, blue: 90)
        let batch = try Self.batch()
        let first = try Self.run(batch, groups: 5)
        try batch.reset()
        try batch.fuse(reference: other)
        let second = try Self.run(batch, groups: 5)
        #expect(first != second)
        try batch.reset()
        try batch.fuse(reference: TinyModel.reference)
        #expect(try Self.run(batch, groups: 5) == first)
        try batch.reset()
        try batch.fuse(reference: TinyModel.reference, landmarks: TinyModel.driving(3))
        #expect(try Self.run(batch, groups: 5) != first)
    }

    @Test("What cannot work is refused with a reason") func refusals() throws {
        let model = try TinyModel.model()
        let unfused = try StreamBatch(model: model, engine: CPUEngine(threads: 1))
        #expect(throws: AnimationError.self) { try unfused.push((0..<4).map(TinyModel.driving)) }
        let guided = #expect(throws: AnimationError.self) { try StreamBatch(model: model, engine: Interpreter(), guidance: 2) }
        #expect(guided?.description.contains("guidance") == true)
        var short = TinyModel.configuration
        short.denoisingUNet.motion?.longestWindow = 8
        short.window = ModelConfiguration.Window(framesPerGroup: 2, levels: 4)
        let shortModel = try AnimationModel.random(short, seed: 1)
        let long = #expect(throws: AnimationError.self) {
            try StreamBatch(model: shortModel, engine: Interpreter(), schedule: StreamSchedule())
        }
        #expect(long?.code == .schedule)
        let poisoned = try AnimationModel(TinyModel.configuration) { name, shape in
            try name == "autoencoder.patch_decoder.bias"
                ? [Float](repeating: .nan, count: shape.count) : model.parameters(name, shape)
        }
        let batch = try StreamBatch(model: poisoned, engine: CPUEngine(threads: 1))
        try batch.fuse(reference: TinyModel.reference)
        let error = #expect(throws: AnimationError.self) { try Self.run(batch, groups: 1) }
        #expect(error?.code == .numbers)
    }

    @Test("Memory does not grow with the length of the stream") func memory() async {
        await #expect(processExitsWith: .success) {
            func residentBytes() -> Int {
                // The second number of the file: pages in memory.
                let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
                return 4096 * (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0)
            }
            let batch = try StreamBatchTests.batch("1x4")
            var before = 0
            for step in 0..<2200 {
                _ = try batch.push([TinyModel.driving(step)])
                if step == 200 { before = residentBytes() }
            }
            let growth = residentBytes() - before
            // A leak of one of these tiny pictures per step would be 6 MB.
            precondition(growth < 1 << 20, "grew by \(growth) bytes")
        }
    }
}
