import RainGraph
import RainMedia
import RainPictures
import Synchronization

/// Takes what a session shows to a place outside the browser: a server, a loopback camera, a pipe, a file.
///
/// An output never slows its session: pictures wait in a place for one, where newer ones replace older ones, and are written on a thread
/// of the output's own. One that fails is opened again after a while, first soon and then ever more rarely; what is shown meanwhile is
/// not kept.
actor StudioOutput {
    /// How an output fares.
    struct State: Codable, Hashable, Sendable {
        enum Status: String, Codable, Sendable {
            case waiting, writing, failed
        }
        /// Where it goes, without what may be secret.
        var target: String
        var status = Status.waiting
        /// Pictures written, repeated ones counted, and pictures that gave way to newer ones or were shown while it failed.
        var frames = 0
        var dropped = 0
        /// How often it could not be opened or written to.
        var failures = 0
        /// Why, the last time.
        var error: String?
    }

    struct Settings: Hashable, Sendable {
        /// What `FrameSink` understands.
        var path: String
        var framesPerSecond: Double
        /// Width and height of what is written; `nil` for the pictures' own.
        var side: Int?
    }

    private struct Shown: Sendable {
        var picture: Picture
        var time: Duration
    }

    /// How long after a failure an output is opened again.
    static let retries: [Duration] = [.seconds(1), .seconds(2), .seconds(5), .seconds(15)]

    let settings: Settings
    private let time: Timekeeper
    private let told: @Sendable (String) -> Void
    private nonisolated let shared: Mutex<State>
    private nonisolated let pictures: AsyncStream<Shown>
    private nonisolated let giver: AsyncStream<Shown>.Continuation
    private var sink: FrameSink?
    private var pace: OutputPace
    private var retry: (at: Duration, count: Int)?
    private let executor = QueueExecutor(label: "rain.studio.output")

    /// - Parameter told: is given news for people
    init(_ settings: Settings, time: Timekeeper, told: @escaping @Sendable (String) -> Void = { _ in }) {
        self.settings = settings
        self.time = time
        self.told = told
        shared = Mutex(State(target: FrameSink.shown(settings.path)))
        (pictures, giver) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        pace = OutputPace(framesPerSecond: settings.framesPerSecond)
    }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    nonisolated var state: State { shared.withLock { $0 } }

    /// Takes a picture that is shown now; never waits.
    nonisolated func offer(_ picture: Picture) {
        if case .dropped = giver.yield(Shown(picture: picture, time: time.now())) { shared.withLock { $0.dropped += 1 } }
    }

    /// Writes until `end`, or the task is cancelled; then a file is completed.
    func run() async {
        for await shown in pictures { write(shown) }
        do {
            try sink?.finish()
        } catch {
            failed(error, at: time.now())
        }
        sink = nil
        shared.withLock { if $0.status == .writing { $0.status = .waiting } }
    }

    /// No more pictures will come.
    nonisolated func end() { giver.finish() }

    private func write(_ shown: Shown) {
        if let retry, shown.time < retry.at {
            shared.withLock { $0.dropped += 1 }
            return
        }
        do {
            let (width, height) = (shown.picture.width, shown.picture.height)
            if sink?.width != width || sink?.height != height {
                try sink?.finish()
                sink = nil
                sink = try FrameSink.open(
                    settings.path, width: width, height: height, framesPerSecond: settings.framesPerSecond,
                    scaledTo: settings.side.map { ($0, $0) })
                pace = OutputPace(framesPerSecond: settings.framesPerSecond)
                told("\(state.target): open, \(settings.side ?? width)×\(settings.side ?? height) at \(settings.framesPerSecond) frames/s")
            }
            let times = pace.times(at: time.now())
            for _ in 0..<times { try sink?.write(shown.picture) }
            retry = nil
            shared.withLock {
                $0.frames += times
                $0.status = .writing
            }
        } catch {
            failed(error, at: time.now())
        }
    }

    private func failed(_ error: any Error, at now: Duration) {
        sink?.abandon()
        sink = nil
        let count = retry?.count ?? 0
        let pause = Self.retries[min(count, Self.retries.count - 1)]
        retry = (now + pause, count + 1)
        shared.withLock {
            $0.status = .failed
            $0.failures += 1
            $0.error = "\(error)"
        }
        // A server that stays away is told of once.
        if count == 0 { told("\(error); trying again") }
    }
}
