internal import CFFmpeg
import RainFiles
public import RainPictures

/// Writes still pictures.
public enum PictureWriter {
    /// Writes a picture as `path` ends: `.png`, `.webp` (both lossless) or `.jpg`/`.jpeg` (of high quality).
    ///
    /// The file appears under its name only when it is complete.
    ///
    /// - Throws: `MediaError` for another ending or a path that cannot be written.
    public static func write(_ picture: Picture, to path: String) throws {
        let bytes = try encode(picture, codec: codec(path), path: path)
        do throws(FileError) {
            try ReplacementFile.write(bytes, to: path)
        } catch {
            throw Files.unwritable(path, error.found)
        }
    }

    /// Writes a layer as a PNG file with transparency; it appears under its name only when it is complete.
    ///
    /// - Throws: `MediaError` for a path that cannot be written
    public static func write(_ layer: LayerPicture, to path: String) throws {
        let bytes = try png(rgba: layer.straight, width: layer.width, height: layer.height)
        do throws(FileError) {
            try ReplacementFile.write(bytes, to: path)
        } catch {
            throw Files.unwritable(path, error.found)
        }
    }

    /// Whether `write` knows what `path` asks for, found out without touching anything.
    ///
    /// - Throws: `MediaError` for another ending
    public static func check(_ path: String) throws {
        _ = try codec(path)
    }

    private static func codec(_ path: String) throws -> String {
        switch PathName(path).fileExtension {
        case "png": return "png"
        case "jpg", "jpeg": return "mjpeg"
        case "webp": return "libwebp"
        default:
            throw MediaError(
                .unsupportedFormat, file: path, expected: "a name ending in .png, .jpg or .webp", found: "another ending",
                advice: "rename the output")
        }
    }

    /// The bytes of a PNG file.
    public static func png(_ picture: Picture) throws -> [UInt8] {
        try encode(picture, codec: "png", path: "PNG")
    }

    /// The bytes of a JPEG file of high quality, every pixel with its own colour.
    public static func jpeg(_ picture: Picture) throws -> [UInt8] {
        try encode(picture, codec: "mjpeg", path: "JPEG")
    }

    /// The bytes of a PNG file with transparency.
    ///
    /// - Parameter bytes: height × width × 4, red first, colours not multiplied by their opacity
    public static func png(rgba bytes: [UInt8], width: Int, height: Int) throws -> [UInt8] {
        precondition(width > 0 && height > 0 && bytes.count == width * height * 4, "bytes must be height × width × 4")
        return try encode(bytes, width, height, hasAlpha: true, codec: "png", path: "PNG")
    }

    private static func encode(_ picture: Picture, codec: String, path: String) throws -> [UInt8] {
        try encode(picture.bytes, picture.width, picture.height, hasAlpha: false, codec: codec, path: path)
    }

    private static func encode(
        _ bytes: [UInt8], _ width: Int, _ height: Int, hasAlpha: Bool, codec: String, path: String
    ) throws -> [UInt8] {
        FFmpeg.silenced
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let code = bytes.withUnsafeBufferPointer {
            rain_encode_still(codec, $0.baseAddress!, Int32(width), Int32(height), hasAlpha ? 1 : 0, &encoded, &count)
        }
        guard code >= 0, let encoded else {
            throw MediaError(
                .unsupportedFormat, file: path,
                expected: "FFmpeg's encoder \(codec) to take a picture of \(width)×\(height)",
                found: FFmpeg.message(code), advice: "choose another format")
        }
        defer { rain_free(encoded) }
        return [UInt8](UnsafeBufferPointer(start: encoded, count: count))
    }
}

/// A path taken apart by its text alone.
struct PathName {
    let path: String

    init(_ path: String) {
        self.path = path
    }

    /// The last component.
    var last: Substring { path.split(separator: "/", omittingEmptySubsequences: true).last ?? "" }

    /// What follows the last dot of the last component, in small letters; empty for none and for names like ".hidden".
    var fileExtension: String {
        guard let dot = last.lastIndex(of: "."), dot != last.startIndex, !path.hasSuffix("/") else { return "" }
        return last[last.index(after: dot)...].lowercased()
    }

    /// The name under which a file is written until it is complete: `out.mp4` becomes `out.partial.mp4`.
    var partial: String {
        let ending = fileExtension.utf8.count + 1
        return path.dropLast(ending) + ".partial" + path.suffix(ending)
    }
}
