import RainCheckpoints
import Testing

@Suite struct HalfPrecisionTests {
    @Test func everyFloat16PatternWidensExactly() {
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let found = HalfPrecision.float(fromFloat16: bits)
            if expected.isNaN {
                #expect(found.isNaN)
            } else if found.bitPattern != expected.bitPattern {
                Issue.record("pattern \(bits): expected \(expected), found \(found)")
            }
        }
    }

    /// The two patterns nearest to every boundary between two halves: the midpoint, and its neighbours on both sides.
    @Test func narrowingRoundsToNearestEven() {
        for bits in UInt16(0)..<0x7C00 {
            let low = Float(Float16(bitPattern: bits))
            let high = bits == 0x7BFF ? 65536 : Float(Float16(bitPattern: bits + 1))
            let middle = (low + high) / 2
            for value in [low, middle.nextDown, middle, middle.nextUp] {
                for signed in [value, -value] {
                    let expected = Float16(signed).bitPattern
                    let found = HalfPrecision.float16(from: signed)
                    if expected != found { Issue.record("\(signed): expected \(expected), found \(found)") }
                }
            }
        }
    }

    @Test(
        arguments: [
            (Float.infinity, UInt16(0x7C00)), (-.infinity, 0xFC00), (65520, 0x7C00), (65519.996, 0x7BFF),
            (.greatestFiniteMagnitude, 0x7C00),
            (.leastNonzeroMagnitude, 0), (-0.0, 0x8000), (0x1p-24, 1), (0x1p-25, 0), (0x1.000002p-25, 1),
        ] as [(Float, UInt16)])
    func edgesOfFloat16(value: Float, bits: UInt16) {
        #expect(HalfPrecision.float16(from: value) == bits)
    }

    @Test(
        arguments: [
            (Float(1), UInt16(0x3F80)), (.infinity, 0x7F80), (-.infinity, 0xFF80), (.greatestFiniteMagnitude, 0x7F80), (-0.0, 0x8000),
            (Float(bitPattern: 0x3F80_8000), 0x3F80), (Float(bitPattern: 0x3F81_8000), 0x3F82), (Float(bitPattern: 0x3F80_8001), 0x3F81),
            (Float(bitPattern: 0x3F80_7FFF), 0x3F80),
        ] as [(Float, UInt16)])
    func edgesOfBFloat16(value: Float, bits: UInt16) {
        #expect(HalfPrecision.bfloat16(from: value) == bits)
    }

    @Test(arguments: [Float.nan, -.nan, .signalingNaN, Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF)])
    func notANumberStaysSo(value: Float) {
        #expect(HalfPrecision.float(fromFloat16: HalfPrecision.float16(from: value)).isNaN)
        #expect(HalfPrecision.float(fromBFloat16: HalfPrecision.bfloat16(from: value)).isNaN)
    }
}
