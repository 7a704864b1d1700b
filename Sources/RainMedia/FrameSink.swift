import RainFiles
public import RainPictures

/// Where an animation goes, frame by frame: a video file, a folder of pictures, a pipe, a server, or a camera for other programs.
///
/// | path | what is written |
/// | --- | --- |
/// | `….mp4` | H.264, YUV 4:2:0; odd sizes get one more row or column, a copy of the last |
/// | `….webm` | VP9 (VP8 where FFmpeg lacks it), YUV 4:2:0 |
/// | `….gif` | 255 colours per frame, looping, at most 50 frames per second |
/// | a folder | `000001.png`, `000002.png`, … in a new or empty folder |
/// | `-`, `pipe:3`, a named pipe | raw frames on standard output, an open descriptor or the pipe: height × width × 3 bytes each, red first |
/// | `rtmp://…`, `rtmps://…` | H.264 in FLV, without sound, to a server for live video |
/// | `srt://…`, `udp://…`, `tcp://…` | H.264 in MPEG-TS |
/// | `/dev/video…` | YUV 4:2:0 into a loopback camera (v4l2loopback), which other programs see as a camera |
///
/// Servers and devices get five seconds for anything; then `write` throws.
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
    public static let formats =
        ".mp4, .webm, .gif, a folder, a server (rtmp://, srt://, udp://, tcp://), a loopback camera (/dev/video9), or raw frames: - for "
        + "standard output, pipe:3, a named pipe"

    /// Opens the output that `path` names.
    ///
    /// - Parameters:
    ///   - width: 1…16384, of every frame.
    ///   - height: 1…16384, of every frame.
    ///   - framesPerSecond: above 0, at most 1000 (50 for `.gif`); raw frames and pictures ignore it.
    ///   - scaled: width and height of what is written, if they are to be others than those of the frames.
    ///   - hasAlpha: whether frames come with transparency, for `write(rgba:)`; `.webm` alone can have it.
    /// - Throws: `MediaError` for an unknown ending, an impossible size or rate, or a place that cannot be written.
    public static func open(
        _ path: String, width: Int, height: Int, framesPerSecond: Double, scaledTo scaled: (width: Int, height: Int)? = nil,
        hasAlpha: Bool = false
    ) throws -> FrameSink {
        for (width, height) in [(width, height), scaled ?? (width, height)] {
            guard (1...16384).contains(width), (1...16384).contains(height) else {
                throw invalid(path, "frames of 1 to 16384 pixels a side", "\(width)×\(height)")
            }
        }
        try check(path, framesPerSecond: framesPerSecond)
        let wanted = scaled.flatMap { $0 == (width, height) ? nil : $0 }
        if hasAlpha {
            guard try kind(path) == .webm else { throw invalid(path, "a name ending in .webm for transparency", "another") }
            let even = { (side: Int) in (side + 1) / 2 * 2 }
            let size = scaled ?? (width, height)
            let video = try VideoFile(
                path, .webmAlpha, width: width, height: height, framesPerSecond: framesPerSecond,
                scaledTo: (even(size.width), even(size.height)))
            return FrameSink(path: path, width: width, height: height, output: video)
        }
        let output = try output(path, width: width, height: height, framesPerSecond: framesPerSecond, scaledTo: wanted)
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

    private enum Kind: Equatable {
        case folder, mp4, webm, gif, flv, mpegTS, loopback
        case descriptor(Int32)
        case namedPipe
    }

    /// Protocols that can be written to, with their container.
    private static let protocols: [(name: String, kind: Kind)] = [
        ("rtmp", .flv), ("rtmps", .flv), ("srt", .mpegTS), ("udp", .mpegTS), ("tcp", .mpegTS),
    ]

    private static func kind(_ path: String) throws -> Kind {
        if path == "-" { return .descriptor(1) }
        if path.hasPrefix("pipe:") {
            guard let number = Int32(path.dropFirst(5)), (1...1023).contains(number) else {
                throw invalid(path, "pipe: and the number of an open descriptor, 1 to 1023", "'\(path.dropFirst(5).prefix(20))'")
            }
            return .descriptor(number)
        }
        if let end = path.firstRange(of: "://")?.lowerBound {
            let scheme = path[..<end].lowercased()
            guard let known = protocols.first(where: { $0.name == scheme }) else {
                let names = protocols.map { $0.name + "://" }.joined(separator: ", ")
                throw MediaError(
                    .unsupportedFormat, file: shown(path), expected: "one of \(names)", found: "\(scheme.prefix(20))://",
                    advice: "choose one of these")
            }
            guard FFmpeg.hasOutput(protocol: scheme) else {
                throw MediaError(
                    .unsupportedFormat, file: shown(path), expected: "FFmpeg's protocol \(scheme)", found: "a build of FFmpeg without it",
                    advice: "install Debian's libavformat, or choose another output")
            }
            return known.kind
        }
        if path.hasPrefix("/dev/video") { return .loopback }
        switch PathName(path).fileExtension {
        case _ where FileSystem.kind(path) == .folder: return .folder
        case "mp4": return .mp4
        case "webm": return .webm
        case "gif": return .gif
        case _ where FileSystem.kind(path) == .pipe: return .namedPipe
        case "": return .folder
        case let ending:
            throw MediaError(
                .unsupportedFormat, file: path, expected: formats, found: "the ending .\(ending)", advice: "choose one of these")
        }
    }

    /// Whether what is written is video or a moving picture, rather than single frames.
    public static func isVideo(_ path: String) -> Bool {
        switch try? kind(path) {
        case .mp4, .webm, .gif, .flv, .mpegTS, .loopback: true
        default: false
        }
    }

    /// The output as it may be told to others: what follows an address' host is often a secret.
    public static func shown(_ path: String) -> String {
        guard let scheme = path.firstRange(of: "://") else { return path }
        let rest = path[scheme.upperBound...]
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        // A name and password before the host are one, too.
        let named = host.lastIndex(of: "@").map { host[host.index(after: $0)...] } ?? host
        return path[..<scheme.upperBound] + named + (host.endIndex == rest.endIndex ? "" : "/…")
    }

    private static func output(
        _ path: String, width: Int, height: Int, framesPerSecond: Double, scaledTo scaled: (width: Int, height: Int)?
    ) throws -> any FrameOutput {
        let kind = try kind(path)
        func video(_ format: VideoFormat, isAddress: Bool = false) throws -> any FrameOutput {
            try VideoFile(
                path, format, width: width, height: height, framesPerSecond: framesPerSecond, scaledTo: scaled, isAddress: isAddress)
        }
        func resized(_ output: any FrameOutput) -> any FrameOutput { scaled.map { Resized(output: output, size: $0) } ?? output }
        switch kind {
        case .descriptor(let number): return try resized(RawFrames(descriptor: number))
        case .namedPipe: return try resized(RawFrames(pipe: path))
        case .folder: return try resized(PictureFolder(path))
        case .mp4: return try video(.mp4)
        case .webm: return try video(FFmpeg.hasEncoder("libvpx-vp9") ? .webmVP9 : .webmVP8)
        case .gif:
            let size = scaled ?? (width, height)
            return try resized(VideoFile(path, .gif, width: size.width, height: size.height, framesPerSecond: framesPerSecond))
        case .flv: return try video(.flv, isAddress: true)
        case .mpegTS: return try video(.mpegTS, isAddress: true)
        case .loopback:
            guard FileSystem.kind(path) == .characterDevice else {
                throw MediaError(
                    .unwritable, file: path, expected: "a loopback camera",
                    found: FileSystem.kind(path) == .missing ? "no such device" : "something that is no device",
                    advice: "load the kernel module v4l2loopback ('modprobe v4l2loopback video_nr=9'), and name its device")
            }
            guard FFmpeg.hasOutput(device: "v4l2") else {
                throw MediaError(
                    .unsupportedFormat, file: path, expected: "FFmpeg's v4l2 output", found: "a build of FFmpeg without it",
                    advice: "install Debian's libavdevice")
            }
            return try video(.loopback, isAddress: true)
        }
    }

    /// Makes frames of another size before they are written.
    private struct Resized: FrameOutput {
        let output: any FrameOutput
        let size: (width: Int, height: Int)

        func write(_ picture: Picture) throws {
            try output.write(picture.resized(width: size.width, height: size.height, filter: .bilinear))
        }
        func finish() throws { try output.finish() }
        func abandon() { output.abandon() }
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

    /// Appends a frame with transparency, for a sink that was opened for it.
    ///
    /// - Parameter bytes: height × width × 4, red first, colours not multiplied by their opacity
    /// - Throws: `MediaError`
    public func write(rgba bytes: [UInt8]) throws {
        guard state == .open, bytes.count == width * height * 4, let video = output as? VideoFile, video.hasAlpha else {
            throw MediaError(
                .invalidInput, file: path, expected: "frames of \(width)×\(height) with transparency, and an output that can have it",
                found: "\(bytes.count) bytes", advice: "report this as a bug")
        }
        try video.write(rgba: bytes)
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
