import Foundation
import RainModels
import Testing

@Suite struct NoiseScheduleTests {
    @Test func fourStepsAreTheLevelsOfTheStream() throws {
        let schedule = try NoiseSchedule()
        #expect(try schedule.timesteps(4) == [999, 749, 499, 249])
        #expect(try schedule.timesteps(1) == [999])
        #expect(try schedule.timesteps(3) == [999, 666, 332])
        #expect(schedule.alphasCumulative[999] == 0)
        #expect(zip(schedule.alphasCumulative, schedule.alphasCumulative.dropFirst()).allSatisfy { $0 > $1 })
        #expect(throws: ModelError.self) { try schedule.timesteps(0) }
        #expect(throws: ModelError.self) { try schedule.timesteps(1001) }
    }

    @Test func theLastStepAddsNoNoise() throws {
        let step = try NoiseSchedule().step(at: 249, of: 4)
        #expect(step.noise == 0)
        #expect(step.signal == 1)
        // A jump of two passes arrives there as well.
        #expect(try NoiseSchedule().step(at: 124, of: 8).noise == 0)
    }

    @Test(arguments: [UNetConfiguration.Prediction.velocity, .sample])
    func aPerfectNetworkIsBelieved(_ prediction: UNetConfiguration.Prediction) throws {
        let schedule = try NoiseSchedule(.init(prediction: prediction))
        let (clean, noise) = (numbers(6, seed: 1), numbers(6, seed: 2))
        for timestep in [999, 749, 499, 249] {
            let (signal, amount) = schedule.noising(timestep)
            let sample = zip(clean, noise).map { signal * $0 + amount * $1 }
            let velocity = zip(clean, noise).map { signal * $1 - amount * $0 }
            let result = schedule.step(
                sample: sample, output: prediction == .sample ? clean : velocity, noise: noise, timesteps: [timestep, timestep], of: 4)
            // c_skip is 1.6e-7 at most here.
            #expect(error(result.denoised, clean) < 1e-5)
            let (nextSignal, nextAmount) = timestep == 249 ? (1, 0) : schedule.noising(timestep - 250)
            #expect(error(result.next, zip(clean, noise).map { nextSignal * $0 + nextAmount * $1 }) < 1e-5)
        }
    }

    @Test func configurationSurvivesAFile() throws {
        let configuration = NoiseSchedule.Configuration(prediction: .sample)
        #expect(try JSONDecoder().decode(NoiseSchedule.Configuration.self, from: JSONEncoder().encode(configuration)) == configuration)
    }

    @Test(arguments: [
        (#"{"beta_schedule": "linear"}"#, "beta_schedule"), (#"{"timestep_spacing": "leading"}"#, "timestep_spacing"),
        (#"{"clip_sample": true}"#, "clip_sample"), (#"{"num_train_timesteps": 1}"#, "2 to 100000"), (#"{"beta_end": 1.5}"#, "beta_end"),
    ])
    func refuses(_ json: String, _ expected: String) {
        let failure = #expect(throws: ModelError.self) {
            try NoiseSchedule(JSONDecoder().decode(NoiseSchedule.Configuration.self, from: Data(json.utf8)))
        }
        #expect(failure?.description.contains(expected) == true, "\(failure?.description ?? "")")
    }

    @Test func guidanceEmbeddingBeginsWithSines() {
        let embedding = Sinusoids.guidanceEmbedding(scale: 0, dimensions: 8)
        #expect(embedding == [0, 0, 0, 0, 1, 1, 1, 1])
    }
}
