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

extension WholeBodyFrame: TrackFrame {
    public static var version: Int { 2 }
    public static var names: [String] { WholeBody.names }
    public static func index(named name: String) -> Int? { WholeBody.index(named: name) }

    public init(landmarkPoints: [LandmarkPoint]) {
        self.init(points: landmarkPoints.map { Keypoint(x: Double($0.x), y: Double($0.y), score: Double($0.visibility)) })
    }

    /// Scores above 1 count as 1; points too far away for a file, or nowhere, as not seen.
    public var landmarkPoints: [LandmarkPoint] {
        points.map { point in
            let limit = Track<Self>.farthest
            guard abs(point.x) <= limit, abs(point.y) <= limit, point.score > 0 else { return LandmarkPoint(x: 0, y: 0, visibility: 0) }
            return LandmarkPoint(x: Float(point.x), y: Float(point.y), visibility: Float(min(point.score, 1)))
        }
    }
}
