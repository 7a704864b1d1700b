public import RainPictures

/// Where an animation goes, frame by frame: a video file, a folder of pictures, or a pipe.
///
/// | path | what is written |
/// | --- | --- |
/// | `….mp4` | H.264, YUV 4:2:0; odd sizes get one more row or column, a copy of the last |
/// | `….webm` | VP9 (VP8 where FFmpeg lacks it), YUV 4:2:0 |
/// | `….gif` | 255 colours per frame, looping, at most 50 frames per second |
/// | a folder | `000001.png`, `000002.png`, … in a new or empty folder |
/// | `-` | raw frames on standard output: height × width × 3 bytes each, red first |
///
/// A video file grows under `name.partial.ext` and takes its own name in `finish()`, so what was there before survives
/// until then. Its parts are complete in themselves (fragments, clusters), so that even after `kill -9` the partial file
/// plays up to about the last second. A sink that is dropped without `finish()` abandons itself.
///
/// Not to be shared between tasks: frames have an order.
public final class FrameSink {
    /// The output as the caller named it.
    public let path: String
    /// Frame width in pixels.
    public let width: Int
    /// Frame height in pixels.
    public let height: Int
    /// Frames written so far.
    public private(set) var frameCount = 0

    private enum State {
        case open, finished, abandoned
    }

    private let output: any FrameOutput
    private var state = State.open

    /// The endings and names `open` understands, for help texts.
    public static let formats = ".mp4, .webm, .gif, a folder, or - for raw frames on standard output"

    /// Opens the output that `path` names.
    ///
    /// - Parameters:
    ///   - width: 1…16384, of every frame.
    ///   - height: 1…16384, of every frame.
    ///   - framesPerSecond: above 0, at most 1000 (50 for `.gif`); raw frames and pictures ignore it.
    /// - Throws: `MediaError` for an unknown ending, an impossible size or rate, or a place that cannot be written.
    public static func open(_ path: String, width: Int, height: Int, framesPerSecond: Double) throws -> FrameSink {
        guard (1...16384).contains(width), (1...16384).contains(height) else {
            throw invalid(path, "frames of 1 to 16384 pixels a side", "\(width)×\(height)")
        }
        try check(path, framesPerSecond: framesPerSecond)
        let output = try output(path, width: width, height: height, framesPerSecond: framesPerSecond)
        return FrameSink(path: path, width: width, height: height, output: output)
    }

    /// Whether `open` knows what `path` asks for, found out without touching anything.
    ///
    /// - Parameter framesPerSecond: as in `open`; `nil` while it is not known
    /// - Throws: `MediaError` for an unknown ending or an impossible rate
    public static func check(_ path: String, framesPerSecond: Double?) throws {
        let kind = try kind(path)
        guard let framesPerSecond else { return }
        let fastest = kind == .gif ? 50 : 1000.0
        guard framesPerSecond > 0, framesPerSecond <= fastest else {
            throw invalid(path, "above 0 and at most \(Int(fastest)) frames per second", "\(framesPerSecond)")
        }
    }

    private static func invalid(_ path: String, _ expected: String, _ found: String) -> MediaError {
        MediaError(.invalidInput, file: path, expected: expected, found: found, advice: "choose other values")
    }

    private enum Kind {
        case raw, folder, mp4, webm, gif
    }

    private static func kind(_ path: String) throws -> Kind {
        if path == "-" { return .raw }
        switch PathName(path).fileExtension {
        case _ where Files.kind(path) == .folder, "": return .folder
        case "mp4": return .mp4
        case "webm": return .webm
        case "gif": return .gif
        case let ending:
            throw MediaError(
                .unsupportedFormat, file: path, expected: formats, found: "the ending .\(ending)", advice: "choose one of these")
        }
    }

    private static func output(_ path: String, width: Int, height: Int, framesPerSecond: Double) throws -> any FrameOutput {
        let format: VideoFormat
        switch try kind(path) {
        case .raw: return try RawFrames()
        case .folder: return try PictureFolder(path)
        case .mp4: format = .mp4
        case .webm: format = FFmpeg.hasEncoder("libvpx-vp9") ? .webmVP9 : .webmVP8
        case .gif: format = .gif
        }
        return try VideoFile(path, format, width: width, height: height, framesPerSecond: framesPerSecond)
    }

    private init(path: String, width: Int, height: Int, output: any FrameOutput) {
        self.path = path
        self.width = width
        self.height = height
        self.output = output
    }

    deinit {
        abandon()
    }

    /// Appends a frame of the sink's size.
    ///
    /// - Throws: `MediaError`; `.readerGone` if the output is a pipe that nobody reads any more.
    public func write(_ picture: Picture) throws {
        guard state == .open, picture.width == width, picture.height == height else {
            throw MediaError(
                .invalidInput, file: path, expected: "frames of \(width)×\(height) until the end",
                found: state == .open ? "\(picture.width)×\(picture.height)" : "a frame after the end", advice: "report this as a bug")
        }
        try output.write(picture)
        frameCount += 1
    }

    /// Completes the output and gives it its name. Without any frame, nothing is left behind.
    ///
    /// - Throws: `MediaError` if the end cannot be written; the output is then removed.
    public func finish() throws {
        guard state == .open else { return }
        guard frameCount > 0 else { return abandon() }
        state = .finished
        try output.finish()
    }

    /// Stops without completing, and removes everything this sink has written, except what went to a pipe or device.
    public func abandon() {
        guard state == .open else { return }
        state = .abandoned
        output.abandon()
    }
}

/// One kind of output; `FrameSink` sees to the order of calls and the size of frames.
protocol FrameOutput {
    func write(_ picture: Picture) throws
    func finish() throws
    func abandon()
}
