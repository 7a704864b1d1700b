import RainAnimation
import RainGraph
import RainMedia
import RainPictures
import RainPose
import RainWorld

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
        guard !settings.cut || model.configuration.isLayered else {
            throw StudioError(.badSettings, "cut: \(model.configuration.name) cuts no layers; leave the setting out")
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

    func character(_ seed: UInt64) -> Reference {
        let configuration = model.configuration
        return Reference(seed: seed, size: configuration.imageSize, world: configuration.isLayered ? .wide : .classic)
    }

    /// The largest upload in pixels.
    static let maximumPixels = 24_000_000

    /// The picture of an uploaded file.
    ///
    /// - Throws: `StudioError` of code `badPicture` or `tooLarge`
    func picture(_ bytes: [UInt8], name: String) throws(StudioError) -> Picture {
        do {
            return try PictureReader.read(bytes: bytes, name: name, maximumPixels: Self.maximumPixels)
        } catch let error as MediaError {
            throw StudioError(error.code == .tooLarge ? .tooLarge : .badPicture, "\(error)")
        } catch {
            throw StudioError(.badPicture, "\(error)")
        }
    }

    /// - Throws: `MediaError`
    func png(_ picture: Picture) throws -> [UInt8] { try PictureWriter.png(picture) }

    /// Keeps a picture that goes on stage.
    ///
    /// - Throws: `StudioError` of code `failed`
    func keep(_ reference: Reference, in state: StudioState, upload: [UInt8], name: String) throws(StudioError) {
        try state.keep(reference, upload: upload, name: name)
    }

    /// The picture, made smaller if a side is longer than so many pixels.
    func shrunk(_ picture: Picture, to longest: Int) -> Picture {
        let longer = max(picture.width, picture.height)
        guard longer > longest else { return picture }
        func pixels(_ side: Int) -> Int { max(1, Int((Double(side) * Double(longest) / Double(longer)).rounded())) }
        return picture.resized(width: pixels(picture.width), height: pixels(picture.height), filter: .bilinear)
    }

    /// A reference from a picture.
    ///
    /// - Parameters:
    ///   - crop: the square to take; `nil` for where the face is placed best, or for the largest in the middle
    ///   - landmarks: of the face, in fractions of the whole picture; `nil` for a face that is not known
    /// - Throws: `StudioError` of code `badPicture` for a crop, `badLandmarks` for landmarks that cannot be
    func reference(
        _ picture: Picture, name: String, id: String, crop: Crop?, landmarks: LandmarkFrame?
    ) throws(StudioError) -> Reference {
        let (width, height) = (picture.width, picture.height)
        let placement =
            if let crop {
                try crop.placement(width: width, height: height)
            } else if let landmarks {
                ReferencePlacement(face: landmarks, width: width, height: height)
            } else {
                ReferencePlacement(width: width, height: height)
            }
        let face = try landmarks.map { landmarks throws(StudioError) in try placement.landmarks(landmarks).checkedAsReference() }
        let square = placement.picture(picture, largest: max(model.configuration.imageSize, 1024))
        return Reference(picture: square, landmarks: face, name: name, id: id, crop: Crop(placement))
    }
}
