internal import CFFmpeg
import RainFiles
import RainPictures

/// One open picture or video behind FFmpeg's decoders; the safe face of `rain_decoder_…`.
final class Decoder {
    private let handle: OpaquePointer
    /// The file in memory, for stills; the C side reads from it until it is freed.
    private let memory: UnsafeMutableBufferPointer<UInt8>
    private let path: String

    /// A picture in memory.
    convenience init(still bytes: [UInt8], path: String, formats: String, maximumPixels: Int) throws {
        let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = memory.initialize(from: bytes)
        try self.init(
            memory: memory, path: path, formats: formats, maximumPixels: maximumPixels, what: "a PNG, JPEG, WebP or similar picture")
    }

    /// A video file.
    convenience init(video path: String, formats: String, maximumPixels: Int) throws {
        try self.init(memory: .init(start: nil, count: 0), path: path, formats: formats, maximumPixels: maximumPixels, what: "a video")
    }

    private init(memory: UnsafeMutableBufferPointer<UInt8>, path: String, formats: String, maximumPixels: Int, what: String) throws {
        FFmpeg.silenced
        var opened: OpaquePointer?
        let code =
            if let address = memory.baseAddress {
                rain_decoder_open(&opened, nil, address, memory.count, formats, Int64(maximumPixels))
            } else {
                rain_decoder_open(&opened, path.systemPath, nil, 0, formats, Int64(maximumPixels))
            }
        guard code >= 0, let opened else {
            memory.deallocate()
            if memory.baseAddress == nil, let error = FileContent.error(path, expected: what) { throw error }
            let isSystem = rain_error_errno(code) != 0 && memory.baseAddress == nil && code != rain_error_invalid_argument()
            throw MediaError(
                isSystem ? .unreadable : .malformed, file: path, expected: what, found: FFmpeg.message(code),
                advice: isSystem ? "check that the file exists and may be read" : "check the file, or save it in another format")
        }
        handle = opened
        self.memory = memory
        self.path = path
    }

    /// A camera, or another device of one of FFmpeg's capture systems.
    init(device path: String, system: String, maximumPixels: Int) throws {
        FFmpeg.silenced
        var opened: OpaquePointer?
        let code = rain_decoder_open_device(&opened, system, path.systemPath, Int64(maximumPixels))
        guard code >= 0, let opened else {
            throw MediaError(
                .unreadable, file: path, expected: "a camera", found: FFmpeg.message(code),
                advice: "check that it is plugged in, that no other program uses it, and that you may read it")
        }
        handle = opened
        memory = .init(start: nil, count: 0)
        self.path = path
    }

    deinit {
        rain_decoder_free(handle)
        memory.deallocate()
    }

    /// Frames per second as the container says, if it does.
    var framesPerSecond: Double? {
        let rate = rain_decoder_rate(handle)
        return rate > 0 && rate.isFinite ? rate : nil
    }

    /// How long it is in seconds as the container says, if it does.
    var duration: Double? {
        let duration = rain_decoder_duration(handle)
        return duration > 0 && duration.isFinite ? duration : nil
    }

    /// The next frame, upright, and its time in seconds if known; nil at the end.
    func next() throws -> (picture: Picture, seconds: Double?)? {
        guard case .picture(let picture, let seconds) = try answer() else { return nil }
        return (picture, seconds)
    }

    /// The same for a camera, which may have nothing yet.
    func answer() throws -> Camera.Answer {
        let frame: RainFrame
        switch try advance() {
        case .end: return .end
        case .nothingYet: return .nothingYet
        case .frame(let decoded): frame = decoded
        }
        var picture = Picture(width: Int(frame.width), height: Int(frame.height))
        let copied = picture.bytes.withUnsafeMutableBufferPointer { rain_decoder_copy_rgb(handle, $0.baseAddress!) }
        guard copied >= 0 else { throw malformed(copied) }
        let square = picture.withSquarePixels(aspect: frame.pixel_aspect)
        let upright = square.upright(orientation: Int(frame.orientation))
        return .picture(upright, seconds: frame.seconds >= 0 ? frame.seconds : nil)
    }

    /// The next frame with its transparency, as it is stored; nil at the end.
    func nextLayer() throws -> LayerPicture? {
        guard case .frame(let frame) = try advance() else { return nil }
        var layer = LayerPicture(width: Int(frame.width), height: Int(frame.height))
        let copied = layer.bytes.withUnsafeMutableBufferPointer { rain_decoder_copy_rgba(handle, $0.baseAddress!) }
        guard copied >= 0 else { throw malformed(copied) }
        return LayerPicture(width: layer.width, height: layer.height, straight: layer.bytes)
    }

    private enum Advance {
        case end, nothingYet
        case frame(RainFrame)
    }

    /// Decodes the next frame.
    private func advance() throws -> Advance {
        var frame = RainFrame()
        let code = rain_decoder_next(handle, &frame)
        if code == 0 { return .end }
        if code == RAIN_NOTHING_YET { return .nothingYet }
        guard code > 0 else { throw malformed(code) }
        guard frame.width <= PictureReader.maximumSide, frame.height <= PictureReader.maximumSide else {
            throw MediaError(
                .tooLarge, file: path, expected: "at most \(PictureReader.maximumSide) pixels a side",
                found: "\(frame.width)×\(frame.height)", advice: "save the picture smaller")
        }
        return .frame(frame)
    }

    private func malformed(_ code: Int32) -> MediaError {
        MediaError(
            .malformed, file: path, expected: "a whole, undamaged file", found: FFmpeg.message(code),
            advice: "check the file, or save it in another format")
    }
}

extension Picture {
    /// What is believed of a pixel's width in its height: wider ones are a file's mistake.
    private static let possibleAspects = 0.1...10.0

    /// The picture of pixels that are wider or narrower than high, as it is meant: none of them is lost.
    func withSquarePixels(aspect: Double) -> Picture {
        guard Self.possibleAspects.contains(aspect), abs(aspect - 1) > 1e-3 else { return self }
        let (wide, high) = aspect > 1 ? (Double(width) * aspect, Double(height)) : (Double(width), Double(height) / aspect)
        guard max(wide, high) <= Double(PictureReader.maximumSide), wide * high <= Double(VideoReader.maximumPixels) else { return self }
        return resized(width: max(1, Int(wide.rounded())), height: max(1, Int(high.rounded())))
    }

    /// The picture turned and mirrored as its EXIF orientation (1…8) asks.
    func upright(orientation: Int) -> Picture {
        guard (2...8).contains(orientation) else { return self }
        let isTransposed = orientation >= 5
        let (newWidth, newHeight) = isTransposed ? (height, width) : (width, height)
        var result = Picture(width: newWidth, height: newHeight)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                // Orientations 5…8 exchange the axes; of these and the rest, some count x or y from the far side.
                var (sourceX, sourceY) = isTransposed ? (y, x) : (x, y)
                if [2, 3, 7, 8].contains(orientation) { sourceX = width - 1 - sourceX }
                if [3, 4, 6, 7].contains(orientation) { sourceY = height - 1 - sourceY }
                let (source, target) = ((sourceY * width + sourceX) * 3, (y * newWidth + x) * 3)
                for channel in 0..<3 { result.bytes[target + channel] = bytes[source + channel] }
            }
        }
        return result
    }
}
