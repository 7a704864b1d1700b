import RainAnimation
import RainCPU
import RainPictures
import RainPose
import RainTesting
import Testing

@testable import RainTraining

@Suite struct DrawingEvaluationTests {
    private static func evaluation() throws -> DrawingEvaluation {
        try DrawingEvaluation(
            model: .random(TinyModel.layered, seed: 1), engine: CPUEngine(threads: 1), schedule: StreamSchedule(window: "2x2"))
    }

    @Test func whatNoFaceIsFoundInHasNoFaceFigures() async throws {
        let (figures, samples) = try await Self.evaluation()(
            "drawing", reference: TinyModel.reference, landmarks: .neutral, detector: { _ in nil })
        #expect(figures.name == "drawing" && figures.shutLids == nil && figures.mouthCorrelation == nil)
        #expect(figures.stillPSNR.isFinite && figures.stillSSIM <= 1 && figures.sharpness > 0 && figures.colorDrift >= 0)
        #expect(samples.count == 6 && samples.allSatisfy { $0.width == 32 })
        #expect(samples[0] == TinyModel.reference)
    }

    /// A detector that says the same of every picture: lids as far open as ever, a mouth that follows nothing.
    @Test func figuresOfAFaceThatDoesNothing() async throws {
        let (figures, _) = try await Self.evaluation()(
            "still", reference: TinyModel.reference, landmarks: .neutral, detector: { _ in .neutral })
        #expect(figures.shutLids == 1 && figures.mouthCorrelation == 0)
    }

    /// Mouths that open as they are told, in the order in which the frames are looked at.
    @Test func figuresOfAFaceThatObeys() async throws {
        var looks = 0
        let (figures, _) = try await Self.evaluation()("talks", reference: TinyModel.reference, landmarks: .neutral) { _ in
            defer { looks += 1 }
            var face = LandmarkFrame.neutral
            // The first two are the shut and the open eyes.
            if looks == 0 { face[.leftEyeTop].y = face[.leftEyeBottom].y }
            if looks > 1 { face[.mouthBottom].y += 0.05 * Float(0.5 - 0.5 * cosine(2 * .pi * Double(looks - 2) / 12)) }
            return face
        }
        #expect(looks == 50)
        #expect(try #require(figures.shutLids) < 0.6)
        #expect(try #require(figures.mouthCorrelation) > 0.99)
    }
}
