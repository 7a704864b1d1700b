/// The two-vector form in which keypoint networks say where a point is: a score for every half pixel across, and down.
///
/// - Source: SimCC, arXiv 2107.03332, section 3.
public enum SimCC {
    /// Bins a pixel of the network's input.
    public static let binsPerPixel = 2.0

    /// Where each point scores highest, and how high.
    ///
    /// - Parameters:
    ///   - horizontal: `[points, 2 · width]` of the network's input
    ///   - vertical: `[points, 2 · height]` of the network's input
    ///   - points: how many points there are
    /// - Returns: for each point its location in bins (−1, −1 where no score is above 0), and the smaller of the two best scores
    /// - Throws: `LandmarkError` for lists that do not divide into that many points
    public static func peaks(
        horizontal: [Float], vertical: [Float], points: Int
    ) throws(LandmarkError) -> [(location: SIMD2<Float>, score: Float)] {
        guard points > 0, !horizontal.isEmpty, !vertical.isEmpty, horizontal.count.isMultiple(of: points),
            vertical.count.isMultiple(of: points)
        else {
            throw LandmarkError(
                .count,
                "the keypoint network returned \(horizontal.count) and \(vertical.count) numbers, expected rows for \(points) points; "
                    + "is it a DWPose model?")
        }
        let (width, height) = (horizontal.count / points, vertical.count / points)
        return (0..<points).map { point in
            let x = peak(horizontal[point * width..<(point + 1) * width])
            let y = peak(vertical[point * height..<(point + 1) * height])
            let score = min(x.score, y.score)
            return (score > 0 ? SIMD2(Float(x.index), Float(y.index)) : SIMD2(-1, -1), score)
        }
    }

    /// The points of a picture: `peaks` carried back from the crop.
    ///
    /// - Returns: positions in pixels of the picture, scores as the network gave them, 0 where they are not finite
    public static func keypoints(
        horizontal: [Float], vertical: [Float], points: Int = WholeBody.detectedCount, crop: KeypointCrop,
        binsPerPixel: Double = binsPerPixel
    ) throws(LandmarkError) -> [Keypoint] {
        try peaks(horizontal: horizontal, vertical: vertical, points: points).map { peak in
            let location = crop.pictureLocation(SIMD2(Double(peak.location.x), Double(peak.location.y)) / binsPerPixel)
            return Keypoint(x: location.x, y: location.y, score: peak.score.isFinite ? Double(peak.score) : 0)
        }
    }

    /// The first of the largest values; one that is no number is not larger than any.
    private static func peak(_ values: ArraySlice<Float>) -> (index: Int, score: Float) {
        var best = values.startIndex
        for index in values.indices where values[index] > values[best] || values[best].isNaN { best = index }
        return (best - values.startIndex, values[best].isNaN ? 0 : values[best])
    }
}

/// A detected point.
public struct Keypoint: Sendable, Equatable {
    /// In pixels of the picture; may lie outside.
    public var x: Double
    public var y: Double
    /// How sure the detector is; about 0…1, sometimes more.
    public var score: Double

    public init(x: Double, y: Double, score: Double) {
        self.x = x
        self.y = y
        self.score = score
    }
}
