public import RainAnimation
import RainPose

/// What a user can tune in a session.
public struct SessionSettings: Hashable, Sendable {
    /// Frames per group × noise levels, and steps.
    public var schedule: StreamSchedule
    /// Of driving and output.
    public var framesPerSecond: Double
    /// Of the noise.
    public var seed: UInt64
    /// Time constant with which controls follow their driver, in seconds.
    public var smoothing: Double
    var gains = Driver.Gains()
    /// How strongly the model follows its reference; `nil` for its usual scale.
    public var guidance: Float?
    var background = Background.own
    /// Whether a camera drives as from one distance, so that leaning in does not make the head larger.
    public var keepDistance = true
    /// Whether the reference is cut into layers instead of being bent as a whole; of layered models.
    public var cut = false

    /// The fastest a session may run.
    public static let frameRates = 1.0...60.0

    public init(schedule: StreamSchedule, framesPerSecond: Double = 25, seed: UInt64 = 0, smoothing: Double = 0.02) {
        self.schedule = schedule
        self.framesPerSecond = framesPerSecond
        self.seed = seed
        self.smoothing = smoothing
    }

    /// Settings that belong together, by name.
    enum Preset: String, RequestChoice, Sendable {
        case lowLatency = "low-latency"
        case balanced
        case smooth

        var window: String {
            switch self {
            case .lowLatency: "1x4"
            case .balanced: "2x4"
            case .smooth: "4x4"
            }
        }

        var framesPerSecond: Double { self == .lowLatency ? 30 : 25 }

        var smoothing: Double {
            switch self {
            case .lowLatency: 0
            case .balanced: 0.02
            case .smooth: 0.08
            }
        }
    }

    /// The preset these settings are, if they are one.
    var preset: Preset? {
        Preset.allCases.first {
            $0.window == "\(schedule)" && $0.framesPerSecond == framesPerSecond && $0.smoothing == smoothing
        }
    }

    /// What a stream depends on; other settings change while it runs.
    struct StreamKey: Hashable {
        var schedule: StreamSchedule
        var seed: UInt64
        var guidance: Float?
    }

    var streamKey: StreamKey { StreamKey(schedule: schedule, seed: seed, guidance: guidance) }

}

/// Settings as a request or a command line gives them: only what is to change.
package struct SettingsChange: Codable, Hashable, Sendable {
    var preset: SessionSettings.Preset?
    package var window: String?
    package var steps: Int?
    package var framesPerSecond: Double?
    package var seed: UInt64?
    package var smoothing: Double?
    var gains: GainsChange?
    package var guidance: Double?
    package var background: String?
    package var keepDistance: Bool?
    package var cut: Bool?

    package init() {}

    struct GainsChange: Codable, Hashable, Sendable {
        var head: Double?
        var eyes: Double?
        var brows: Double?
        var mouth: Double?
    }

    /// Changes gains as a command line gives them.
    ///
    /// - Parameter gains: `head=1.5,mouth=0.8`; parts are head, eyes, brows and mouth
    /// - Throws: `StudioError` of code `badSettings`, naming field, expected and found
    package mutating func setGains(_ gains: String) throws(StudioError) {
        var parts = GainsChange()
        for pair in gains.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let value = Double(sides[1]) else {
                throw StudioError(.badSettings, "gains: expected part=value, as in head=1.5,mouth=0.8, found '\(pair.prefix(40))'")
            }
            switch sides[0] {
            case "head": parts.head = value
            case "eyes": parts.eyes = value
            case "brows": parts.brows = value
            case "mouth": parts.mouth = value
            default: throw StudioError(.badSettings, "gains: expected head, eyes, brows or mouth, found '\(sides[0].prefix(40))'")
            }
        }
        self.gains = parts
    }

    /// - Throws: `StudioError` of code `badSettings`, naming field, expected and found
    package func applied(to settings: SessionSettings) throws(StudioError) -> SessionSettings {
        var settings = settings
        var window = window
        if let preset {
            window = window ?? preset.window
            settings.framesPerSecond = preset.framesPerSecond
            settings.smoothing = preset.smoothing
        }
        do {
            if let window {
                settings.schedule = try StreamSchedule(window: window, steps: steps)
            } else if let steps {
                settings.schedule = try StreamSchedule(
                    framesPerGroup: settings.schedule.framesPerGroup, levels: settings.schedule.levels, steps: steps)
            }
        } catch {
            throw StudioError(.badSettings, "\(error)")
        }
        if let framesPerSecond {
            settings.framesPerSecond = try Self.checked(framesPerSecond, "framesPerSecond", SessionSettings.frameRates)
        }
        if let seed { settings.seed = seed }
        if let smoothing { settings.smoothing = try Self.checked(smoothing, "smoothing", 0...1) }
        if let guidance { settings.guidance = Float(try Self.checked(guidance, "guidance", 0...100)) }
        if let background {
            guard let known = Background(background) else {
                throw StudioError(
                    .badSettings, "background: expected own, transparent, green or #rrggbb, found '\(background.prefix(40))'")
            }
            settings.background = known
        }
        if let keepDistance { settings.keepDistance = keepDistance }
        if let cut { settings.cut = cut }
        if let value = gains?.head { settings.gains.head = try Self.checked(value, "gains.head", 0...2) }
        if let value = gains?.eyes { settings.gains.eyes = try Self.checked(value, "gains.eyes", 0...2) }
        if let value = gains?.brows { settings.gains.brows = try Self.checked(value, "gains.brows", 0...2) }
        if let value = gains?.mouth { settings.gains.mouth = try Self.checked(value, "gains.mouth", 0...2) }
        return settings
    }

    private static func checked(_ value: Double, _ name: String, _ range: ClosedRange<Double>) throws(StudioError) -> Double {
        guard range.contains(value) else {
            throw StudioError(.badSettings, "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        return value
    }
}
