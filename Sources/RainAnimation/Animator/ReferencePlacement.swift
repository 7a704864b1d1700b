public import RainPictures
public import RainPose

/// Where in a picture the square lies that becomes a reference picture: whole pixels, perhaps beyond the picture's edges, which then go on.
///
/// Its middle lies within the picture, and its side is at most four times the picture's longer side.
public struct ReferencePlacement: Sendable, Hashable {
    /// Width and height of the picture, in pixels.
    public let width: Int
    public let height: Int
    /// The square's first column in pixels; may be negative.
    public let left: Int
    /// The square's first row in pixels; may be negative.
    public let top: Int
    /// Width and height of the square in pixels, at least 1.
    public let side: Int

    /// The side of a square that follows from a face is at least as many pixels.
    public static let leastSide = 8
    /// The side of a square in the longer side of the picture, at most.
    public static let largestShare = 4.0

    /// The largest square in the middle of a picture.
    public init(width: Int, height: Int) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        (self.width, self.height) = (width, height)
        side = min(width, height)
        (left, top) = ((width - side) / 2, (height - side) / 2)
    }

    /// A square in pixels, brought to whole ones.
    ///
    /// - Parameters:
    ///   - left: its left edge; what hangs over an edge of the picture by no more than a pixel is moved inside
    ///   - top: its upper edge
    ///   - side: its width and height
    /// - Returns: nil for a square whose middle lies outside the picture, which has no pixel, or which is far larger than the picture
    public init?(left: Double, top: Double, side: Double, width: Int, height: Int) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        // Written so that NaN fails.
        guard side >= 1, side <= Self.largestShare * Double(max(width, height)) + 1,
            left + side / 2 >= 0, left + side / 2 <= Double(width), top + side / 2 >= 0, top + side / 2 <= Double(height)
        else { return nil }
        let count = Int(side.rounded())
        /// Rounding must not leave an edge of nothing.
        func inside(_ start: Double, _ extent: Int) -> Int {
            let first = Int(start.rounded())
            guard count <= extent, first >= -1, first + count <= extent + 1 else { return first }
            return min(max(first, 0), extent - count)
        }
        (self.width, self.height, self.side) = (width, height, count)
        (self.left, self.top) = (inside(left, width), inside(top, height))
    }

    /// The square in which a face lies as nearly as possible where `LandmarkFrame.neutral` has it, by least squares over points that do not
    /// move in a face, shifted and scaled but not turned.
    ///
    /// A face that lies on its side or upside down gets a square of the size that it would have upright. Of landmarks that say nothing
    /// (too few of them seen or finite, a face of a few pixels, or outside the picture) it is the largest square in the middle.
    ///
    /// - Parameter face: in fractions of the picture; points of visibility below 0.3 do not count
    public init(face: LandmarkFrame, width: Int, height: Int) {
        self = Self.fitted(face, width, height) ?? Self(width: width, height: height)
    }

    /// Points that do not move in a face.
    private static let stable: [Landmark] = [
        .faceOutline0, .faceOutline1, .faceOutline2, .faceOutline3, .faceOutline4, .faceOutline5, .faceOutline6, .leftEyeOuter,
        .leftEyeInner, .rightEyeInner, .rightEyeOuter, .noseTip, .mouthLeft, .mouthRight,
    ]

    private static func fitted(_ face: LandmarkFrame, _ width: Int, _ height: Int) -> Self? {
        let seen = stable.filter { landmark in
            let point = face[landmark]
            // Written so that NaN fails.
            return point.visibility >= Float(WholeBodyFrame.leastScore) && abs(point.x) <= 4 && abs(point.y) <= 4
        }
        guard seen.count >= 6 else { return nil }
        let places = seen.map { SIMD2(Double(face[$0].x) * Double(width), Double(face[$0].y) * Double(height)) }
        let wanted = seen.map { SIMD2(Double(LandmarkFrame.neutral[$0].x), Double(LandmarkFrame.neutral[$0].y)) }
        let count = Double(seen.count)
        let (place, want) = (places.reduce(.zero, +) / count, wanted.reduce(.zero, +) / count)
        var (product, square, spread) = (0.0, 0.0, 0.0)
        for (p, n) in zip(places, wanted) {
            let (u, v) = (p - place, n - want)
            product += (u * v).sum()
            square += (v * v).sum()
            spread += (u * u).sum()
        }
        let upright = (spread / square).squareRoot()
        // Written so that NaN fails.
        guard upright >= Double(leastSide) / 2 else { return nil }
        let fit = product / square
        let longer = largestShare * Double(max(width, height))
        let side = min(max(fit > upright / 2 ? fit : upright, Double(leastSide)), longer.rounded(.down))
        let corner = place - want * side
        return Self(left: corner.x, top: corner.y, side: side, width: width, height: height)
    }

    /// Landmarks of the picture as fractions of the square. Visibilities stay.
    ///
    /// - Parameter face: in fractions of the picture
    public func landmarks(_ face: LandmarkFrame) -> LandmarkFrame {
        LandmarkFrame(
            points: face.points.map { point in
                LandmarkPoint(
                    x: Float((Double(point.x) * Double(width) - Double(left)) / Double(side)),
                    y: Float((Double(point.y) * Double(height) - Double(top)) / Double(side)), visibility: point.visibility)
            })
    }

    /// Landmarks of the square as fractions of the picture: the way back.
    public func unplaced(_ face: LandmarkFrame) -> LandmarkFrame {
        LandmarkFrame(
            points: face.points.map { point in
                LandmarkPoint(
                    x: Float((Double(point.x) * Double(side) + Double(left)) / Double(width)),
                    y: Float((Double(point.y) * Double(side) + Double(top)) / Double(height)), visibility: point.visibility)
            })
    }

    /// The square; where it reaches outside the picture, the picture's edges go on: a body that is cut off below, a plain background.
    ///
    /// - Parameters:
    ///   - picture: of this placement's width and height
    ///   - largest: the most pixels a side; a larger square is made so small
    public func picture(_ picture: Picture, largest: Int = 4096) -> Picture {
        precondition(picture.width == width && picture.height == height, "the placement is of a picture of \(width)×\(height) pixels")
        precondition(largest > 0, "a picture has at least one pixel")
        guard side > largest else { return picture.partBeyondEdges(left: left, top: top, side: side) }
        // First what there is of the picture is made small, so that a square far larger than it takes no room.
        let (columns, rows) = (max(left, 0)..<min(left + side, width), max(top, 0)..<min(top + side, height))
        let scale = Double(largest) / Double(side)
        func pixels(_ count: Int) -> Int { max(1, Int((Double(count) * scale).rounded())) }
        func shifted(_ start: Int) -> Int { Int((Double(start) * scale).rounded()) }
        let small = picture.part(left: columns.lowerBound, top: rows.lowerBound, width: columns.count, height: rows.count)
            .resized(width: pixels(columns.count), height: pixels(rows.count))
        return small.partBeyondEdges(left: shifted(left - columns.lowerBound), top: shifted(top - rows.lowerBound), side: largest)
    }
}
