import Foundation

/// The generator behind every random choice of the procedural world: SplitMix64.
///
/// The standard library may change how it turns bits into numbers; these conversions are our own, so that a seed means the same
/// character forever.
///
/// - Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014; constants of the public-domain version
struct SplitMix64: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// An independent generator for one purpose, so that new choices of one kind do not shift those of another.
    init(seed: UInt64, stream: UInt64) {
        var mixer = SplitMix64(seed: seed)
        let first = mixer.next()
        var second = SplitMix64(seed: first ^ (stream &* 0xD6E8_FEB8_6659_FD93))
        state = second.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1), of 53 bits.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in [low, high).
    mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * unit() }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// Normal with mean 0, clipped at two standard deviations.
    mutating func normal(_ deviation: Double) -> Double {
        // 1 − unit() is never 0.
        let value = (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit())
        return min(max(value, -2), 2) * deviation
    }

    /// One of the cases, all equally likely.
    mutating func pick<Case: CaseIterable>(_: Case.Type) -> Case where Case.AllCases == [Case] {
        let cases = Case.allCases
        return cases[Int(unit() * Double(cases.count))]
    }
}
