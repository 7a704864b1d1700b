import ArgumentParser
import Foundation
import RainAnimation
import RainFiles
import RainMedia
import RainPictures
import RainPose

/// Animates a picture.
struct AnimateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "animate",
        abstract: "Animates a character: one picture, one motion, a stream of frames.",
        discussion: """
            The motion is a landmark file (Docs/LandmarkFormat.md) of any character, or pictures of a person: a video, a folder, a \
            camera. It is carried over to the face of the reference picture. Where that face is, is read from \
            --reference-landmarks, or from a landmark file beside the picture (hero.landmarks.json for hero.png); without either, the \
            face tracker finds it ('rain tracker install') and the picture is cut so that it lies where the model wants it. Where no face \
            is found, one in the middle of the picture is assumed.

            A motion that is shorter than what was asked for starts over. Ctrl-C ends the stream and leaves a playable file; so does \
            a camera that vanishes.

            Example: rain animate --reference hero.png --driving motion.json --output out.mp4
            """)

    @Option(
        help: ArgumentHelp(
            "The picture to animate: PNG, JPEG or WebP of any size, or a folder of layers (rain cut).", valueName: "picture"),
        completion: .file()
    )
    var reference: String

    @Option(
        help: ArgumentHelp("Where the reference's face is: the first frame of a landmark file.", valueName: "file.json"),
        completion: .file())
    var referenceLandmarks: String?

    @Option(
        help: ArgumentHelp(
            "The motion: a landmark file (- for standard input), a video, a folder of pictures, or a camera such as /dev/video0.",
            valueName: "path"), completion: .file())
    var driving: String

    @Option(
        help: ArgumentHelp("Where the frames go: \(FrameSink.formats). An existing file is replaced.", valueName: "path"),
        completion: .file())
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

    @Option(help: "What is drawn of the driver for a published model: face, body or body+face.")
    var pose: Parts?

    @Option(
        help: ArgumentHelp(
            """
            Face parameters for a published model: files that 'rain calibrate' writes, name=value, or 'none', separated by commas; later ones \
            win. Without it those that the published programs start with.
            """, valueName: "file,name=value,..."))
    var retarget: String?

    @OptionGroup var detection: DetectorOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Smooth the landmarks over time, at the price of a little delay (One Euro filter); by default those of cameras.")
    var smooth: Bool?

    @Flag(
        inversion: .prefixedNo,
        help: """
            Whether the driver's distance to the camera is taken out of what drives, so that leaning in does not make the head larger; by \
            default it is, for published models that of cameras alone.
            """)
    var keepDistance: Bool?

    @Flag(
        help: """
            Cut the reference picture into layers that move each by itself, instead of bending it as a whole: deeper, and wrong where the cut \
            is. For layered models; a reference that is a folder has its layers.
            """)
    var cut = false

    @Option(help: "How a reference picture of other proportions is fitted: crop or pad; by default as its face asks for, else crop.")
    var fit: Fit?

    @OptionGroup var result: ResultOptions

    /// `FitMode` as an option.
    enum Fit: String, ExpressibleByArgument, CaseIterable {
        case crop, pad

        var mode: FitMode { self == .crop ? .crop : .pad }
    }

    /// `WholeBodyPainter.Parts` as an option.
    enum Parts: String, ExpressibleByArgument, CaseIterable {
        case face, body
        case bodyAndFace = "body+face"

        var parts: WholeBodyPainter.Parts {
            switch self {
            case .face: .face
            case .body: .body
            case .bodyAndFace: .bodyAndFace
            }
        }
    }

    mutating func validate() throws {
        try checkRetarget(retarget)
        var files = FileRoles(
            reading: [
                "--reference": reference, "--reference-landmarks": referenceLandmarks ?? ReferenceFace.landmarkFile(of: reference),
                "--driving": driving, "--detector": detection.detector,
            ], writing: ["--output": output])
        files.readParameters(retarget)
        model.add(to: &files)
        try files.check()
        let lengths = [frames != nil, seconds != nil, endless].filter { $0 }.count
        guard lengths <= 1 else { throw ValidationError("--frames, --seconds and --endless: expected at most one of them") }
        if let frames, frames < 1 { throw ValidationError("--frames: expected at least 1, found \(frames)") }
        if let seconds, !(seconds > 0 && seconds <= 1e7) {
            throw ValidationError("--seconds: expected above 0 and at most 10000000, found \(seconds)")
        }
        try checkFrameRate(fps)
        try checkOutput(output, framesPerSecond: fps)
        try result.check(outputs: [output])
        if let guidance, !(guidance >= 0 && guidance <= 100) { throw ValidationError("--guidance: expected 0 to 100, found \(guidance)") }
    }

    func run() async throws {
        let launch = ContinuousClock.now
        let loading = LoadingLine(launch: launch)
        defer { loading.finish() }
        Interrupt.install()
        let isPaced = live || endless
        let clock = PlaybackClock()
        var loaded: (AnimationModel, Detectors)?
        /// Which detector looks at pictures depends on the model; a landmark file's mistakes are told before it is loaded.
        func load() throws -> (model: AnimationModel, detectors: Detectors) {
            if let loaded { return loaded }
            loading.begin("opening \(model.name)")
            let animated = try loading.counting(model.load())
            let detectors = detection.choice(model: model.model, persons: animated.configuration.posePicture.style == .person)
            loaded = (animated, detectors)
            return (animated, detectors)
        }
        loading.begin(driving == "-" ? "waiting for standard input" : "reading \(driving)")
        let source = try DrivingInput.open(
            driving, detector: { try load().detectors.open(for: driving) }, smooth: smooth,
            repeats: endless || frames != nil || seconds != nil, clock: isPaced ? clock : nil)
        let rate = fps ?? source.frames.framesPerSecond ?? PictureSource.usualRate
        try checkOutput(output, framesPerSecond: rate)
        let (animated, detectors) = try load()
        let configuration = animated.configuration
        let style = try poseStyle(configuration, driving: source.frames)
        let size = configuration.imageSize
        loading.begin("looking for the face in \(reference)")
        let face = try await ReferenceFace(
            path: reference, landmarks: referenceLandmarks, size: size, fit: fit,
            detectors: configuration.posePicture.style == .face ? detectors : nil,
            drawn: { try DrawnFaces(animated, engine: model.engine) },
            isCut: cut)
        // Of pictures nobody knows the number before the end.
        let length = source.frames.frameCount.map { Double($0) / (source.frames.framesPerSecond ?? rate) }
        let count = endless ? nil : frames ?? (seconds ?? length).map { max(1, Int(($0 * rate).rounded())) }
        let isLive = isPaced || source.isCamera
        loading.begin("loading \(configuration.name)")
        let animator = try usage {
            try Animator(
                model: animated, engine: model.engine, schedule: model.schedule(configuration), seed: seed, guidance: guidance,
                poseStyle: style, policy: isLive ? .newestWins : .backPressure)
        }
        loading.watch(animator)
        try await animator.fuse(face.art, landmarks: face.landmarks)
        let sink = try FrameSink.open(output, width: size, height: size, framesPerSecond: rate)
        var monitor = StreamMonitor(total: count, launch: launch)
        let feeder = DrivingFeeder(
            animator: animator, source: source.frames, face: configuration.posePicture.style == .face ? face.landmarks : nil, count: count,
            framesPerSecond: rate, isLive: isLive, clock: isPaced ? clock : nil,
            keepsDistance: keepDistance ?? (configuration.posePicture.style == .face || source.isCamera))
        let feeding = Task { await feeder.run() }
        do {
            for try await frame in animator.frames {
                loading.finish()
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
        let failure = await feeding.value
        if let failure, sink.frameCount == 0 {
            sink.abandon()
            throw failure
        }
        try sink.finish()
        let figures = monitor.finish(dropped: animator.droppedFrames, output: output)
        // What came before a camera vanished is kept.
        if let failure { throw failure }
        guard result.json else { return }
        try Terminal.printJSON(
            Report(
                output: output, model: configuration.name, width: size, height: size, fps: rate, seed: seed,
                isInterrupted: Interrupt.requested, stream: figures))
    }

    /// What `--json` tells.
    private struct Report: Encodable {
        var output: String
        var model: String
        var width: Int
        var height: Int
        var fps: Double
        var seed: UInt64
        var isInterrupted: Bool
        var stream: StreamMonitor.Figures

        enum CodingKeys: String, CodingKey {
            case output, model, width, height, fps, seed, stream
            case isInterrupted = "interrupted"
        }
    }

    /// How the driving is drawn for a model; `nil` for its usual way.
    private func poseStyle(_ configuration: ModelConfiguration, driving source: DrivingSource) throws -> PoseStyle? {
        switch configuration.posePicture.style {
        case .face:
            guard pose == nil, retarget == nil else {
                throw ValidationError(
                    "--\(pose != nil ? "pose" : "retarget"): \(configuration.name) is driven by the points of a face and carries them over "
                        + "by itself; the option is for published models")
            }
            return nil
        case .person:
            let parts = pose?.parts ?? .face
            guard parts == .face || source.hasBody else {
                throw AnimationError(
                    .driving,
                    "\(source.name): holds a face and its shoulders only, expected a whole person for --pose \(parts.rawValue); use a landmark "
                        + "file of 134 points, a video or --pose face")
            }
            let parameters = try retarget.map { try FaceParameterValues(text: $0) }?.applied(to: .initial) ?? .initial
            let size = configuration.posePicture.size
            return .person(WholeBodyPainter(width: size, height: size, parts: parts, retargeting: parameters.retargeting))
        }
    }
}

/// Turns face parameters that cannot be into a mistake in the command line; files are read later.
func checkRetarget(_ text: String?) throws {
    guard let text, !FileSystem.exists(text),
        text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy({ $0.contains("=") || $0.isEmpty || $0 == "none" })
    else { return }
    do {
        _ = try FaceParameterValues(text: text)
    } catch {
        throw ValidationError("--retarget: \(error)")
    }
}
