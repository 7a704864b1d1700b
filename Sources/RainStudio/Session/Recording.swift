import Foundation
import RainGraph
import RainMedia
import RainPictures
import Synchronization

/// A recording of a session on its way into a video file of the studio's own, on a thread of its own.
///
/// It never slows its session: a few pictures wait for an encoder that is slower than they come, and of more the oldest give way.
actor Recording {
    enum Format: String, Codable, CaseIterable, Sendable {
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
        var seconds: Double
        var frames: Int
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
    private var frames = 0
    /// When the first picture came, whether or not it had to give way.
    private nonisolated let start = Mutex<Duration?>(nil)
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

    var state: State { State(format: format, seconds: Double(frames) / framesPerSecond, frames: frames) }

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
        start.withLock { $0 = $0 ?? now }
        giver.yield(Shown(picture: picture, images: images, time: now))
    }

    /// No more pictures will come.
    nonisolated func end() { giver.finish() }

    /// A picture that stays is written as often as the file's rate asks.
    private func write(_ shown: Shown) throws {
        let (picture, now) = (shown.picture, shown.time)
        let cut = isCut ? shown.images.cut() : nil
        let start = start.withLock { $0 } ?? now
        let wanted = min(Int(((now - start).seconds * framesPerSecond).rounded()) + 1, Int(Self.longest * framesPerSecond))
        guard wanted > frames else { return }
        let scale = max(1, Self.leastSide / picture.width)
        let sink =
            try sink
            ?? FrameSink.open(
                file.path, width: picture.width, height: picture.height, framesPerSecond: framesPerSecond,
                scaledTo: (picture.width * scale, picture.height * scale), hasAlpha: isCut)
        self.sink = sink
        // After a long pause the film goes on where it is rather than standing still as long.
        for _ in 0..<min(wanted - frames, Int(2 * framesPerSecond) + 1) {
            if let cut { try sink.write(rgba: cut.rgba) } else { try sink.write(picture) }
        }
        frames = wanted
    }

    /// The finished file's bytes.
    ///
    /// - Throws: `StudioError` of code `conflict` for a recording without frames; `MediaError`
    func finish() async throws -> [UInt8] {
        end()
        try await running?.value
        guard let sink, frames > 0 else { throw StudioError(.conflict, "the recording has no frames yet; record for a moment first") }
        try sink.finish()
        self.sink = nil
        defer { try? FileManager.default.removeItem(at: file) }
        return [UInt8](try Data(contentsOf: file))
    }
}
