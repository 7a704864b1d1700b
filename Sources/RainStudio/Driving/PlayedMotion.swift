import RainPose
import RainWorld

/// A motion that is played over and over: a landmark file's, or one of the procedural world's.
struct PlayedMotion: Sendable {
    private enum Origin: Sendable {
        /// The faces, and the driving face at rest.
        case file([LandmarkFrame], rest: LandmarkFrame)
        case world(Motion)
    }

    /// For people.
    let name: String
    /// How many frames there are before it starts over.
    let count: Int
    let framesPerSecond: Double
    private let origin: Origin

    init(_ file: LandmarkFile, name: String) {
        let faces = (0..<file.frameCount).map { file[$0].face }
        self.name = name
        count = faces.count
        framesPerSecond = file.framesPerSecond
        // A file has at least one frame.
        origin = .file(faces, rest: LandmarkFrame.median(of: faces.prefix(8)) ?? faces[0])
    }

    /// A minute of a motion of the world.
    init(seed: UInt64) {
        name = "motion \(seed)"
        framesPerSecond = 60
        count = 3600
        origin = .world(Motion(seed: seed, startsAtRest: true))
    }

    /// A frame, carried over to a reference's face.
    func landmarks(_ index: Int, on reference: Reference) -> LandmarkFrame {
        switch origin {
        case .file(let faces, let rest): LandmarkRetargeter(from: rest, to: reference.face)(faces[index])
        case .world(let motion): reference.landmarks(motion.pose(at: Double(index) / framesPerSecond))
        }
    }
}
