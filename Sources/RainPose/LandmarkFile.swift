public import Foundation
import RainFiles

/// A landmark file of either set of points.
public enum LandmarkFile: Sendable, Equatable {
    /// A face and its shoulders, as `rain motion` writes them.
    case face(LandmarkTrack)
    /// All points of a person, as detectors see them.
    case person(WholeBodyTrack)

    /// Reads a file, whichever set it holds.
    ///
    /// - Throws: `LandmarkError`; its sentence begins with the file's name
    public init(contentsOf file: URL) throws(LandmarkError) {
        let bytes = try Self.read(file)
        do {
            try self.init(json: bytes)
        } catch {
            throw LandmarkError(error.code, "\(file.path): \(error.description)")
        }
    }

    /// Reads the bytes of a file.
    public init(json bytes: [UInt8]) throws(LandmarkError) {
        if bytes.count <= LandmarkTrack.largestFile, let name = Self.firstName(bytes), WholeBody.index(named: name) != nil {
            self = .person(try WholeBodyTrack(json: bytes))
        } else {
            self = .face(try LandmarkTrack(json: bytes))
        }
    }

    /// Whether a landmark file can begin so; what else it is, reading it tells.
    ///
    /// - Parameter start: the file's first bytes
    public static func canBegin(with start: [UInt8]) -> Bool {
        var scanner = JSONScanner(start)
        return scanner.take("{")
    }

    public var framesPerSecond: Double {
        switch self {
        case .face(let track): track.framesPerSecond
        case .person(let track): track.framesPerSecond
        }
    }

    /// Whose landmarks they are; whole persons are people.
    public var driver: DriverKind {
        switch self {
        case .face(let track): track.driver
        case .person: .person
        }
    }

    /// How many there are.
    public var frameCount: Int {
        switch self {
        case .face(let track): track.frames.count
        case .person(let track): track.frames.count
        }
    }

    /// One of the frames, as what drives.
    public subscript(index: Int) -> DrivingPose {
        switch self {
        case .face(let track): .face(track.frames[index])
        case .person(let track): .person(track.frames[index])
        }
    }

    /// The first of a file's names, which tells the sets apart; nil for a file that will be refused anyway.
    private static func firstName(_ bytes: [UInt8]) -> String? {
        var scanner = JSONScanner(bytes)
        guard scanner.take("{") else { return nil }
        repeat {
            guard let key = try? scanner.string("a key"), scanner.take(":") else { return nil }
            if key == "names" { return scanner.take("[") ? try? scanner.string("a name") : nil }
            guard (try? scanner.skipValue("a value")) != nil else { return nil }
        } while scanner.take(",")
        return nil
    }

    /// The bytes of a file or pipe; one too many if it is larger than any landmark file.
    static func read(_ file: URL) throws(LandmarkError) -> [UInt8] {
        do {
            return try FileSystem.read(file.path, upTo: LandmarkTrack.largestFile + 1, pipes: true)
        } catch {
            throw LandmarkError(.file, "\(file.path): could not be read: \(error.found)")
        }
    }
}
