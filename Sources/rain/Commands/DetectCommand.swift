import ArgumentParser
import RainCPU
import RainDetection
import RainFiles
import RainMedia
import RainPictures
import RainPose

/// Finds the landmarks of the person in a video.
struct DetectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Finds the person in a video and writes their landmarks.",
        discussion: """
            Needs two networks, downloaded from huggingface.co/yzd-v/DWPose: a person detector (yolox_l.onnx, yolox_m.onnx or yolox_s.onnx) \
            and a keypoint network (dw-ll_ucoco_384.onnx or dw-mm_ucoco.onnx), in the folder --model or named one by one.

            Of several people the one who takes most room counts. Where nobody is found, the whole picture is looked at; frames in which \
            nothing is seen hold points of visibility 0. Coordinates are fractions of a square: by default the middle of the picture.

            The output is a landmark file (Docs/LandmarkFormat.md), which 'rain animate --driving' takes. Ctrl-C ends it early and keeps \
            what was found.

            Example: rain detect me.mp4 --model models --output motion.json --preview preview.mp4
            """)

    @Argument(help: ArgumentHelp("The video: any file FFmpeg reads, a folder of pictures, or a camera.", valueName: "video"))
    var input: String

    @Option(help: ArgumentHelp("The folder of the networks, or a model's file beside them.", valueName: "folder"))
    var model: String?

    @Option(help: ArgumentHelp("The person detector instead.", valueName: "file.onnx"))
    var detector: String?

    @Option(help: ArgumentHelp("The keypoint network instead.", valueName: "file.onnx"))
    var keypoints: String?

    @Option(help: ArgumentHelp("Where the landmarks go.", valueName: "file.json"))
    var output: String

    @Option(help: ArgumentHelp("Also a video of what was seen: \(FrameSink.formats).", valueName: "path"))
    var preview: String?

    @Option(help: "How pictures of other proportions become square: crop or pad.")
    var fit = AnimateCommand.Fit.crop

    @Option(help: ArgumentHelp("The score from which a person is believed, 0 to 1.", valueName: "score"))
    var threshold = PersonDetections.Thresholds().personScore

    @Option(help: "Processor threads; by default one per processor.")
    var threads: Int?

    /// What a landmark file of whole bodies can hold.
    private static let mostFrames = 36_000

    func validate() throws {
        guard model != nil || (detector != nil && keypoints != nil) else {
            throw ValidationError("--model: expected the folder of the networks, or --detector and --keypoints")
        }
        guard threshold >= 0, threshold <= 1 else { throw ValidationError("--threshold: expected 0 to 1, found \(threshold)") }
        if let threads, !(1...CPUEngine.mostThreads).contains(threads) {
            throw ValidationError("--threads: expected 1 to \(CPUEngine.mostThreads), found \(threads)")
        }
        if let preview { try checkOutput(preview, framesPerSecond: nil) }
    }

    private func files() throws -> DetectorFiles {
        if let detector, let keypoints { return DetectorFiles(detector: detector, estimator: keypoints) }
        var files = try DetectorFiles(model: model ?? ".")
        files.detector = detector ?? files.detector
        files.estimator = keypoints ?? files.estimator
        return files
    }

    func run() async throws {
        Interrupt.install()
        var settings = LandmarkDetector.Settings()
        settings.thresholds.personScore = threshold
        let frames = try SteadyFrames(path: input)
        let detector = try LandmarkDetector(files(), engine: CPUEngine(threads: threads), settings: settings)
        // Tried before the work.
        let landmarks = try ReplacementFile(path: output)
        var sink: FrameSink?
        var progress = ProgressLine("detecting", unit: "frames", total: nil)
        let nobody = WholeBodyFrame(points: Array(repeating: Keypoint(x: 0, y: 0, score: 0), count: WholeBody.count))
        var track: [WholeBodyFrame] = []
        var seenCount = 0
        do {
            while !Interrupt.requested, let (picture, count) = try frames.next() {
                guard track.count + count <= Self.mostFrames else {
                    throw MediaError(
                        .invalidInput, file: input, expected: "at most \(Self.mostFrames) frames", found: "more", advice: "cut the video")
                }
                let side = fit == .crop ? min(picture.width, picture.height) : max(picture.width, picture.height)
                let square = picture.fitted(width: side, height: side, mode: fit.mode)
                let seen = try await detector.observe(square)
                track += Array(repeating: seen.points ?? nobody, count: count)
                seenCount += seen.points == nil ? 0 : count
                if let preview {
                    let drawn = square.fitted(width: 512, height: 512).showing(seen, of: side)
                    let open = try sink ?? FrameSink.open(preview, width: 512, height: 512, framesPerSecond: frames.framesPerSecond)
                    sink = open
                    for _ in 0..<count { try open.write(drawn) }
                }
                progress.update(track.count, note: seen.points == nil ? "nobody" : "")
            }
            guard seenCount > 0 else {
                throw MediaError(
                    .invalidInput, file: input, expected: "somebody in at least one frame", found: "nobody in \(track.count) frames",
                    advice: "check the light, or lower --threshold")
            }
            try landmarks.append(WholeBodyTrack(framesPerSecond: frames.framesPerSecond, frames: track).json())
            try landmarks.commit()
            try sink?.finish()
        } catch {
            sink?.abandon()
            throw error
        }
        progress.finish(track.count)
        Terminal.note("\(output): \(track.count) frames at \(frames.framesPerSecond) per second, somebody seen in \(seenCount)")
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

extension Picture {
    /// What was detected, drawn over the picture, which is dimmed.
    ///
    /// - Parameter side: of the square picture that was looked at, in pixels
    fileprivate func showing(_ seen: LandmarkDetector.Observation, of side: Int) -> Picture {
        let painter = WholeBodyPainter(width: width, height: height, parts: .bodyAndFace, retargeting: nil)
        let drawn = seen.points.map { painter.picture($0).bytes } ?? Array(repeating: 0, count: bytes.count)
        var result = self
        for pixel in 0..<width * height {
            let places = 3 * pixel..<3 * pixel + 3
            let isDrawn = places.contains { drawn[$0] > 0 }
            for place in places { result.bytes[place] = isDrawn ? drawn[place] : bytes[place] / 2 }
        }
        if let box = seen.person { result.outline(box, scale: Double(width) / Double(side)) }
        return result
    }

    /// A rectangle in white.
    private mutating func outline(_ box: BoundingBox, scale: Double) {
        func pixel(_ value: Double, _ extent: Int) -> Int { Int(min(max(value * scale, 0), Double(extent - 1))) }
        let (left, right) = (pixel(box.left, width), pixel(box.right, width))
        let (top, bottom) = (pixel(box.top, height), pixel(box.bottom, height))
        guard left <= right, top <= bottom else { return }
        func paint(_ x: Int, _ y: Int) { for channel in 0..<3 { bytes[(y * width + x) * 3 + channel] = 255 } }
        for x in left...right { for y in [top, bottom] { paint(x, y) } }
        for y in top...bottom { for x in [left, right] { paint(x, y) } }
    }
}
