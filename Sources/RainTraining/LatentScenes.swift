import RainGraph
import RainPictures
import RainPose

/// A character as the latent stages see it: latents and landmarks of its reference picture and of frames of its motion.
struct LatentScene {
    let request: WorldScene.Request
    /// The reference first, then the frames; each `[size, size, channels]`.
    let latents: [[Float]]
    let landmarks: [LandmarkFrame]
}

/// Draws and encodes characters when they are asked for.
///
/// Every character is new: the world has no end, so there is nothing to learn by heart, and training is as fast as on characters drawn
/// beforehand.
struct LatentScenes {
    private let encoder: any Executable
    private let batch: Int
    private let pictureSize: Int

    /// - Parameter encoder: an executable of `TrainingGraphs.encoder` over `batch` pictures with its parameters loaded
    init(encoder: any Executable, batch: Int, pictureSize: Int) {
        self.encoder = encoder
        self.batch = batch
        self.pictureSize = pictureSize
    }

    func callAsFunction(_ requests: [WorldScene.Request]) throws -> [LatentScene] {
        let scenes = WorldScene.drawn(requests, size: pictureSize)
        let pictures = scenes.flatMap(\.pictures)
        var latents: [[Float]] = []
        let count = pictureSize * pictureSize * 3
        for start in stride(from: 0, to: pictures.count, by: batch) {
            let used = pictures[start..<min(start + batch, pictures.count)]
            try encoder.write("pictures") { span in
                for (index, picture) in used.enumerated() {
                    for byte in 0..<count { span[index * count + byte] = Float(picture.bytes[byte]) * (1 / 255) }
                }
            }
            try encoder.run(.step)
            try encoder.read("latents") { span in
                let size = span.count / batch
                for index in 0..<used.count {
                    var values = [Float](repeating: 0, count: size)
                    for element in 0..<size { values[element] = span[index * size + element] }
                    latents.append(values)
                }
            }
        }
        var next = 0
        return zip(requests, scenes).map { request, scene in
            defer { next += scene.pictures.count }
            return LatentScene(
                request: request, latents: Array(latents[next..<(next + scene.pictures.count)]), landmarks: scene.landmarks)
        }
    }
}
