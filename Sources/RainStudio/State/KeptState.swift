import RainAnimation
import RainPose

/// What a studio keeps from one start to the next; `studio.json` of its state folder.
struct KeptState: Codable, Hashable, Sendable {
    static let version = 1

    var version = Self.version
    /// Those last on stage first.
    var characters: [KeptCharacter] = []
    /// The oldest first.
    var sessions: [KeptSession] = []
}

/// A character that was on stage.
struct KeptCharacter: Codable, Hashable, Sendable {
    /// The seed of a drawn one, in decimal; of a picture a "p" and hexadecimal digits.
    var id: String
    /// For people.
    var name: String
    /// Of a picture: the file that was uploaded, in the folder of characters.
    var upload: String?
    /// Of a picture: which square of the upload it is.
    var crop: Crop?
    /// The settings that go with it: background, gains, whether it is cut.
    var look: SettingsChange?

    var seed: UInt64? { UInt64(id) }

    /// Whether ids and names of files are such as the studio gives them: the file may have been written by others.
    var isSound: Bool {
        guard seed == nil else { return upload == nil && String(seed ?? 0) == id }
        let digits = id.dropFirst()
        let isID = id.hasPrefix("p") && digits.count == Self.digits && digits.allSatisfy { "0123456789abcdef".contains($0) }
        return isID && (upload.map { $0.hasPrefix(id + ".") && !$0.contains("/") && !$0.contains("\0") } ?? true)
    }

    static let digits = 12
}

/// A session as it was.
struct KeptSession: Codable, Hashable, Sendable {
    var id: String
    /// The id of the one on stage.
    var character: String
    var settings: SettingsChange
    /// The driver's neutral face, where a user has calibrated it: x and y of its landmarks.
    var restingFace: [SIMD2<Float>]?
}

extension SettingsChange {
    /// All settings of a session.
    init(_ settings: SessionSettings) {
        window = "\(settings.schedule)"
        steps = settings.schedule.steps
        framesPerSecond = settings.framesPerSecond
        seed = settings.seed
        smoothing = settings.smoothing
        guidance = settings.guidance.map { Double($0) }
        keepDistance = settings.keepDistance
        let look = SettingsChange(lookOf: settings)
        (gains, background, cut) = (look.gains, look.background, look.cut)
    }

    /// The settings that go with the character on stage.
    init(lookOf settings: SessionSettings) {
        gains = GainsChange(
            head: settings.gains.head, eyes: settings.gains.eyes, brows: settings.gains.brows, mouth: settings.gains.mouth)
        background = settings.background.text
        cut = settings.cut
    }
}
