import RainNumbers

/// Makes a steady person of what a detector saw in one picture after another.
///
/// A point of the face that is not seen keeps its last place. When the face as a whole is lost, its last landmarks are held for
/// `Settings.hold`, then eased to the neutral face over `Settings.ease`; when it is found again after that began, it is eased back over
/// `Settings.reacquire`. Body and hands show what is seen while a person is in view, and are held while none is.
///
/// It follows either set of points: that of the first person it is given. Pure and without a clock: the time of every picture is handed in.
public struct PersonTracker: Sendable {
    public struct Settings: Sendable, Equatable {
        /// A point that scores less was not seen.
        public var leastScore = WholeBodyFrame.leastScore
        /// Over how many faces the drawn one is averaged, newer ones weighing more; the published programs start with 1.
        public var damping = 1
        /// Of all points; nil for none.
        public var smoothing: Smoothing?
        /// A face is lost when less than this part of its points is seen.
        public var leastSeen = 0.5
        /// How long a lost face stays as it was last seen, in seconds.
        public var hold = 1.0
        /// How long it then takes to become neutral, in seconds.
        public var ease = 1.0
        /// How long a face found again takes from where it had got to where it is, in seconds.
        public var reacquire = 0.25

        public init() {}
    }

    /// How much points are smoothed; speeds count in distances between the outer corners of the eyes, so that distance does not matter.
    ///
    /// With these, on a real clip (carphone, 30 pictures a second), jitter falls from 2.4 to 1.6 % of that distance; a head lags by 15 ms
    /// behind what is detected, lids and lips by 5 ms, and blinks keep nine tenths of their depth.
    public struct Smoothing: Sendable, Equatable {
        /// Of the head and the body.
        public var head = OneEuroFilter.Settings(leastCutoff: 1.5, speedCoefficient: 8)
        /// Of lids, pupils and lips, which move fast and little.
        public var expression = OneEuroFilter.Settings(leastCutoff: 8, speedCoefficient: 40)

        public init() {}
    }

    /// Where the face is in its life.
    public enum Phase: Sendable, Equatable {
        /// None has been seen yet.
        case waiting
        /// It is seen.
        case tracking
        /// Lost, held as last seen.
        case holding
        /// Lost, on its way to neutral, or there.
        case easing
        /// Found again, on its way to where it is seen.
        case returning
    }

    public let settings: Settings
    public private(set) var phase = Phase.waiting
    /// The face that a lost one becomes.
    private var neutral: [SIMD2<Double>]?
    /// The first faces, whose median is neutral unless another was given.
    private var firstFaces: [[SIMD2<Double>]] = []

    /// Faces with unseen points filled in, oldest first.
    private var cachedFaces: [[SIMD2<Double>]] = []
    private var filters: [OneEuroFilter] = []
    private var lastSeen: Double?
    private var lastTime: Double?
    /// What was shown when a face was lost or found again, from where it is eased.
    private var departure: [SIMD2<Double>] = []
    private var departureTime = 0.0
    private var shown: [SIMD2<Double>]?
    /// The first person given, which says what set of points is followed.
    private var person: DrivingPose?
    private var body: [Keypoint] = []

    /// - Parameter neutral: the face that a lost one becomes; by default the median of the first ones seen
    public init(_ settings: Settings = Settings(), neutral: [SIMD2<Double>]? = nil) {
        precondition(settings.damping >= 1, "a face is averaged over at least one")
        self.settings = settings
        self.neutral = neutral
    }

    /// The newest face with unseen points filled in by earlier ones; (−1, −1) where there is none.
    public var cachedFace: [SIMD2<Double>]? { cachedFaces.last }

    /// The person to draw at a time, given what was detected then.
    ///
    /// - Parameters:
    ///   - detected: nil when nobody is in view
    ///   - seconds: of the picture; one that is earlier than the last counts as the last
    /// - Returns: nil until a person has been seen
    public mutating func update(_ detected: DrivingPose?, at seconds: Double) -> DrivingPose? {
        let now = max(seconds, lastTime ?? seconds)
        lastTime = now
        if let detected { take(detected, at: now) }
        guard phase != .waiting else { return nil }
        if lastSeen != now { lose(at: now) }

        guard let face = face(at: now), let person else { return nil }
        shown = face
        var result = body
        for (index, point) in zip(person.facePoints, face) {
            let isPlaced = point != Self.nowhere
            result[index] = Keypoint(x: point.x, y: point.y, score: isPlaced ? 1 : 0)
        }
        return person.with(result)
    }

    /// How many faces at the start are taken for the driver at rest.
    private static let firstCount = 8

    /// The median of each coordinate, so that a blink does not count.
    private static func median(_ faces: [[SIMD2<Double>]]) -> [SIMD2<Double>]? {
        guard let first = faces.first else { return nil }
        return first.indices.map { index in
            SIMD2(faces.map { $0[index].x }.median ?? 0, faces.map { $0[index].y }.median ?? 0)
        }
    }

    private static let nowhere = SIMD2<Double>(-1, -1)

    /// The first person says which set of points is followed.
    private mutating func begin(with pose: DrivingPose) {
        let count = pose.keypoints.count
        precondition(neutral.map { $0.count == pose.facePoints.count } ?? true, "a face has \(pose.facePoints.count) points")
        person = pose
        let smoothing = settings.smoothing ?? Smoothing()
        filters = (0..<count).map { OneEuroFilter(pose.isExpression($0) ? smoothing.expression : smoothing.head) }
        body = [Keypoint](repeating: Keypoint(x: -1, y: -1, score: 0), count: count)
    }

    /// A person is in view, with or without a face.
    private mutating func take(_ given: DrivingPose, at now: Double) {
        if person == nil { begin(with: given) }
        let pose = person.map { given.converted(like: $0) } ?? given
        let (detected, facePoints) = (pose.keypoints, pose.facePoints)
        let unit = pose.eyeDistance
        let seen = detected.map { $0.score >= settings.leastScore && $0.x.isFinite && $0.y.isFinite }
        for index in detected.indices where !facePoints.contains(index) {
            body[index] = detected[index]
            if !seen[index] {
                body[index].score = 0
                filters[index].reset()
            } else if settings.smoothing != nil {
                body[index].location = filters[index](detected[index].location, at: now, unit: unit)
            }
        }
        let count = facePoints.count { seen[$0] }
        let isSeen = Double(count) >= settings.leastSeen * Double(facePoints.count)
        guard isSeen || phase != .waiting else { return }
        // A few points of a lost face still move it while it is held, as they do in the published programs.
        guard isSeen || phase == .tracking || phase == .holding else { return }
        let before = cachedFaces.last
        let face = facePoints.enumerated().map { offset, index in
            guard seen[index] else { return before?[offset] ?? Self.nowhere }
            let location = detected[index].location
            return settings.smoothing == nil ? location : filters[index](location, at: now, unit: unit)
        }
        cachedFaces.append(face)
        if cachedFaces.count > settings.damping { cachedFaces.removeFirst() }
        guard isSeen else { return }
        lastSeen = now
        if neutral == nil, firstFaces.count < Self.firstCount, !face.contains(Self.nowhere) { firstFaces.append(face) }
        switch phase {
        case .waiting, .holding: phase = .tracking
        case .easing:
            // Where it went while it was away is not averaged into where it is.
            cachedFaces = [face]
            depart(.returning, at: now)
        case .tracking: break
        case .returning: if now - departureTime >= settings.reacquire { phase = .tracking }
        }
    }

    /// No face was seen at this time.
    private mutating func lose(at now: Double) {
        guard let lastSeen else { return }
        if phase == .tracking || phase == .returning && now - departureTime >= settings.reacquire { phase = .holding }
        if phase == .holding, now - lastSeen >= settings.hold {
            depart(.easing, at: lastSeen + settings.hold)
            if neutral == nil { neutral = Self.median(firstFaces) }
            firstFaces = []
            for index in person?.facePoints ?? 0..<0 { filters[index].reset() }
        }
    }

    private mutating func depart(_ next: Phase, at time: Double) {
        phase = next
        departure = shown ?? cachedFaces.last ?? []
        departureTime = time
    }

    private func face(at now: Double) -> [SIMD2<Double>]? {
        switch phase {
        case .waiting: nil
        case .tracking, .holding: averaged
        case .easing: Self.between(departure, neutral ?? departure, (now - departureTime) / settings.ease)
        case .returning: averaged.map { Self.between(departure, $0, (now - departureTime) / settings.reacquire) }
        }
    }

    /// The newest faces, the newest with the largest weight.
    private var averaged: [SIMD2<Double>]? {
        guard let newest = cachedFaces.last, cachedFaces.count > 1 else { return cachedFaces.last }
        let total = Double(cachedFaces.count * (cachedFaces.count + 1) / 2)
        return newest.indices.map { index in
            cachedFaces.enumerated().reduce(SIMD2<Double>.zero) { $0 + $1.element[index] * Double($1.offset + 1) } / total
        }
    }

    /// From one face to another, starting and ending gently.
    private static func between(_ from: [SIMD2<Double>], _ to: [SIMD2<Double>], _ share: Double) -> [SIMD2<Double>] {
        guard from.count == to.count, share < 1 else { return to }
        let share = max(share, 0)
        let smooth = share * share * (3 - 2 * share)
        return zip(from, to).map { from, to in
            from == nowhere || to == nowhere ? to : from + (to - from) * smooth
        }
    }
}
