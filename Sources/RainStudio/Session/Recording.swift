import Foundation
import RainGraph
import RainMedia
import RainPictures
import Synchronization

/// A recording of a session on its way into a video file of the studio's own, on a thread of its own.
///
/// It never slows its session: a few pictures wait for an encoder that is slower than they come, and of more the oldest give way. Every
/// picture has the time at which it was shown, so that a slow encoder makes the film sparse and not short.
actor Recording {
    enum Format: String, RequestChoice, Sendable {
        case mp4, webm, gif

        var contentType: String {
            switch self {
            case .mp4: "video/mp4"
            case .webm: "video/webm"
            case .gif: "image/gif"
            }
        }
    }

    struct State: Codable, Hashable, Sendable {
        var format: Format
        /// Since the first picture.
        var seconds = 0.0
        /// Pictures that are in the file.
        var frames = 0
    }

    private struct Shown: Sendable {
        var picture: Picture
        var images: FrameImages
        var time: Duration
    }

    /// How many pictures wait.
    private static let mostWaiting = 8
    /// The longest recording in seconds; then it ends by itself.
    static let longest = 120.0
    /// Pictures smaller than this are enlarged, so that players show something.
    private static let leastSide = 256

    nonisolated let format: Format
    nonisolated let framesPerSecond: Double
    /// Whether the character is recorded alone, with transparency.
    nonisolated let isCut: Bool
    private let file: URL
    private nonisolated let pictures: AsyncStream<Shown>
    private nonisolated let giver: AsyncStream<Shown>.Continuation
    private var running: Task<Void, any Error>?
    private var sink: FrameSink?
    private struct Progress: Sendable {
        /// When the first picture came, whether or not it had to give way, and when the last one did.
        var start: Duration?
        var last = Duration.zero
        var frames = 0
    }
    private nonisolated let progress = Mutex(Progress())
    private let executor = QueueExecutor(label: "rain.studio.recording")

    /// - Parameter isTransparent: whether the character is to be recorded alone, where the format can have transparency
    init(format: Format, framesPerSecond: Double, isTransparent: Bool = false) {
        self.format = format
        isCut = isTransparent && format == .webm
        self.framesPerSecond = min(framesPerSecond, 50)
        file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-studio-\(UUID().uuidString).\(format.rawValue)")
        (pictures, giver) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.mostWaiting))
    }

    deinit { try? FileManager.default.removeItem(at: file) }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    nonisolated var state: State {
        progress.withLock { progress in
            let seconds = progress.start.map { (progress.last - $0).seconds } ?? 0
            return State(format: format, seconds: rounded(min(seconds, Self.longest)), frames: progress.frames)
        }
    }

    /// Writes what is offered, until `finish` or `end`.
    ///
    /// - Parameter failed: is told why it ended before
    func run(_ failed: @escaping @Sendable (any Error) async -> Void) {
        running = Task {
            do {
                for await shown in pictures { try write(shown) }
            } catch {
                giver.finish()
                await failed(error)
                throw error
            }
        }
    }

    /// Takes in a picture that is shown now; never waits.
    ///
    /// - Parameters:
    ///   - images: where a recording of the character alone finds it
    ///   - now: on any clock that does not go back
    nonisolated func offer(_ picture: Picture, _ images: FrameImages, at now: Duration) {
        progress.withLock { progress in
            progress.start = progress.start ?? now
            progress.last = now
        }
        giver.yield(Shown(picture: picture, images: images, time: now))
    }

    /// No more pictures will come.
    nonisolated func end() { giver.finish() }

    private func write(_ shown: Shown) throws {
        let (picture, now) = (shown.picture, shown.time)
        let seconds = (now - (progress.withLock { $0.start } ?? now)).seconds
        guard seconds <= Self.longest else { return }
        let scale = max(1, Self.leastSide / picture.width)
        let sink =
            try sink
            ?? FrameSink.open(
                file.path, width: picture.width, height: picture.height, framesPerSecond: framesPerSecond,
                scaledTo: (picture.width * scale, picture.height * scale), hasAlpha: isCut, isTimed: true)
        self.sink = sink
        sink.setTime(seconds)
        if isCut, let cut = shown.images.cut() { try sink.write(rgba: cut.rgba) } else { try sink.write(picture) }
        progress.withLock { $0.frames = sink.frameCount }
    }

    /// The finished file's bytes.
    ///
    /// - Throws: `StudioError` of code `conflict` for a recording without frames; `MediaError`
    func finish() async throws -> [UInt8] {
        end()
        try await running?.value
        guard let sink, sink.frameCount > 0 else {
            throw StudioError(.conflict, "the recording has no frames yet; record for a moment first")
        }
        try sink.finish()
        self.sink = nil
        defer { try? FileManager.default.removeItem(at: file) }
        return [UInt8](try Data(contentsOf: file))
    }
}
