import RainAnimation
import RainGraph
import RainPictures
import RainPose

/// Characters as the latent stages see them: for each the latents and landmarks of its reference picture and of a motion.
///
/// Half precision: the noise put on latents is a thousand times larger than the rounding.
struct LatentPool {
    /// Characters.
    let count: Int
    /// Frames of motion per character, the reference not counted.
    let frames: Int
    /// Elements of one picture's latents, `[size, size, channels]`.
    let latentCount: Int
    private var latents: [Float16]
    private var landmarks: [LandmarkFrame]

    /// The place of a character's picture: frame -1 is the reference.
    private func slot(_ character: Int, _ frame: Int) -> Int { character * (frames + 1) + frame + 1 }

    func landmarks(_ character: Int, _ frame: Int) -> LandmarkFrame { landmarks[slot(character, frame)] }

    /// Copies one picture's latents to `target[offset...]`.
    func copyLatents(_ character: Int, _ frame: Int, to target: inout [Float], at offset: Int) {
        let start = slot(character, frame) * latentCount
        for element in 0..<latentCount { target[offset + element] = Float(latents[start + element]) }
    }

    /// Draws and encodes the characters.
    ///
    /// - Parameters:
    ///   - encoder: an executable of `TrainingGraphs.encoder` over `batch` pictures with its parameters loaded
    ///   - progress: called with the number of pictures done
    init(
        characters: Range<UInt64>, frames: Int, pictureSize: Int, encoder: any Executable, batch: Int, latentCount: Int,
        progress: (Int, Int) -> Void
    ) throws {
        count = characters.count
        self.frames = frames
        self.latentCount = latentCount
        latents = []
        landmarks = []
        let total = count * (frames + 1)
        latents.reserveCapacity(total * latentCount)
        landmarks.reserveCapacity(total)
        // Few characters at a time: their pictures as floats are large.
        let perCall = 8
        let pictureCount = pictureSize * pictureSize * 3
        var input = [Float](repeating: 0, count: batch * pictureCount)
        var waiting = 0
        for start in stride(from: 0, to: count, by: perCall) {
            let seeds = characters.dropFirst(start).prefix(perCall)
            for scene in WorldScene.drawn(Array(seeds), frames: frames, size: pictureSize) {
                for (picture, frame) in zip(scene.pictures, scene.landmarks) {
                    let offset = waiting * pictureCount
                    for byte in 0..<pictureCount { input[offset + byte] = Float(picture.bytes[byte]) * (1 / 255) }
                    landmarks.append(frame)
                    waiting += 1
                    if waiting == batch {
                        try encode(input, waiting, encoder)
                        waiting = 0
                    }
                }
            }
            progress(landmarks.count, total)
        }
        if waiting > 0 { try encode(input, waiting, encoder) }
    }

    /// Encodes the first `used` pictures of a batch and appends their latents.
    private mutating func encode(_ input: [Float], _ used: Int, _ encoder: any Executable) throws {
        try encoder.write("pictures", input)
        try encoder.run(.step)
        let count = used * latentCount
        try encoder.read("latents") { span in
            for element in 0..<count { latents.append(Float16(span[element])) }
        }
    }

    /// Mean and standard deviation of every channel.
    func statistics(channels: Int) -> (mean: [Float], deviation: [Float]) {
        var sums = [Double](repeating: 0, count: channels)
        var squares = [Double](repeating: 0, count: channels)
        // A sample of the pictures decides as well as all.
        let step = max(1, latents.count / latentCount / 4000)
        var pictures = 0
        for picture in stride(from: 0, to: latents.count / latentCount, by: step) {
            for element in 0..<latentCount {
                let value = Double(latents[picture * latentCount + element])
                sums[element % channels] += value
                squares[element % channels] += value * value
            }
            pictures += 1
        }
        let n = Double(pictures * latentCount / channels)
        let mean = sums.map { $0 / n }
        let deviation = zip(squares, mean).map { ($0 / n - $1 * $1).squareRoot() }
        return (mean.map(Float.init), deviation.map { Float(max($0, 1e-6)) })
    }

    /// Subtracts the mean and divides by the deviation of every channel.
    mutating func normalize(mean: [Float], deviation: [Float]) {
        let channels = mean.count
        for element in latents.indices {
            let channel = element % channels
            latents[element] = Float16((Float(latents[element]) - mean[channel]) / deviation[channel])
        }
    }
}
