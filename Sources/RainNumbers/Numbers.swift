/// A hash that is the same in every process and on every machine: FNV-1a of 64 bits
/// (http://www.isthe.com/chongo/tech/comp/fnv/). No protection against collisions that are looked for.
public func stableHash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

extension Collection where Element: BinaryFloatingPoint {
    /// The middle of the sorted elements, of an even number the mean of the two in the middle; nil for none.
    public var median: Element? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

extension UInt8 {
    /// A number in 0…1 as 0…255, rounded; what lies beyond is cut off, and NaN is 0.
    @inlinable
    public init(unit value: some BinaryFloatingPoint) {
        // The comparison's order makes a NaN black.
        self = UInt8(Swift.min(Swift.max(0, value), 1) * 255 + 0.5)
    }
}
