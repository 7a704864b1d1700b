import RainNumbers
import RainPictures

/// Tiles of black and white veils that repeat without seams; made once, the same in every process.
enum Texture {
    /// Soft clouds with darker rims, as wet paint dries.
    static let blotch = tile(seed: 11, octaves: [(3, 1), (6, 0.6), (12, 0.35), (24, 0.2)], stretch: 1) { value in
        let rim = max(0, 1 - abs(value - 0.56) * 14) * 0.35
        return (value - 0.5) * 1.7 - rim
    }
    /// Streaks of a brush from left to right.
    static let bristle = tile(seed: 12, octaves: [(4, 0.9), (8, 1), (32, 0.5)], stretch: 4) { ($0 - 0.5) * 2 }
    /// The tooth of paper.
    static let grain = tile(seed: 13, octaves: [(32, 1), (64, 1)], stretch: 1) { ($0 - 0.5) * 2.2 }
    /// Everything at once, as in photographs.
    static let clouds = tile(seed: 14, octaves: [(2, 1), (4, 0.7), (8, 0.5), (16, 0.35), (32, 0.25), (64, 0.2)], stretch: 1) {
        ($0 - 0.5) * 3
    }

    /// Upright pencil lines with the unevenness of a hand.
    static let hatch: LayerPicture = {
        var layer = LayerPicture(width: side, height: side)
        let wave = tile(seed: 15, octaves: [(2, 1), (4, 0.6)], stretch: 1) { ($0 - 0.5) * 2 }
        for y in 0..<side {
            for x in 0..<side {
                let at = (y * side + x) * 4
                let bend = Double(wave.bytes[at + 3]) / 255
                let across = Double(x % 16) + bend * 2.5
                let line = max(0, 1 - abs(across - 8) / 2.4)
                layer.bytes[at + 3] = UInt8(line * (0.7 + 0.3 * bend) * 255)
            }
        }
        return layer
    }()

    /// Dots as of coarse print.
    static let halftone: LayerPicture = {
        var layer = LayerPicture(width: side, height: side)
        for y in 0..<side {
            for x in 0..<side {
                let (u, v) = (Double(x % 16) - 7.5, Double(y % 16) - 7.5)
                let inside = min(max(4.6 - (u * u + v * v).squareRoot(), 0), 1)
                layer.bytes[(y * side + x) * 4 + 3] = UInt8(inside * 255)
            }
        }
        return layer
    }()

    private static let side = 128

    /// - Parameters:
    ///   - octaves: cells along a side, and weight
    ///   - stretch: how many times as long as high cells are
    ///   - veil: from noise in 0…1 to −1 (black) … 1 (white)
    private static func tile(
        seed: UInt64, octaves: [(cells: Int, weight: Double)], stretch: Int, veil: (Double) -> Double
    ) -> LayerPicture {
        var random = SplitMix64(seed: seed)
        var sums = [Double](repeating: 0, count: side * side)
        var weights = 0.0
        for (cells, weight) in octaves {
            let columns = max(1, cells / stretch)
            let lattice = (0..<(columns * cells)).map { _ in random.unit() }
            weights += weight
            for y in 0..<side {
                let v = Double(y) * Double(cells) / Double(side)
                let (row, fy) = (Int(v), smooth(v - v.rounded(.down)))
                for x in 0..<side {
                    let u = Double(x) * Double(columns) / Double(side)
                    let (column, fx) = (Int(u), smooth(u - u.rounded(.down)))
                    let (right, below) = ((column + 1) % columns, (row + 1) % cells)
                    let top = lattice[row * columns + column] * (1 - fx) + lattice[row * columns + right] * fx
                    let bottom = lattice[below * columns + column] * (1 - fx) + lattice[below * columns + right] * fx
                    sums[y * side + x] += (top * (1 - fy) + bottom * fy) * weight
                }
            }
        }
        var layer = LayerPicture(width: side, height: side)
        for (index, sum) in sums.enumerated() {
            let value = min(max(veil(sum / weights), -1), 1)
            let alpha = UInt8((abs(value) * 255).rounded())
            layer.bytes[index * 4 + 3] = alpha
            // White is premultiplied, black is nothing but alpha.
            if value > 0 { for channel in 0..<3 { layer.bytes[index * 4 + channel] = alpha } }
        }
        return layer
    }

    private static func smooth(_ t: Double) -> Double { t * t * (3 - 2 * t) }
}
