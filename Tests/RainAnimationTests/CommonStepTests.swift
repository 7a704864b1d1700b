import Foundation
import RainCPU
import RainGraph
import RainModels
import RainPictures
import RainTesting
import Synchronization
import Testing

@testable import RainAnimation

@Suite struct CommonStepTests {
    /// What a stream of its own seed, reference and motion has delivered, and the latents then in flight.
    private struct Outcome: Sendable {
        var pictures: [Picture] = []
        var latents: [Float] = []
    }

    private static func reference(_ stream: Int) -> Picture {
        Picture(width: 32, height: 32, red: UInt8(40 * stream), green: UInt8(200 - 30 * stream), blue: 90)
    }

    /// - Parameter newReference: a push before which the reference changes
    private static func stream(
        _ stream: Int, _ model: AnimationModel, _ engine: CPUEngine, _ schedule: StreamSchedule, guidance: Float?, pushes: Int,
        newReference: Int?, common: CommonStep?, whenPrepared: () -> Void = {}
    ) throws -> Outcome {
        let batch = try StreamBatch(
            model: model, engine: engine, schedule: schedule, seed: UInt64(stream), guidance: guidance.map { $0 + Float(stream) },
            common: common)
        try batch.fuse(reference: reference(stream))
        whenPrepared()
        var outcome = Outcome()
        for push in 0..<pushes {
            if push == newReference { try batch.fuse(reference: reference(stream + 1)) }
            let frames = (0..<schedule.framesPerGroup).map { TinyModel.driving(stream * 100 + push * schedule.framesPerGroup + $0) }
            outcome.pictures += try batch.push(frames)
        }
        outcome.latents = batch.stream.latentsInFlight
        return outcome
    }

    /// Runs as many bodies, each on a thread of its own; each is given what waits for all others to have come as far.
    private static func threads(_ count: Int, _ body: @escaping @Sendable (Int, () -> Void) -> Void) {
        let (ready, done) = (DispatchGroup(), DispatchGroup())
        for _ in 0..<count { ready.enter() }
        for index in 0..<count {
            done.enter()
            Thread.detachNewThread {
                body(index) {
                    ready.leave()
                    ready.wait()
                }
                done.leave()
            }
        }
        done.wait()
    }

    /// Streams on threads of their own.
    private static func together(
        _ count: Int, _ model: AnimationModel, _ engine: CPUEngine, _ schedule: StreamSchedule, guidance: Float?, pushes: Int,
        newReference: Int?, common: CommonStep?
    ) throws -> [Outcome] {
        let results = Mutex<[Int: Result<Outcome, any Error>]>([:])
        threads(count) { index, whenPrepared in
            let result = Result {
                try stream(
                    index, model, engine, schedule, guidance: guidance, pushes: pushes, newReference: index == 0 ? newReference : nil,
                    common: common, whenPrepared: whenPrepared)
            }
            results.withLock { $0[index] = result }
        }
        return try (0..<count).map { index in try #require(results.withLock { $0[index] }).get() }
    }

    @Test(
        "A stream's frames are the same beside others as alone",
        arguments: [("4x4", nil as Int?, 2, false), ("1x4", nil, 2, true), ("2x2", 4, 3, false), ("1x3", nil, 5, true)])
    func same(_ window: String, steps: Int?, streams: Int, guided: Bool) throws {
        var configuration = TinyModel.configuration
        if guided { configuration.denoisingUNet.guidanceChannels = 8 }
        let model = try AnimationModel.random(configuration, seed: 3)
        let schedule = try StreamSchedule(window: window, steps: steps)
        let engine = CPUEngine(threads: 1)
        let common = try #require(try CommonStep(model: model, engine: engine, schedule: schedule))
        let guidance: Float? = guided ? 2 : nil
        // Streams compute together where they are ready together, which on a busy machine may take a while to happen.
        var beside: [Outcome] = []
        for _ in 0..<50 where common.counts.common == 0 {
            beside = try Self.together(
                streams, model, engine, schedule, guidance: guidance, pushes: 60, newReference: 31, common: common)
        }
        for (index, outcome) in beside.enumerated() {
            let alone = try Self.stream(
                index, model, engine, schedule, guidance: guidance, pushes: 60, newReference: index == 0 ? 31 : nil, common: nil)
            #expect(outcome.pictures.count == alone.pictures.count)
            let largest = alone.latents.map(abs).max() ?? 0
            for (a, b) in zip(outcome.latents, alone.latents) where abs(a - b) > 1e-5 * largest {
                Issue.record("\(a) beside others, \(b) alone, largest \(largest)")
                break
            }
            let difference = zip(outcome.pictures, alone.pictures).map {
                zip($0.bytes, $1.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 0
            }
            #expect(difference.allSatisfy { $0 <= 1 })
        }
        let counts = common.counts
        #expect(counts.common > 0, "\(counts)")
        #expect(counts.streams >= 2 * counts.common)
    }

    @Test("One stream's failure is its own") func failure() throws {
        let model = try TinyModel.model()
        let schedule = try StreamSchedule(framesPerGroup: 1, levels: 2)
        let engine = CPUEngine(threads: 1)
        let common = try #require(try CommonStep(model: model, engine: engine, schedule: schedule))
        let failures = Mutex(0)
        let delivered = Mutex(0)
        Self.threads(2) { index, whenPrepared in
            do {
                let batch = try StreamBatch(model: model, engine: engine, schedule: schedule, seed: UInt64(index), common: common)
                try batch.fuse(reference: Self.reference(index))
                whenPrepared()
                for push in 0..<200 {
                    if index == 1, push == 100 {
                        // The frame that leaves next is beyond help.
                        batch.stream.restore(
                            latents: [Float](repeating: .nan, count: batch.stream.latentCount),
                            pose: [Float](repeating: 0, count: batch.stream.poseCount))
                    }
                    let pictures = try batch.push([TinyModel.driving(push)])
                    delivered.withLock { $0 += pictures.count }
                }
            } catch let error as AnimationError where error.code == .numbers {
                failures.withLock { $0 += 1 }
            } catch {
                Issue.record(error)
            }
        }
        #expect(failures.withLock { $0 } == 1)
        #expect(delivered.withLock { $0 } >= 199 + 99)
    }

    @Test("Programs are prepared as streams come, and forgotten as they leave") func members() throws {
        let model = try TinyModel.model()
        let schedule = try StreamSchedule(framesPerGroup: 1, levels: 2)
        let engine = CPUEngine(threads: 1)
        let common = try #require(try CommonStep(model: model, engine: engine, schedule: schedule))
        func batch() throws -> StreamBatch { try StreamBatch(model: model, engine: engine, schedule: schedule, common: common) }
        #expect(common.largest == 1 && common.known == nil)
        var batches = try (0..<3).map { _ in try batch() }
        #expect(common.largest == 3)
        batches += try (0..<3).map { _ in try batch() }
        #expect(common.largest == CommonStep.most)
        batches.removeLast(4)
        #expect(common.largest == 2)
        batches = []
        #expect(common.largest == 1 && common.known == nil)
    }
}
