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
        let object = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
        let figures: Set = [
            "psnr", "ssim", "flicker", "psnr_reference_repeated", "ssim_reference_repeated", "psnr_reconstruction",
            "flicker_reconstruction", "edge_ratio",
        ]
        let others: Set = ["characters", "frames", "seed", "frames_per_second", "spread", "per_character"]
        #expect(Set(object.keys) == figures.union(others))
        #expect(object["characters"] as? Int == 2 && object["frames"] as? Int == 6 && object["seed"] as? Int == 3)
        #expect(report.framesPerSecond > 0)
        let each = try #require(object["per_character"] as? [[String: Double]])
        #expect(each.count == 2 && each.allSatisfy { Set($0.keys) == figures && $0.values.allSatisfy(\.isFinite) })
        #expect(each[0] != each[1])
        let spreads = try #require(object["spread"] as? [String: [String: Any]])
        #expect(Set(spreads.keys) == figures)
        for name in figures {
            let values = each.compactMap { $0[name] }
            let mean = try #require(object[name] as? Double)
            let deviation = try #require(spreads[name]?["deviation"] as? Double)
            let interval = try #require(spreads[name]?["interval"] as? [Double])
            #expect(abs(mean - (values[0] + values[1]) / 2) < 1e-9 && interval[0] <= mean && mean <= interval[1], "\(name)")
            #expect(abs(deviation - abs(values[0] - values[1]) / 2.0.squareRoot()) < 1e-9, "\(name)")
        }
    }

    @Test("Baselines are those of the world, not of the model") func baselines() throws {
        let report = try Self.report(characters: 1)
        let clip = EvaluationClip(seed: 3, index: 0, frames: 6, size: 32)
        let repeated = clip.truth.map { PictureMetrics.psnr(clip.reference, $0) }.reduce(0, +) / 6
        #expect(abs(report.mean.psnrReferenceRepeated - repeated) < 1e-9)
        // Random weights know nothing.
        #expect(report.mean.psnr < report.mean.psnrReferenceRepeated)
    }

    @Test("A seed gives the same figures again, another seed others") func reproducible() throws {
        let (a, b, c) = (try Self.report(), try Self.report(), try Self.report(seed: 4))
        #expect(a.perCharacter == b.perCharacter)
        #expect(a.mean.psnrReferenceRepeated != c.mean.psnrReferenceRepeated)
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

@Suite struct SpreadTests {
    @Test func ofOneAndOfEquals() {
        let one = Spread([3])
        #expect(one.mean == 3 && one.deviation == nil && one.interval == nil && one.least == 3 && one.greatest == 3)
        let equal = Spread([2, 2, 2])
        #expect(equal.deviation == 0 && equal.interval == 2...2)
    }

    /// Of normal values the interval is close to the mean ± 1.96 standard errors, and holds the true mean as often as it says.
    @Test func intervalIsThatOfTheMean() throws {
        var random = TrainingRandom(seed: 4, stream: "spread")
        var (held, ratios) = (0, 0.0)
        for _ in 0..<100 {
            let spread = Spread((0..<40).map { _ in 5 + 2 * Double(random.normal()) })
            let (interval, deviation) = (try #require(spread.interval), try #require(spread.deviation))
            held += interval.contains(5) ? 1 : 0
            ratios += (interval.upperBound - interval.lowerBound) / (2 * 1.96 * deviation / 40.0.squareRoot()) / 100
            #expect(spread.least < interval.lowerBound && interval.upperBound < spread.greatest)
        }
        #expect((86...100).contains(held), "\(held)")
        #expect(abs(ratios - 1) < 0.05, "\(ratios)")
    }
}
