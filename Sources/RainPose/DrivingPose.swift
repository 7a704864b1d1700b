/// What drives a character in one picture: either set of points.
public enum DrivingPose: Sendable, Equatable {
    /// A face and its shoulders, as drawn characters have them.
    case face(LandmarkFrame)
    /// All points of a person.
    case person(WholeBodyFrame)

    /// The points of a face and its shoulders; those of a whole person are found among the person's.
    public var face: LandmarkFrame {
        switch self {
        case .face(let frame): frame
        case .person(let frame): LandmarkFrame(frame)
        }
    }

    /// All points of a person; of a face and its shoulders, the person's other points are not seen.
    public var person: WholeBodyFrame {
        switch self {
        case .face(let frame): WholeBodyFrame(frame)
        case .person(let frame): frame
        }
    }

    /// Whether as much of a face is seen as `PersonTracker` wants of one: half of its points.
    public var showsFace: Bool {
        let face = keypoints[facePoints]
        let seen = face.count { $0.score >= WholeBodyFrame.leastScore && $0.x.isFinite && $0.y.isFinite }
        return 2 * seen >= face.count
    }

    /// Whether there can be a body with hands: a landmark file of a drawn face has none.
    public var hasBody: Bool {
        if case .person = self { true } else { false }
    }

    /// Between two poses; of different sets, or where a point is seen in one of them only, the nearer one counts.
    public func mixed(with other: DrivingPose, share: Double) -> DrivingPose {
        switch (self, other) {
        case (.face(let a), .face(let b)):
            let share = Float(share)
            return .face(
                LandmarkFrame(
                    points: zip(a.points, b.points).map { a, b in
                        LandmarkPoint(
                            x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share,
                            visibility: a.visibility + (b.visibility - a.visibility) * share)
                    }))
        case (.person(let a), .person(let b)):
            let least = WholeBodyFrame.leastScore
            return .person(
                WholeBodyFrame(
                    points: zip(a.points, b.points).map { a, b in
                        guard a.score >= least, b.score >= least else { return share < 0.5 ? a : b }
                        return Keypoint(
                            x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share, score: a.score + (b.score - a.score) * share)
                    }))
        default: return share < 0.5 ? self : other
        }
    }
}

// MARK: Either set as a list of points

extension DrivingPose {
    /// All points of the set, in its order.
    package var keypoints: [Keypoint] {
        switch self {
        case .face(let frame): frame.points.map { Keypoint(x: Double($0.x), y: Double($0.y), score: Double($0.visibility)) }
        case .person(let frame): frame.points
        }
    }

    /// The points of a face among those of the set.
    package var facePoints: Range<Int> {
        switch self {
        case .face: 0..<Landmark.neck.rawValue
        case .person: WholeBody.face
        }
    }

    /// Whether a point belongs to lids, pupils or lips.
    package func isExpression(_ index: Int) -> Bool {
        switch self {
        case .face:
            [
                Landmark.leftEyeTop, .leftEyeBottom, .leftPupil, .rightEyeTop, .rightEyeBottom, .rightPupil, .mouthLeft, .mouthRight,
                .mouthTop,
                .mouthBottom,
            ].contains { $0.rawValue == index }
        case .person: [37, 38, 40, 41, 43, 44, 46, 47].contains(index - WholeBody.face.lowerBound) || (72..<92).contains(index)
        }
    }

    /// How far the outer corners of the eyes are apart; 1 where that says nothing.
    package var eyeDistance: Double {
        let points = keypoints
        let (left, right) =
            switch self {
            case .face: (points[Landmark.leftEyeOuter.rawValue], points[Landmark.rightEyeOuter.rawValue])
            case .person: (points[WholeBody.face.lowerBound + 36], points[WholeBody.face.lowerBound + 45])
            }
        let way = right.location - left.location
        let distance = (way * way).sum().squareRoot()
        return distance > 1e-3 && distance < 1e3 ? distance : 1
    }

    /// The same set with other points, as many as it has.
    package func with(_ keypoints: [Keypoint]) -> DrivingPose {
        switch self {
        case .face:
            .face(
                LandmarkFrame(
                    points: keypoints.map { LandmarkPoint(x: Float($0.x), y: Float($0.y), visibility: Float(min(max($0.score, 0), 1))) }))
        case .person: .person(WholeBodyFrame(points: keypoints))
        }
    }

    /// The pose as one of the other's set.
    package func converted(like other: DrivingPose) -> DrivingPose {
        switch other {
        case .face: .face(face)
        case .person: .person(person)
        }
    }
}

// MARK: From one set to the other

/// The points that lie on both sides of a face: those of the picture's left, and of its right.
private struct Side {
    /// Of the 68: brow from outer to inner end, and the eye's outer corner, inner corner, two points of each lid.
    var brow: [Int]
    var eye: (outer: Int, inner: Int, top: (Int, Int), bottom: (Int, Int))
    var landmarks:
        (
            browOuter: Landmark, browInner: Landmark, outer: Landmark, inner: Landmark, top: Landmark, bottom: Landmark, pupil: Landmark
        )

    static let both = [
        Side(
            brow: [17, 18, 19, 20, 21], eye: (36, 39, (37, 38), (41, 40)),
            landmarks: (.leftBrowOuter, .leftBrowInner, .leftEyeOuter, .leftEyeInner, .leftEyeTop, .leftEyeBottom, .leftPupil)),
        Side(
            brow: [26, 25, 24, 23, 22], eye: (45, 42, (44, 43), (46, 47)),
            landmarks: (.rightBrowOuter, .rightBrowInner, .rightEyeOuter, .rightEyeInner, .rightEyeTop, .rightEyeBottom, .rightPupil)),
    ]
}

/// The face outline's seven landmarks along the 68 points' seventeen.
private let outline: [Landmark] = [
    .faceOutline0, .faceOutline1, .faceOutline2, .faceOutline3, .faceOutline4, .faceOutline5, .faceOutline6,
]

extension LandmarkFrame {
    /// The face and shoulders of a person. Pupils, which detectors do not give, are put into the middle of the eyes; shoulders that
    /// are not seen get a likely place and no visibility.
    public init(_ person: WholeBodyFrame) {
        let face = person.face
        var points = [LandmarkPoint](repeating: LandmarkPoint(x: 0, y: 0, visibility: 0), count: LandmarkSet.count)
        func put(_ landmark: Landmark, _ of: [(keypoint: Keypoint, weight: Double)]) {
            let at = of.reduce(SIMD2<Double>.zero) { $0 + $1.keypoint.location * $1.weight }
            let score = of.map(\.keypoint.score).min() ?? 0
            let isPlaced = at.x.isFinite && at.y.isFinite && score.isFinite
            points[landmark.rawValue] = LandmarkPoint(
                x: isPlaced ? Float(at.x) : 0, y: isPlaced ? Float(at.y) : 0, visibility: isPlaced ? Float(min(max(score, 0), 1)) : 0)
        }
        for (index, landmark) in outline.enumerated() {
            let place = Double(index) * 16 / 6
            let (before, share) = (Int(place), place - Double(Int(place)))
            put(landmark, [(face[before], 1 - share), (face[min(before + 1, 16)], share)])
        }
        for side in Side.both {
            let (eye, landmarks) = (side.eye, side.landmarks)
            put(landmarks.browOuter, [(face[side.brow[0]], 1)])
            put(landmarks.browInner, [(face[side.brow[4]], 1)])
            put(landmarks.outer, [(face[eye.outer], 1)])
            put(landmarks.inner, [(face[eye.inner], 1)])
            put(landmarks.top, [(face[eye.top.0], 0.5), (face[eye.top.1], 0.5)])
            put(landmarks.bottom, [(face[eye.bottom.0], 0.5), (face[eye.bottom.1], 0.5)])
            put(landmarks.pupil, [eye.outer, eye.inner, eye.top.0, eye.top.1, eye.bottom.0, eye.bottom.1].map { (face[$0], 1.0 / 6) })
        }
        for (landmark, index) in [(Landmark.noseTip, 30), (.mouthLeft, 48), (.mouthRight, 54), (.mouthTop, 62), (.mouthBottom, 66)] {
            put(landmark, [(face[index], 1)])
        }
        // The person's right is the picture's left.
        let chin = face[8].location
        let (across, down) = (face[16].location - face[0].location, chin - face[27].location)
        let likely = chin + down * 0.5
        for (landmark, index, place) in [
            (Landmark.neck, 1, likely), (.leftShoulder, 2, likely - across * 0.9), (.rightShoulder, 5, likely + across * 0.9),
        ] {
            let point = person[index]
            let isSeen = point.score >= WholeBodyFrame.leastScore
            put(landmark, [(isSeen ? point : Keypoint(x: place.x, y: place.y, score: 0), 1)])
        }
        self.init(points: points)
    }
}

extension WholeBodyFrame {
    /// A person with the face of some landmarks, interpolated where there are fewer of them; body and hands are not seen.
    public init(_ frame: LandmarkFrame) {
        self.init(points: [Keypoint](repeating: Keypoint(x: -1, y: -1, score: 0), count: WholeBody.count))
        func at(_ landmark: Landmark) -> Keypoint {
            let point = frame[landmark]
            return Keypoint(x: Double(point.x), y: Double(point.y), score: Double(point.visibility))
        }
        func between(_ a: Keypoint, _ b: Keypoint, _ share: Double) -> Keypoint {
            let place = a.location + (b.location - a.location) * share
            return Keypoint(x: place.x, y: place.y, score: min(a.score, b.score))
        }
        var face = [Keypoint](repeating: Keypoint(x: -1, y: -1, score: 0), count: WholeBody.face.count)
        for index in 0...16 { face[index] = Self.onOutline(Double(index) * 6 / 16, outline.map(at)) }
        for side in Side.both {
            let (eye, landmarks) = (side.eye, side.landmarks)
            for (step, index) in side.brow.enumerated() {
                face[index] = between(at(landmarks.browOuter), at(landmarks.browInner), Double(step) / 4)
            }
            let (outer, inner) = (at(landmarks.outer), at(landmarks.inner))
            (face[eye.outer], face[eye.inner]) = (outer, inner)
            // Lids are rounder than the line between their two points: both lie as high as the lid's middle.
            let third = (inner.location - outer.location) / 6
            for (pair, middle) in [(eye.top, at(landmarks.top)), (eye.bottom, at(landmarks.bottom))] {
                face[pair.0] = Keypoint(x: middle.x - third.x, y: middle.y - third.y, score: middle.score)
                face[pair.1] = Keypoint(x: middle.x + third.x, y: middle.y + third.y, score: middle.score)
            }
        }
        let tip = at(.noseTip)
        let root = between(at(.leftEyeInner), at(.rightEyeInner), 0.5)
        for step in 0...3 { face[27 + step] = between(root, tip, Double(step) / 3) }
        let wing = (at(.rightEyeInner).location - at(.leftEyeInner).location) * 0.25
        for step in -2...2 {
            let place = tip.location + wing * Double(step) / 2
            face[33 + step] = Keypoint(x: place.x, y: place.y, score: tip.score)
        }
        let (left, right, top, bottom) = (at(.mouthLeft), at(.mouthRight), at(.mouthTop), at(.mouthBottom))
        // Outer lips first, then inner ones; without lips of their own both lie on the same line.
        for (corners, upper, lower) in [((48, 54), [49, 50, 51, 52, 53], [59, 58, 57, 56, 55]), ((60, 64), [61, 62, 63], [67, 66, 65])] {
            (face[corners.0], face[corners.1]) = (left, right)
            for (indices, middle) in [(upper, top), (lower, bottom)] {
                for (step, index) in indices.enumerated() {
                    let place = Double(step + 1) / Double(indices.count + 1) * 2
                    face[index] = place <= 1 ? between(left, middle, place) : between(middle, right, place - 1)
                }
            }
        }
        self.face = face
    }

    /// A place on a smooth curve through the outline's points, `place` counted in them.
    private static func onOutline(_ place: Double, _ points: [Keypoint]) -> Keypoint {
        let before = min(Int(place), points.count - 2)
        let t = place - Double(before)
        func point(_ index: Int) -> SIMD2<Double> { points[min(max(index, 0), points.count - 1)].location }
        let (p0, p1, p2, p3) = (point(before - 1), point(before), point(before + 1), point(before + 2))
        // Catmull and Rom's spline.
        let linear = (p2 - p0) * t
        let square = (p0 * 2 - p1 * 5 + p2 * 4 - p3) * (t * t)
        let cube = (p1 * 3 - p2 * 3 + p3 - p0) * (t * t * t)
        let at = p1 + (linear + square + cube) * 0.5
        return Keypoint(x: at.x, y: at.y, score: min(points[before].score, points[before + 1].score))
    }
}
