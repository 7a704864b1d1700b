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

    /// Draws the character of a seed at rest, then `frames` frames of its motion.
    init(seed: UInt64, frames: Int, size: Int) {
        let character = Character(seed: seed)
        var poses = [CharacterPose.neutral(variation: seed)]
        if frames > 0 { poses += Motion(seed: seed).poses(frameCount: frames, framesPerSecond: Self.framesPerSecond) }
        pictures = poses.map { character.render($0, size: size) }
        landmarks = poses.map(character.landmarks)
    }

    /// Draws many characters on all processors; the result does not depend on how many there are.
    static func drawn(_ seeds: [UInt64], frames: Int, size: Int) -> [WorldScene] {
        let scenes = Mutex([WorldScene?](repeating: nil, count: seeds.count))
        DispatchQueue.concurrentPerform(iterations: seeds.count) { index in
            let scene = WorldScene(seed: seeds[index], frames: frames, size: size)
            scenes.withLock { $0[index] = scene }
        }
        return scenes.withLock { $0.compactMap { $0 } }
    }

    /// Reference pictures alone.
    static func references(_ seeds: [UInt64], size: Int) -> [Picture] { drawn(seeds, frames: 0, size: size).map { $0.pictures[0] } }
}
