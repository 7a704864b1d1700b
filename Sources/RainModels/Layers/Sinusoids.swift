import Foundation
public import RainGraph

/// Sinusoidal embeddings (arXiv 1706.03762, section 3.5), computed as the published models do it: in float32.
///
/// The frequencies are rounded to float32 and so is their product with timestep, position or guidance; computing more exactly
/// would differ from what the networks were trained with by up to 2e-4.
public enum Sinusoids {
    /// `exp(-ln(10000) · i / divisor)` for `i` in `0..<count`, every operation rounded to float32.
    public static func frequencies(_ count: Int, divisor: Float) -> [Float] {
        let logarithm = -Float(log(10000.0))
        return (0..<count).map { Float(exp(Double(logarithm * Float($0) / divisor))) }
    }

    /// The embedding of a guidance scale: sines, then cosines of `1000 · scale · exp(-ln(10000) i / (half - 1))`.
    ///
    /// - Parameter dimensions: `cond_proj_dim` of the UNet; even and at least 4.
    /// - Returns: `dimensions` values.
    /// - Source: `get_guidance_scale_embedding` of diffusers' LCM pipelines.
    public static func guidanceEmbedding(scale: Float, dimensions: Int = 512) -> [Float] {
        precondition(dimensions >= 4 && dimensions % 2 == 0, "a guidance embedding has an even number of dimensions")
        let half = dimensions / 2
        // The official code rounds the rate before it multiplies by the index.
        let rate = -(Float(log(10000.0)) / Float(half - 1))
        let angles = (0..<half).map { (1000 * scale) * Float(exp(Double(Float($0) * rate))) }
        return angles.map { Float(sin(Double($0))) } + angles.map { Float(cos(Double($0))) }
    }

    /// Positions of the temporal attention: sine at even, cosine at odd channels.
    ///
    /// - Returns: `[positions, channels]`, row-major.
    public static func positions(_ positions: Int, channels: Int) -> [Float] {
        let rate = Float(-log(10000.0) / Double(channels))
        let divisors = stride(from: 0, to: channels, by: 2).map { Float(exp(Double(Float($0) * rate))) }
        return (0..<positions).flatMap { position in
            (0..<channels).map { channel in
                let angle = Double(Float(position) * divisors[channel / 2])
                return Float(channel % 2 == 0 ? sin(angle) : cos(angle))
            }
        }
    }

    /// The embedding of timesteps as graph operations, so that constant timesteps are embedded when a checkpoint is loaded.
    ///
    /// - Parameters:
    ///   - timesteps: `[n]`
    ///   - channels: even
    ///   - cosinesFirst: diffusers' `flip_sin_to_cos`
    ///   - shift: diffusers' `freq_shift`
    /// - Returns: `[n, channels]`
    public static func timesteps(
        _ g: GraphBuilder, _ timesteps: Value, channels: Int, cosinesFirst: Bool, shift: Float
    ) throws(GraphError) -> Value {
        let half = channels / 2
        let rates = try g.constant(frequencies(half, divisor: Float(half) - shift), [1, half])
        let angles = try timesteps.reshaped([timesteps.shape.count, 1]).multiplied(by: rates)
        let (sines, cosines) = (try angles.unary(.sin), try angles.unary(.cos))
        return try cosinesFirst ? cosines.concatenated(with: [sines], axis: 1) : sines.concatenated(with: [cosines], axis: 1)
    }
}
