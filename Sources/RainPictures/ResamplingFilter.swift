import Foundation

/// How pixels are weighed when a picture changes its size; the same filters, to the last bit, as Pillow's.
public enum ResamplingFilter: String, Sendable, CaseIterable {
    /// A triangle.
    case bilinear
    /// Keys' cubic with a = -0.5 (IEEE Transactions on Acoustics, Speech and Signal Processing 29, 1981).
    case bicubic
    /// A windowed sinc of three lobes.
    case lanczos

    /// Beyond this distance, in pixels, the filter is zero.
    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    func callAsFunction(_ x: Double) -> Double {
        let distance = abs(x)
        switch self {
        case .bilinear:
            return distance < 1 ? 1 - distance : 0
        case .bicubic:
            let a = -0.5
            if distance < 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
            return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0
        case .lanczos:
            return x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// For every pixel of one axis of the result, which pixels of the source count how much.
///
/// Shrinking widens the filter, so that nothing is skipped. Weights are integers of 22 fractional bits.
struct ResampledAxis {
    private struct Tap {
        let first: Int
        let weights: Range<Int>
    }

    private var taps: [Tap] = []
    private var weights: [Int32] = []
    /// Whether the axis stays as it is.
    let isIdentity: Bool

    /// Pixels of the result.
    var count: Int { taps.count }

    /// - Parameters:
    ///   - source: pixels of the source
    ///   - kept: the part of the source that becomes the result; may begin and end between pixels
    ///   - target: pixels of the result
    init(source: Int, kept: Range<Double>? = nil, target: Int, filter: ResamplingFilter) {
        precondition(source > 0 && target > 0, "a picture has at least one pixel")
        let kept = kept ?? 0..<Double(source)
        isIdentity = source == target && kept == 0..<Double(source)
        taps.reserveCapacity(target)
        let scale = (kept.upperBound - kept.lowerBound) / Double(target)
        let widening = max(scale, 1)
        let reach = filter.support * widening
        var values: [Double] = []
        for index in 0..<target {
            let center = kept.lowerBound + (Double(index) + 0.5) * scale
            let first = max(0, Int(center - reach + 0.5))
            let end = max(first, min(source, Int(center + reach + 0.5)))
            values.removeAll(keepingCapacity: true)
            var total = 0.0
            for pixel in first..<end {
                let value = filter((Double(pixel) - center + 0.5) * (1 / widening))
                values.append(value)
                total += value
            }
            let start = weights.count
            for value in values {
                let share = total == 0 ? value : value / total
                weights.append(Int32(share * Double(1 << Self.bits) + (share < 0 ? -0.5 : 0.5)))
            }
            taps.append(Tap(first: first, weights: start..<weights.count))
        }
    }

    private static let bits = 22

    /// Applies the filter along lines of the source.
    ///
    /// - Parameters:
    ///   - lines: how many there are
    ///   - step: bytes from one pixel of a line to the next
    ///   - place: of a line's first byte in source and result
    func apply(_ source: [UInt8], into result: inout [UInt8], lines: Int, step: Int, place: (Int) -> (source: Int, result: Int)) {
        for line in 0..<lines {
            let (from, to) = place(line)
            for (index, tap) in taps.enumerated() {
                var sum = Int32(1) << (Self.bits - 1)
                var at = from + tap.first * step
                for weight in weights[tap.weights] {
                    // Weights add up to one, so that nothing overflows; wrapping saves the check.
                    sum &+= Int32(source[at]) &* weight
                    at += step
                }
                result[to + index * step] = UInt8(clamping: sum >> Self.bits)
            }
        }
    }
}
