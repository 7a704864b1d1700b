import Dispatch
import RainAnimation
import RainPictures
import RainPose
import RainWorld
import Synchronization

/// A character drawn for a layered model: the layers of its reference, and the truth of frames of its motion.
struct LayeredScene: Sendable {
    let request: WorldScene.Request
    /// Of the reference, back to front; of one that is bent as a whole, the face's with all that lies behind it, and those before it.
    let layers: [LayerPicture]
    /// Whether the reference is bent as a whole.
    let isWhole: Bool
    /// How much of skin and features is seen at each pixel of the reference, 0…255.
    private let skin: [UInt8]
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
    /// How many references are bent as a whole, as pictures are unless they are cut.
    private static let whole: Float = 0.75

    /// Draws a character in a reference pose, then its motion.
    ///
    /// - Parameters:
    ///   - jitters: as for training: some landmarks are inexact, and some characters stand still
    ///   - isWhole: whether the reference is bent as a whole; nil for most of them
    init(_ request: WorldScene.Request, size: Int, jitters: Bool, isWhole: Bool? = nil) {
        let character = Character(seed: request.seed, world: .wide)
        let motion = Motion(seed: request.seed)
        var random = TrainingRandom(seed: request.seed, stream: "scene")
        let pose =
            random.uniform() < 0.5
            ? CharacterPose.neutral(variation: request.seed) : CharacterPose.reference(variation: request.seed)
        let isJittered = random.uniform() < 0.5 && jitters
        let isStill = random.uniform() < Self.still && jitters
        let isWhole = isWhole ?? (random.uniform() < Self.whole)
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
        let drawn = character.layers(pose, size: size)
        let (face, features) = (drawn[CharacterLayer.face.rawValue], drawn[CharacterLayer.features.rawValue])
        // Under hair, which is laid over again, faces are diffused too.
        skin = (0..<(size * size)).map { max(face.bytes[$0 * 4 + 3], features.bytes[$0 * 4 + 3]) }
        self.isWhole = isWhole
        if isWhole {
            let sheet = LayerPicture(LayerPicture.composite(drawn[...CharacterLayer.face.rawValue]))
            layers = CutLayers(whole: sheet, features: drawn[CharacterLayer.features.rawValue], front: drawn.last).layers
        } else {
            layers = drawn
        }
        landmarks = jittered(character.landmarks(pose), Self.referenceJitter)
        guard let geometry = GuideGeometry(reference: landmarks, isWhole: isWhole) else {
            preconditionFailure("a drawn face has an extent")
        }
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
        let picture = LayerPicture.composite(layers)
        let cut = try isWhole ? cutter.whole(picture, landmarks: landmarks) : cutter.cut(picture, landmarks: landmarks)
        return LayeredScene(self, layers: cut.layers)
    }

    private init(_ scene: LayeredScene, layers: [LayerPicture]) {
        (request, isWhole, skin) = (scene.request, scene.isWhole, scene.skin)
        (landmarks, moves, truths) = (scene.landmarks, scene.moves, scene.truths)
        self.layers = layers
    }

    /// Draws many characters on all processors; the result does not depend on how many there are.
    static func drawn(
        _ requests: [WorldScene.Request], size: Int, jitters: Bool = true, isWhole: Bool? = nil
    ) -> [LayeredScene] {
        let scenes = Mutex([LayeredScene?](repeating: nil, count: requests.count))
        DispatchQueue.concurrentPerform(iterations: requests.count) { index in
            let scene = LayeredScene(requests[index], size: size, jitters: jitters, isWhole: isWhole)
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

    /// How much of the reference's face, skin and features, is seen in each of `side`×`side` parts of the crop, 0…1.
    func faceCoverage(side: Int) -> [Float] {
        let parts = 4
        let (corner, size) = (moves[0].crop, layers[0].width)
        func place(_ axis: Int, _ x: Float, _ y: Float) -> Int {
            let above = corner[axis] + (corner[2 + axis] - corner[axis]) * x
            let below = corner[4 + axis] + (corner[6 + axis] - corner[4 + axis]) * x
            return min(max(Int((above + (below - above) * y + 1) / 2 * Float(size)), 0), size - 1)
        }
        var coverage = [Float](repeating: 0, count: side * side)
        for row in 0..<(side * parts) {
            for column in 0..<(side * parts) {
                let (x, y) = ((Float(column) + 0.5) / Float(side * parts), (Float(row) + 0.5) / Float(side * parts))
                let seen = skin[place(1, x, y) * size + place(0, x, y)]
                coverage[row / parts * side + column / parts] += Float(seen) / 255 / Float(parts * parts)
            }
        }
        return coverage
    }
}
