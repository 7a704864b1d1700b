import Foundation

/// A session as the API and the page see it.
struct SessionState: Codable, Hashable, Sendable {
    struct ReferenceState: Codable, Hashable, Sendable {
        var name: String
        /// Its id among the characters: the seed of a drawn one.
        var character: String
        /// Whether it is a picture from outside.
        var isPicture: Bool
        /// Of a picture that is kept: the file of its square, beside which its landmarks lie.
        var file: String?
        /// Of an uploaded picture: which square of it is on stage.
        var crop: Crop?
        /// Grows with every change.
        var generation: UInt32
        /// x, y of its landmarks in the order of `LandmarkSet`, in fractions of the reference picture.
        var points: [[Double]]
    }

    struct Settings: Codable, Hashable, Sendable {
        var preset: SessionSettings.Preset?
        var window: String
        var steps: Int
        var framesPerSecond: Double
        var seed: UInt64
        var smoothing: Double
        var gains: Driver.Gains
        /// How strongly the model follows its reference; missing for a model without guidance.
        var guidance: Float?
        /// `own`, `transparent`, `green` or `#rrggbb`.
        var background: String
        /// Whether a camera drives as from one distance.
        var keepDistance: Bool
        /// Whether the reference is cut into layers instead of being bent as a whole; missing for a model that cuts none.
        var cut: Bool?
    }

    var id: String
    /// `running` or `parked`.
    var status: String
    /// What drives: `idle`, `controls`, `landmarks`, `camera` or `motion`.
    var mode: String
    var reference: ReferenceState
    var settings: Settings
    /// How many milliseconds the window alone takes.
    var windowMilliseconds: Double
    /// Width and height of the frames.
    var size: Int
    var model: String
    var watchers: Int
    var motion: String?
    var recording: Recording.State?
    /// Whether pictures of people can drive.
    var detector: Bool
    /// Whether the model has a guidance scale.
    var hasGuidance: Bool
    /// Whether the reference's background is plain enough for the character to be cut out.
    var hasPlainBackground: Bool
    /// Options of the command line that say which model runs, each with a space before it.
    var modelOptions: String
}

/// How a session fares; sent to the page twice a second.
struct SessionStats: Codable, Hashable, Sendable {
    var framesPerSecond: Double
    var stepMilliseconds: Double
    /// The share of the time in which the model computes; of a step of several sessions, this one's part.
    var load: Double
    /// How many sessions the newest step was of.
    var stepSessions: Int
    /// From a driving frame to its picture being finished, the newest one's.
    var modelMilliseconds: Double
    /// Driving frames that wait to enter.
    var waiting: Int
    var inFlight: Int
    /// Driving frames that gave way to newer ones.
    var droppedInput: Int
    var frames: Int
    var watchers: Int
    var mode: String
    /// Of driving by pictures; missing where nothing does.
    var input: InputStats?
    /// Where frames go outside the browser; missing if nowhere.
    var outputs: [StudioOutput.State]?
    /// Missing where none runs.
    var recording: Recording.State?
    /// Of the client that is told: frames under way and not acknowledged, and frames that gave way to newer ones.
    var unacknowledged = 0
    var droppedOutput = 0
}

/// How driving by pictures fares.
struct InputStats: Codable, Hashable, Sendable {
    /// Pictures looked at per second.
    var picturesPerSecond: Double
    /// How long it takes to look at one.
    var lookMilliseconds: Double
    /// Pictures that gave way to newer ones before anybody looked.
    var dropped: Int
    /// Whether a face is in view.
    var inView: Bool
    /// Of a film: how much of it has been looked at, 0…1.
    var film: Double?
}

/// Coordinates as the API tells them: four decimals, a hundredth of a pixel in a picture of 100 pixels.
func rounded(_ coordinate: Double) -> Double { (coordinate * 10_000).rounded() / 10_000 }

/// A value of a request that is one of a few; others are refused with the list of them.
protocol RequestChoice: Codable, CaseIterable, RawRepresentable where RawValue == String {}

extension RequestChoice {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let known = Self(rawValue: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected one of \(Self.allCases.map(\.rawValue).joined(separator: ", ")), found '\(text.prefix(40))'")
        }
        self = known
    }
}

/// JSON as the studio writes it.
enum StudioJSON {
    static func text(_ value: some Encodable) -> String { String(decoding: bytes(value), as: UTF8.self) }

    static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Our own values: numbers are finite, so that there is nothing to fail.
        guard let data = try? encoder.encode(value) else { preconditionFailure("a value that is no JSON") }
        return [UInt8](data)
    }

    /// - Throws: `StudioError` of code `badRequest` that says where the JSON is wrong
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(StudioError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw StudioError(.badRequest, "the body: \(Self.words(error))")
        } catch {
            throw StudioError(.badRequest, "the body: expected JSON, found something else")
        }
    }

    private static func words(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "" : "\(path): "
        }
        return switch error {
        case .typeMismatch(let type, let context): "\(place(context))expected \(type), found another type"
        case .valueNotFound(let type, let context): "\(place(context))expected \(type), found null"
        case .keyNotFound(let key, let context): "\(place(context))'\(key.stringValue)' is missing"
        // Without an underlying error it is one of our own, which says what was expected.
        case .dataCorrupted(let context) where !context.codingPath.isEmpty && context.underlyingError == nil:
            "\(place(context))\(context.debugDescription)"
        case .dataCorrupted(let context): "\(place(context))expected JSON of finite numbers, found something else"
        @unknown default: "expected other JSON"
        }
    }
}
