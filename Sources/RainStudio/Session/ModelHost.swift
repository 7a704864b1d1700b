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
    /// What sessions of one schedule share; `nil` for a model or a studio whose sessions compute in turn.
    private var commons: [StreamSchedule: CommonStep?] = [:]
    private let isCommon: Bool

    /// Options of the command line that say which model this is.
    nonisolated let modelOptions: String

    /// - Parameter isCommon: whether sessions compute together where they can
    init(model: AnimationModel, engine: any Engine, time: Timekeeper, isCommon: Bool = true, modelOptions: String = "") {
        self.modelOptions = modelOptions
        self.isCommon = isCommon
        self.model = model
        self.engine = engine
        self.time = time
    }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// - Throws: `StudioError` of code `badSettings` for a guidance scale that the model does not have
    nonisolated func checked(_ settings: SessionSettings) throws(StudioError) -> SessionSettings {
        guard settings.guidance == nil || model.configuration.hasGuidance else {
            throw StudioError(
                .badSettings, "guidance: \(model.configuration.name) was trained without a guidance scale; leave the setting out")
        }
        return settings
    }

    /// - Throws: `StudioError` of code `badSettings` for settings that the model cannot have
    func animator(_ settings: SessionSettings) throws -> Animator {
        do {
            return try Animator(
                model: model, engine: engine, schedule: settings.schedule, seed: settings.seed, guidance: settings.guidance,
                policy: .newestWins,
                common: common(settings.schedule), now: time.now)
        } catch let error as AnimationError where error.code == .usage || error.code == .schedule {
            throw StudioError(.badSettings, "\(error)")
        }
    }

    private func common(_ schedule: StreamSchedule) throws -> CommonStep? {
        guard isCommon else { return nil }
        if let known = commons[schedule] { return known }
        let made = try CommonStep(model: model, engine: engine, schedule: schedule)
        commons[schedule] = .some(made)
        return made
    }

    /// How often sessions computed together, and how often alone.
    var counts: CommonStep.Counts {
        commons.values.reduce(into: CommonStep.Counts()) { sum, common in
            guard let counts = common?.counts else { return }
            sum.common += counts.common
            sum.alone += counts.alone
            sum.streams += counts.streams
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
        return try reference(picture, name: name, crop: crop)
    }

    func reference(_ picture: Picture, name: String, crop: (x: Double, y: Double, side: Double)?) throws -> Reference {
        let square =
            try crop.map { try picture.part(x: $0.x, y: $0.y, side: $0.side) }
            ?? picture.fitted(width: min(picture.width, picture.height), height: min(picture.width, picture.height))
        let largest = max(model.configuration.imageSize, 1024)
        return Reference(picture: square.width > largest ? square.resized(width: largest, height: largest) : square, name: name)
    }
}
