import RainFiles
public import RainPictures

/// Reads the frames of a video file, in order.
///
/// Not to be shared between tasks: it owns a decoder in the middle of its work.
public final class VideoReader {
    /// The limit on width × height unless the caller says otherwise (room for 8K).
    public static let maximumPixels = 1 << 25

    // Containers that are one file; playlists, which open others, are not among them.
    private static let formats = [
        "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "gif", "apng", "avi", "flv", "mpeg", "mpegts", "ogg", "ivf", "h264",
        "hevc", "mjpeg", "asf", "wmv", "y4m", "yuv4mpegpipe",
    ].joined(separator: ",")

    /// The file as the caller named it.
    public let path: String
    /// Frames per second as the file says, if it does.
    public var framesPerSecond: Double? { decoder.framesPerSecond }
    /// How long the video is in seconds as the file says, if it does; not to be believed of a file from outside.
    public var duration: Double? { decoder.duration }
    /// Presentation time of the frame last returned, in seconds, if the file says; frames need not be evenly spaced.
    public private(set) var seconds: Double?

    private let decoder: Decoder

    /// Opens a video file: MP4, WebM, GIF and what else FFmpeg reads as a single file.
    ///
    /// - Throws: `MediaError` for a file that is missing, unreadable or not a video.
    public init(path: String, maximumPixels: Int = maximumPixels) throws {
        self.path = path
        let kind = FileSystem.kind(path)
        guard kind == .file else {
            throw MediaError(
                .unreadable, file: path, expected: "a video file",
                found: kind == .missing ? "nothing of this name" : "something that is not a regular file",
                advice: "check that the file exists and may be read")
        }
        decoder = try Decoder(video: path, formats: Self.formats, maximumPixels: maximumPixels)
    }

    /// The next frame, upright however the camera was held, or nil at the end. Frames may change their size on the way.
    ///
    /// - Throws: `MediaError` if the file is damaged beyond what can be skipped.
    public func next() throws -> Picture? {
        guard let (picture, seconds) = try decoder.next() else { return nil }
        self.seconds = seconds
        return picture
    }

    /// All frames from here to the end; only for videos known to be short.
    public func remainingFrames() throws -> [Picture] {
        var frames: [Picture] = []
        while let frame = try next() { frames.append(frame) }
        return frames
    }
}
