internal import CVips
import RainPictures

/// Reads the first picture of a file with libvips, which reads stills as picture programs do: turned, in sRGB, by their full range.
///
/// FFmpeg is made for videos: of stills it knows no orientation but JPEG's, no profile, and takes unknown TIFF tags for damage. libvips stands on
/// each format's own library, refuses what is cut short, is fuzzed without end, and is 35 MB in Debian; gdk-pixbuf and Imlib2 know no profiles,
/// OpenImageIO brings 240 MB, and ImageMagick alone does not tell damage from a remark. BMP is read by the part of ImageMagick that libvips
/// brings along.
enum StillReader {
    /// - Parameters:
    ///   - bytes: of a file of that format
    ///   - ignoresProfile: take colours for sRGB, whatever their profile says
    /// - Throws: `MediaError` for what is damaged, cut short or too large
    static func read(
        _ bytes: [UInt8], _ format: StillFormat, path: String, maximumPixels: Int, ignoresProfile: Bool = false
    ) throws -> LayerPicture {
        guard let kind = kind(format) else { preconditionFailure("\(format) has another reader") }
        guard format.isWhole(bytes) else { throw damaged(path, "a \(format.rawValue) file that is cut short") }
        let content = format == .bmp ? BitmapHeader.repaired(bytes) : bytes
        var still = RainStill()
        let status = content.withUnsafeBytes {
            rain_still_read(
                kind, $0.baseAddress, $0.count, Int64(maximumPixels), Int32(PictureReader.maximumSide), ignoresProfile ? 1 : 0, &still)
        }
        defer { rain_still_free(&still) }
        switch status {
        case RAIN_STILL_READ: break
        case RAIN_STILL_TOO_LARGE:
            throw MediaError.tooLarge(path, width: Int(still.width), height: Int(still.height), maximumPixels: maximumPixels)
        case RAIN_STILL_NO_LIBRARY:
            throw MediaError(
                .unreadable, file: path, expected: "libvips to read it with", found: "none on this machine",
                advice: "run ./scripts/setup, or install Debian's libvips42")
        default: throw damaged(path, "a \(format.rawValue) file that is damaged or cut short")
        }
        let (width, height) = (Int(still.width), Int(still.height))
        var pixels = Array(UnsafeBufferPointer(start: still.pixels, count: width * height * 4))
        if format == .bmp, !BitmapHeader.hasOpacity(bytes) { for pixel in 0..<(width * height) { pixels[pixel * 4 + 3] = 255 } }
        return LayerPicture(width: width, height: height, straight: pixels)
    }

    private static func kind(_ format: StillFormat) -> RainStillKind? {
        switch format {
        case .png: RAIN_STILL_PNG
        case .jpeg: RAIN_STILL_JPEG
        case .webp: RAIN_STILL_WEBP
        case .gif: RAIN_STILL_GIF
        case .tiff: RAIN_STILL_TIFF
        case .heif: RAIN_STILL_HEIF
        case .bmp: RAIN_STILL_BMP
        case .pnm, .qoi: nil
        }
    }

    private static func damaged(_ path: String, _ found: String) -> MediaError {
        MediaError(
            .malformed, file: path, expected: "a whole, undamaged picture", found: found,
            advice: "check the file, or save it in another format")
    }
}

extension MediaError {
    static func tooLarge(_ path: String, width: Int, height: Int, maximumPixels: Int) -> MediaError {
        MediaError(
            .tooLarge, file: path, expected: "at most \(maximumPixels) pixels, and \(PictureReader.maximumSide) a side",
            found: "\(width)×\(height)", advice: "save the picture smaller")
    }
}
