import Foundation
import RainAnimation
import RainGraph
import RainMedia
import RainPictures
import RainPose
import Synchronization

/// An uploaded film that drives: it is read and looked at on a queue of its own, and played by whoever asks what it shows now.
actor Film {
    /// The largest upload in bytes.
    static let largestFile = 128 << 20
    /// The most pixels of a picture.
    static let mostPixels = 4096 * 2176
    /// Side of the pictures that are kept to be shown, and how many seconds lie between them.
    private static let shownSide = 256
    private static let shownGap = 0.25

    private struct Shown: Sendable {
        var seconds: Double
        var jpeg: [UInt8]
    }

    private struct State: Sendable {
        var track = FilmTrack()
        /// By time.
        var shown: [Shown] = []
        var isPaused = false
    }

    nonisolated let name: String
    nonisolated let file: UploadedFile
    private let desk: DetectorDesk
    private let time: Timekeeper
    private nonisolated let state = Mutex(State())
    private var memory = TrackingMemory()
    private let executor = QueueExecutor(label: "rain.studio.film")

    init(_ file: UploadedFile, name: String, desk: DetectorDesk, time: Timekeeper) {
        self.file = file
        self.name = name
        self.desk = desk
        self.time = time
    }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Whether the file is a film that can be played.
    ///
    /// - Throws: `StudioError` of code `badVideo` or `tooLarge`
    func check() throws(StudioError) {
        do {
            let video = try VideoReader(path: file.path, maximumPixels: Self.mostPixels)
            if let duration = video.duration, duration > FilmTrack.longest {
                let found = duration < 1e6 ? "\(Int(duration))" : "more"
                throw StudioError(
                    .tooLarge, "\(name): expected a film of at most \(Int(FilmTrack.longest)) seconds, found \(found); cut it shorter")
            }
            let expected = min(video.duration ?? 0, FilmTrack.longest) * min(max(video.framesPerSecond ?? 25, 1), 1 / FilmTrack.leastGap)
            state.withLock { $0.track.expected = Int(expected) }
            guard try video.next() != nil else { throw StudioError(.badVideo, "\(name): expected a film, found no picture in it") }
        } catch {
            throw refusal(error)
        }
    }

    /// What is wrong, without the name that the file has here.
    private func refusal(_ error: any Error) -> StudioError {
        guard let error = error as? MediaError else { return error as? StudioError ?? StudioError(.failed, "\(error)") }
        let told = MediaError(error.code, file: name, expected: error.expected, found: error.found, advice: error.advice)
        return StudioError(error.code == .tooLarge ? .tooLarge : .badVideo, "\(told)")
    }

    // MARK: Looking

    /// Looks at the film, round after round, until all of it is known.
    ///
    /// - Throws: `StudioError` if it cannot be read, or nobody is in it
    func look() async throws {
        while !Task.isCancelled {
            var looks = 0
            do {
                let source = try PictureSource(path: file.path, maximumPixels: Self.mostPixels)
                while !Task.isCancelled, let next = try source.next(), next.seconds < FilmTrack.longest {
                    while state.withLock(\.isPaused), !Task.isCancelled { await time.wait(time.now() + .milliseconds(500)) }
                    if try await look(at: next) { looks += 1 }
                    // Others who want to ask this actor get to.
                    await Task.yield()
                }
            } catch {
                // What came before the damage is played.
                guard error is MediaError, state.withLock(\.track.hasFace) else { throw refusal(error) }
            }
            guard !Task.isCancelled else { return }
            let now = time.now()
            let (isWhole, hasFace, count) = state.withLock { state in
                state.track.ended(at: now)
                return (state.track.isWhole, state.track.hasFace, state.track.count)
            }
            // A file that reads differently each time would never be whole.
            let isDone = isWhole || looks == 0
            guard !isDone || hasFace else {
                throw StudioError(
                    .badVideo, "\(name): expected a person's face in view, found none in \(count) \(count == 1 ? "picture" : "pictures")")
            }
            if isDone { return }
        }
    }

    /// - Returns: whether it was worth a look
    private func look(at next: TimedPicture) async throws -> Bool {
        let now = time.now()
        guard let index = state.withLock({ $0.track.wants(next.seconds, at: now) }) else { return false }
        let square = next.picture.middleSquare()
        let start = time.now()
        let before = memory
        let (pose, after) = try await desk.turn { detector in try await detector.detect(square, memory: before) }
        memory = after
        let end = time.now()
        state.withLock { $0.track.saw(pose, in: index, work: (end - start).seconds, at: end) }
        try keep(square, pose, next.seconds)
        return true
    }

    /// Keeps a picture to be shown with what was seen in it.
    private func keep(_ square: Picture, _ pose: DrivingPose?, _ seconds: Double) throws {
        let isWanted = state.withLock { $0.shown.allSatisfy { abs($0.seconds - seconds) >= Self.shownGap } }
        guard isWanted else { return }
        let small = square.resized(width: Self.shownSide, height: Self.shownSide, filter: .bilinear)
        let jpeg = try PictureWriter.jpeg(InputPicture.draw(pose?.shownPoints ?? [], over: small))
        state.withLock { state in
            state.shown.append(Shown(seconds: seconds, jpeg: jpeg))
            state.shown.sort { $0.seconds < $1.seconds }
        }
    }

    /// While nobody watches, nothing is looked at.
    nonisolated func pause(_ isPaused: Bool) { state.withLock { $0.isPaused = isPaused } }

    // MARK: Playing

    nonisolated var isPlaying: Bool { state.withLock(\.track.isPlaying) }
    nonisolated var isWhole: Bool { state.withLock(\.track.isWhole) }
    /// How much of what there is has been looked at, 0…1.
    nonisolated var share: Double { state.withLock(\.track.share) }

    nonisolated func pose(at now: Duration) -> (pose: DrivingPose, rest: RestingFace)? {
        state.withLock { $0.track.pose(at: now) }
    }

    nonisolated func calibrate() -> Bool { state.withLock { $0.track.calibrate() } }

    /// What it shows now, as a JPEG.
    nonisolated func picture(at now: Duration) -> [UInt8]? {
        state.withLock { state in
            let place = state.track.place(at: now) ?? 0
            return (state.shown.last { $0.seconds <= place } ?? state.shown.first)?.jpeg
        }
    }
}
