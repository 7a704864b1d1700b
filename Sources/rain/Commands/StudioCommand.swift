import ArgumentParser
import Foundation
import RainAnimation
import RainFiles
import RainMedia
import RainPose
import RainStudio

/// Serves the studio.
struct StudioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "studio",
        abstract: "Serves a page on which a character moves as you move.",
        discussion: """
            Prints the page's address; open it in a browser on this machine, or let --open do so. The character idles until it is driven: by mouse, \
            keyboard, touch, sliders, a microphone or a landmark file. What programs can do there is described at /api/v1/openapi.json.

            With the face tracker ('rain tracker install'), the cameras of those who watch and films drive too, and the face in a picture that \
            is put on stage is found. For whole persons there is DWPose: two networks from huggingface.co/yzd-v/DWPose, a person detector \
            (yolox_l.onnx, yolox_m.onnx or yolox_s.onnx) and a keypoint network (dw-ll_ucoco_384.onnx or dw-mm_ucoco.onnx), in the folder \
            --detector or in the model's.

            With --output, the first session also goes to a server for live video, to a loopback camera, into a pipe or a file: \
            rain studio --output rtmp://localhost/live/key --output /dev/video9

            Characters, settings and what is on stage are kept from one start to the next, in plain files of the state folder; options that \
            are given hold whatever was kept.

            On an address that others reach (--address 0.0.0.0), a token is printed once and every request must carry it.

            Example: rain studio --open
            """)

    @OptionGroup var model: ModelOptions

    @OptionGroup var detection: DetectorOptions

    @Option(help: "The address to listen on.")
    var address = "127.0.0.1"

    @Option(help: "The port to listen on, 0 for any that is free.")
    var port = 8787

    @Flag(help: "Open the page in the desktop's browser; where the port is taken, open what is there.")
    var open = false

    @Option(help: ArgumentHelp("Frames per second of a session, 1 to 60; by default 30.", valueName: "rate"))
    var fps: Double?

    @Option(help: "Seed of the noise; by default 0.")
    var seed: UInt64?

    @Option(help: ArgumentHelp("Time constant with which controls follow their driver, 0 to 1; by default 0.", valueName: "seconds"))
    var smoothing: Double?

    @Option(help: ArgumentHelp("The first character; by default the one last on stage.", valueName: "seed"))
    var character: UInt64?

    @Option(
        help: ArgumentHelp(
            "A picture for the first session, instead of a character; a landmark file beside it (hero.landmarks.json for hero.png) says where "
                + "its face is.", valueName: "picture"), completion: .file())
    var reference: String?

    @Flag(help: "Cut the picture into layers instead of bending it as a whole.")
    var cut = false

    @Flag(inversion: .prefixedNo, help: "Whether leaning in to a camera leaves the head as large as it is; by default it does.")
    var keepDistance: Bool?

    @Option(
        help: ArgumentHelp(
            "The folder in which the studio keeps what is yours; by default \(StudioCommand.stateFolder).", valueName: "folder"),
        completion: .directory)
    var state: String?

    @Flag(name: .customLong("no-state"), help: "Keep nothing when the studio ends, and begin with nothing kept.")
    var keepsNothing = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "An origin whose pages may use the studio and hold its pages, e.g. https://example.org; also more than once.", valueName: "url")
    )
    var allowOrigin: [String] = []

    @Option(help: ArgumentHelp("How strongly a model with guidance follows its reference, 0 to 100.", valueName: "scale"))
    var guidance: Float?

    @Option(
        help: ArgumentHelp(
            "What is behind the character: own, green, #rrggbb, or transparent, which is green where a picture cannot be transparent.",
            valueName: "colour"))
    var background: String?

    @Option(help: ArgumentHelp("How much parts of the driving count, 0 to 2 each.", valueName: "head=1.5,mouth=0.8"))
    var gains: String?

    @Option(help: "How many sessions there may be, 1 to 16.")
    var sessions = 4

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            Where the first session goes besides the browser, also more than once: \(FrameSink.formats). An existing file is replaced; \
            a server that goes away is looked for again.
            """, valueName: "path"), completion: .file())
    var output: [String] = []

    @Option(
        help: ArgumentHelp(
            "Width and height of what goes to --output, 16 to 4096; by default at least 512 for video, and the model's own for raw frames.",
            valueName: "pixels"))
    var outputSize: Int?

    @Option(help: ArgumentHelp("Certificate chain for HTTPS, as PEM.", valueName: "file"), completion: .file())
    var certificate: String?

    @Option(help: ArgumentHelp("Private key of the certificate, as PEM.", valueName: "file"), completion: .file())
    var key: String?

    mutating func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port: expected 0 to 65535, found \(port)") }
        if let fps, !SessionSettings.frameRates.contains(fps) { throw ValidationError("--fps: expected 1 to 60, found \(fps)") }
        if let smoothing, !(0...1).contains(smoothing) { throw ValidationError("--smoothing: expected 0 to 1, found \(smoothing)") }
        guard state == nil || !keepsNothing else { throw ValidationError("--state and --no-state: expected one of them") }
        guard (1...16).contains(sessions) else { throw ValidationError("--sessions: expected 1 to 16, found \(sessions)") }
        for path in output { try checkOutput(path, framesPerSecond: fps ?? Self.usualRate) }
        var files = FileRoles(
            reading: ["--reference": reference, "--detector": detection.detector, "--certificate": certificate, "--key": key], writing: [:])
        model.add(to: &files)
        for path in output { files.write("--output", path) }
        try files.check()
        guard output.count(where: isStandardOutput) <= 1 else {
            throw ValidationError("--output: expected standard output at most once")
        }
        if let outputSize {
            guard (16...4096).contains(outputSize) else {
                throw ValidationError("--output-size: expected 16 to 4096, found \(outputSize)")
            }
            guard !output.isEmpty else { throw ValidationError("--output-size: expected --output as well") }
        }
        if let guidance, !(guidance >= 0 && guidance <= 100) { throw ValidationError("--guidance: expected 0 to 100, found \(guidance)") }
        guard character == nil || reference == nil else { throw ValidationError("--character and --reference: expected one of them") }
        let settings = SessionSettings(schedule: try usage { try StreamSchedule() })
        do throws(StudioError) {
            _ = try given().applied(to: settings)
            for origin in allowOrigin { try StudioServer.checkOrigin(origin) }
        } catch {
            throw ValidationError(error.message.hasPrefix("--") ? error.message : "--\(error.message)")
        }
        guard (certificate == nil) == (key == nil) else { throw ValidationError("--certificate and --key: expected both or neither") }
    }

    func run() async throws {
        let launch = ContinuousClock.now
        let loading = LoadingLine(launch: launch)
        defer { loading.finish() }
        Interrupt.install()
        loading.begin("opening \(model.name)")
        let animated = try loading.counting(model.load())
        var model = model
        // The studio is about what happens now: the window of least latency, where the model has one.
        if model.window == nil, model.model == nil { model.window = "1x4" }
        guard guidance == nil || animated.configuration.hasGuidance else {
            throw ValidationError("--guidance: \(animated.configuration.name) has no guidance embedding; leave the option out")
        }
        guard !cut || animated.configuration.isLayered else {
            throw ValidationError("--cut: \(animated.configuration.name) cuts no layers; leave the option out")
        }
        var configuration = StudioServer.Configuration(
            settings: SessionSettings(schedule: try model.schedule(animated.configuration), framesPerSecond: Self.usualRate, smoothing: 0))
        configuration.given = try given()
        configuration.stateFolder = keepsNothing ? nil : state ?? Self.stateFolder
        configuration.mustKeep = state != nil
        configuration.origins = allowOrigin
        configuration.modelOptions = Self.text(of: model, detector: detection.detector)
        if let reference {
            let landmarks = try ReferenceFace.fileBeside(reference).map { try LandmarkFile(contentsOf: URL(fileURLWithPath: $0))[0].face }
            configuration.reference = (
                try FileSystem.read(reference, upTo: PictureReader.maximumFileByteCount), URL(fileURLWithPath: reference).lastPathComponent,
                landmarks
            )
        }
        configuration.address = address
        configuration.port = port
        configuration.character = character
        configuration.sessions = sessions
        let persons = animated.configuration.posePicture.style == .person
        configuration.detector = try detection.choice(model: model.model, persons: persons).openIfAny()
        configuration.outputs = output
        configuration.outputSide = outputSize
        configuration.told = { Terminal.note($0) }
        if let certificate, let key { configuration.certificate = (certificate, key) }
        if !StudioServer.isLoopback(address) { configuration.token = Self.token() }
        let server: StudioServer
        do {
            server = try await StudioServer.start(configuration, model: animated, engine: model.engine)
        } catch let error as StudioError where open && error.code == .conflict {
            loading.finish()
            let url = StudioServer.page(of: configuration, port: port)
            Terminal.note("another program listens at \(url), a studio perhaps: opening it; if it is none, choose another --port")
            return Browser.open(url)
        }
        loading.finish()
        if output.contains(where: isStandardOutput) {
            // Standard output is for the frames.
            Terminal.note(server.url)
        } else {
            print(server.url)
            // Whoever reads through a pipe wants the address now.
            fflush(nil)
        }
        Terminal.note(
            "listening after \(Int((ContinuousClock.now - launch) / .milliseconds(1))) ms; \(open ? "opening" : "open") the address above, Ctrl-C ends"
                + (configuration.token == nil ? "" : "; whoever has its token can use the studio"))
        if configuration.detector == nil {
            Terminal.note("no landmark detector: cameras and films cannot drive until 'rain tracker install' has brought one; all else can")
        }
        if open { Browser.open(server.url) }
        let serving = Task { try await server.run() }
        let watching = Task {
            while !Interrupt.requested, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(100)) }
            serving.cancel()
        }
        defer { watching.cancel() }
        try await serving.value
    }

    private static let usualRate = 30.0

    /// The user's folder for what programs remember: `$XDG_STATE_HOME/rain/studio`, usually `~/.local/state/rain/studio`.
    private static var stateFolder: String { UserFolder.state.path + "/rain/studio" }

    /// The settings that the command line gives.
    private func given() throws(StudioError) -> SettingsChange {
        var change = SettingsChange()
        (change.window, change.steps) = (model.window, model.steps)
        (change.framesPerSecond, change.seed, change.smoothing) = (fps, seed, smoothing)
        (change.guidance, change.background, change.keepDistance) = (guidance.map { Double($0) }, background, keepDistance)
        if cut { change.cut = true }
        if let gains { try change.setGains(gains) }
        return change
    }

    /// The options that say which model runs, for whoever copies the command.
    private static func text(of model: ModelOptions, detector: String?) -> String {
        func quoted(_ text: String) -> String {
            let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./+:".contains($0)) }
            return isPlain ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }
        return [
            ("model", model.model), ("detector", detector), ("size", model.size.map { "\($0)" }),
            ("threads", model.processor.threads.map { "\($0)" }), ("instructions", model.processor.instructions),
            ("tuning", model.processor.tuning),
        ]
        .compactMap { name, value in value.map { " --\(name) \(quoted($0))" } }.joined()
    }

    /// 128 bits that nobody guesses.
    private static func token() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let text = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }
}
