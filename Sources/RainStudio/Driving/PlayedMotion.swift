import RainPose
import RainWorld

/// A motion that is played over and over: a landmark file's, a film's, or one of the procedural world's.
struct PlayedMotion: Sendable {
    private enum Origin: Sendable {
        /// The poses, and the driving face at rest.
        case file([DrivingPose], rest: RestingFace, DriverKind)
        case film(Film)
        case world(Motion)
    }

    /// For people.
    let name: String
    /// How many frames there are before it starts over.
    let count: Int
    let framesPerSecond: Double
    private let origin: Origin

    init(_ file: LandmarkFile, name: String) {
        // Frames in which nothing was seen are bridged as they are for a camera.
        var tracker = PersonTracker()
        let tracked = (0..<file.frameCount).map { tracker.update(file[$0], at: Double($0) / file.framesPerSecond) }
        let first = tracked.lazy.compactMap { $0 }.first ?? file[0]
        let poses = tracked.map { $0 ?? first }
        var rest = RestingFace()
        for pose in poses.prefix(RestingFace.count) { rest.take(pose.face) }
        self.name = name
        count = poses.count
        framesPerSecond = file.framesPerSecond
        origin = .file(poses, rest: rest, file.driver)
    }

    /// A film, which knows itself what it shows when.
    init(_ film: Film) {
        name = film.name
        count = .max
        framesPerSecond = 1
        origin = .film(film)
    }

    var isFilm: Bool { if case .film = origin { true } else { false } }

    /// A minute of a motion of the world.
    init(seed: UInt64) {
        name = "motion \(seed)"
        framesPerSecond = 60
        count = 3600
        origin = .world(Motion(seed: seed, startsAtRest: true))
    }

    /// A frame, carried over to a reference's face, and the points from which it comes.
    ///
    /// - Parameters:
    ///   - index: of the frame
    ///   - asPerson: for models that carry faces over by themselves
    ///   - keepsDistance: whether a person who leans in does not make the head larger
    /// - Returns: `nil` as long as nobody has come into view
    func pose(
        _ index: Int, at now: Duration, on reference: Reference, asPerson: Bool, keepsDistance: Bool
    ) -> (pose: DrivingPose, points: [SIMD3<Float>])? {
        func carried(_ pose: DrivingPose, _ rest: RestingFace, _ driver: DriverKind) -> (pose: DrivingPose, points: [SIMD3<Float>])? {
            rest.carried(pose, of: driver, to: reference, asPerson: asPerson, keepsDistance: keepsDistance).map { ($0, pose.shownPoints) }
        }
        switch origin {
        case .file(let poses, let rest, let driver): return carried(poses[index], rest, driver)
        case .film(let film): return film.pose(at: now).flatMap { carried($0.pose, $0.rest, .person) }
        case .world(let motion):
            let face = reference.landmarks(motion.pose(at: Double(index) / framesPerSecond))
            return (.face(face), face.shownPoints)
        }
    }
}
