import ArgumentParser
import Foundation
import RainAnimation
import RainDetection
import RainFiles
import RainMedia
import RainPictures
import RainPose

/// Finds the landmarks of the person in a picture or a video.
struct DetectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Finds the face in a picture, or the person in a video, and writes the landmarks.",
        discussion: """
            By default the face tracker of 'rain tracker install' finds the 29 points of a face and its shoulders. --points 134 gives whole \
            persons; those of DWPose have hands as well: two networks from huggingface.co/yzd-v/DWPose, a person detector (yolox_l.onnx, \
            yolox_m.onnx or yolox_s.onnx) and a keypoint network (dw-ll_ucoco_384.onnx or dw-mm_ucoco.onnx), in the folder --model or named \
            one by one.

            Of several people one counts: the nearest to the last, or the one with most room. A video gives one entry per frame; frames in \
            which nothing is seen hold points of visibility 0. Coordinates of videos are fractions of a square: by default the middle of \
            the picture. Those of a still picture are fractions of the whole picture; without --output they are printed.

            --json prints the landmarks of a picture, of a video how many frames show a person, and how long each stage took.

            The output is a landmark file (Docs/LandmarkFormat.md). That of a video drives: rain animate --driving; that of a picture says \
            where its face is: rain animate --reference-landmarks. Ctrl-C ends a video early and keeps what was found. An existing output is \
            replaced.

            Example: rain detect hero.png --drawn
            Example: rain detect me.mp4 --output motion.json --preview preview.mp4
            """)

    @Argument(
        help: ArgumentHelp("A picture, a video (any file FFmpeg reads), a folder of pictures, or a camera.", valueName: "input"),
        completion: .file())
    var input: String

    @Option(help: ArgumentHelp("Where the landmarks go.", valueName: "file.json"), completion: .file())
    var output: String?

    @Option(help: "29 for a face and its shoulders, 134 for a whole person; by default what the detector sees.")
    var points: Int?

    @Option(
        help: ArgumentHelp(
            """
            What looks: mediapipe (the face tracker), dwpose (networks in the folder --model), a folder with either's networks, or DWPose's \
            person detector as a file.
            """, valueName: "name, folder or file.onnx"), completion: .file())
    var detector: String?

    @Option(help: ArgumentHelp("DWPose's keypoint network, with a file as --detector.", valueName: "file.onnx"), completion: .file())
    var keypoints: String?

    @Option(
        help: ArgumentHelp("The folder of DWPose's networks, or a model's file beside them; means --detector dwpose.", valueName: "folder"),
        completion: .file())
    var model: String?

    @Option(
        help: ArgumentHelp(
            "Also a picture or a video of what was seen: \(FrameSink.formats). An existing file is replaced.", valueName: "path"),
        completion: .file())
    var preview: String?

    @Option(help: "How frames of other proportions become square: crop or pad.")
    var fit = AnimateCommand.Fit.crop

    @Option(help: ArgumentHelp("The score from which DWPose believes in a person, 0 to 1.", valueName: "score"))
    var threshold = PersonDetections.Thresholds().personScore

    @Option(help: "Processor threads; by default one for the face tracker, else one per processor.")
    var threads: Int?

    @Flag(help: "The picture is a drawing: the embedded model finds its face, near what the detector has found, if there is one.")
    var drawn = false

    @OptionGroup var result: ResultOptions

    /// What a landmark file can hold.
    private static let mostFrames = 36_000

    func validate() throws {
        try FileRoles(
            reading: ["<input>": input, "--detector": detector, "--keypoints": keypoints, "--model": model],
            writing: ["--output": output, "--preview": preview]
        ).check()
        guard (keypoints == nil) == (detector?.hasSuffix(".onnx") != true) else {
            throw ValidationError("--detector and --keypoints: expected two files, DWPose's person detector and its keypoint network")
        }
        guard !drawn || PictureReader.isPicture(input) && points != 134 else {
            throw ValidationError("--drawn: expected a picture and 29 points, found \(points.map { "\($0) points" } ?? input)")
        }
        if let points, ![29, 134].contains(points) { throw ValidationError("--points: expected 29 or 134, found \(points)") }
        guard threshold >= 0, threshold <= 1 else { throw ValidationError("--threshold: expected 0 to 1, found \(threshold)") }
        if let threads, !(1...Engines.mostThreads).contains(threads) {
            throw ValidationError("--threads: expected 1 to \(Engines.mostThreads), found \(threads)")
        }
    }

    func run() async throws {
        Interrupt.install()
        if PictureReader.isPicture(input) { return try await detectPicture() }
        guard let output else { throw ValidationError("--output: expected a file for the landmarks of a video") }
        if let preview { try checkOutput(preview, framesPerSecond: nil) }
        try await detectVideo(output)
    }

    private func open() throws -> any LandmarkDetecting { try choice().open(for: input) }

    private func choice() -> Detectors {
        let choice = Detectors(name: detector, model: model, persons: points == 134)
        if model != nil, detector == nil { choice.name = "dwpose" }
        (choice.keypoints, choice.threads, choice.threshold) = (keypoints, threads, threshold)
        return choice
    }

    /// A pose of the set that was asked for.
    private func chosen(_ pose: DrivingPose) -> DrivingPose {
        switch points {
        case 29: .face(pose.face)
        case 134: .person(pose.person)
        default: pose
        }
    }

    // MARK: A picture

    private func detectPicture() async throws {
        if let preview { try checkPicture(preview, option: "--preview") }
        let picture = try PictureReader.read(input)
        let detector = try drawn ? choice().openIfAny() : open()
        var seen = try await detector?.detect(picture).map(chosen)
        if drawn {
            guard let faces = try DrawnFaces(.embedded(), engine: Engines.best(threads: threads)) else {
                throw ValidationError("--drawn: the embedded model has no landmark network")
            }
            if let face = try await faces.face(in: picture, near: seen?.face) { seen = .face(face) }
        }
        guard let pose = seen else {
            throw MediaError(
                .invalidInput, file: input, expected: "a face", found: "no face that the detector knows",
                advice: "cut the picture closer to the face, or write its landmarks by hand (Docs/LandmarkFormat.md)")
        }
        let track = Recorded([pose])
        if let output { try ReplacementFile.write(track.json(framesPerSecond: 1), to: output) }
        if let preview { try PictureWriter.write(picture.showing(pose), to: preview) }
        if result.json {
            try Terminal.printJSON(await report(fps: nil, frames: 1, found: 1, pose: pose, detector))
        } else if let output {
            Terminal.note("\(output): \(pose.keypoints.count) landmarks of \(input)")
        } else {
            let rows = zip(pose.names, pose.keypoints).map { name, point in
                [name] + [point.x, point.y, point.score].map { String(format: "%.4f", $0) }
            }
            print(Terminal.table([["landmark", "x", "y", "visibility"]] + rows, rightAligned: [1, 2, 3]))
        }
    }

    // MARK: A video

    private func detectVideo(_ output: String) async throws {
        let loading = LoadingLine()
        defer { loading.finish() }
        loading.begin("opening \(input)")
        let frames = try SteadyFrames(path: input)
        loading.begin("preparing the landmark detector")
        let detector = try open()
        // Tried before the work.
        let landmarks = try ReplacementFile(path: output)
        var sink: FrameSink?
        var progress = ProgressLine("detecting", unit: "frames", total: nil)
        var memory = TrackingMemory()
        var track = Recorded()
        do {
            while !Interrupt.requested, let (picture, count) = try frames.next() {
                guard track.count + count <= Self.mostFrames else {
                    throw MediaError(
                        .invalidInput, file: input, expected: "at most \(Self.mostFrames) frames", found: "more", advice: "cut the video")
                }
                let side = fit == .crop ? min(picture.width, picture.height) : max(picture.width, picture.height)
                let square = picture.fitted(width: side, height: side, mode: fit.mode)
                let (seen, next) = try await detector.detect(square, memory: memory)
                loading.finish()
                memory = next
                let pose = seen.map(chosen)
                track.add(pose, count: count)
                if let preview {
                    let shown = square.fitted(width: 512, height: 512)
                    let drawn = pose.map { shown.showing($0) } ?? shown
                    let open = try sink ?? FrameSink.open(preview, width: 512, height: 512, framesPerSecond: frames.framesPerSecond)
                    sink = open
                    for _ in 0..<count { try open.write(drawn) }
                }
                progress.update(track.count, note: pose == nil ? "nobody" : "")
            }
            guard track.found > 0 else {
                throw MediaError(
                    .invalidInput, file: input, expected: "a person in at least one frame", found: "nobody in \(track.count) frames",
                    advice: "check the light, or come closer")
            }
            try landmarks.append(track.json(framesPerSecond: frames.framesPerSecond))
            try landmarks.commit()
            try sink?.finish()
        } catch {
            sink?.abandon()
            throw error
        }
        progress.finish(track.count)
        Terminal.note("\(output): \(track.count) frames at \(frames.framesPerSecond) per second, a person seen in \(track.found)")
        guard result.json else { return }
        try Terminal.printJSON(await report(fps: frames.framesPerSecond, frames: track.count, found: track.found, pose: nil, detector))
    }

    // MARK: Telling

    /// What `--json` tells.
    private struct Report: Encodable {
        struct Stage: Encodable {
            /// How often it ran.
            var count: Int
            /// All of them together.
            var milliseconds: Double
        }

        var input: String
        /// The landmark file, if one was asked for.
        var output: String?
        /// Of a video.
        var fps: Double?
        var frames: Int
        var found: Int
        /// Of a picture: x, y and visibility by name.
        var landmarks: [String: [Double]]?
        var stages: [String: Stage]?
    }

    private func report(
        fps: Double?, frames: Int, found: Int, pose: DrivingPose?, _ detector: (any LandmarkDetecting)?
    ) async -> Report {
        let stages = await (detector as? FaceTracker)?.stages
        return Report(
            input: input, output: output, fps: fps, frames: frames, found: found,
            landmarks: pose.map { pose in
                Dictionary(uniqueKeysWithValues: zip(pose.names, pose.keypoints.map { [$0.x, $0.y, $0.score] }))
            },
            stages: stages?.mapValues { Report.Stage(count: $0.count, milliseconds: $0.time / .milliseconds(1)) })
    }
}

/// Poses as they come, all of one set of points: that of the first.
private struct Recorded {
    private var poses: [DrivingPose?] = []
    private(set) var found = 0
    var count: Int { poses.count }

    init(_ poses: [DrivingPose] = []) {
        for pose in poses { add(pose, count: 1) }
    }

    mutating func add(_ pose: DrivingPose?, count: Int) {
        poses += Array(repeating: pose, count: count)
        found += pose == nil ? 0 : count
    }

    /// A landmark file; frames in which nothing was seen have points of visibility 0.
    func json(framesPerSecond: Double) throws -> [UInt8] {
        switch poses.lazy.compactMap({ $0 }).first {
        case .face:
            let nobody = LandmarkFrame(points: Array(repeating: LandmarkPoint(x: 0, y: 0, visibility: 0), count: LandmarkSet.count))
            return try LandmarkTrack(framesPerSecond: framesPerSecond, frames: poses.map { $0?.face ?? nobody }, driver: .person).json()
        default:
            let nobody = WholeBodyFrame(points: Array(repeating: Keypoint(x: 0, y: 0, score: 0), count: WholeBody.count))
            return try WholeBodyTrack(framesPerSecond: framesPerSecond, frames: poses.map { $0?.person ?? nobody }).json()
        }
    }
}

/// The pictures of a source at a constant rate: of a video of varying rate some are shown for several frames, some for none.
private final class SteadyFrames {
    let framesPerSecond: Double
    private let source: PictureSource
    private var pending: TimedPicture?
    /// Frames given out.
    private var count = 0

    init(path: String) throws {
        source = try PictureSource(path: path)
        let rate = source.framesPerSecond ?? PictureSource.usualRate
        framesPerSecond = min(max(rate.isFinite ? rate : PictureSource.usualRate, 1), LandmarkTrack.frameRates.upperBound)
        pending = try source.next()
    }

    /// The longest a picture stands still, in frames.
    private static let longest = 1000.0

    /// A picture and for how many frames it stands.
    func next() throws -> (picture: Picture, count: Int)? {
        while let current = pending {
            pending = try source.next()
            let frames = pending.map { ($0.seconds * framesPerSecond).rounded() } ?? Double(count + 1)
            let last = Int(min(frames, Double(count) + Self.longest))
            guard last > count else { continue }
            defer { count = last }
            return (current.picture, last - count)
        }
        return nil
    }
}

extension DrivingPose {
    /// The names of the points, in order.
    fileprivate var names: [String] {
        switch self {
        case .face: LandmarkSet.names
        case .person: WholeBody.names
        }
    }
}

extension Picture {
    /// What was seen, drawn over the picture, which is dimmed.
    fileprivate func showing(_ pose: DrivingPose) -> Picture {
        let drawn =
            switch pose {
            case .face(let frame): PosePainter(width: width, height: height, radius: max(1, Float(height) / 130)).picture(frame)
            case .person(let frame): WholeBodyPainter(width: width, height: height, parts: .bodyAndFace, retargeting: nil).picture(frame)
            }
        var result = self
        for pixel in 0..<width * height {
            let places = 3 * pixel..<3 * pixel + 3
            let isDrawn = places.contains { drawn.bytes[$0] > 0 }
            for place in places { result.bytes[place] = isDrawn ? drawn.bytes[place] : bytes[place] / 2 }
        }
        return result
    }
}
