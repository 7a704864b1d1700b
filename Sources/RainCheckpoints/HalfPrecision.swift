/// Conversions between 32-bit floats and the formats of 16 and 8 bits, on bit patterns.
///
/// Written without branches on the common path so that whole tensors convert in vector registers; the standard library's
/// `Float16` calls a library routine per element on processors where F16C is not assumed.
public enum HalfPrecision {
    /// The value of an IEEE 754 binary16 bit pattern; exact.
    @inlinable
    public static func float(fromFloat16 bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let rest = UInt32(bits & 0x7FFF)
        if rest >= 0x7C00 {
            return Float(bitPattern: sign | 0x7F80_0000 | (rest & 0x3FF) << 13)
        }
        // The half's exponent, read as a float's, is 112 too small; multiplying by 2^112 also normalises subnormals.
        let magnitude = Float(bitPattern: rest << 13) * 0x1p112
        return Float(bitPattern: sign | magnitude.bitPattern)
    }

    /// The nearest IEEE 754 binary16 bit pattern, ties to even; magnitudes from 65520 become infinite, NaN stays a (quiet) NaN.
    @inlinable
    public static func float16(from value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let rest = bits & 0x7FFF_FFFF
        if rest > 0x7F80_0000 {
            return sign | 0x7E00 | UInt16(truncatingIfNeeded: rest >> 13) & 0x1FF
        }
        if rest >= 0x477F_F000 { return sign | 0x7C00 }
        if rest < 0x3880_0000 {
            // Below 2^-14 the spacing is 2^-24, which is the float spacing of 0.5…1: the addition rounds, to even.
            let rounded = Float(bitPattern: rest) + 0.5
            return sign | UInt16(truncatingIfNeeded: rounded.bitPattern &- 0x3F00_0000)
        }
        let odd = (rest >> 13) & 1
        return sign | UInt16(truncatingIfNeeded: (rest &- 0x3800_0000 &+ 0xFFF &+ odd) >> 13)
    }

    /// The value of a bfloat16 bit pattern; exact.
    @inlinable
    public static func float(fromBFloat16 bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) << 16)
    }

    /// The value of a bit pattern of one sign bit, four of exponent (bias 7) and three of mantissa; exact.
    ///
    /// - Source: arXiv 2209.05433, the variant without infinities; all ones is not a number.
    @inlinable
    public static func float(fromFloat8E4M3 bits: UInt8) -> Float {
        let sign = UInt32(bits & 0x80) << 24
        if bits & 0x7F == 0x7F { return Float(bitPattern: sign | 0x7FC0_0000) }
        // As for halves: the exponent, read as a float's, is 120 too small.
        let magnitude = Float(bitPattern: UInt32(bits & 0x7F) << 20) * 0x1p120
        return Float(bitPattern: sign | magnitude.bitPattern)
    }

    /// The nearest bfloat16 bit pattern, ties to even; NaN stays a (quiet) NaN.
    @inlinable
    public static func bfloat16(from value: Float) -> UInt16 {
        let bits = value.bitPattern
        if bits & 0x7FFF_FFFF > 0x7F80_0000 {
            return UInt16(truncatingIfNeeded: bits >> 16) | 0x40
        }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16) & 1) >> 16)
    }
}
