import RainPictures

/// The colours behind a character: a parabola from top to bottom, per channel, fitted to a picture's edges.
///
/// Characters are drawn before one colour or two that run into each other; what a model makes of them is a little off, and differently so
/// at every height. Where the character itself reaches an edge, its colours lie far from the others and are left out.
struct BackgroundFit: Sendable, Hashable {
    typealias Color = SIMD3<Float>

    /// Of 1, y and y², with y from 0 to 1.
    private var terms: (Color, Color, Color)
    /// The share of the edges that it explains.
    let share: Double

    static func == (a: Self, b: Self) -> Bool { a.terms == b.terms && a.share == b.share }
    func hash(into hasher: inout Hasher) {
        hasher.combine(terms.0)
        hasher.combine(terms.1)
        hasher.combine(terms.2)
    }

    /// Colours farther apart than this are not the same background.
    private static let near: Float = 15

    subscript(row: Float) -> Color { terms.0 + row * (terms.1 + row * terms.2) }

    /// - Parameter start: from where to look; `nil` to begin with the colour that lies in the middle of all
    init(_ picture: Picture, from start: BackgroundFit? = nil) {
        let samples = Self.edges(of: picture)
        var (terms, reach) =
            start.map { ($0.terms, 30 as Float) } ?? ((Self.middle(samples.map(\.color)), Color.zero, Color.zero), 60)
        func distance(_ sample: (row: Float, color: Color)) -> Float {
            Self.length(sample.color - (terms.0 + sample.row * (terms.1 + sample.row * terms.2)))
        }
        for _ in 0..<6 {
            let inside = samples.filter { distance($0) < reach }
            guard inside.count >= 20, let fitted = Self.leastSquares(inside) else { break }
            terms = fitted
            reach = max(Self.near, reach * 0.7)
        }
        self.terms = terms
        share = Double(samples.count { distance($0) < Self.near }) / Double(max(1, samples.count))
    }

    /// The upper edge and most of the sides, with the row of each from 0 to 1.
    private static func edges(of picture: Picture) -> [(row: Float, color: Color)] {
        let (width, height) = (picture.width, picture.height)
        var samples: [(row: Float, color: Color)] = []
        func add(_ x: Int, _ y: Int) {
            let at = (y * width + x) * 3
            samples.append(
                (
                    Float(y) / Float(max(1, height - 1)),
                    Color(Float(picture.bytes[at]), Float(picture.bytes[at + 1]), Float(picture.bytes[at + 2]))
                ))
        }
        for y in 0..<height {
            let depth = Float(y) < 0.7 * Float(height) ? 3 : 2
            for x in 0..<width where x < depth || x >= width - depth || y < 3 { add(x, y) }
        }
        return samples
    }

    /// The median of each channel.
    private static func middle(_ colors: [Color]) -> Color {
        var result = Color.zero
        for channel in 0..<3 { result[channel] = colors.map { $0[channel] }.sorted()[colors.count / 2] }
        return result
    }

    static func length(_ color: Color) -> Float { (color * color).sum().squareRoot() }

    /// - Returns: `nil` where all samples lie in too few rows
    private static func leastSquares(_ samples: [(row: Float, color: Color)]) -> (Color, Color, Color)? {
        var moments = [Double](repeating: 0, count: 5)
        var sums = [SIMD3<Double>](repeating: .zero, count: 3)
        for (row, color) in samples {
            var power = 1.0
            for order in 0..<5 {
                moments[order] += power
                if order < 3 { sums[order] += power * SIMD3<Double>(color) }
                power *= Double(row)
            }
        }
        // Cramer's rule for the matrix of moments.
        let m = moments
        let minors = [
            m[2] * m[4] - m[3] * m[3], m[1] * m[4] - m[2] * m[3], m[1] * m[3] - m[2] * m[2], m[0] * m[4] - m[2] * m[2],
            m[0] * m[3] - m[1] * m[2], m[0] * m[2] - m[1] * m[1],
        ]
        let determinant = m[0] * minors[0] - m[1] * minors[1] + m[2] * minors[2]
        guard determinant > 1e-6 * m[0] * m[0] * m[0] else { return nil }
        let a = (minors[0] * sums[0] - minors[1] * sums[1] + minors[2] * sums[2]) / determinant
        let b = (-minors[1] * sums[0] + minors[3] * sums[1] - minors[4] * sums[2]) / determinant
        let c = (minors[2] * sums[0] - minors[4] * sums[1] + minors[5] * sums[2]) / determinant
        return (Color(a), Color(b), Color(c))
    }
}
