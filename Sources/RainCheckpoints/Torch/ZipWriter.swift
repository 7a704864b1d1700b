import RainFiles

/// Writes a zip archive of stored entries, each of whose bytes begin at a multiple of 64, as PyTorch's do.
///
/// Numbers beyond 32 bits go into zip64 fields, and only those, so that small archives stay readable for everyone.
struct ZipWriter {
    private let file: ReplacementFile
    private var position: UInt64 = 0
    private var directory: [UInt8] = []
    private var count: UInt64 = 0

    private static let limit: UInt64 = 0xFFFF_FFFF

    init(path: String) throws { file = try ReplacementFile(path: path) }

    /// Adds an entry; its name is not longer than 65535 bytes.
    mutating func add(_ name: String, _ content: [UInt8]) throws {
        let size = UInt64(content.count)
        let checksum = CRC32.checksum(content)
        let isLarge = size >= Self.limit
        // Version 2.0 or 4.5; names in UTF-8; stored; 1 January 1980.
        let common =
            littleEndian(UInt16(0x0800)) + littleEndian(UInt16(0)) + littleEndian(UInt32(0x0021_0000)) + littleEndian(checksum)
            + littleEndian(UInt32(min(size, Self.limit))) + littleEndian(UInt32(min(size, Self.limit)))
            + littleEndian(UInt16(name.utf8.count))
        var extra: [UInt8] = isLarge ? field(0x0001, littleEndian(size) + littleEndian(size)) : []
        let unpadded = position + 30 + UInt64(name.utf8.count + extra.count + 4)
        extra += field(0x4246, [UInt8](repeating: UInt8(ascii: "Z"), count: Int((64 - unpadded % 64) % 64)))
        let header =
            littleEndian(UInt32(0x0403_4B50)) + littleEndian(UInt16(isLarge ? 45 : 20)) + common + littleEndian(UInt16(extra.count))
            + name.utf8
            + extra
        try file.append(header)
        try file.append(content)

        var wide: [UInt8] = isLarge ? littleEndian(size) + littleEndian(size) : []
        if position >= Self.limit { wide += littleEndian(position) }
        let directoryExtra = wide.isEmpty ? [] : field(0x0001, wide)
        directory += littleEndian(UInt32(0x0201_4B50)) + littleEndian(UInt16(45)) + littleEndian(UInt16(wide.isEmpty ? 20 : 45)) + common
        directory += littleEndian(UInt16(directoryExtra.count)) + [UInt8](repeating: 0, count: 10)
        directory += littleEndian(UInt32(min(position, Self.limit))) + name.utf8 + directoryExtra
        count += 1
        position += UInt64(header.count) + size
    }

    /// Writes the directory and moves the archive into place.
    func finish() throws {
        let size = UInt64(directory.count)
        var end = directory
        if count >= 0xFFFF || size >= Self.limit || position >= Self.limit {
            end += littleEndian(UInt32(0x0606_4B50)) + littleEndian(UInt64(44)) + littleEndian(UInt16(45)) + littleEndian(UInt16(45))
            end += littleEndian(UInt64(0)) + littleEndian(count) + littleEndian(count) + littleEndian(size) + littleEndian(position)
            end += littleEndian(UInt32(0x0706_4B50)) + littleEndian(UInt32(0)) + littleEndian(position + size) + littleEndian(UInt32(1))
        }
        let shortCount = littleEndian(UInt16(min(count, 0xFFFF)))
        end += littleEndian(UInt32(0x0605_4B50)) + littleEndian(UInt32(0)) + shortCount + shortCount
        end += littleEndian(UInt32(min(size, Self.limit))) + littleEndian(UInt32(min(position, Self.limit))) + littleEndian(UInt16(0))
        try file.append(end)
        try file.commit()
    }

    private func field(_ identifier: UInt16, _ content: [UInt8]) -> [UInt8] {
        littleEndian(identifier) + littleEndian(UInt16(content.count)) + content
    }
}

/// The checksum of zip archives, eight bytes at a time.
///
/// - Source: ISO 3309; the tables as in Intel's "slicing by 8"
enum CRC32 {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        for index in 256..<tables.count { tables[index] = tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 255)] }
        return tables
    }()

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let tables = tables
        var crc = UInt32.max
        let content = bytes.span.bytes
        let whole = bytes.count / 8 * 8
        for offset in stride(from: 0, to: whole, by: 8) {
            let word = content.load(UInt64.self, at: offset) ^ UInt64(crc)
            var next: UInt32 = 0
            for byte in 0..<8 { next ^= tables[(7 - byte) * 256 + Int(word >> (8 * byte) & 255)] }
            crc = next
        }
        for byte in bytes[whole...] { crc = crc >> 8 ^ tables[Int((crc ^ UInt32(byte)) & 255)] }
        return ~crc
    }
}
