#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Random numbers of the trainer: SplitMix64 (Steele, Lea and Flood 2014), one independent stream per purpose and step.
struct TrainingRandom: RandomNumberGenerator {
    private var state: UInt64
    private var spare: Float?

    /// - Parameter stream: names the purpose; equal seeds and streams give equal numbers.
    init(seed: UInt64, stream: String, step: Int = 0) {
        // FNV-1a, so that the stream does not depend on Swift's per-process hashing.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        state = seed &* 0x9e37_79b9_7f4a_7c15 ^ hash ^ (UInt64(bitPattern: Int64(step)) &* 0xd134_2543_de82_ef95)
        _ = next()
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

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
