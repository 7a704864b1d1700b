/// Smooths the landmarks of a drawn face over time, each by a filter of its own; `PersonTracker` does it for whole persons.
///
/// Pure and without a clock: the time of every frame is handed in.
public struct LandmarkSmoother: Sendable {
    private var filters: [OneEuroFilter]

    public init(_ settings: OneEuroFilter.Settings = .init()) {
        filters = [OneEuroFilter](repeating: OneEuroFilter(settings), count: LandmarkSet.count)
    }

    /// The frame with every point that is seen (visibility above 0) smoothed; one that is not is left as it is and begins anew when it is seen.
    ///
    /// - Parameter seconds: of the frame; one that is not later than the last repeats its places
    public mutating func callAsFunction(_ frame: LandmarkFrame, at seconds: Double) -> LandmarkFrame {
        var points = frame.points
        for index in points.indices {
            guard points[index].visibility > 0 else {
                filters[index].reset()
                continue
            }
            let smooth = filters[index](SIMD2(Double(points[index].x), Double(points[index].y)), at: seconds)
            (points[index].x, points[index].y) = (Float(smooth.x), Float(smooth.y))
        }
        return LandmarkFrame(points: points)
    }
}
