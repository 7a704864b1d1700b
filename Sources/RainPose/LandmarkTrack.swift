/// One of the sets of points that a landmark file may hold.
public protocol TrackFrame: Sendable, Equatable {
    /// The version of the format that has this set.
    static var version: Int { get }
    /// The names by which files call the points, in the order of the points in memory.
    static var names: [String] { get }
    /// The place of a name; names are case-sensitive.
    static func index(named name: String) -> Int?
    /// A frame of as many points as there are names.
    init(landmarkPoints: [LandmarkPoint])
    /// The points as files hold them.
    var landmarkPoints: [LandmarkPoint] { get }
}

/// Landmarks of a face and its shoulders over time: what `rain motion` writes.
public typealias LandmarkTrack = Track<LandmarkFrame>

/// All points of a person over time: what detectors see.
public typealias WholeBodyTrack = Track<WholeBodyFrame>

/// Whose landmarks drive: a person's face has other proportions, and does more, than a drawn one.
public enum DriverKind: String, Sendable, CaseIterable {
    case drawn, person
}

/// Landmarks over time: what drives a character.
///
/// Files are JSON; `Docs/LandmarkFormat.md` describes them.
public struct Track<Frame: TrackFrame>: Sendable, Equatable {
    /// What a file calls itself.
    public static var format: String { "rain-landmarks" }
    /// The largest file read, in bytes: hours of faces at 30 frames per second, or half an hour of whole bodies.
    public static var largestFile: Int { 128 << 20 }
    /// The frame rates allowed, from a picture every 100 seconds to those of the fastest cameras in use.
    public static var frameRates: ClosedRange<Double> { 0.01...240 }
    /// `frameRates` for people.
    public static var frameRatesText: String { "0.01 to 240" }
    /// How far outside the picture a coordinate may lie, in pictures.
    public static var farthest: Double { 1000 }

    /// In `frameRates`.
    public let framesPerSecond: Double
    /// At least one frame.
    public let frames: [Frame]
    /// Whose they are.
    public let driver: DriverKind

    /// - Throws: `LandmarkError` for a frame rate outside `frameRates`, no frames, or values a file could not hold
    public init(framesPerSecond: Double, frames: [Frame], driver: DriverKind = .drawn) throws(LandmarkError) {
        try Self.check(framesPerSecond: framesPerSecond)
        guard !frames.isEmpty else { throw LandmarkError(.missing, "'frames' is empty, expected at least one frame") }
        for (index, frame) in frames.enumerated() {
            for (point, name) in zip(frame.landmarkPoints, Frame.names) {
                try Self.check(point, in: "landmark \(name) of frame \(index)")
            }
        }
        self.framesPerSecond = framesPerSecond
        self.frames = frames
        self.driver = driver
    }

    static func check(framesPerSecond: Double) throws(LandmarkError) {
        guard frameRates.contains(framesPerSecond) else {
            throw LandmarkError(.range, "'fps' must be \(frameRatesText), found \(framesPerSecond)")
        }
    }

    private static func check(_ point: LandmarkPoint, in what: @autoclosure () -> String) throws(LandmarkError) {
        // Written so that NaN fails.
        guard abs(point.x) <= Float(farthest), abs(point.y) <= Float(farthest) else {
            throw LandmarkError(
                .range, "\(what()) lies at (\(point.x), \(point.y)), expected coordinates within ±\(Int(farthest)); 0…1 spans the picture")
        }
        guard point.visibility >= 0, point.visibility <= 1 else {
            throw LandmarkError(.range, "\(what()) has visibility \(point.visibility), expected 0…1")
        }
    }
}
