import Foundation
import RainNumbers

/// How the world turns bits into numbers: a seed means the same character forever.
extension SplitMix64 {
    /// An independent generator for one purpose, so that new choices of one kind do not shift those of another.
    init(seed: UInt64, stream: UInt64) {
        var mixer = SplitMix64(seed: seed)
        let first = mixer.next()
        var second = SplitMix64(seed: first ^ (stream &* 0xD6E8_FEB8_6659_FD93))
        self.init(seed: second.next())
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
