import Foundation

/// The noise levels of a diffusion model and the steps between them, as latent consistency models take them
/// (arXiv 2310.04378; zero terminal signal-to-noise ratio: arXiv 2305.08891).
///
/// Plain values and plain arrays: no graph, no engine. All tables are rounded to float32 as the authors' are.
public struct NoiseSchedule: Hashable, Sendable {
    public let configuration: Configuration
    /// Of each training step.
    public let betas: [Float]
    /// ᾱ of each training step: the share of the signal's variance; the last is exactly 0 if so rescaled.
    public let alphasCumulative: [Float]

    /// The published scheduler configuration.
    public struct Configuration: Hashable, Sendable, Codable {
        public var trainingSteps = 1000
        public var betaStart = 0.00085
        public var betaEnd = 0.012
        public var rescaleToZeroTerminalSNR = true
        public var prediction = UNetConfiguration.Prediction.velocity
        /// Standard deviation of the data, for the boundary condition.
        public var sigmaData: Float = 0.5
        public var timestepScaling: Float = 10

        public init(prediction: UNetConfiguration.Prediction = .velocity) { self.prediction = prediction }

        enum CodingKeys: String, CodingKey {
            case trainingSteps = "num_train_timesteps"
            case betaStart = "beta_start"
            case betaEnd = "beta_end"
            case betaSchedule = "beta_schedule"
            case rescaleToZeroTerminalSNR = "rescale_betas_zero_snr"
            case timestepSpacing = "timestep_spacing"
            case prediction = "prediction_type"
            case sigmaData = "sigma_data"
            case timestepScaling = "timestep_scaling"
            case clipSample = "clip_sample"
            case thresholding
            case setAlphaToOne = "set_alpha_to_one"
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func value<T: Decodable>(_ key: CodingKeys, default fallback: T) throws -> T {
                try values.decodeIfPresent(T.self, forKey: key) ?? fallback
            }
            func require<T: Decodable & Equatable>(_ key: CodingKeys, _ supported: T) throws {
                let found = try value(key, default: supported)
                guard found == supported else {
                    throw ModelError(
                        .configuration, at: "scheduler configuration: \(key.rawValue)", "expected \(supported), found \(found)")
                }
            }
            try require(.betaSchedule, "scaled_linear")
            try require(.timestepSpacing, "trailing")
            try require(.clipSample, false)
            try require(.thresholding, false)
            try require(.setAlphaToOne, true)
            trainingSteps = try value(.trainingSteps, default: 1000)
            betaStart = try value(.betaStart, default: betaStart)
            betaEnd = try value(.betaEnd, default: betaEnd)
            rescaleToZeroTerminalSNR = try value(.rescaleToZeroTerminalSNR, default: false)
            prediction = try value(.prediction, default: .velocity)
            sigmaData = try value(.sigmaData, default: sigmaData)
            timestepScaling = try value(.timestepScaling, default: timestepScaling)
        }

        public func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(trainingSteps, forKey: .trainingSteps)
            try values.encode(betaStart, forKey: .betaStart)
            try values.encode(betaEnd, forKey: .betaEnd)
            try values.encode("scaled_linear", forKey: .betaSchedule)
            try values.encode(rescaleToZeroTerminalSNR, forKey: .rescaleToZeroTerminalSNR)
            try values.encode("trailing", forKey: .timestepSpacing)
            try values.encode(prediction, forKey: .prediction)
            try values.encode(sigmaData, forKey: .sigmaData)
            try values.encode(timestepScaling, forKey: .timestepScaling)
        }
    }

    /// - Throws: `ModelError.configuration`
    public init(_ configuration: Configuration = Configuration()) throws(ModelError) {
        let c = configuration
        guard (2...100_000).contains(c.trainingSteps), c.betaStart > 0, c.betaEnd >= c.betaStart, c.betaEnd < 1, c.sigmaData > 0 else {
            throw ModelError(
                .configuration, at: "scheduler configuration",
                "expected 2 to 100000 steps and 0 < beta_start ≤ beta_end < 1, found \(c.trainingSteps), \(c.betaStart), \(c.betaEnd)")
        }
        var betas = Self.linear(from: Float(c.betaStart.squareRoot()), to: Float(c.betaEnd.squareRoot()), count: c.trainingSteps)
            .map { $0 * $0 }
        if c.rescaleToZeroTerminalSNR { betas = Self.rescaled(betas) }
        self.configuration = c
        self.betas = betas
        alphasCumulative = Self.cumulative(betas)
    }

    /// Timesteps of a run of `steps` steps, noisiest first: 999, 749, 499, 249 for 4.
    ///
    /// - Throws: `ModelError.configuration` unless there are 1 to `trainingSteps` steps.
    public func timesteps(_ steps: Int) throws(ModelError) -> [Int] {
        let all = configuration.trainingSteps
        guard (1...all).contains(steps) else {
            throw ModelError(.configuration, at: "inference steps", "expected 1 to \(all), found \(steps)")
        }
        return (0..<steps).map { Int((Double(all) - Double($0) * Double(all) / Double(steps)).rounded(.toNearestOrEven)) - 1 }
    }

    /// The share of the noisy sample in the denoised one.
    public func skipWeight(_ timestep: Int) -> Float {
        let (s, d) = (Double(Float(timestep) * configuration.timestepScaling), Double(configuration.sigmaData))
        return Float(d * d / (s * s + d * d))
    }

    /// The share of the predicted clean sample in the denoised one.
    public func outputWeight(_ timestep: Int) -> Float {
        let (s, d) = (Double(Float(timestep) * configuration.timestepScaling), Double(configuration.sigmaData))
        return Float(s / (s * s + d * d).squareRoot())
    }

    /// What one step makes of a sample and the network's output, as factors.
    public struct Step: Hashable, Sendable {
        /// `denoised = denoisedFromSample · sample + denoisedFromOutput · output`
        public let denoisedFromSample: Float
        public let denoisedFromOutput: Float
        /// `next = signal · denoised + noise · fresh noise`
        public let signal: Float
        public let noise: Float
    }

    /// One step from `timestep` to the next of a run of `steps` steps.
    ///
    /// - Parameters:
    ///   - timestep: in `0..<trainingSteps`; need not be one of `timesteps(steps)`
    ///   - steps: of the whole run; the step goes down by `trainingSteps / steps`
    public func step(at timestep: Int, of steps: Int) -> Step {
        let alpha = alphasCumulative[timestep]
        let before = timestep - configuration.trainingSteps / steps
        let next: Float = before >= 0 ? alphasCumulative[before] : 1
        let (skip, out) = (skipWeight(timestep), outputWeight(timestep))
        return switch configuration.prediction {
        case .velocity:
            Step(
                denoisedFromSample: out * alpha.squareRoot() + skip, denoisedFromOutput: -(out * (1 - alpha).squareRoot()),
                signal: next.squareRoot(), noise: (1 - next).squareRoot())
        case .sample:
            Step(denoisedFromSample: skip, denoisedFromOutput: out, signal: next.squareRoot(), noise: (1 - next).squareRoot())
        }
    }

    /// One step with a timestep per frame.
    ///
    /// - Parameters:
    ///   - sample: `[frames, …]`, row-major
    ///   - output: of the network, same shape
    ///   - noise: fresh, same shape
    ///   - timesteps: one per frame
    ///   - steps: of the whole run
    /// - Returns: the next samples and the denoised ones
    public func step(
        sample: [Float], output: [Float], noise: [Float], timesteps: [Int], of steps: Int
    ) -> (next: [Float], denoised: [Float]) {
        precondition(sample.count == output.count && sample.count == noise.count && sample.count % timesteps.count == 0)
        let frame = sample.count / timesteps.count
        var next = sample
        var denoised = sample
        for (index, timestep) in timesteps.enumerated() {
            let factors = step(at: timestep, of: steps)
            for i in index * frame..<(index + 1) * frame {
                denoised[i] = factors.denoisedFromSample * sample[i] + factors.denoisedFromOutput * output[i]
                next[i] = factors.signal * denoised[i] + factors.noise * noise[i]
            }
        }
        return (next, denoised)
    }

    /// A clean sample with noise of that timestep: `√ᾱ · x + √(1 - ᾱ) · noise`, as factors.
    public func noising(_ timestep: Int) -> (signal: Float, noise: Float) {
        let alpha = alphasCumulative[timestep]
        return (alpha.squareRoot(), (1 - alpha).squareRoot())
    }

    // MARK: Tables, rounded as PyTorch rounds them

    private static func linear(from start: Float, to end: Float, count: Int) -> [Float] {
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { $0 < count / 2 ? start + step * Float($0) : end - step * Float(count - 1 - $0) }
    }

    private static func cumulative(_ betas: [Float]) -> [Float] {
        var product = 1.0
        return betas.map { beta in
            product *= Double(1 - beta)
            return Float(product)
        }
    }

    private static func rescaled(_ betas: [Float]) -> [Float] {
        var roots = cumulative(betas).map { $0.squareRoot() }
        let (first, last) = (roots[0], roots[roots.count - 1])
        let factor = first / (first - last)
        roots = roots.map { ($0 - last) * factor }
        let alphas = roots.map { $0 * $0 }
        return alphas.indices.map { $0 == 0 ? 1 - alphas[0] : 1 - alphas[$0] / alphas[$0 - 1] }
    }
}
