import RainAnimation
import RainPose

extension InputStamp {
    /// The client of those who send landmarks by POST.
    static let outsider: UInt16 = 0
}

struct Health: Encodable {
    var status: String
    var model: String
    var sessions: Int
}

struct SessionList: Encodable { var sessions: [SessionState] }

struct NewSession: Decodable {
    var settings: SettingsChange?
    var character: CharacterID?
}

/// What a request says that puts a known character on stage.
struct NamedCharacter: Decodable { var character: CharacterID }

/// The id of a character; of a drawn one a number will do.
struct CharacterID: Decodable {
    var id: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let seed = try? container.decode(UInt64.self) { id = "\(seed)" } else { id = try container.decode(String.self) }
    }
}

/// How a recording is to be made.
struct NewRecording: Decodable { var format: Recording.Format? }

/// What links to the studio are made of.
struct Links: Encodable {
    /// Whether this computer alone reaches it.
    var isLocal: Bool
    /// Each with a slash at its end; the most likely first.
    var addresses: [String]
    /// What they must carry; null for none.
    @ToldAsNull var token: String?
}

/// A value of an answer that is told as null where there is none, rather than left out.
@propertyWrapper struct ToldAsNull<Value: Encodable>: Encodable {
    var wrappedValue: Value?

    /// Written out, since structures are made of plain values only where a wrapper declares it.
    init(wrappedValue value: Value?) { wrappedValue = value }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

struct CharacterList: Encodable {
    struct Entry: Encodable {
        var id: String
        var name: String
        var isPicture: Bool

        init(_ character: KeptCharacter) {
            (id, name, isPicture) = (character.id, character.name, character.seed == nil)
        }
    }
    var characters: [Entry]
}

/// What `POST /api/v1/faces` answers.
struct FoundFace: Encodable {
    struct Face: Encodable {
        var crop: Crop
        var points: [[Double]]
    }
    var width: Int
    var height: Int
    @ToldAsNull var face: Face?
}

extension StudioRequest {
    /// The square of the query's `x`, `y` and `side`; `nil` without any of them.
    ///
    /// - Throws: `StudioError` of code `badRequest`
    func crop() throws(StudioError) -> Crop? {
        let (x, y, side) = (try number("x", Double.self), try number("y", Double.self), try number("side", Double.self))
        if let x, let y, let side { return Crop(x: x, y: y, side: side) }
        guard x == nil, y == nil, side == nil else {
            throw StudioError(.badRequest, "crop: expected all of x, y and side, or none of them")
        }
        return nil
    }

    /// The landmarks of the query's `points`; `nil` without.
    ///
    /// - Throws: `StudioError` of code `badRequest` or `badLandmarks`
    func points() throws(StudioError) -> LandmarkFrame? {
        guard let text = query["points"] else { return nil }
        var numbers: [Float] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Float(part), number.isFinite else {
                throw StudioError(.badRequest, "points: expected finite numbers and commas, found '\(part.prefix(40))'")
            }
            numbers.append(number)
        }
        guard numbers.count == 2 * LandmarkSet.count else {
            throw StudioError(
                .badLandmarks,
                "points: expected \(2 * LandmarkSet.count) numbers, x and y of \(LandmarkSet.count) landmarks, found \(numbers.count)")
        }
        return try LandmarkFrame(checking: (0..<LandmarkSet.count).map { LandmarkPoint(x: numbers[2 * $0], y: numbers[2 * $0 + 1]) })
    }
}

struct Seed: Decodable { var seed: UInt64 }

struct GivenLandmarks: Decodable {
    /// `[x, y]` or `[x, y, visibility]` each, in the order of `LandmarkSet`.
    var points: [[Float]]
    /// In milliseconds on the sender's clock; later landmarks must not have an earlier one.
    var time: Double?

    func frame() throws(StudioError) -> LandmarkFrame {
        var frame: [LandmarkPoint] = []
        for (index, point) in points.prefix(LandmarkSet.count + 1).enumerated() {
            guard point.count == 2 || point.count == 3 else {
                throw StudioError(.badLandmarks, "points.\(index): expected x, y and perhaps visibility, found \(point.count) numbers")
            }
            frame.append(LandmarkPoint(x: point[0], y: point[1], visibility: point.count == 3 ? point[2] : 1))
        }
        return try LandmarkFrame(checking: frame)
    }
}
