import Dispatch
import RainAnimation
import RainPictures
import RainPose
import RainWorld
import Synchronization

/// A character drawn for a layered model: the layers of its reference, and the truth of frames of its motion.
struct LayeredScene: Sendable {
    let request: WorldScene.Request
    /// Of the reference, back to front.
    let layers: [LayerPicture]
    /// Of the reference, as a tracker would find them.
    let landmarks: LandmarkFrame
    /// How layers and face move: the reference itself first, then the frames.
    let moves: [GuideGeometry.Frame]
    /// The frames without the front layer, and whole.
    let truths: [(under: Picture, whole: Picture)]

    /// Deviation of landmarks in fractions of the picture, for half of the characters: no tracker is exact.
    private static let (referenceJitter, drivingJitter) = (0.003, 0.001)
    /// How many characters keep the pose of their reference: what does not move must stay as it is.
    private static let still: Float = 0.08

    /// Draws a character in a reference pose, then its motion.
    ///
    /// - Parameter jitters: as for training: some landmarks are inexact, and some characters stand still
    init(_ request: WorldScene.Request, size: Int, jitters: Bool) {
        let character = Character(seed: request.seed, world: .wide)
        let motion = Motion(seed: request.seed)
        var random = TrainingRandom(seed: request.seed, stream: "scene")
        let pose =
            random.uniform() < 0.5
            ? CharacterPose.neutral(variation: request.seed) : CharacterPose.reference(variation: request.seed)
        let isJittered = random.uniform() < 0.5 && jitters
        let isStill = random.uniform() < Self.still && jitters
        func jittered(_ frame: LandmarkFrame, _ deviation: Double) -> LandmarkFrame {
            guard isJittered else { return frame }
            return LandmarkFrame(
                points: frame.points.map {
                    LandmarkPoint(
                        x: $0.x + Float(deviation) * random.normal(), y: $0.y + Float(deviation) * random.normal(),
                        visibility: $0.visibility)
                })
        }
        self.request = request
        layers = character.layers(pose, size: size)
        landmarks = jittered(character.landmarks(pose), Self.referenceJitter)
        guard let geometry = GuideGeometry(reference: landmarks) else { preconditionFailure("a drawn face has an extent") }
        var moves = [geometry(landmarks)]
        let landmarks = landmarks
        truths = request.times.map { time in
            let moved = isStill ? pose : motion.pose(at: time)
            moves.append(geometry(isStill ? landmarks : jittered(character.landmarks(moved), Self.drivingJitter)))
            return character.uncovered(moved, size: size)
        }
        self.moves = moves
    }

    /// The same scene with a reference that was cut by a network instead of drawn in layers.
    func cut(by cutter: LayerCutter) throws -> LayeredScene {
        let cut = try cutter.cut(LayerPicture.composite(layers), landmarks: landmarks)
        return LayeredScene(request: request, layers: cut.layers, landmarks: landmarks, moves: moves, truths: truths)
    }

    private init(
        request: WorldScene.Request, layers: [LayerPicture], landmarks: LandmarkFrame, moves: [GuideGeometry.Frame],
        truths: [(under: Picture, whole: Picture)]
    ) {
        self.request = request
        self.layers = layers
        self.landmarks = landmarks
        self.moves = moves
        self.truths = truths
    }

    /// Draws many characters on all processors; the result does not depend on how many there are.
    static func drawn(_ requests: [WorldScene.Request], size: Int, jitters: Bool = true) -> [LayeredScene] {
        let scenes = Mutex([LayeredScene?](repeating: nil, count: requests.count))
        DispatchQueue.concurrentPerform(iterations: requests.count) { index in
            let scene = LayeredScene(requests[index], size: size, jitters: jitters)
            scenes.withLock { $0[index] = scene }
        }
        return scenes.withLock { $0.compactMap { $0 } }
    }

    /// A scene of a character that no other step has, at any moments of half a minute.
    static func request(_ random: inout TrainingRandom, frames: Int) -> WorldScene.Request {
        let seed = random.next() >> 32
        return WorldScene.Request(seed: seed, times: (0..<frames).map { _ in Double(random.uniform()) * 30 })
    }

    /// A character never trained on.
    static func validationRequest(_ index: Int, frames: Int) -> WorldScene.Request {
        var random = TrainingRandom(seed: 5, stream: "validation", step: index)
        return WorldScene.Request(
            seed: WorldScene.validationSeed + UInt64(index), times: (0..<frames).map { _ in Double(random.uniform()) * 30 })
    }
}
