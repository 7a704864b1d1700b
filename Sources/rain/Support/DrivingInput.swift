import Foundation
import RainAnimation
import RainFiles
import RainGraph
import RainMedia
import RainPictures
import RainPose
import Synchronization

/// What `--driving` names, opened.
struct DrivingInput: Sendable {
    let frames: DrivingSource
    /// Whether frames come when they come.
    let isCamera: Bool

    /// Opens a landmark file, a video, a folder of pictures or a camera.
    ///
    /// - Parameters:
    ///   - detector: opens what finds the landmarks in pictures; not called for a landmark file
    ///   - smooth: whether landmarks are smoothed over time; nil for those of cameras alone
    ///   - repeats: whether a file starts over at its end
    ///   - clock: for a pace that does not wait: pictures whose time has passed are not looked at
    static func open(
        _ path: String, detector open: () throws -> any LandmarkDetecting, smooth: Bool? = nil, repeats: Bool = false,
        clock: PlaybackClock? = nil
    ) throws -> DrivingInput {
        let path = path == "-" ? "/dev/stdin" : path
        var tracking = PersonTracker.Settings()
        if isLandmarkFile(path) {
            if smooth == true { tracking.smoothing = .init() }
            let file = try LandmarkFile(contentsOf: URL(fileURLWithPath: path))
            return DrivingInput(frames: DrivingSource(file, name: path, tracking: tracking, repeats: repeats), isCamera: false)
        }
        let feed = try PictureFeed(path: path, repeats: repeats)
        let detector = try open()
        if smooth ?? feed.isLive { tracking.smoothing = .init() }
        let all: DrivingSource.Pictures = { try await feed.next() }
        let frames = DrivingSource(
            pictures: feed.isLive ? feed.newest() : all, name: path, framesPerSecond: feed.framesPerSecond,
            detector: detector, tracking: tracking, isLate: { seconds in clock?.isPast(seconds) ?? false })
        return DrivingInput(frames: frames, isCamera: feed.isLive)
    }

    /// Whether a path leads to a landmark file: it is named or begins like one, or is a pipe.
    static func isLandmarkFile(_ path: String) -> Bool {
        if path.lowercased().hasSuffix(".json") { return true }
        switch FileSystem.kind(path) {
        // What a pipe gives is gone: it is not looked at first.
        case .pipe, .other: return true
        case .file: return (try? FileSystem.read(path, upTo: 64)).map(LandmarkFile.canBegin) ?? false
        case .missing, .folder, .characterDevice: return false
        }
    }
}

/// Reads pictures on a queue of its own, since reading blocks.
actor PictureFeed {
    private let path: String
    private let repeats: Bool
    private var source: PictureSource
    private let executor = QueueExecutor(label: "rain.pictures")
    nonisolated let isLive: Bool
    nonisolated let framesPerSecond: Double?
    /// When the present round began, and when its last picture was, in seconds.
    private var start = 0.0
    private var last = 0.0

    init(path: String, repeats: Bool) throws {
        self.init(try PictureSource(path: path), repeats: repeats)
    }

    init(_ source: sending PictureSource, repeats: Bool) {
        path = source.path
        self.repeats = repeats && !source.isLive
        isLive = source.isLive
        framesPerSecond = source.framesPerSecond
        self.source = source
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The next picture; at the end of a file that repeats, its first one again.
    func next() throws -> (picture: Picture, seconds: Double)? {
        if let picture = try source.next() {
            last = start + picture.seconds
            return (picture.picture, last)
        }
        guard repeats else { return nil }
        source = try PictureSource(path: path)
        start = last + 1 / (framesPerSecond ?? PictureSource.usualRate)
        guard let picture = try source.next() else { return nil }
        last = start + picture.seconds
        return (picture.picture, last)
    }

    /// Pictures of a camera: it is read all the time, and whoever asks gets the newest picture it has not yet had.
    nonisolated func newest() -> DrivingSource.Pictures {
        let (stream, continuation) = AsyncThrowingStream<TimedPicture, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let reading = Task {
            do {
                while !Task.isCancelled, let (picture, seconds) = try await next() {
                    continuation.yield(TimedPicture(picture: picture, seconds: seconds))
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in reading.cancel() }
        return {
            // Iterators of one stream share what it holds.
            var iterator = stream.makeAsyncIterator()
            return try await iterator.next().map { ($0.picture, $0.seconds) }
        }
    }
}

/// When live driving by a file began, so that what comes too late can be passed over.
final class PlaybackClock: Sendable {
    /// How late a picture may be, in seconds.
    private static let patience = 0.1

    private let begin = Mutex<ContinuousClock.Instant?>(nil)

    func start() { begin.withLock { $0 = $0 ?? ContinuousClock.now } }

    /// Whether the time of a picture has passed.
    func isPast(_ seconds: Double) -> Bool {
        begin.withLock { begin in begin.map { (ContinuousClock.now - $0) / .seconds(1) > seconds + Self.patience } ?? false }
    }
}
