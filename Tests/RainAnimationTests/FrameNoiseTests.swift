import Testing

@testable import RainAnimation

@Suite struct FrameNoiseTests {
    @Test("The generator's published test vectors")
    func vectors() {
        #expect(
            FrameNoise.words(key: [0, 0], counter: [0, 0, 0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        #expect(
            FrameNoise.words(key: [0xffff_ffff, 0xffff_ffff], counter: [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff])
                == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        #expect(
            FrameNoise.words(key: [0xa409_3822, 0x299f_31d0], counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344])
                == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    @Test("Normal, and a function of seed, frame and draw alone")
    func normal() {
        func noise(seed: UInt64 = 7, frame: Int = 3, draw: Int = 1, count: Int = 20_000, offset: Int = 0) -> [Float] {
            var buffer = [Float](repeating: 9, count: count + offset)
            FrameNoise(seed: seed).fill(&buffer, offset..<(offset + count), frame: frame, draw: draw)
            return Array(buffer[offset...])
        }
        let values = noise()
        let mean = values.reduce(0, +) / Float(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
        #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
        #expect(values.allSatisfy { abs($0) < 6 })
        #expect(values.contains { abs($0) > 3 })
        #expect(noise(offset: 5) == values)
        #expect(Array(values[..<10]) == noise(count: 10))
        #expect(noise(seed: 8) != values)
        #expect(noise(frame: 4) != values)
        #expect(noise(draw: 2) != values)
    }
}
