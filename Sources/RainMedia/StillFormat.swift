/// The formats of still pictures, told apart by how files begin.
enum StillFormat: String {
    case png = "PNG"
    case jpeg = "JPEG"
    case webp = "WebP"
    case gif = "GIF"
    case tiff = "TIFF"
    case heif = "HEIC or AVIF"
    case bmp = "BMP"
    case pnm = "PNM"
    case qoi = "QOI"

    /// - Returns: nil for what is no picture, or one of another format
    init?(_ bytes: some Collection<UInt8>) {
        let start = Array(bytes.prefix(32))
        func begins(_ text: String) -> Bool { start.starts(with: text.utf8) }
        switch true {
        case start.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]): self = .png
        case start.starts(with: [0xFF, 0xD8, 0xFF]): self = .jpeg
        case begins("RIFF") && start.dropFirst(8).starts(with: "WEBP".utf8): self = .webp
        case begins("GIF87a") || begins("GIF89a"): self = .gif
        case begins("II*\0") || begins("MM\0*") || begins("II+\0") || begins("MM\0+"): self = .tiff
        case begins("BM"): self = .bmp
        case begins("qoif"): self = .qoi
        case start.count > 2 && start[0] == UInt8(ascii: "P") && (UInt8(ascii: "1")...UInt8(ascii: "7")).contains(start[1])
            && [0x09, 0x0A, 0x0D, 0x20, 0x23].contains(start[2]):
            self = .pnm
        case start.dropFirst(4).starts(with: "ftyp".utf8)
            && ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1", "avif", "avis"].contains(where: {
                start.dropFirst(8).starts(with: $0.utf8)
            }):
            self = .heif
        default: return nil
        }
    }

    /// Whether a file ends where its format says, as far as that can be told without decoding: decoders forgive a missing end.
    ///
    /// - Source: PNG (ISO/IEC 15948) 5.3, GIF89a appendix B, WebP (RFC 9649) 2.3, HEIF (ISO/IEC 14496-12) 4.2
    func isWhole(_ bytes: [UInt8]) -> Bool {
        switch self {
        case .png: Self.endsPNG(bytes)
        case .gif: Self.endsGIF(bytes)
        case .webp: bytes.count >= 12 && bytes.count >= 8 + Int(bytes.number(at: 4, 4))
        case .heif: Self.endsBoxes(bytes)
        case .jpeg, .tiff, .bmp, .pnm, .qoi: true
        }
    }

    /// From chunk to chunk until IEND.
    private static func endsPNG(_ bytes: [UInt8]) -> Bool {
        var place = 8
        while place + 12 <= bytes.count {
            let next = place + 12 + Int(bytes.number(at: place, 4, isBig: true))
            guard next <= bytes.count else { return false }
            if bytes[(place + 4)..<(place + 8)].elementsEqual("IEND".utf8) { return true }
            place = next
        }
        return false
    }

    /// From block to block until the trailer.
    private static func endsGIF(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 13 else { return false }
        func table(_ flags: UInt8) -> Int { flags & 0x80 == 0 ? 0 : 3 << (Int(flags & 7) + 1) }
        var place = 13 + table(bytes[10])
        while place < bytes.count {
            switch bytes[place] {
            case 0x3B: return true
            case 0x21: place += 2
            case 0x2C:
                guard place + 10 < bytes.count else { return false }
                place += 11 + table(bytes[place + 9])
            // Padding, or damage for the decoder to judge.
            default:
                place += 1
                continue
            }
            // Its data, in parts.
            while place < bytes.count, bytes[place] != 0 { place += 1 + Int(bytes[place]) }
            place += 1
        }
        return false
    }

    /// Boxes one after the other, the last up to the end.
    private static func endsBoxes(_ bytes: [UInt8]) -> Bool {
        var place = 0
        while place < bytes.count {
            guard place + 8 <= bytes.count else { return false }
            var size = bytes.number(at: place, 4, isBig: true)
            if size == 0 { return true }
            if size == 1, place + 16 <= bytes.count { size = bytes.number(at: place + 8, 8, isBig: true) }
            guard size >= 8, size <= UInt64(bytes.count - place) else { return false }
            place += Int(size)
        }
        return true
    }
}

extension [UInt8] {
    /// A whole number of `count` bytes, which must be there.
    fileprivate func number(at place: Int, _ count: Int, isBig: Bool = false) -> UInt64 {
        (0..<count).reduce(0) { $0 << 8 | UInt64(self[place + (isBig ? $1 : count - 1 - $1)]) }
    }

    fileprivate static func little(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}

/// BMP files as other programs read them: converters forget the palette in the offset of the pixels, write palettes of too few colours, headers of
/// rare lengths, and sizes that are not the file's. A file whose header is put right is read by any decoder; no library does it itself.
enum BitmapHeader {
    private static let fileHeader = 14

    /// - Source: BITMAPFILEHEADER, BITMAPINFOHEADER and OS22XBITMAPHEADER
    static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= fileHeader + 40 else { return bytes }
        func number(_ place: Int, _ count: Int) -> Int { Int(bytes.number(at: place, count)) }
        let (header, bits) = (number(14, 4), number(28, 2))
        guard (40...124).contains(header), fileHeader + header <= bytes.count else { return bytes }
        guard [1, 2, 4, 8].contains(bits) else {
            var repaired = bytes
            repaired.replaceSubrange(2..<6, with: [UInt8].little(bytes.count, 4))
            repaired.replaceSubrange(26..<28, with: [1, 0])
            return repaired
        }
        let (all, told) = (1 << bits, number(46, 4))
        let start = fileHeader + header
        let palette = Array(bytes[start..<min(start + 4 * min(told == 0 ? all : told, 256), bytes.count)])
        let pixels = min(max(number(10, 4), start + palette.count), bytes.count)
        var first = Array(bytes[fileHeader..<(fileHeader + 40)])
        first.replaceSubrange(0..<4, with: [UInt8].little(40, 4))
        first.replaceSubrange(12..<14, with: [1, 0])
        first.replaceSubrange(32..<36, with: [UInt8].little(all, 4))
        let colors = Array((palette + [UInt8](repeating: 0, count: 4 * all)).prefix(4 * all))
        let offset = fileHeader + first.count + colors.count
        let size = offset + bytes.count - pixels
        return Array("BM".utf8) + .little(size, 4) + [0, 0, 0, 0] + .little(offset, 4) + first + colors + bytes[pixels...]
    }

    /// Whether the fourth byte of a pixel is opacity: in plain headers it is nothing.
    static func hasOpacity(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= fileHeader + 40 else { return false }
        return !(bytes.number(at: 14, 4) == 40 && bytes.number(at: 28, 2) == 32 && bytes.number(at: 30, 4) == 0)
    }
}
