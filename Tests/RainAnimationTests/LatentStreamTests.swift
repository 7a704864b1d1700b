import RainCPU
import RainGraph
import Testing

@testable import RainAnimation

/// The stream batch against the authors' implementation.
@Suite(.serialized) struct LatentStreamTests {
    /// The engine's direct kernels, and as shipped.
    enum Kernels: CaseIterable {
        case direct, fastest

        var engine: CPUEngine { CPUEngine(threads: 2, arithmetic: self == .direct ? .exact : .fastest) }
        var tolerance: Float { self == .direct ? 2e-5 : 1e-4 }
    }

    @Test("Seven steps of the full stream", arguments: Kernels.allCases, ["random_start", "zero_start"])
    func stream(_ kernels: Kernels, start: String) throws {
        let fixture = try StreamFixture("stream")
        let noise = TabledNoise(latentCount: 16 * 8 * 4)
        let stream = try fixture.stream(kernels.engine, StreamSchedule(), noise: noise.fill)
        let features = try fixture.poseFeatures(kernels.engine)
        let twelve = 12 * noise.latentCount
        var sample = [Float](repeating: 0, count: 16 * noise.latentCount)
        var pose = [Float](repeating: 0, count: 12 * 16 * 8 * 32)
        if start == "random_start" {
            sample = try fixture.frames("inputs/random_start/sample")
            pose = try fixture.frames("inputs/random_start/pose_cond_fea")
        }
        stream.restore(latents: Array(sample[..<twelve]), pose: pose)
        noise.fresh = Array(sample[twelve...])
        for step in 0..<7 {
            noise.freshFrom = 12 + 4 * step
            noise.oldest = 4 * step
            noise.added = [try fixture.frames("inputs/step\(step)/add_noise")]
            #expect(try stream.push(features(step)) == 4 * step)
            noise.fresh = try fixture.frames("inputs/step\(step)/new_noise")
            guard start == "random_start" || step == 0 || step == 6 else { continue }
            let name = "outputs/\(start)/step\(step)"
            #expect(try relativeError(stream.leaving, fixture.frames(name + "/emitted_latents")) <= kernels.tolerance)
            #expect(
                try relativeError(stream.latentsInFlight + noise.fresh, fixture.frames(name + "/latents")) <= kernels.tolerance)
        }
    }

    @Test("The batch grows group by group", arguments: Kernels.allCases)
    func warmUp(_ kernels: Kernels) throws { try warmUp(kernels.engine, calls: 6, tolerance: kernels.tolerance) }

    @Test("One executable at a time, for large models")
    func frugalWarmUp() throws { try warmUp(CPUEngine(threads: 2, arithmetic: .exact), calls: 6, tolerance: 2e-5, keepsAll: false) }

    @Test("The interpreter says the same") func warmUpInterpreted() throws {
        try warmUp(Interpreter(), calls: 1, tolerance: 2e-5)
    }

    private func warmUp(_ engine: any Engine, calls: Int, tolerance: Float, keepsAll: Bool = true) throws {
        let fixture = try StreamFixture("stream_warmup")
        let noise = TabledNoise(latentCount: 16 * 8 * 4)
        let stream = try fixture.stream(engine, StreamSchedule(), noise: noise.fill, keepsAll: keepsAll)
        let features = try fixture.poseFeatures(engine)
        for call in 0..<calls {
            noise.fresh = try fixture.frames("inputs/call\(call)/new_latents")
            noise.freshFrom = 4 * call
            noise.oldest = 4 * max(0, call - 3)
            noise.added = [try fixture.frames("inputs/call\(call)/step_noise0")]
            let left = try stream.push(features(call))
            #expect(left == (call >= 3 ? 4 * (call - 3) : nil))
            #expect(try relativeError(stream.latentsInFlight, fixture.frames("outputs/call\(call)/pile")) <= tolerance)
            if left != nil {
                #expect(try relativeError(stream.leaving, fixture.frames("outputs/call\(call)/emitted_latents")) <= tolerance)
            }
        }
    }

    @Test("A whole clip, ramping in and out", arguments: Kernels.allCases, [4, 8])
    func pipeline(_ kernels: Kernels, steps: Int) throws {
        let fixture = try StreamFixture("pipeline_lcm")
        let noise = TabledNoise(latentCount: 16 * 8 * 4)
        let schedule = try StreamSchedule(framesPerGroup: 4, levels: 4, steps: steps)
        let stream = try fixture.stream(kernels.engine, schedule, noise: noise.fill)
        let pose = try fixture.frames("inputs/pose_fea")
        let poseCount = pose.count / 24
        noise.fresh = try fixture.frames("inputs/initial_latents")
        var clip: [Float] = []
        for iteration in 0..<9 {
            noise.oldest = 4 * max(0, iteration - 3)
            noise.added = try (0..<schedule.jump).map {
                try fixture.frames("inputs/steps\(steps)/noise\(iteration * schedule.jump + $0)")
            }
            let window = iteration < 6 ? Array(pose[(iteration * 4 * poseCount)..<((iteration + 1) * 4 * poseCount)]) : nil
            if try stream.push(window) != nil { clip += stream.leaving }
            if steps == 4, iteration == 4 {
                let untouched = noise.fresh[(20 * noise.latentCount)...]
                #expect(
                    try relativeError(clip + stream.latentsInFlight + untouched, fixture.frames("outputs/steps4/after_iteration4"))
                        <= kernels.tolerance)
            }
        }
        #expect(try stream.push(nil) == nil)
        #expect(try relativeError(clip, fixture.frames("outputs/steps\(steps)/latents")) <= kernels.tolerance)
    }
}
