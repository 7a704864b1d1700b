import Foundation

/// Gaussian noise that depends on nothing but a seed, the number of a frame and the number of a draw: a stream is the same however
/// its frames are grouped, whatever ran before and on any number of threads.
///
/// Philox-4×32 with 10 rounds (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, 2011), key the seed, counter
/// (block, draw, frame low, frame high); every block of four words gives four normals by Box and Muller's method.
public struct FrameNoise: Sendable {
    public let seed: UInt64

    public init(seed: UInt64) { self.seed = seed }

    /// The four words of one block.
    static func words(key: SIMD2<UInt32>, counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var (key, c) = (key, counter)
        for _ in 0..<10 {
            let a = 0xD251_1F53 * UInt64(c.x)
            let b = 0xCD9E_8D57 * UInt64(c.z)
            c = SIMD4(
                UInt32(truncatingIfNeeded: b >> 32) ^ c.y ^ key.x, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c.w ^ key.y, UInt32(truncatingIfNeeded: a))
            key = SIMD2(key.x &+ 0x9E37_79B9, key.y &+ 0xBB67_AE85)
        }
        return c
    }

    /// Standard normal numbers for a stretch of a buffer.
    ///
    /// - Parameters:
    ///   - frame: number of the frame in the stream, at least 0
    ///   - draw: 0 for the noise a frame starts from, `n` for the noise added after its `n`-th denoising step
    public func fill(_ buffer: inout [Float], _ range: Range<Int>, frame: Int, draw: Int) {
        let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        var index = range.lowerBound
        var block: UInt32 = 0
        while index < range.upperBound {
            let words = Self.words(
                key: key,
                counter: SIMD4(
                    block, UInt32(truncatingIfNeeded: draw), UInt32(truncatingIfNeeded: frame), UInt32(truncatingIfNeeded: frame >> 32)))
            let normals = Self.normals(words)
            for lane in 0..<min(4, range.upperBound - index) { buffer[index + lane] = normals[lane] }
            index += 4
            block += 1
        }
    }

    private static func normals(_ words: SIMD4<UInt32>) -> SIMD4<Float> {
        // In (0, 1], so that the logarithm is finite; exactly representable.
        func open(_ word: UInt32) -> Float { (Float(word >> 8) + 1) * 0x1p-24 }
        func turn(_ word: UInt32) -> Float { Float(word >> 8) * (2 * .pi * 0x1p-24) }
        let (r0, r1) = ((-2 * log(open(words.x))).squareRoot(), (-2 * log(open(words.z))).squareRoot())
        let (a0, a1) = (turn(words.y), turn(words.w))
        return SIMD4(r0 * cos(a0), r0 * sin(a0), r1 * cos(a1), r1 * sin(a1))
    }
}
