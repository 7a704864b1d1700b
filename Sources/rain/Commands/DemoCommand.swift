import ArgumentParser
import Foundation
import RainAnimation
import RainFiles
import RainGraph
import RainMedia
import RainPictures
import RainPose
import RainTraining
import RainWorld

/// Shows what the model can do, in a few seconds.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Streams a few characters never seen in training, and measures.",
        discussion: """
            Writes a video per character (reference, pose, truth and output side by side) and sheet.png with frames of all of \
            them. Then one character is driven live, at 25 frames per second, to measure the latency from a driving frame to \
            its picture.

            Example: rain demo --output demo
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "The folder for videos and sheet; made if need be, and those of an earlier run are replaced.", valueName: "folder"),
        completion: .directory)
    var output = "demo"

    @Option(help: "How many characters, 1 to 20.")
    var characters = 4

    @Option(help: "Frames of each, 8 to 1000.")
    var frames = 60

    @Option(help: "Which characters: 0 or a larger number below 2^40.")
    var seed: UInt64 = 2024

    @OptionGroup var result: ResultOptions

    mutating func validate() throws {
        var files = FileRoles(reading: [:], writing: ["--output": output + "/sheet.png"])
        for number in 1...max(1, min(characters, 20)) { files.write("--output", "\(output)/character-\(number).mp4") }
        model.add(to: &files)
        try files.check()
        guard (1...20).contains(characters) else { throw ValidationError("--characters: expected 1 to 20, found \(characters)") }
        guard (8...1000).contains(frames) else { throw ValidationError("--frames: expected 8 to 1000, found \(frames)") }
        guard seed < EvaluationClip.seedCount else {
            throw ValidationError("--seed: expected less than \(EvaluationClip.seedCount), found \(seed)")
        }
    }

    /// A slow machine gets to see fewer characters rather than wait.
    private static let patience = Duration.seconds(10)

    func run() async throws {
        Interrupt.install()
        let start = ContinuousClock.now
        let loading = LoadingLine(launch: start)
        defer { loading.finish() }
        loading.begin("opening \(model.name)")
        let animated = try loading.counting(model.load())
        let schedule = try model.schedule(animated.configuration)
        let engine = try model.engine
        do {
            try FileSystem.makeFolders(output)
        } catch {
            throw AnimationError(.usage, "\(output): cannot be made or is no folder; choose another --output")
        }
        var videos: [String] = []
        let report = try usage {
            try Evaluation.run(
                parameters: animated.parameters, configuration: animated.configuration, engine: engine, characters: characters,
                seed: seed, frames: frames, schedule: schedule
            ) { done, clip, pictures in
                loading.finish()
                let path = "\(output)/character-\(done).mp4"
                try Self.write(clip, pictures, to: path)
                videos.append(path)
                Terminal.note("\(path): reference, pose, truth, output")
                return ContinuousClock.now - start < Self.patience && !Interrupt.requested
            }
        }
        try PictureWriter.write(report.sheet(), to: "\(output)/sheet.png")
        Terminal.note("\(output)/sheet.png: rows are reference, pose, truth, output")
        if !result.json { print(report.table) }
        var live: LiveMeasurement?
        if !Interrupt.requested {
            live = try await LiveMeasurement.run(model: animated, engine: engine, schedule: schedule, seed: seed)
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        if result.json {
            return try Terminal.printJSON(
                Report(
                    sheet: "\(output)/sheet.png", videos: videos, evaluation: report, live: live.map { Report.Live($0, schedule) },
                    seconds: seconds, isInterrupted: Interrupt.requested, peakMemoryBytes: ProcessMemory.peak))
        }
        guard let live else { return }
        print(
            """
            live at \(Int(EvaluationClip.framesPerSecond)) frames/s, window \(schedule): end-to-end latency \(live.latency.text), \
            of which the window alone takes \(live.floor.lowerBound) to \(live.floor.upperBound) ms; \(live.dropped) driving frames dropped
            \(ProgressLine.span(seconds)) in all, memory at most \(Terminal.bytes(ProcessMemory.peak))
            """)
    }

    /// What `--json` tells.
    private struct Report: Encodable {
        struct Live: Encodable {
            var fps = EvaluationClip.framesPerSecond
            var window: String
            var latencySeconds: [String: Double]?
            /// Of a machine that computes in no time: of the last and of the first frame of a group.
            var windowSeconds: [Double]
            var dropped: Int

            init(_ live: LiveMeasurement, _ schedule: StreamSchedule) {
                window = "\(schedule)"
                (latencySeconds, dropped) = (live.latency.percentiles, live.dropped)
                windowSeconds = [live.floor.lowerBound, live.floor.upperBound].map { Double($0) / 1000 }
            }

            enum CodingKeys: String, CodingKey {
                case fps, window, dropped
                case latencySeconds = "latency_seconds"
                case windowSeconds = "window_seconds"
            }
        }

        var sheet: String
        var videos: [String]
        /// As of 'rain evaluate'.
        var evaluation: EvaluationReport
        /// nil if it was interrupted before.
        var live: Live?
        var seconds: Double
        var isInterrupted: Bool
        var peakMemoryBytes: Int

        enum CodingKeys: String, CodingKey {
            case sheet, videos, evaluation, live, seconds
            case isInterrupted = "interrupted"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }

    /// A video with what was given, what should come out and what did, side by side and enlarged.
    private static func write(_ clip: EvaluationClip, _ pictures: [Picture], to path: String) throws {
        let side = clip.reference.width
        let scale = max(1, 256 / side)
        let sink = try FrameSink.open(path, width: 4 * side * scale, height: side * scale, framesPerSecond: EvaluationClip.framesPerSecond)
        let painter = PosePainter(width: side, height: side)
        for (index, picture) in pictures.enumerated() {
            let panels = [clip.reference, painter.picture(clip.driving[index]), clip.truth[index], picture]
            try sink.write(beside(panels.map { $0.resized(width: side * scale, height: side * scale, filter: .bilinear) }))
        }
        try sink.finish()
    }

    private static func beside(_ panels: [Picture]) -> Picture {
        let (width, height) = (panels[0].width, panels[0].height)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(panels.count * width * height * 3)
        for row in 0..<height {
            for panel in panels { bytes += panel.bytes[(row * width * 3)..<((row + 1) * width * 3)] }
        }
        return Picture(width: panels.count * width, height: height, bytes: bytes)
    }
}

/// Drives a character as a camera would and measures the time from each driving frame to its picture.
struct LiveMeasurement {
    var latency = LatencyHistogram()
    var dropped = 0
    /// The latency in milliseconds of a machine that computes in no time: of the last and of the first frame of a group.
    var floor = 0...0

    /// - Parameter seconds: how long; frames come at `EvaluationClip.framesPerSecond`
    static func run(
        model: AnimationModel, engine: some Engine, schedule: StreamSchedule, seed: UInt64, seconds: Double = 4
    ) async throws -> LiveMeasurement {
        let rate = EvaluationClip.framesPerSecond
        let count = max(schedule.frames * 2, Int(seconds * rate))
        let clip = EvaluationClip(
            seed: seed, index: 0, frames: count, size: model.configuration.imageSize, world: World(of: model.configuration))
        let animator = try Animator(model: model, engine: engine, schedule: schedule, seed: seed, policy: .newestWins)
        try await animator.fuse(.cut(clip.reference), landmarks: clip.referenceLandmarks)
        let feeding = Task {
            let start = ContinuousClock.now
            for (index, frame) in clip.driving.enumerated() {
                guard await Pace.wait(until: start + .seconds(Double(index) / rate)) else { break }
                animator.offer(frame, timestamp: animator.now())
            }
            animator.finish()
        }
        var result = LiveMeasurement()
        for try await frame in animator.frames {
            // The stream's end needs not wait for further frames; it would flatter the figure.
            if frame.index < count - schedule.frames { result.latency.add(frame.latency) }
        }
        await feeding.value
        result.dropped = animator.droppedFrames
        let interval = 1000 / rate
        result.floor =
            Int(
                Double(schedule.latencyInFrames - schedule.framesPerGroup + 1) * interval)...Int(
                Double(schedule.latencyInFrames) * interval)
        return result
    }
}
