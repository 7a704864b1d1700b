public import RainAnimation
public import RainGraph
import RainNumbers
public import RainPictures
public import RainPose
public import RainWorld

/// A character that no training has seen, its reference picture, and the truth of a motion.
///
/// Training draws its characters from seeds below 2³²; evaluation has those from 2⁶³ on, so that no character, and no motion, is in
/// both.
public struct EvaluationClip: Sendable {
    /// Frames per second of all motions.
    public static let framesPerSecond = 25.0
    /// The most characters of one evaluation, and one more than the largest seed of an evaluation.
    public static let mostCharacters = 1 << 20
    public static let seedCount: UInt64 = 1 << 40

    public let reference: Picture
    public let referenceLandmarks: LandmarkFrame
    /// What drives the character: the landmarks of the truth.
    public let driving: [LandmarkFrame]
    public let truth: [Picture]

    /// - Parameters:
    ///   - seed: of the evaluation, below `seedCount`
    ///   - index: of the character, below `mostCharacters`
    ///   - frames: at least 1
    ///   - size: of the pictures in pixels
    ///   - world: of which characters
    public init(seed: UInt64, index: Int, frames: Int, size: Int, world: World = .classic) {
        precondition(seed < Self.seedCount && (0..<Self.mostCharacters).contains(index) && frames > 0)
        let own = 1 << 63 | seed << 20 | UInt64(index)
        let character = Character(seed: own, world: world)
        let rest = CharacterPose.neutral(variation: own)
        let poses = Motion(seed: own).poses(frameCount: frames, framesPerSecond: Self.framesPerSecond)
        reference = character.render(rest, size: size)
        referenceLandmarks = character.landmarks(rest)
        driving = poses.map(character.landmarks)
        truth = poses.map { character.render($0, size: size) }
    }
}

extension World {
    /// The one that a model's family is trained on.
    public init(of configuration: ModelConfiguration) { self = configuration.isLayered ? .wide : .classic }
}

/// Measures a model on characters it has never seen, streamed as a user would stream them.
public enum Evaluation {
    /// - Parameters:
    ///   - parameters: of the model, by their full names
    ///   - characters: how many, 1…`EvaluationClip.mostCharacters`
    ///   - seed: of the characters, their motions and the noise; below `EvaluationClip.seedCount`
    ///   - frames: of each character's motion, at least 1
    ///   - world: of which characters; `nil` for the one that the model's family is trained on
    ///   - schedule: `nil` for the window the model was trained for
    ///   - isCut: whether references are cut into layers, by a model that does so
    ///   - onClip: called after each character with the number of those done, the clip and what the model made of it; returns
    ///     whether to go on. The report is then of the characters done.
    /// - Throws: `TrainingError` for impossible settings; what `StreamBatch` throws
    public static func run(
        parameters: @escaping AnimationModel.Parameters, configuration: ModelConfiguration, engine: any Engine, characters: Int = 20,
        seed: UInt64 = 0, frames: Int = 48, world: World? = nil, schedule: StreamSchedule? = nil, isCut: Bool = true,
        onClip: (_ done: Int, _ clip: EvaluationClip, _ output: [Picture]) throws -> Bool = { _, _, _ in true }
    ) throws -> EvaluationReport {
        guard (1...EvaluationClip.mostCharacters).contains(characters) else {
            throw TrainingError("characters: expected 1 to \(EvaluationClip.mostCharacters), found \(characters)")
        }
        guard (1...100_000).contains(frames) else { throw TrainingError("frames: expected 1 to 100000, found \(frames)") }
        guard seed < EvaluationClip.seedCount else {
            throw TrainingError("seed: expected less than \(EvaluationClip.seedCount), found \(seed)")
        }
        let model = try AnimationModel(configuration, parameters: parameters)
        let batch = try StreamBatch(model: model, engine: engine, schedule: schedule, seed: seed)
        // A layered model's auto-encoder knows crops alone.
        let autoencoder = configuration.layeredGuide == nil ? try Reconstruction(model: model, engine: engine) : nil
        let world = world ?? World(of: configuration)
        var report = EvaluationReport(frames: frames, seed: seed)
        var streaming = Duration.zero
        for index in 0..<characters {
            let clip = EvaluationClip(seed: seed, index: index, frames: frames, size: configuration.imageSize, world: world)
            try batch.fuse(isCut ? .cut(clip.reference) : .picture(clip.reference), landmarks: clip.referenceLandmarks)
            try batch.reset()
            let (pictures, duration) = try stream(clip.driving, batch)
            streaming += duration
            try report.add(clip, output: pictures, reconstruction: autoencoder?(clip.truth))
            guard try onClip(index + 1, clip, pictures) else { break }
        }
        report.framesPerSecond = Double(report.characters * frames) / (streaming / .seconds(1))
        return report
    }

    /// Streams a motion, its last group filled up, and measures how long that took.
    static func stream(_ driving: [LandmarkFrame], _ batch: StreamBatch) throws -> (pictures: [Picture], duration: Duration) {
        let size = batch.schedule.framesPerGroup
        var pictures: [Picture] = []
        let duration = try ContinuousClock().measure {
            for start in stride(from: 0, to: driving.count, by: size) {
                pictures += try batch.push((0..<size).map { driving[min(start + $0, driving.count - 1)] })
            }
            while let last = try batch.drain() { pictures += last }
        }
        return (Array(pictures[..<driving.count]), duration)
    }
}

/// Pictures through the auto-encoder: the ceiling of what the model can show.
private struct Reconstruction {
    let executable: any Executable
    let size: Int

    init(model: AnimationModel, engine: any Engine) throws {
        executable = try engine.compile(ModelPrograms(model.configuration).reconstruction(frames: 1))
        try executable.load(model.tensors)
        size = model.configuration.imageSize
    }

    func callAsFunction(_ pictures: [Picture]) throws -> [Picture] {
        try pictures.map { picture in
            try executable.write("pictures", picture.unitValues())
            try executable.run(.step)
            let values = try executable.read("reconstructions")
            return Picture(width: size, height: size, bytes: values.map { UInt8(unit: $0) })
        }
    }
}
