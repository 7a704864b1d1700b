import Foundation
import RainAnimation
import RainCPU
import RainGraph
import RainPictures
import RainTesting
import Testing

@testable import RainTraining

@Suite struct EvaluationTests {
    static func report(seed: UInt64 = 3, characters: Int = 2, frames: Int = 6) throws -> EvaluationReport {
        let configuration = TinyModel.configuration
        return try Evaluation.run(
            parameters: configuration.randomParameters(seed: 1), configuration: configuration, engine: CPUEngine(threads: 1),
            characters: characters, seed: seed, frames: frames)
    }

    @Test("The keys of its JSON") func keys() throws {
        let report = try Self.report()
        let object = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Double])
        #expect(
            Set(object.keys) == [
                "psnr", "ssim", "flicker", "psnr_reference_repeated", "ssim_reference_repeated", "psnr_reconstruction",
                "flicker_reconstruction", "edge_ratio", "characters", "frames", "seed", "frames_per_second",
            ])
        #expect(object.values.allSatisfy { $0.isFinite })
        #expect(object["characters"] == 2 && object["frames"] == 6 && object["seed"] == 3)
        #expect(report.framesPerSecond > 0)
    }

    @Test("Baselines are those of the world, not of the model") func baselines() throws {
        let report = try Self.report(characters: 1)
        let clip = EvaluationClip(seed: 3, index: 0, frames: 6, size: 32)
        let repeated = clip.truth.map { PictureMetrics.psnr(clip.reference, $0) }.reduce(0, +) / 6
        #expect(abs(report.psnrReferenceRepeated - repeated) < 1e-9)
        // Random weights know nothing.
        #expect(report.psnr < report.psnrReferenceRepeated)
    }

    @Test("A seed gives the same figures again, another seed others") func reproducible() throws {
        let (a, b, c) = (try Self.report(), try Self.report(), try Self.report(seed: 4))
        #expect(a.psnr == b.psnr && a.ssim == b.ssim && a.flicker == b.flicker)
        #expect(a.psnrReferenceRepeated != c.psnrReferenceRepeated)
    }

    @Test("The sheet shows reference, pose, truth and output") func sheet() throws {
        let report = try Self.report(characters: 7)
        #expect(report.samples.count == 14)
        let sample = report.samples[3]
        let clip = EvaluationClip(seed: 3, index: 1, frames: 6, size: 32)
        #expect(sample.character == 1 && sample.frame == 4)
        #expect(sample.truth == clip.truth[4] && sample.reference == clip.reference)
        let sheet = try report.sheet()
        #expect(sheet.width > 10 * 32 && sheet.height > 8 * 32)
    }

    @Test("Impossible settings are refused") func refusals() {
        #expect(throws: TrainingError.self) { try Self.report(characters: 0) }
        #expect(throws: TrainingError.self) { try Self.report(frames: 0) }
        #expect(throws: TrainingError.self) { try Self.report(seed: 1 << 40) }
    }

    @Test("One clip does not depend on how many there are") func independent() {
        let (short, long) = (EvaluationClip(seed: 1, index: 2, frames: 3, size: 32), EvaluationClip(seed: 1, index: 2, frames: 5, size: 32))
        #expect(Array(long.truth[..<3]) == short.truth && long.reference == short.reference)
        #expect(EvaluationClip(seed: 1, index: 3, frames: 3, size: 32).truth != short.truth)
        #expect(EvaluationClip(seed: 2, index: 2, frames: 3, size: 32).truth != short.truth)
    }
}
