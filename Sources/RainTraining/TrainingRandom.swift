import RainNumbers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Random numbers of the trainer: one independent stream per purpose and step.
struct TrainingRandom: RandomNumberGenerator {
    private var generator: SplitMix64
    private var spare: Float?

    /// - Parameter stream: names the purpose; equal seeds and streams give equal numbers.
    init(seed: UInt64, stream: String, step: Int = 0) {
        // Not Swift's own hash, which differs from process to process.
        let mixed = seed &* 0x9e37_79b9_7f4a_7c15 ^ stableHash(stream.utf8) ^ (UInt64(bitPattern: Int64(step)) &* 0xd134_2543_de82_ef95)
        generator = SplitMix64(seed: mixed)
        _ = next()
        _ = next()
    }

    mutating func next() -> UInt64 { generator.next() }

    /// Uniform in [0, 1).
    mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Uniform in 0..<bound.
    mutating func index(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// Standard normal, by Marsaglia's polar method.
    mutating func normal() -> Float {
        if let value = spare {
            spare = nil
            return value
        }
        while true {
            let x = uniform() * 2 - 1
            let y = uniform() * 2 - 1
            let square = x * x + y * y
            guard square > 1e-12, square < 1 else { continue }
            let factor = (-2 * log(square) / square).squareRoot()
            spare = y * factor
            return x * factor
        }
    }
}
