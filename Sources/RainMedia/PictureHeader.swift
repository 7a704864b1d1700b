/// What a picture's own header says of its size, so that one that is too large is refused for what it is before anything is decoded.
///
/// Only a hint: nothing else relies on it, and of kinds not known here the decoder finds out by itself.
enum PictureHeader {
    /// Width and height in pixels of PNG, JPEG, GIF and WebP; `nil` for others and what is cut short.
    ///
    /// - Source: PNG (ISO/IEC 15948) 11.2.2, JPEG (ITU-T T.81) B.2.2, GIF89a 18, WebP (RFC 9649) 2.7
    static func size(_ bytes: [UInt8]) -> (width: Int, height: Int)? {
        func at(_ place: Int) -> Int? { bytes.indices.contains(place) ? Int(bytes[place]) : nil }
        func big(_ place: Int, _ count: Int) -> Int? {
            (0..<count).reduce(0) { sum, index in sum.flatMap { sum in at(place + index).map { sum << 8 | $0 } } }
        }
        func little(_ place: Int, _ count: Int) -> Int? {
            (0..<count).reversed().reduce(0) { sum, index in sum.flatMap { sum in at(place + index).map { sum << 8 | $0 } } }
        }
        func pair(_ width: Int?, _ height: Int?) -> (width: Int, height: Int)? {
            if let width, let height { (width, height) } else { nil }
        }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return pair(big(16, 4), big(20, 4)) }
        if bytes.starts(with: Array("GIF8".utf8)) { return pair(little(6, 2), little(8, 2)) }
        if bytes.starts(with: [0xFF, 0xD8]) { return jpeg(at, big, pair) }
        guard bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) else { return nil }
        switch bytes.dropFirst(12).prefix(4).map({ $0 }) {
        case Array("VP8X".utf8): return pair(little(24, 3).map { $0 + 1 }, little(27, 3).map { $0 + 1 })
        case Array("VP8 ".utf8): return pair(little(26, 2).map { $0 & 0x3FFF }, little(28, 2).map { $0 & 0x3FFF })
        case Array("VP8L".utf8): return little(21, 4).map { (($0 & 0x3FFF) + 1, ($0 >> 14 & 0x3FFF) + 1) }
        default: return nil
        }
    }

    /// From marker to marker until the frame's header.
    private static func jpeg(
        _ at: (Int) -> Int?, _ big: (Int, Int) -> Int?, _ pair: (Int?, Int?) -> (width: Int, height: Int)?
    ) -> (width: Int, height: Int)? {
        var place = 2
        while let mark = at(place), let kind = at(place + 1) {
            guard mark == 0xFF else { return nil }
            switch kind {
            case 0xFF: place += 1
            case 0x01, 0xD0...0xD8: place += 2
            case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(kind): return pair(big(place + 7, 2), big(place + 5, 2))
            default:
                guard let length = big(place + 2, 2), length >= 2, kind != 0xDA, kind != 0xD9 else { return nil }
                place += 2 + length
            }
        }
        return nil
    }
}
