/// All 134 points of one person in one picture.
public struct WholeBodyFrame: Sendable, Equatable {
    /// `WholeBody.count` points in the order of `WholeBody`; coordinates as fractions of the picture, like those of a `LandmarkPoint`.
    public private(set) var points: [Keypoint]

    /// A frame of exactly `WholeBody.count` points.
    public init(points: [Keypoint]) {
        precondition(points.count == WholeBody.count, "a whole body has \(WholeBody.count) points, found \(points.count)")
        self.points = points
    }

    /// A frame from points in pixels, in the order of `WholeBody`.
    ///
    /// - Throws: `LandmarkError` for another number of points
    public init(pixels: [Keypoint], width: Int, height: Int) throws(LandmarkError) {
        guard pixels.count == WholeBody.count else {
            throw LandmarkError(.count, "a whole body has \(WholeBody.count) points, found \(pixels.count)")
        }
        points = pixels.map { Keypoint(x: $0.x / Double(width), y: $0.y / Double(height), score: $0.score) }
    }

    public subscript(index: Int) -> Keypoint {
        get { points[index] }
        set { points[index] = newValue }
    }

    /// The 68 points of the face.
    public var face: [Keypoint] {
        get { Array(points[WholeBody.face]) }
        set {
            precondition(newValue.count == WholeBody.face.count, "a face has \(WholeBody.face.count) points, found \(newValue.count)")
            points.replaceSubrange(WholeBody.face, with: newValue)
        }
    }

    /// What scores less is taken for not seen.
    public static let leastScore = 0.3

    /// The points of a part for a drawing: (−1, −1) where they were not seen.
    public func drawable(_ part: Range<Int>) -> [SIMD2<Double>] {
        points[part].map { $0.score < Self.leastScore ? SIMD2(-1, -1) : $0.location }
    }
}

extension Keypoint {
    public var location: SIMD2<Double> {
        get { SIMD2(x, y) }
        set { (x, y) = (newValue.x, newValue.y) }
    }
}
