public import RainGraph
public import RainPictures
public import RainPose
import RainTFLite

/// Follows one face, with its shoulders, from picture to picture: MediaPipe's networks in Rain's engine, on a thread of its own.
///
/// Where a face was, the mesh looks again; only where there is none, or no longer, the detector looks for faces, in the whole picture and
/// then part by part. Of several faces the one nearest to the last counts, or the largest. What is seen is told as it is: `PersonTracker`
/// makes it steady.
public actor FaceTracker: LandmarkDetecting {
    /// Which points are handed on.
    public enum Points: Sendable, Equatable {
        /// The 29 points of a face and its shoulders, with pupils.
        case face
        /// The 134 points of a whole person: 68 of the face, the body, no hands.
        case person
    }

    public struct Settings: Sendable, Equatable {
        public var points = Points.face
        /// Every how many pictures of a sequence the body is looked at, 1 or more; in between its last points stay.
        public var bodyInterval = 6
        /// Every how many pictures of a sequence the detector is asked whether there is a face where one is followed, 1 or more.
        public var checkInterval = 15
        /// How many parts of a picture are searched for a small face, at most, per picture of a sequence.
        public var partsPerPicture = 3

        public init() {}
    }

    /// How often a network with what belongs to it ran, and how long that took altogether.
    public struct Stage: Sendable, Equatable {
        public var count = 0
        public var time = Duration.zero
    }

    private let detector: FaceDetector
    private let mesh: FaceMesh
    private let body: BodyPose
    private let settings: Settings
    private let executor = QueueExecutor(label: "rain.facetracker")
    /// By name: detector, mesh, body.
    public private(set) var stages: [String: Stage] = [:]

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Reads and plans the networks.
    ///
    /// - Parameter engine: runs them; one of its own, of one thread, so that neither tracking nor the stream waits for the other
    /// - Throws: `NetworkError` or `DetectionError` for files that are not these networks, and what the engine throws
    public init(_ files: TrackerFiles, engine: any Engine, settings: Settings = .init()) throws {
        if let failure = files.failure { throw failure }
        detector = try FaceDetector(TFLiteModel(path: files.path(TrackerFiles.detector)), engine: engine)
        mesh = try FaceMesh(TFLiteModel(path: files.path(TrackerFiles.mesh)), engine: engine)
        body = try BodyPose(TFLiteModel(path: files.path(TrackerFiles.body)), engine: engine)
        self.settings = settings
    }

    // MARK: Looking

    /// A picture that stands alone is searched part by part, and its face is looked at twice: the second look's region is that of the first's
    /// points, as if it were the second picture of a sequence.
    public func detect(_ picture: Picture) throws -> DrivingPose? {
        let size = SIMD2(Double(picture.width), Double(picture.height))
        guard let first = try find(in: picture, parts: Self.parts(of: picture), near: nil) else { return nil }
        let face = try look(at: picture, region(after: first)) ?? first
        let seen = try timed("body") { try body(picture, in: BodyPose.region(face: face.points)) }
        return pose(face, seen?.points.map { $0.scaled(by: 1 / size) } ?? [], size)
    }

    // Asynchronous, or a caller that waits would get the protocol's own, which remembers nothing.
    public func detect(_ picture: Picture, memory: TrackingMemory) async throws -> (pose: DrivingPose?, memory: TrackingMemory) {
        let size = SIMD2(Double(picture.width), Double(picture.height))
        var memory = memory
        var face: FaceMesh.Face?
        if let region = try followed(memory.face, in: picture, &memory.picturesSinceCheck) { face = try look(at: picture, region) }
        if face == nil {
            let parts = Self.parts(of: picture)
            let start = memory.picturesWithoutFace * settings.partsPerPicture
            let some = parts.isEmpty ? [] : (0..<min(settings.partsPerPicture, parts.count)).map { parts[(start + $0) % parts.count] }
            face = try find(in: picture, parts: some, near: memory.lastPlace.map { $0 * size })
            if let found = face { face = try look(at: picture, region(after: found)) ?? found }
            (memory.body, memory.bodyPoints, memory.picturesSinceBody) = (nil, [], settings.bodyInterval)
        }
        guard let face else {
            memory.face = nil
            memory.picturesWithoutFace += 1
            return (nil, memory)
        }
        let next = region(after: face)
        memory.face = next
        memory.lastPlace = next.center / size
        memory.picturesWithoutFace = 0
        memory.picturesSinceBody += 1
        if memory.picturesSinceBody >= settings.bodyInterval {
            memory.picturesSinceBody = 0
            let place = memory.body.flatMap { $0.isPlausible(in: picture) ? $0 : nil } ?? BodyPose.region(face: face.points)
            let seen = try timed("body") { try body(picture, in: place) }
            memory.body = seen?.next
            memory.bodyPoints = seen?.points.map { $0.scaled(by: 1 / size) } ?? []
        }
        return (pose(face, memory.bodyPoints, size), memory)
    }

    /// Where the face is looked for; nil where the detector, asked now and then, sees faces and none of them there. The mesh alone would
    /// follow much that is no face.
    private func followed(_ region: PictureRegion?, in picture: Picture, _ picturesSinceCheck: inout Int) throws -> PictureRegion? {
        guard let region, region.isPlausible(in: picture) else { return nil }
        picturesSinceCheck += 1
        guard picturesSinceCheck >= settings.checkInterval else { return region }
        picturesSinceCheck = 0
        let faces = try timed("detector") { try detector(picture, in: PictureRegion(whole: picture)) }
        let isThere = faces.contains { face in
            let away = (face.low + face.high) / 2 - region.center
            return (away * away).sum() < region.side * region.side / 4
        }
        // Of a face in profile, or a small one, the detector may see nothing.
        return isThere || faces.isEmpty ? region : nil
    }

    /// The face in a region; nil where there is none.
    private func look(at picture: Picture, _ region: PictureRegion) throws -> FaceMesh.Face? {
        guard region.isPlausible(in: picture) else { return nil }
        guard let face = try timed("mesh", { try mesh(picture, in: region) }), face.score >= FaceMesh.leastScore else { return nil }
        // What suddenly is much smaller or larger is another thing.
        let next = self.region(after: face)
        return next.isPlausible(in: picture) && (region.side / 3...region.side * 3).contains(next.side) ? face : nil
    }

    /// Searches the whole picture, then parts of it, until there is a face that the mesh believes too.
    private func find(in picture: Picture, parts: [PictureRegion], near place: SIMD2<Double>?) throws -> FaceMesh.Face? {
        for region in [PictureRegion(whole: picture)] + parts {
            var faces = try timed("detector") { try detector(picture, in: region) }
            if let place {
                func away(_ face: FaceDetector.Detection) -> Double {
                    (((face.low + face.high) / 2 - place) * ((face.low + face.high) / 2 - place)).sum()
                }
                faces.sort { away($0) < away($1) }
            } else {
                faces.sort { $0.area > $1.area }
            }
            for face in faces.prefix(3) {
                if let seen = try look(at: picture, face.region) { return seen }
            }
        }
        return nil
    }

    /// Squares of a half and a quarter of the longer side that overlap by half, in which small faces are large enough for the detector.
    static func parts(of picture: Picture) -> [PictureRegion] {
        let size = SIMD2(Double(picture.width), Double(picture.height))
        return [2.0, 4].flatMap { share -> [PictureRegion] in
            let side = size.max() / share
            guard side >= 64 else { return [] }
            func centers(_ extent: Double) -> [Double] {
                guard extent > side else { return [extent / 2] }
                let count = Int(((extent - side) / (side / 2)).rounded(.up))
                return (0...count).map { side / 2 + (extent - side) * Double($0) / Double(count) }
            }
            return centers(size.y).flatMap { y in centers(size.x).map { PictureRegion(center: SIMD2($0, y), side: side) } }
        }
    }

    /// Where the mesh looks next.
    private func region(after face: FaceMesh.Face) -> PictureRegion {
        PictureRegion(
            around: face.points, enlarged: 1.5, from: face.points[MeshPoints.leftEyeCorner], to: face.points[MeshPoints.rightEyeCorner])
    }

    private func timed<R>(_ stage: String, _ body: () throws -> R) rethrows -> R {
        let start = ContinuousClock.now
        defer {
            stages[stage, default: Stage()].count += 1
            stages[stage, default: Stage()].time += ContinuousClock.now - start
        }
        return try body()
    }

    // MARK: Handing on

    /// - Parameter body: the points of the body's network in fractions of the picture; none if it was not seen
    private func pose(_ face: FaceMesh.Face, _ body: [Keypoint], _ size: SIMD2<Double>) -> DrivingPose {
        let points = face.points.map { $0 / size }
        return switch settings.points {
        case .face: .face(LandmarkFrame(mesh: points, score: face.score, body: body))
        case .person: .person(WholeBodyFrame(mesh: points, score: face.score, body: body))
        }
    }
}

extension Keypoint {
    fileprivate func scaled(by factor: SIMD2<Double>) -> Keypoint {
        let at = location * factor
        return Keypoint(x: at.x, y: at.y, score: score)
    }
}
