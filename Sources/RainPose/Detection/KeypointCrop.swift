public import RainPictures

/// The part of a picture that a keypoint network looks at: a box with some room around it, in the network's proportions.
///
/// - Source: top-down cropping of RTMPose (arXiv 2303.07399), as used by DWPose.
public struct KeypointCrop: Sendable {
    /// Middle of the box in pixels of the picture.
    public let center: SIMD2<Double>
    /// Size of the box with its padding, before it gets the network's proportions.
    public let paddedSize: SIMD2<Double>
    /// Width and height of what is looked at, in pixels of the picture.
    public let size: SIMD2<Double>
    /// Of the network's input.
    public let width: Int
    /// Of the network's input.
    public let height: Int

    /// How much larger than the box the crop is.
    public static let padding = 1.25
    /// Subtracted from each channel, red first, before it is divided by `deviation`.
    public static let mean = SIMD3<Float>(123.675, 116.28, 103.53)
    public static let deviation = SIMD3<Float>(58.395, 57.12, 57.375)

    /// - Parameters:
    ///   - box: in pixels of the picture; one without area is widened to a pixel
    ///   - width: of the network's input, at least 1
    ///   - height: of the network's input, at least 1
    ///   - padding: how much larger than the box the crop is
    public init(_ box: BoundingBox, width: Int = 288, height: Int = 384, padding: Double = padding) {
        precondition(width > 0 && height > 0, "a keypoint network's input has at least one pixel")
        self.width = width
        self.height = height
        center = SIMD2((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        paddedSize = SIMD2(max(box.width, 1), max(box.height, 1)) * padding
        let aspect = Double(width) / Double(height)
        size =
            paddedSize.x > paddedSize.y * aspect
            ? SIMD2(paddedSize.x, paddedSize.x / aspect) : SIMD2(paddedSize.y * aspect, paddedSize.y)
    }

    /// A crop of a known middle and size.
    package init(center: SIMD2<Double>, size: SIMD2<Double>, width: Int, height: Int) {
        precondition(width > 0 && height > 0, "a keypoint network's input has at least one pixel")
        self.center = center
        self.size = size
        self.width = width
        self.height = height
        paddedSize = size
    }

    /// The crop as the network's input: `[3, height, width]`, normalised, red first.
    public func tensor(of picture: Picture) -> [Float] {
        warped(picture).planes(mean: Self.mean, deviation: Self.deviation)
    }

    /// From pixels of the picture to pixels of the crop: x' = m₀ · (x, y, 1), y' = m₁ · (x, y, 1).
    ///
    /// Solved from three pairs of points rounded to Float32, as the networks' own pictures were cut.
    public var matrix: (SIMD3<Double>, SIMD3<Double>) {
        func rounded(_ point: SIMD2<Double>) -> SIMD2<Double> { SIMD2(Double(Float(point.x)), Double(Float(point.y))) }
        // Middle, the point above it at half a width, and that one turned a quarter around the former's end.
        func corners(_ middle: SIMD2<Double>, _ width: Double) -> [SIMD2<Double>] {
            let (first, second) = (rounded(middle), rounded(middle + SIMD2(0, width * -0.5)))
            let way = first - second
            return [first, second, rounded(second + SIMD2(-way.y, way.x))]
        }
        let from = corners(center, size.x)
        let to = corners(SIMD2(Double(width), Double(height)) * 0.5, Double(width))
        let rows = from.map { SIMD3($0.x, $0.y, 1) }
        return (Self.solve(rows, to.map(\.x)), Self.solve(rows, to.map(\.y)))
    }

    /// Solves three linear equations by elimination with row exchanges.
    private static func solve(_ rows: [SIMD3<Double>], _ right: [Double]) -> SIMD3<Double> {
        var (rows, right) = (rows, right)
        for column in 0..<3 {
            var best = column
            for row in column..<3 where abs(rows[row][column]) > abs(rows[best][column]) { best = row }
            rows.swapAt(column, best)
            right.swapAt(column, best)
            for row in column + 1..<3 {
                let factor = rows[row][column] / rows[column][column]
                rows[row] -= rows[column] * factor
                right[row] -= right[column] * factor
            }
        }
        var result = SIMD3<Double>.zero
        for row in [2, 1, 0] {
            var rest = right[row]
            for column in row + 1..<3 { rest -= rows[row][column] * result[column] }
            result[row] = rest / rows[row][row]
        }
        return result
    }

    /// The crop, cut with positions rounded to 1/32 pixel; black outside of the picture.
    ///
    /// The coarse positions are those of the pictures that the networks were trained on, and give the same bytes.
    public func warped(_ picture: Picture) -> Picture {
        let (row0, row1) = matrix
        // The inverse of the matrix: from pixels of the crop back to those of the picture.
        let determinant = 1 / (row0.x * row1.y - row0.y * row1.x)
        let back0 = SIMD2(row1.y * determinant, row0.y * -determinant)
        let back1 = SIMD2(row1.x * -determinant, row0.x * determinant)
        let origin0 = -back0.x * row0.z - back0.y * row1.z
        let origin1 = -back1.x * row0.z - back1.y * row1.z
        var result = Picture(width: width, height: height)
        for y in 0..<height {
            let startX = Self.fixed(back0.y * Double(y) + origin0)
            let startY = Self.fixed(back1.y * Double(y) + origin1)
            for x in 0..<width {
                // In 1/32 pixel.
                let sourceX = (startX + 16 + Self.fixed(back0.x * Double(x))) >> 5
                let sourceY = (startY + 16 + Self.fixed(back1.x * Double(x))) >> 5
                picture.sample(sourceX, sourceY, into: &result.bytes, at: (y * width + x) * 3)
            }
        }
        return result
    }

    /// In 1/1024 pixel, nearest, halves to even; positions beyond any picture stay beyond it.
    private static func fixed(_ value: Double) -> Int {
        let scaled = (value * 1024).rounded(.toNearestOrEven)
        return scaled.isFinite ? Int(min(max(scaled, -1e15), 1e15)) : Int(1e15)
    }

    /// A point of the crop where it lies in the picture.
    public func pictureLocation(_ point: SIMD2<Double>) -> SIMD2<Double> {
        point / SIMD2(Double(width), Double(height)) * size + center - size / 2
    }
}

extension Picture {
    /// Writes the colour at a position in 1/32 pixel, interpolated between its four neighbours; 0 outside.
    fileprivate func sample(_ x: Int, _ y: Int, into target: inout [UInt8], at offset: Int) {
        let (column, row) = (x >> 5, y >> 5)
        guard column >= -1, column < width, row >= -1, row < height else { return }
        let (right, below) = (x & 31, y & 31)
        for channel in 0..<3 {
            func value(_ row: Int, _ column: Int) -> Int {
                row >= 0 && row < height && column >= 0 && column < width ? Int(bytes[(row * width + column) * 3 + channel]) : 0
            }
            let above = value(row, column) * (32 - right) + value(row, column + 1) * right
            let under = value(row + 1, column) * (32 - right) + value(row + 1, column + 1) * right
            target[offset + channel] = UInt8((above * (32 - below) + under * below + 512) >> 10)
        }
    }
}
