import ArgumentParser
import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainPose

/// Animates a picture.
struct AnimateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "animate",
        abstract: "Animates a character: one picture, one motion, a stream of frames.",
        discussion: """
            The motion is a landmark file (Docs/LandmarkFormat.md) of any character: it is carried over to the face of the \
            reference picture. Where that face is, is read from --reference-landmarks, or from a landmark file beside the picture \
            (hero.landmarks.json for hero.png); without either, a face in the middle of the picture is assumed.

            A motion that is shorter than what was asked for starts over. Ctrl-C ends the stream and leaves a playable file.

            Example: rain animate --reference hero.png --driving motion.json --output out.mp4
            """)

    @Option(help: ArgumentHelp("The picture to animate: PNG, JPEG or WebP of any size.", valueName: "picture"))
    var reference: String

    @Option(help: ArgumentHelp("Where the reference's face is: the first frame of a landmark file.", valueName: "file.json"))
    var referenceLandmarks: String?

    @Option(help: ArgumentHelp("The motion: a landmark file.", valueName: "file.json"))
    var driving: String

    @Option(help: ArgumentHelp("Where the frames go: \(FrameSink.formats).", valueName: "path"))
    var output: String

    @OptionGroup var model: ModelOptions

    @Option(help: "Seed of the noise; the same seed gives the same frames.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("How many frames; by default those of the motion.", valueName: "n"))
    var frames: Int?

    @Option(help: ArgumentHelp("How long, in seconds.", valueName: "s"))
    var seconds: Double?

    @Flag(help: "Go on until interrupted; implies --live.")
    var endless = false

    @Flag(
        help: """
            Drive at the pace of --fps, as a camera would; where the machine is too slow, driving frames are dropped so that the \
            latency stays bounded.
            """)
    var live = false

    @Option(help: ArgumentHelp("Frames per second; by default those of the motion, which is resampled if need be.", valueName: "rate"))
    var fps: Double?

    @Option(help: ArgumentHelp("How strongly a model with guidance follows its reference, 0 to 100.", valueName: "scale"))
    var guidance: Float?

    @Option(help: "How a reference picture of other proportions is fitted: crop or pad.")
    var fit = Fit.crop

    /// `FitMode` as an option.
    enum Fit: String, ExpressibleByArgument, CaseIterable {
        case crop, pad

        var mode: FitMode { self == .crop ? .crop : .pad }
    }

    mutating func validate() throws {
        let lengths = [frames != nil, seconds != nil, endless].filter { $0 }.count
        guard lengths <= 1 else { throw ValidationError("--frames, --seconds and --endless: expected at most one of them") }
        if let frames, frames < 1 { throw ValidationError("--frames: expected at least 1, found \(frames)") }
        if let seconds, !(seconds > 0 && seconds <= 1e7) {
            throw ValidationError("--seconds: expected above 0 and at most 10000000, found \(seconds)")
        }
        try checkFrameRate(fps)
        try checkOutput(output, framesPerSecond: fps)
        if let guidance, !(guidance >= 0 && guidance <= 100) { throw ValidationError("--guidance: expected 0 to 100, found \(guidance)") }
    }

    func run() async throws {
        let launch = ContinuousClock.now
        Interrupt.install()
        let track = try LandmarkTrack(contentsOf: URL(fileURLWithPath: driving))
        let rate = fps ?? track.framesPerSecond
        try checkOutput(output, framesPerSecond: rate)
        let animated = try model.load()
        let size = animated.configuration.imageSize
        let picture = try PictureReader.read(reference)
        let face = try ReferenceFace(picture: picture, path: reference, landmarks: referenceLandmarks, size: size, fit: fit.mode)
        let motion = DrivingMotion(track, framesPerSecond: rate, face: face.landmarks)
        let count = endless ? nil : frames ?? max(1, Int(((seconds.map { $0 * rate }) ?? Double(motion.count)).rounded()))
        let isLive = live || endless
        let animator = try usage {
            try Animator(
                model: animated, engine: model.engine, schedule: model.schedule(animated.configuration), seed: seed, guidance: guidance,
                policy: isLive ? .newestWins : .backPressure)
        }
        try await animator.fuse(reference: face.picture, landmarks: face.landmarks)
        let sink = try FrameSink.open(output, width: size, height: size, framesPerSecond: rate)
        var monitor = StreamMonitor(total: count, launch: launch)
        let feeder = DrivingFeeder(animator: animator, motion: motion, count: count, framesPerSecond: isLive ? rate : nil)
        let feeding = Task { await feeder.run() }
        do {
            for try await frame in animator.frames {
                try sink.write(frame.picture)
                monitor.delivered(frame)
            }
        } catch let error as MediaError where error.code == .readerGone {
            // Whoever reads our pipe has seen enough.
            feeding.cancel()
        } catch {
            feeding.cancel()
            sink.abandon()
            throw error
        }
        await feeding.value
        try sink.finish()
        monitor.finish(dropped: animator.droppedFrames, output: output)
    }
}

/// The reference picture as the model sees it, and where its face is.
struct ReferenceFace {
    let picture: Picture
    let landmarks: LandmarkFrame

    /// - Parameters:
    ///   - path: of the picture
    ///   - landmarks: a landmark file; `nil` to look beside the picture
    init(picture: Picture, path: String, landmarks: String?, size: Int, fit: FitMode) throws {
        self.picture = picture.fitted(width: size, height: size, mode: fit)
        let beside = Self.landmarkFile(of: path)
        guard let file = landmarks ?? (FileManager.default.fileExists(atPath: beside) ? beside : nil) else {
            self.landmarks = .neutral
            return
        }
        let frame = try LandmarkTrack(contentsOf: URL(fileURLWithPath: file)).frames[0]
        self.landmarks = Self.fitted(frame, width: picture.width, height: picture.height, fit: fit)
    }

    /// The landmark file that belongs to a picture: `hero.landmarks.json` for `hero.png`.
    static func landmarkFile(of picture: String) -> String {
        URL(fileURLWithPath: picture).deletingPathExtension().path + ".landmarks.json"
    }

    /// Landmarks of a picture where they are after it has been fitted to a square.
    private static func fitted(_ frame: LandmarkFrame, width: Int, height: Int, fit: FitMode) -> LandmarkFrame {
        let (width, height) = (Float(width), Float(height))
        let side = fit == .crop ? min(width, height) : max(width, height)
        return LandmarkFrame(
            points: frame.points.map { point in
                LandmarkPoint(
                    x: 0.5 + (point.x - 0.5) * width / side, y: 0.5 + (point.y - 0.5) * height / side, visibility: point.visibility)
            })
    }
}

/// A motion on the face of the reference, at the rate of the output, starting over at its end.
struct DrivingMotion: Sendable {
    private let track: LandmarkTrack
    private let retarget: LandmarkRetargeter
    private let stretch: Double
    /// Frames until the motion starts over.
    let count: Int

    init(_ track: LandmarkTrack, framesPerSecond: Double, face: LandmarkFrame) {
        self.track = track
        retarget = LandmarkRetargeter(fromStartOf: track, to: face)
        stretch = track.framesPerSecond / framesPerSecond
        count = max(1, Int((Double(track.frames.count) / stretch).rounded()))
    }

    subscript(index: Int) -> LandmarkFrame {
        let last = track.frames.count - 1
        let place = min(Double(index % count) * stretch, Double(last))
        let before = Int(place)
        let (a, b, share) = (track.frames[before], track.frames[min(before + 1, last)], Float(place - Double(before)))
        guard share > 0 else { return retarget(a) }
        let points = zip(a.points, b.points).map { a, b in
            LandmarkPoint(
                x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share, visibility: a.visibility + (b.visibility - a.visibility) * share
            )
        }
        return retarget(LandmarkFrame(points: points))
    }
}

/// Gives an animator its driving frames, as fast as it takes them or at a steady pace, until there are enough or the user interrupts.
struct DrivingFeeder: Sendable {
    let animator: Animator
    let motion: DrivingMotion
    /// `nil` for no end.
    let count: Int?
    /// Of the pace; `nil` for as fast as possible.
    let framesPerSecond: Double?

    func run() async {
        let start = ContinuousClock.now
        var index = 0
        while count.map({ index < $0 }) ?? true, !Interrupt.requested, !Task.isCancelled {
            if let framesPerSecond {
                guard await Pace.wait(until: start + .seconds(Double(index) / framesPerSecond)) else { break }
                animator.offer(motion[index], timestamp: animator.now())
            } else {
                await animator.push(motion[index], timestamp: animator.now())
            }
            index += 1
        }
        animator.finish()
    }
}
