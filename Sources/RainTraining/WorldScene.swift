import Dispatch
import RainPictures
import RainPose
import RainWorld
import Synchronization

/// A character drawn for training: its reference picture first, then frames of a motion.
struct WorldScene: Sendable {
    let pictures: [Picture]
    let landmarks: [LandmarkFrame]

    /// Characters from here on are never trained on.
    static let validationSeed: UInt64 = 1 << 32
    /// Frames per second of the motions.
    static let framesPerSecond = 25.0

    /// Which character, and at which times of its motion, in seconds.
    struct Request: Hashable, Sendable {
        var seed: UInt64
        var times: [Double] = []

        /// `count` frames one after the other.
        init(seed: UInt64, from start: Double = 0, count: Int) {
            self.seed = seed
            times = (0..<count).map { start + Double($0) / WorldScene.framesPerSecond }
        }

        init(seed: UInt64, times: [Double]) {
            self.seed = seed
            self.times = times
        }
    }

    /// Draws a character at rest, then its motion.
    init(_ request: Request, size: Int) {
        let character = Character(seed: request.seed)
        let motion = Motion(seed: request.seed)
        let poses = [CharacterPose.neutral(variation: request.seed)] + request.times.map(motion.pose(at:))
        pictures = poses.map { character.render($0, size: size) }
        landmarks = poses.map(character.landmarks)
    }

    /// Draws many characters on all processors; the result does not depend on how many there are.
    static func drawn(_ requests: [Request], size: Int) -> [WorldScene] {
        let scenes = Mutex([WorldScene?](repeating: nil, count: requests.count))
        DispatchQueue.concurrentPerform(iterations: requests.count) { index in
            let scene = WorldScene(requests[index], size: size)
            scenes.withLock { $0[index] = scene }
        }
        return scenes.withLock { $0.compactMap { $0 } }
    }

    /// Reference pictures alone.
    static func references(_ seeds: some Sequence<UInt64>, size: Int) -> [Picture] {
        drawn(seeds.map { Request(seed: $0, count: 0) }, size: size).map { $0.pictures[0] }
    }
}
