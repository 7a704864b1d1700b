import RainGraph
import RainPictures
import RainPose

/// A character as the latent stages see it: what the denoiser learns to make of frames of its motion, and what it is told.
struct LatentScene: Sendable {
    struct Frame: Sendable {
        /// What the denoiser learns to make, `[size, size, channels]`.
        let target: [Float]
        /// Inputs of the denoiser's program by name.
        let conditions: [String: [Float]]
        /// How much each position counts, `[size, size]`.
        let weights: [Float]
    }

    let request: WorldScene.Request
    /// Inputs of the reference network by name.
    let reference: [String: [Float]]
    let frames: [Frame]
}

/// Makes scenes when they are asked for.
protocol LatentSceneMaking {
    func callAsFunction(_ requests: [WorldScene.Request]) throws -> [LatentScene]
}

/// Draws and encodes whole pictures of characters.
///
/// Every character is new: the world has no end, so there is nothing to learn by heart, and training is as fast as on characters drawn
/// beforehand.
struct LatentScenes: LatentSceneMaking {
    private let encoder: any Executable
    private let batch: Int
    private let pictureSize: Int
    private let painter: PosePainter
    private let latentSize: Int
    private let referencePose: Bool

    /// - Parameters:
    ///   - encoder: an executable of `TrainingGraphs.encoder` over `batch` pictures with its parameters loaded
    ///   - referencePose: whether the reference network is told the reference's landmarks
    init(encoder: any Executable, batch: Int, pictureSize: Int, painter: PosePainter, latentSize: Int, referencePose: Bool) {
        self.encoder = encoder
        self.batch = batch
        self.pictureSize = pictureSize
        self.painter = painter
        self.latentSize = latentSize
        self.referencePose = referencePose
    }

    func callAsFunction(_ requests: [WorldScene.Request]) throws -> [LatentScene] {
        let scenes = WorldScene.drawn(requests, size: pictureSize)
        let latents = try encoded(scenes.flatMap(\.pictures))
        var next = 0
        return zip(requests, scenes).map { request, scene in
            defer { next += scene.pictures.count }
            var reference = ["reference_latents": latents[next]]
            if referencePose { reference["reference_pose"] = painted(scene.landmarks[0]) }
            let frames = (1..<scene.pictures.count).map { frame in
                LatentScene.Frame(
                    target: latents[next + frame], conditions: ["pose": painted(scene.landmarks[frame])],
                    weights: emphasis(scene.landmarks[frame]))
            }
            return LatentScene(request: request, reference: reference, frames: frames)
        }
    }

    /// Latents of pictures, `[size, size, channels]` each.
    func encoded(_ pictures: [Picture]) throws -> [[Float]] {
        var latents: [[Float]] = []
        let count = pictureSize * pictureSize * 3
        for start in stride(from: 0, to: pictures.count, by: batch) {
            let used = pictures[start..<min(start + batch, pictures.count)]
            try encoder.write("pictures") { (span: inout MutableSpan<Float>) in
                for (index, picture) in used.enumerated() {
                    for byte in 0..<count { span[index * count + byte] = Float(picture.bytes[byte]) * (1 / 255) }
                }
            }
            try encoder.run(.step)
            try encoder.read("latents") { (span: Span<Float>) in
                let size = span.count / batch
                for index in 0..<used.count {
                    var values = [Float](repeating: 0, count: size)
                    for element in 0..<size { values[element] = span[index * size + element] }
                    latents.append(values)
                }
            }
        }
        return latents
    }

    private func painted(_ landmarks: LandmarkFrame) -> [Float] {
        var values = [Float](repeating: 0, count: painter.count)
        painter.paint(landmarks, into: &values, offset: 0)
        return values
    }

    /// Positions near landmarks of the face count more: that is where people look.
    private func emphasis(_ landmarks: LandmarkFrame) -> [Float] {
        var weights = [Float](repeating: 1, count: latentSize * latentSize)
        for point in landmarks.points {
            let column = Int((point.x * Float(latentSize)).rounded(.down))
            let row = Int((point.y * Float(latentSize)).rounded(.down))
            guard (0..<latentSize).contains(row), (0..<latentSize).contains(column) else { continue }
            weights[row * latentSize + column] = 2.5
        }
        return weights
    }
}
