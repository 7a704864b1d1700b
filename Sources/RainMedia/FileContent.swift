import RainFiles

/// What a file is, told by how it begins, for those that are taken for something else.
enum FileContent {
    private static let beginnings: [(name: String, place: Int, bytes: [UInt8])] = [
        ("a PDF document", 0, Array("%PDF".utf8)),
        ("a gzip archive", 0, [0x1F, 0x8B]),
        ("a ZIP archive", 0, [0x50, 0x4B, 0x03, 0x04]),
        ("a 7-Zip archive", 0, [0x37, 0x7A, 0xBC, 0xAF]),
        ("a RAR archive", 0, Array("Rar!".utf8)),
        ("an xz archive", 0, [0xFD, 0x37, 0x7A, 0x58, 0x5A]),
        ("a Zstandard archive", 0, [0x28, 0xB5, 0x2F, 0xFD]),
        ("a bzip2 archive", 0, Array("BZh".utf8)),
        ("a tar archive", 257, Array("ustar".utf8)),
        ("an MP3 sound file", 0, Array("ID3".utf8)),
        ("an MP3 sound file", 0, [0xFF, 0xFB]),
        ("a FLAC sound file", 0, Array("fLaC".utf8)),
        ("a WAVE sound file", 8, Array("WAVE".utf8)),
        ("a Photoshop document", 0, Array("8BPS".utf8)),
        ("a Krita or OpenDocument file", 30, Array("mimetype".utf8)),
        ("a GIMP document", 0, Array("gimp xcf".utf8)),
        ("a JPEG XL picture", 0, [0xFF, 0x0A]),
        ("a JPEG XL picture", 4, Array("JXL ".utf8)),
        ("a JPEG 2000 picture", 4, Array("jP  ".utf8)),
        ("an icon", 0, [0, 0, 1, 0]),
        ("an SVG drawing", 0, Array("<svg".utf8)),
        ("an XML or SVG file", 0, Array("<?xml".utf8)),
        ("a web page", 0, Array("<!DOCTYPE html".utf8)),
        ("a web page", 0, Array("<html".utf8)),
        ("an MP4 or QuickTime file", 4, Array("ftyp".utf8)),
        ("a Matroska or WebM file", 0, [0x1A, 0x45, 0xDF, 0xA3]),
        ("an Ogg file", 0, Array("OggS".utf8)),
        ("an AVI file", 8, Array("AVI ".utf8)),
        ("JSON", 0, Array("{".utf8)),
    ]

    /// - Parameter start: the file's first bytes, some 300
    /// - Returns: nil for what is not known
    static func name(_ start: [UInt8]) -> String? {
        if let picture = StillFormat(start) { return "a \(picture.rawValue) picture" }
        return beginnings.first { start.dropFirst($0.place).starts(with: $0.bytes) }?.name
    }

    /// - Parameter expected: what the file was taken for
    /// - Returns: nil for a file that cannot be read, or is of no known kind
    static func error(_ path: String, expected: String) -> MediaError? {
        guard let start = try? FileSystem.read(path, upTo: 300), let name = name(start) else { return nil }
        let isPicture = StillFormat(start) != nil
        return MediaError(
            .malformed, file: path, expected: expected, found: name,
            advice: isPicture ? "name a video, or a folder of pictures" : "check the file, or save it in another format")
    }
}
