/// The generator behind everything that is random and must be the same again: drawn characters, training, weights made on the spot.
///
/// The standard library may change how it turns bits into numbers, so conversions that must stay are the caller's.
///
/// - Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014; constants of the public-domain version
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
