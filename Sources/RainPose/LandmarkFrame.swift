import RainNumbers

/// Where one landmark lies.
public struct LandmarkPoint: Sendable, Equatable {
    /// 0 at the left edge of the picture, 1 at its right edge; may lie outside.
    public var x: Float
    /// 0 at the upper edge of the picture, 1 at its lower edge; may lie outside.
    public var y: Float
    /// How surely the point is seen, 0…1.
    public var visibility: Float

    public init(x: Float, y: Float, visibility: Float = 1) {
        self.x = x
        self.y = y
        self.visibility = visibility
    }
}

/// All landmarks of one picture, in the order of `LandmarkSet`.
public struct LandmarkFrame: Sendable, Equatable {
    /// `LandmarkSet.count` points.
    public private(set) var points: [LandmarkPoint]

    /// A frame of exactly `LandmarkSet.count` points in the order of `LandmarkSet`.
    public init(points: [LandmarkPoint]) {
        precondition(points.count == LandmarkSet.count, "a frame has \(LandmarkSet.count) landmarks, found \(points.count)")
        self.points = points
    }

    public subscript(landmark: Landmark) -> LandmarkPoint {
        get { points[landmark.rawValue] }
        set { points[landmark.rawValue] = newValue }
    }

    /// The same landmarks, all of them seen: a reference has shoulders also where its picture ends above them.
    public var allSeen: LandmarkFrame { LandmarkFrame(points: points.map { LandmarkPoint(x: $0.x, y: $0.y) }) }

    /// The median of every coordinate over some frames, so that a blink among them does not count; nil for none.
    public static func median(of frames: some Collection<LandmarkFrame>) -> LandmarkFrame? {
        guard !frames.isEmpty else { return nil }
        func middle(_ values: [Float]) -> Float { values.median ?? 0 }
        return LandmarkFrame(
            points: (0..<LandmarkSet.count).map { index in
                LandmarkPoint(
                    x: middle(frames.map { $0.points[index].x }), y: middle(frames.map { $0.points[index].y }),
                    visibility: middle(frames.map { $0.points[index].visibility }))
            })
    }
}

extension LandmarkFrame: TrackFrame {
    public static var version: Int { 1 }
    public static var names: [String] { LandmarkSet.names }
    public static func index(named name: String) -> Int? { LandmarkSet.landmark(named: name)?.rawValue }
    public init(landmarkPoints: [LandmarkPoint]) { self.init(points: landmarkPoints) }
    public var landmarkPoints: [LandmarkPoint] { points }
}
