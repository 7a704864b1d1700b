import RainFiles
public import RainPictures

/// A picture with the time at which it is shown.
public struct TimedPicture: Sendable {
    public var picture: Picture
    /// Since the source's first picture; never less than the one before.
    public var seconds: Double

    public init(picture: Picture, seconds: Double) {
        self.picture = picture
        self.seconds = seconds
    }
}

/// Pictures that follow each other: a video file, a folder of pictures or a camera.
///
/// | source | pictures | times |
/// | --- | --- | --- |
/// | a video file | upright, however the camera was held; their size may change on the way | the file's, however uneven; 25 a second where it has none |
/// | a folder | its PNG, JPEG, WebP and BMP files in the order of their names, numbers counted as such; others are ignored | 25 a second, or as asked |
/// | a camera | what it takes, e.g. `/dev/video0` | the camera's |
///
/// Not to be shared between tasks: it is in the middle of reading. Reading blocks.
public final class PictureSource {
    /// The source as the caller named it.
    public let path: String
    /// Pictures per second, where the source says something possible or was told.
    public let framesPerSecond: Double?
    /// Whether pictures come when they come: a camera, which does not wait for who reads.
    public let isLive: Bool

    private enum Reader {
        case video(VideoReader)
        case folder([String])
        case camera(Camera)
    }

    private let reader: Reader
    private var count = 0
    private var last: (seconds: Double, origin: Double)?

    /// Pictures per second where nothing says.
    public static let usualRate = 25.0
    /// What is believed of a source. A file without pictures, or of varying rate, may say how fine its clock is instead.
    private static let possibleRates = 1.0...240
    /// The endings of the pictures of a folder.
    private static let endings: Set<String> = ["png", "jpg", "jpeg", "webp", "bmp"]

    /// - Parameters:
    ///   - framesPerSecond: of a folder
    ///   - maximumPixels: of every picture
    /// - Throws: `MediaError` for a source that is missing, empty, unreadable or of no known kind
    public convenience init(path: String, framesPerSecond: Double? = nil, maximumPixels: Int = VideoReader.maximumPixels) throws {
        if FileSystem.kind(path) == .characterDevice {
            try self.init(camera: path, maximumPixels: maximumPixels)
            return
        }
        guard FileSystem.kind(path) == .folder else {
            let video = try VideoReader(path: path, maximumPixels: maximumPixels)
            self.init(path: path, framesPerSecond: video.framesPerSecond, isLive: false, reader: .video(video))
            return
        }
        let all: [String]
        do {
            all = try FileSystem.names(in: path)
        } catch {
            throw MediaError(
                .unreadable, file: path, expected: "a folder that can be read", found: error.found, advice: "check that it may be read")
        }
        let names = all.filter { name in
            !name.hasPrefix(".") && Self.endings.contains(PathName(name).fileExtension)
        }
        guard !names.isEmpty else {
            throw MediaError(
                .malformed, file: path, expected: "a folder with PNG, JPEG, WebP or BMP pictures", found: "none of them",
                advice: "name the folder that holds the pictures")
        }
        let folder = path.hasSuffix("/") ? path : path + "/"
        self.init(
            path: path, framesPerSecond: framesPerSecond ?? Self.usualRate, isLive: false,
            reader: .folder(names.sorted(by: Self.comesBefore).map { folder + $0 }))
    }

    /// A camera.
    ///
    /// - Parameter system: which of FFmpeg's capture systems it belongs to
    public convenience init(camera path: String, system: String = "v4l2", maximumPixels: Int = VideoReader.maximumPixels) throws {
        let decoder = try Decoder(device: path, system: system, maximumPixels: maximumPixels)
        self.init(path: path, framesPerSecond: decoder.framesPerSecond, isLive: true, reader: .camera(Camera(path: path, decoder)))
    }

    /// A camera of one's own, for tests.
    convenience init(_ camera: Camera, path: String) {
        self.init(path: path, framesPerSecond: nil, isLive: true, reader: .camera(camera))
    }

    private init(path: String, framesPerSecond: Double?, isLive: Bool, reader: Reader) {
        self.path = path
        self.framesPerSecond = framesPerSecond.flatMap { Self.possibleRates.contains($0) ? $0 : nil }
        self.isLive = isLive
        self.reader = reader
    }

    /// The next picture, or nil at the end of a file or folder.
    ///
    /// - Throws: `MediaError` for a picture that cannot be read, a file without any, and a camera that has gone
    public func next() throws -> TimedPicture? {
        let period = 1 / (framesPerSecond ?? Self.usualRate)
        switch reader {
        case .folder(let files):
            guard count < files.count else { return nil }
            defer { count += 1 }
            return TimedPicture(picture: try PictureReader.read(files[count]), seconds: Double(count) * period)
        case .video(let video):
            guard let picture = try video.next() else {
                guard count > 0 else {
                    throw MediaError(
                        .malformed, file: path, expected: "a video with at least one picture", found: "none",
                        advice: "record or download the video again")
                }
                return nil
            }
            return timed(picture, video.seconds, period)
        case .camera(let camera):
            let (picture, seconds) = try camera.next()
            return timed(picture, seconds, period)
        }
    }

    /// Times that run back by more seconds than this start over.
    private static let startsOver = 0.5

    /// A picture at the time its source says, counted from the first one; times that run back a little stand still.
    private func timed(_ picture: Picture, _ seconds: Double?, _ period: Double) -> TimedPicture {
        count += 1
        guard let last else {
            last = (0, seconds ?? 0)
            return TimedPicture(picture: picture, seconds: 0)
        }
        guard let seconds, seconds.isFinite else {
            self.last = (last.seconds + period, last.origin)
            return TimedPicture(picture: picture, seconds: last.seconds + period)
        }
        // Streams that were cut together, or have run for a day, start over.
        let origin = seconds - last.origin < last.seconds - Self.startsOver ? seconds - last.seconds - period : last.origin
        let next = max(seconds - origin, last.seconds)
        self.last = (next, origin)
        return TimedPicture(picture: picture, seconds: next)
    }

    /// Names in the order people count in: `2.png` before `10.png`.
    static func comesBefore(_ a: String, _ b: String) -> Bool {
        var (left, right) = (Array(a.utf8)[...], Array(b.utf8)[...])
        func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
        func number(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            let digits = text.prefix(while: isDigit)
            text = text.dropFirst(digits.count)
            return digits.drop { $0 == 0x30 }
        }
        while let x = left.first, let y = right.first {
            if isDigit(x), isDigit(y) {
                let (m, n) = (number(&left), number(&right))
                if m.count != n.count { return m.count < n.count }
                if !m.elementsEqual(n) { return m.lexicographicallyPrecedes(n) }
            } else {
                if x != y { return x < y }
                (left, right) = (left.dropFirst(), right.dropFirst())
            }
        }
        return left.count != right.count ? left.count < right.count : a < b
    }
}
