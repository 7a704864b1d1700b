public import RainPictures

/// Reads still pictures.
public enum PictureReader {
    /// The largest width and height that is read.
    public static let maximumSide = 32_767
    /// The largest width × height that is read unless the caller says otherwise.
    public static let maximumPixels = 1 << 26
    /// The largest file that is read, in bytes.
    public static let maximumFileByteCount = 1 << 28

    // Demuxers that read one file only; playlists and patterns, which open others, are not among them.
    private static let formats = [
        "png_pipe", "apng", "jpeg_pipe", "webp_pipe", "bmp_pipe", "gif", "gif_pipe", "tiff_pipe", "pbm_pipe", "pgm_pipe", "ppm_pipe",
        "pam_pipe", "qoi_pipe",
    ].joined(separator: ",")

    /// Whether a path leads to a file that begins like a still picture. A GIF counts as a video, and so do JPEGs one after the other.
    public static func isPicture(_ path: String) -> Bool {
        guard !["mjpeg", "mjpg"].contains(where: { path.lowercased().hasSuffix("." + $0) }) else { return false }
        guard Files.kind(path) == .file, let start = try? Files.start(of: path, count: 12) else { return false }
        let beginnings: [[UInt8]] = [
            [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], Array("BM".utf8), Array("II*\0".utf8), Array("MM\0*".utf8), Array("qoif".utf8),
            Array("P4".utf8), Array("P5".utf8), Array("P6".utf8), Array("P7".utf8),
        ]
        if start.starts(with: Array("RIFF".utf8)) { return start.dropFirst(8).elementsEqual(Array("WEBP".utf8)) }
        return beginnings.contains { start.starts(with: $0) }
    }

    /// Reads a PNG, JPEG, WebP, BMP, GIF (first frame), TIFF, PNM or QOI file, whatever its name ends in.
    ///
    /// Transparent pixels are laid on white; the orientation a camera stored is applied; 16-bit pictures are reduced to 8.
    ///
    /// - Throws: `MediaError` for a file that is missing, unreadable, damaged, cut short or too large.
    public static func read(_ path: String, maximumPixels: Int = maximumPixels) throws -> Picture {
        try read(bytes: Files.read(path, limit: maximumFileByteCount), name: path, maximumPixels: maximumPixels)
    }

    /// Reads the bytes of a picture file.
    ///
    /// - Parameter name: what errors call it
    /// - Throws: `MediaError` for bytes that are no picture, damaged, cut short or too many
    public static func read(bytes: [UInt8], name path: String, maximumPixels: Int = maximumPixels) throws -> Picture {
        guard let (picture, _) = try decoder(bytes, path, maximumPixels).next() else { throw empty(path) }
        return picture
    }

    /// Reads a picture file with its transparency.
    ///
    /// - Throws: `MediaError` as of `read`
    public static func readLayer(_ path: String, maximumPixels: Int = maximumPixels) throws -> LayerPicture {
        let bytes = try Files.read(path, limit: maximumFileByteCount)
        guard let layer = try decoder(bytes, path, maximumPixels).nextLayer() else { throw empty(path) }
        return layer
    }

    private static func decoder(_ bytes: [UInt8], _ path: String, _ maximumPixels: Int) throws -> Decoder {
        guard !bytes.isEmpty else {
            throw MediaError(.malformed, file: path, expected: "a picture", found: "0 bytes", advice: "save or download the file again")
        }
        if let (width, height) = PictureHeader.size(bytes), width > maximumSide || height > maximumSide || width * height > maximumPixels {
            throw MediaError(
                .tooLarge, file: path, expected: "at most \(maximumPixels) pixels, and \(maximumSide) a side", found: "\(width)×\(height)",
                advice: "save the picture smaller")
        }
        return try Decoder(still: bytes, path: path, formats: formats, maximumPixels: maximumPixels)
    }

    private static func empty(_ path: String) -> MediaError {
        MediaError(.malformed, file: path, expected: "a picture", found: "none in the file", advice: "save or download the file again")
    }
}
