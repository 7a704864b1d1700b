/// Colours that are known in places, spread over all others: those near where they are near, means of wider parts farther away.
///
/// Push and pull (Gortler et al., The Lumigraph, 1996): weighted means of 2×2 blocks up to the whole, then down again, each level
/// filling what its own pixels do not know from the coarser one.
struct SpreadColors {
    /// `[size, size, 3]`.
    let colors: [Float]

    /// How much of a coarse block must be known for its own mean to stand.
    private static let enough: Float = 0.25

    /// - Parameters:
    ///   - colors: `[size, size, 3]`
    ///   - weights: how far each pixel is known, 0…1, `[size, size]`
    init(_ colors: [Float], _ weights: [Float], size: Int) {
        var levels = [Level(size: size, colors, weights)]
        while levels[levels.count - 1].size > 1 { levels.append(levels[levels.count - 1].halved()) }
        let top = levels[levels.count - 1].values[0]
        var filled = [top.w > 0 ? top / top.w : SIMD4(repeating: 0.5)]
        for index in (0..<(levels.count - 1)).reversed() {
            filled = levels[index].filled(from: filled, size: levels[index + 1].size, enough: index == 0 ? 1 : Self.enough)
        }
        self.colors = filled.flatMap { [$0.x, $0.y, $0.z] }
    }

    /// Colours times weights, and weights.
    private struct Level {
        let size: Int
        var values: [SIMD4<Float>]

        init(size: Int, _ colors: [Float], _ weights: [Float]) {
            self.size = size
            values = weights.indices.map { pixel in
                SIMD4(colors[pixel * 3], colors[pixel * 3 + 1], colors[pixel * 3 + 2], 1) * weights[pixel]
            }
        }

        private init(size: Int, values: [SIMD4<Float>]) { (self.size, self.values) = (size, values) }

        func halved() -> Level {
            let half = (size + 1) / 2
            var result = [SIMD4<Float>](repeating: .zero, count: half * half)
            for row in 0..<half {
                for column in 0..<half {
                    let (below, right) = (min(2 * row + 1, size - 1), min(2 * column + 1, size - 1))
                    let upper = values[2 * row * size + 2 * column] + values[2 * row * size + right]
                    result[row * half + column] = (upper + values[below * size + 2 * column] + values[below * size + right]) / 4
                }
            }
            return Level(size: half, values: result)
        }

        /// Own colours where enough is known, the coarser level's, between its pixels, elsewhere.
        func filled(from coarse: [SIMD4<Float>], size half: Int, enough: Float) -> [SIMD4<Float>] {
            func between(_ index: Int) -> (Int, Int, Float) {
                let place = min(max((Float(index) + 0.5) / 2 - 0.5, 0), Float(half - 1))
                let first = Int(place)
                return (first, min(first + 1, half - 1), place - Float(first))
            }
            var result = values
            for row in 0..<size {
                let (top, bottom, v) = between(row)
                for column in 0..<size {
                    let own = values[row * size + column]
                    let share = min(own.w / enough, 1)
                    guard share < 1 else {
                        result[row * size + column] = own / own.w
                        continue
                    }
                    let (left, right, h) = between(column)
                    let above = coarse[top * half + left] * (1 - h) + coarse[top * half + right] * h
                    let below = coarse[bottom * half + left] * (1 - h) + coarse[bottom * half + right] * h
                    let far = above * (1 - v) + below * v
                    result[row * size + column] = share > 0 ? own / own.w * share + far * (1 - share) : far
                }
            }
            return result
        }
    }
}
