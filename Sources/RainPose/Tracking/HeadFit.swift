/// How a head moved as a whole from its neutral face to a frame, seen by a camera that is far away for its size (weak perspective).
///
/// A rigid head that turns by R, grows by s and shifts by t takes a point (x, y, z) to `s·(R (x, y, z))₁₂ + t`. So over all points that do not
/// move in a face, `d = B r + w·z + c` is fitted by weighted least squares, with r the neutral face, d the frame, and depths z that are
/// those of any head. The upper left 2×2 block of a rotation has the singular values 1 and |R₃₃|; hence the largest singular value of B is
/// the head's scale, however it is turned.
public struct HeadFit: Sendable, Equatable {
    /// The first column of B: where a step to the right in the neutral face goes. No unit.
    public let right: SIMD2<Double>
    /// The second column of B: where a step down goes. No unit.
    public let down: SIMD2<Double>
    /// w: where what lies nearer to the camera by half a head's width goes, in half head widths.
    public let depth: SIMD2<Double>
    /// c: where the neutral face's centre goes, in fractions of the picture.
    public let shift: SIMD2<Double>

    /// The neutral face's centre, which `shift` moves, in fractions of the picture.
    private let center: SIMD2<Double>
    /// Half the neutral head's width in fractions of the picture.
    private let unit: Double

    /// Where a place of the neutral face goes, in fractions of the picture.
    ///
    /// - Parameter nearness: to the camera, in half head widths, as the fit's depths are
    public func callAsFunction(_ point: SIMD2<Double>, nearness: Double) -> SIMD2<Double> {
        let from = point - center
        return right * from.x + down * from.y + depth * (nearness * unit) + shift
    }

    /// How many times as large the head is as in the neutral face; does not change when it only turns. Above 0.
    public var scale: Double {
        let squares = (right * right + down * down).sum()
        let determinant = right.x * down.y - right.y * down.x
        let root = max(squares * squares - 4 * determinant * determinant, 0).squareRoot()
        return ((squares + root) / 2).squareRoot()
    }

    /// Whose head it is: how near to the camera the points of a face lie.
    public enum Depths: Sendable {
        /// Of the classic procedural world's flat faces.
        case drawn
        /// Of the wide procedural world's faces, whose features lie flatter, as most drawings'.
        case wide
        /// Of people: means over faces of MediaPipe's mesh, from the temples on.
        case human
    }

    /// Points that do not move in a face, or their means: how near to the camera they lie, in half head widths, and how much they count.
    ///
    /// The chin is left out, which goes down with the jaw.
    private static let points: [(landmarks: [Landmark], depths: (drawn: Double, wide: Double, human: Double), weight: Double)] = [
        ([.faceOutline0], (0.25, 0.25, 0), 1), ([.faceOutline1], (0.25, 0.25, 0.07), 1), ([.faceOutline2], (0.25, 0.25, 0.62), 1),
        ([.faceOutline4], (0.25, 0.25, 0.62), 1), ([.faceOutline5], (0.25, 0.25, 0.07), 1), ([.faceOutline6], (0.25, 0.25, 0), 1),
        ([.leftEyeOuter], (0.77, 0.69, 0.72), 1.5), ([.leftEyeInner], (0.77, 0.69, 0.81), 1.5),
        ([.rightEyeInner], (0.77, 0.69, 0.81), 1.5), ([.rightEyeOuter], (0.77, 0.69, 0.72), 1.5),
        ([.noseTip], (0.97, 0.81, 1.44), 1), ([.mouthLeft, .mouthRight], (0.82, 0.66, 0.95), 1),
    ]

    /// Of how many points a fit is made at least.
    private static let fewest = 8
    /// Holds B near the identity and w near 0 in directions of which the points say nothing.
    private static let ridge = 1e-3

    /// - Parameters:
    ///   - neutral: the face from which moves are measured
    ///   - frame: the face now; points of visibility below 0.3 in either do not count
    ///   - depths: of the head
    /// - Returns: nil where the points say nothing: too few are seen, they are not finite, or either face has no extent
    public init?(from neutral: LandmarkFrame, to frame: LandmarkFrame, depths: Depths = .drawn) {
        func place(_ landmarks: [Landmark], _ frame: LandmarkFrame) -> SIMD2<Double>? {
            let points = landmarks.map { frame[$0] }
            guard points.allSatisfy({ Double($0.visibility) >= WholeBodyFrame.leastScore }) else { return nil }
            let mean = points.reduce(SIMD2<Double>.zero) { $0 + SIMD2(Double($1.x), Double($1.y)) } / Double(points.count)
            return mean.x.isFinite && mean.y.isFinite ? mean : nil
        }
        let (first, last) = (neutral[.faceOutline0], neutral[.faceOutline6])
        let across = SIMD2(Double(last.x) - Double(first.x), Double(last.y) - Double(first.y))
        unit = (across * across).sum().squareRoot() / 2
        guard unit.isFinite, unit > 1e-4 else { return nil }
        var pairs: [(row: SIMD4<Double>, at: SIMD2<Double>, weight: Double)] = []
        for point in Self.points {
            guard let from = place(point.landmarks, neutral), let to = place(point.landmarks, frame) else { continue }
            let depth =
                switch depths {
                case .drawn: point.depths.drawn
                case .wide: point.depths.wide
                case .human: point.depths.human
                }
            pairs.append((SIMD4(from.x, from.y, depth, 1), to, point.weight))
        }
        guard pairs.count >= Self.fewest else { return nil }
        // In half head widths around the means, so that the ridge means the same everywhere.
        let total = pairs.reduce(0) { $0 + $1.weight }
        let (from, to) = pairs.reduce((SIMD4<Double>.zero, SIMD2<Double>.zero)) { ($0.0 + $1.row * $1.weight, $0.1 + $1.at * $1.weight) }
        let place = to / total
        center = SIMD2(from.x, from.y) / total
        var matrix = [SIMD4(Self.ridge, 0, 0, 0), SIMD4(0, Self.ridge, 0, 0), SIMD4(0, 0, Self.ridge, 0), SIMD4<Double>.zero]
        var (x, y) = (SIMD4(Self.ridge, 0, 0, 0), SIMD4(0, Self.ridge, 0, 0))
        for pair in pairs {
            let row = SIMD4((pair.row.x - center.x) / unit, (pair.row.y - center.y) / unit, pair.row.z, 1)
            let at = (pair.at - place) / unit
            for index in 0..<4 { matrix[index] += row * (row[index] * pair.weight) }
            x += row * (at.x * pair.weight)
            y += row * (at.y * pair.weight)
        }
        guard let (x, y) = Self.solve(matrix, x, y) else { return nil }
        (right, down) = (SIMD2(x[0], y[0]), SIMD2(x[1], y[1]))
        depth = SIMD2(x[2], y[2])
        shift = place + SIMD2(x[3], y[3]) * unit
        guard scale.isFinite, scale > 1e-3 else { return nil }
    }

    /// Solves a symmetric, positive definite system for two right sides by elimination; nil where it is singular or not finite.
    private static func solve(
        _ matrix: [SIMD4<Double>], _ x: SIMD4<Double>, _ y: SIMD4<Double>
    ) -> (SIMD4<Double>, SIMD4<Double>)? {
        var (matrix, x, y) = (matrix, x, y)
        for column in 0..<4 {
            let pivot = matrix[column][column]
            guard pivot.isFinite, pivot > 1e-9 else { return nil }
            for row in 0..<4 where row != column {
                let factor = matrix[row][column] / pivot
                matrix[row] -= matrix[column] * factor
                x[row] -= x[column] * factor
                y[row] -= y[column] * factor
            }
        }
        for row in 0..<4 { (x[row], y[row]) = (x[row] / matrix[row][row], y[row] / matrix[row][row]) }
        let isFinite = (0..<4).allSatisfy { x[$0].isFinite && y[$0].isFinite }
        return isFinite ? (x, y) : nil
    }
}
