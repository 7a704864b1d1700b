import RainAnimation
import RainGraph
import RainMedia
import RainPictures

/// What takes long, on a thread of its own: preparing animators, drawing characters, decoding uploads.
actor ModelHost {
    nonisolated let model: AnimationModel
    private let engine: any Engine
    private let time: Timekeeper
    private let executor = QueueExecutor(label: "rain.studio.host")

    init(model: AnimationModel, engine: any Engine, time: Timekeeper) {
        self.model = model
        self.engine = engine
        self.time = time
    }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// - Throws: `StudioError` of code `badSettings` for settings that the model cannot have
    func animator(_ settings: SessionSettings) throws -> Animator {
        do {
            return try Animator(
                model: model, engine: engine, schedule: settings.schedule, seed: settings.seed, policy: .newestWins, now: time.now)
        } catch let error as AnimationError where error.code == .usage || error.code == .schedule {
            throw StudioError(.badSettings, "\(error)")
        }
    }

    func character(_ seed: UInt64) -> Reference { Reference(seed: seed, size: model.configuration.imageSize) }

    /// The largest upload in pixels.
    static let maximumPixels = 24_000_000

    /// A reference from a picture file's bytes.
    ///
    /// - Parameter crop: the square to take, as shares of the picture; `nil` for the largest in the middle
    func reference(picture bytes: [UInt8], name: String, crop: (x: Double, y: Double, side: Double)?) throws -> Reference {
        let picture: Picture
        do {
            picture = try PictureReader.read(bytes: bytes, name: name, maximumPixels: Self.maximumPixels)
        } catch let error as MediaError {
            throw StudioError(error.code == .tooLarge ? .tooLarge : .badPicture, "\(error)")
        }
        let square =
            try crop.map { try picture.part(x: $0.x, y: $0.y, side: $0.side) }
            ?? picture.fitted(width: min(picture.width, picture.height), height: min(picture.width, picture.height))
        let largest = max(model.configuration.imageSize, 1024)
        return Reference(picture: square.width > largest ? square.resized(width: largest, height: largest) : square, name: name)
    }
}
