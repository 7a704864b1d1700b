internal import CFFmpeg
import RainFiles
import RainPictures

/// A container with its encoder and both their options.
struct VideoFormat {
    var container: String
    var codec: String
    var codecOptions: String
    var containerOptions: String
    /// Whether 4:2:0 chroma must divide the size evenly.
    var needsEvenSize = false
    /// Whether frames are palette indices.
    var isIndexed = false
    /// Whether pictures, and the video, have transparency.
    var hasAlpha = false
    /// How far key frames are apart; 0 for none.
    var keyFrameSeconds = 1.0

    /// A fragment begins at each key frame, once a second, and is on disk when the next begins. No B-frames: they would
    /// shift all times by two frames, which a file whose index is written first cannot take back.
    static let mp4 = VideoFormat(
        container: "mp4", codec: "libx264", codecOptions: "preset=veryfast:crf=16:bf=0:rc-lookahead=10:trellis=0",
        containerOptions: "movflags=frag_keyframe+empty_moov+default_base_moof", needsEvenSize: true)
    static let webmVP9 = VideoFormat(
        container: "webm", codec: "libvpx-vp9", codecOptions: "deadline=realtime:cpu-used=6:crf=16:b=0:lag-in-frames=0",
        containerOptions: "cluster_time_limit=1000")
    /// With transparency; the encoder cannot look ahead then.
    static let webmAlpha = VideoFormat(
        container: "webm", codec: "libvpx-vp9", codecOptions: "deadline=realtime:cpu-used=6:crf=16:b=0:lag-in-frames=0:auto-alt-ref=0",
        containerOptions: "cluster_time_limit=1000", hasAlpha: true)
    static let webmVP8 = VideoFormat(
        container: "webm", codec: "libvpx", codecOptions: "deadline=realtime:cpu-used=4:crf=6:b=8000000:lag-in-frames=0",
        containerOptions: "cluster_time_limit=1000")
    /// For servers of live video: a key frame every two seconds, nothing held back.
    static let flv = VideoFormat(
        container: "flv", codec: "libx264", codecOptions: "preset=veryfast:tune=zerolatency:crf=20",
        containerOptions: "flvflags=no_duration_filesize", needsEvenSize: true, keyFrameSeconds: 2)
    static let mpegTS = VideoFormat(
        container: "mpegts", codec: "libx264", codecOptions: "preset=veryfast:tune=zerolatency:crf=20", containerOptions: "",
        needsEvenSize: true, keyFrameSeconds: 2)
    /// A camera that other programs see: Linux' v4l2loopback.
    static let loopback = VideoFormat(
        container: "v4l2", codec: "rawvideo", codecOptions: "", containerOptions: "", needsEvenSize: true, keyFrameSeconds: 0)
    static let gif = VideoFormat(
        container: "gif", codec: "gif", codecOptions: "", containerOptions: "", isIndexed: true, keyFrameSeconds: 0)
}

/// A video file behind FFmpeg's encoders; the safe face of `rain_encoder_…`.
final class VideoFile: FrameOutput {
    private let path: String
    /// Where the file grows: beside its name, or in place if that is a device or pipe.
    private let workingPath: String
    private let isInPlace: Bool
    private let isAddress: Bool
    private let format: VideoFormat
    private let encodedWidth: Int
    private let encodedHeight: Int
    private var handle: OpaquePointer?
    private let isScaled: Bool
    private var quantizer = Quantizer()

    /// How long a server or device may take for anything, in seconds.
    private static let patience = 5.0

    var hasAlpha: Bool { format.hasAlpha }

    /// - Parameters:
    ///   - width: of the pictures
    ///   - height: of the pictures
    ///   - scaledTo: width and height of the video, if it is to be another
    ///   - isAddress: whether `path` is a server's address or a device, rather than a file
    init(
        _ path: String, _ format: VideoFormat, width: Int, height: Int, framesPerSecond: Double,
        scaledTo scaled: (width: Int, height: Int)? = nil, isAddress: Bool = false
    ) throws {
        FFmpeg.silenced
        self.path = path
        self.format = format
        self.isAddress = isAddress
        isInPlace = isAddress || ![.missing, .file, .folder].contains(FileSystem.kind(path))
        workingPath = isInPlace ? path : PathName(path).partial
        if !isInPlace { FileSystem.removeLink(workingPath) }
        isScaled = scaled != nil && !format.isIndexed
        let (wide, high) = isScaled ? scaled ?? (width, height) : (width, height)
        encodedWidth = format.needsEvenSize ? (wide + 1) / 2 * 2 : wide
        encodedHeight = format.needsEvenSize ? (high + 1) / 2 * 2 : high
        var options = format.codecOptions
        if format.keyFrameSeconds > 0 { options += ":g=\(max(1, Int((framesPerSecond * format.keyFrameSeconds).rounded())))" }
        let video = RainVideo(
            source_width: Int32(isScaled ? width : encodedWidth), source_height: Int32(isScaled ? height : encodedHeight),
            width: Int32(encodedWidth), height: Int32(encodedHeight), frames_per_second: framesPerSecond,
            has_alpha: format.hasAlpha ? 1 : 0,
            patience: isAddress ? Self.patience : 0)
        let code = rain_encoder_open(
            &handle, workingPath.systemPath, format.container, format.codec, options, format.containerOptions, video)
        if FFmpeg.isEncoderMissing(code) {
            throw MediaError(
                .unsupportedFormat, file: path, expected: "FFmpeg's encoder \(format.codec)", found: "a build of FFmpeg without it",
                advice: "install Debian's libavcodec, or choose another format: \(FrameSink.formats)")
        }
        guard code >= 0 else {
            if rain_error_errno(code) == 0 { removeWorkingFile() }
            throw failure(code)
        }
    }

    deinit {
        if let handle { rain_encoder_free(handle) }
    }

    func write(_ picture: Picture) throws {
        guard let handle else { return }
        let code: Int32
        if format.isIndexed {
            let indexed = quantizer.quantize(picture)
            code = indexed.indices.withUnsafeBufferPointer { indices in
                indexed.palette.withUnsafeBufferPointer { rain_encoder_write_indexed(handle, indices.baseAddress!, $0.baseAddress!) }
            }
        } else {
            let bytes = isScaled ? picture.bytes : picture.padded(width: encodedWidth, height: encodedHeight)
            code = bytes.withUnsafeBufferPointer { rain_encoder_write_rgb(handle, $0.baseAddress!) }
        }
        if code < 0 { throw failure(code) }
    }

    func write(rgba bytes: [UInt8]) throws {
        guard let handle else { return }
        let code = bytes.withUnsafeBufferPointer { rain_encoder_write_rgb(handle, $0.baseAddress!) }
        if code < 0 { throw failure(code) }
    }

    func finish() throws {
        guard let handle else { return }
        let code = rain_encoder_finish(handle)
        close()
        do {
            if code < 0 { throw failure(code) }
            if !isInPlace { try FileSystem.move(workingPath, to: path) }
        } catch let error as FileError {
            removeWorkingFile()
            throw Files.unwritable(path, error.found)
        } catch {
            removeWorkingFile()
            throw error
        }
    }

    func abandon() {
        close()
        removeWorkingFile()
    }

    private func close() {
        if let handle { rain_encoder_free(handle) }
        handle = nil
    }

    private func removeWorkingFile() {
        if !isInPlace { FileSystem.remove(workingPath) }
    }

    private func failure(_ code: Int32) -> MediaError {
        if isAddress {
            let isDevice = path.hasPrefix("/dev/")
            return MediaError(
                .unwritable, file: FrameSink.shown(path), expected: isDevice ? "a loopback camera" : "a server that takes the video",
                found: FFmpeg.isInterrupted(code) ? "no answer for \(Int(Self.patience)) seconds" : FFmpeg.message(code),
                advice: isDevice
                    ? "check that it is a v4l2loopback device, and that no other program writes to it"
                    : "check the address, and that the server listens")
        }
        guard !FFmpeg.isBrokenPipe(code) else {
            return MediaError(
                .readerGone, file: path, expected: "a reader", found: FFmpeg.message(code), advice: "check the program that takes the video"
            )
        }
        return Files.unwritable(path, FFmpeg.message(code))
    }
}

extension Picture {
    /// The bytes of the picture with its last column and row repeated up to a larger size.
    func padded(width newWidth: Int, height newHeight: Int) -> [UInt8] {
        guard newWidth != width || newHeight != height else { return bytes }
        var padded: [UInt8] = []
        padded.reserveCapacity(newWidth * newHeight * 3)
        for y in 0..<newHeight {
            let row = bytes[min(y, height - 1) * width * 3..<(min(y, height - 1) + 1) * width * 3]
            padded += row
            for _ in width..<newWidth { padded += row.suffix(3) }
        }
        return padded
    }
}
