import RainPose

/// Points of the body's network, by number; left and right are the person's own.
private enum BodyPoint {
    static let (leftShoulder, rightShoulder) = (11, 12)
    /// What is less visible is not handed on: hidden and imagined points score up to here.
    static let leastVisibility = 0.5

    /// For each of `WholeBody`'s body and feet its number; nil for the neck, which lies between the shoulders, and for small toes.
    static let order: [Int?] = [
        0, nil, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7,
        31, nil, 29, 32, nil, 30,
    ]
}

extension LandmarkFrame {
    /// The face and shoulders of a mesh. Shoulders that are not seen get a likely place and no visibility.
    ///
    /// - Parameters:
    ///   - mesh: the 478 points, in fractions of the picture
    ///   - score: of the face, which all its points get
    ///   - body: the 33 points of the body, in fractions of the picture; none if it was not seen
    init(mesh: [SIMD2<Double>], score: Double, body: [Keypoint]) {
        var points = [LandmarkPoint](repeating: LandmarkPoint(x: 0, y: 0, visibility: 0), count: LandmarkSet.count)
        func put(_ landmark: Landmark, _ at: SIMD2<Double>, _ visibility: Double) {
            points[landmark.rawValue] = LandmarkPoint(x: Float(at.x), y: Float(at.y), visibility: Float(min(max(visibility, 0), 1)))
        }
        for (landmark, indices) in MeshPoints.face { put(landmark, MeshPoints.mean(indices, of: mesh), score) }
        let chin = mesh[MeshPoints.chin]
        let (across, down) = (mesh[356] - mesh[127], chin - mesh[168])
        let likely = chin + down * 0.5
        func shoulder(_ index: Int, _ place: SIMD2<Double>) -> (at: SIMD2<Double>, visibility: Double) {
            guard body.indices.contains(index), body[index].score >= BodyPoint.leastVisibility else { return (place, 0) }
            return (body[index].location, body[index].score)
        }
        // The person's right is the picture's left.
        let left = shoulder(BodyPoint.rightShoulder, likely - across * 0.9)
        let right = shoulder(BodyPoint.leftShoulder, likely + across * 0.9)
        let visibility = min(left.visibility, right.visibility)
        put(.leftShoulder, left.at, left.visibility)
        put(.rightShoulder, right.at, right.visibility)
        put(.neck, visibility > 0 ? (left.at + right.at) * 0.375 + chin * 0.25 : likely, visibility)
        self.init(points: points)
    }
}

extension WholeBodyFrame {
    /// The person of a mesh and a body; hands are not seen.
    ///
    /// - Parameters: as of `LandmarkFrame.init(mesh:score:body:)`
    init(mesh: [SIMD2<Double>], score: Double, body: [Keypoint]) {
        let unseen = Keypoint(x: -1, y: -1, score: 0)
        var points = [Keypoint](repeating: unseen, count: WholeBody.count)
        for (place, index) in BodyPoint.order.enumerated() {
            guard let index, body.indices.contains(index), body[index].score >= BodyPoint.leastVisibility else { continue }
            points[place] = body[index]
        }
        let (right, left) = (points[2], points[5])
        if right.score > 0, left.score > 0 {
            let middle = (right.location + left.location) / 2
            points[1] = Keypoint(x: middle.x, y: middle.y, score: min(right.score, left.score))
        }
        for (place, indices) in zip(WholeBody.face, MeshPoints.face68) {
            let at = MeshPoints.mean(indices, of: mesh)
            points[place] = Keypoint(x: at.x, y: at.y, score: score)
        }
        self.init(points: points)
    }
}
