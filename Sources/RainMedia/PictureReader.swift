import RainFiles
public import RainPictures

/// Reads still pictures.
public enum PictureReader {
    /// The largest width and height that is read.
    public static let maximumSide = 32_767
    /// The largest width × height that is read unless the caller says otherwise.
    public static let maximumPixels = 1 << 26
    /// The largest file that is read, in bytes.
    public static let maximumFileByteCount = 1 << 28

    /// What FFmpeg reads of stills: libvips has no reader of such bytes in memory.
    private static let demuxers: [StillFormat: String] = [.pnm: "pbm_pipe,pgm_pipe,ppm_pipe,pam_pipe", .qoi: "qoi_pipe"]

    /// Whether a path leads to a file that begins like a still picture. A GIF counts as a video, and so do JPEGs one after the other.
    public static func isPicture(_ path: String) -> Bool {
        guard !["mjpeg", "mjpg"].contains(where: { path.lowercased().hasSuffix("." + $0) }) else { return false }
        guard let start = try? FileSystem.read(path, upTo: 32) else { return false }
        return StillFormat(start).map { $0 != .gif } ?? false
    }

    /// Reads a PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC, AVIF, PNM or QOI file, whatever its name ends in; of animations the first picture.
    ///
    /// Transparent pixels are laid on white; the orientation a camera stored is applied; colours become sRGB, 8 bits each.
    ///
    /// - Throws: `MediaError` for a file that is missing, unreadable, damaged, cut short or too large.
    public static func read(_ path: String, maximumPixels: Int = maximumPixels) throws -> Picture {
        try read(bytes: Files.read(path, limit: maximumFileByteCount), name: path, maximumPixels: maximumPixels)
    }

    /// Reads the bytes of a picture file.
    ///
    /// - Parameters:
    ///   - name: what errors call it
    ///   - ignoresProfile: take colours for sRGB. Browsers put a profile into every picture that they encode; to a face tracker it makes no
    ///     difference, and to read it takes longer than the picture.
    /// - Throws: `MediaError` for bytes that are no picture, damaged, cut short or too many
    public static func read(
        bytes: [UInt8], name path: String, maximumPixels: Int = maximumPixels, ignoresProfile: Bool = false
    ) throws -> Picture {
        try layer(bytes, path, maximumPixels, ignoresProfile: ignoresProfile).onWhite
    }

    /// Reads a picture file with its transparency.
    ///
    /// - Throws: `MediaError` as of `read`
    public static func readLayer(_ path: String, maximumPixels: Int = maximumPixels) throws -> LayerPicture {
        try layer(Files.read(path, limit: maximumFileByteCount), path, maximumPixels)
    }

    private static func layer(
        _ bytes: [UInt8], _ path: String, _ maximumPixels: Int, ignoresProfile: Bool = false
    ) throws -> LayerPicture {
        guard let format = StillFormat(bytes) else {
            throw MediaError(
                .malformed, file: path, expected: "a picture (PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC, AVIF, PNM or QOI)",
                found: bytes.isEmpty ? "0 bytes" : FileContent.name(Array(bytes.prefix(300))) ?? "another kind of file",
                advice: bytes.isEmpty ? "save or download the file again" : "check the file, or save it in one of these formats")
        }
        guard let demuxers = demuxers[format] else {
            return try StillReader.read(bytes, format, path: path, maximumPixels: maximumPixels, ignoresProfile: ignoresProfile)
        }
        guard let layer = try Decoder(still: bytes, path: path, formats: demuxers, maximumPixels: maximumPixels).nextLayer() else {
            throw MediaError(
                .malformed, file: path, expected: "a picture", found: "none in the file", advice: "save or download the file again")
        }
        return layer
    }
}
