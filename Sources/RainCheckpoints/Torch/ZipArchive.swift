/// The directory of a zip archive whose entries are stored as they are, as PyTorch writes them.
///
/// Only the directory at the end is believed, and each entry's own header for where its bytes begin. Sizes in the entries'
/// headers may be absent (data descriptors) and checksums are not looked at, since PyTorch can be told to leave them out.
///
/// - Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3 (zip64).
struct ZipArchive {
    struct Entry {
        var method: UInt16
        var isEncrypted: Bool
        var storedByteCount: UInt64
        var byteCount: UInt64
        var headerOffset: UInt64
    }

    /// Many times as many as the largest checkpoints have tensors.
    private static let maximumEntryCount = 1 << 20

    private let file: MappedFile
    private(set) var entries: [String: Entry] = [:]

    init(_ file: MappedFile) throws {
        self.file = file
        try readDirectory()
    }

    /// Where the bytes of an entry lie in the file; nil if there is no such entry.
    func range(_ name: String) throws -> Range<Int>? {
        guard let entry = entries[name] else { return nil }
        let place = "zip entry '\(printable(name, limit: 120))'"
        guard !entry.isEncrypted else { throw malformed("\(place) in plain bytes", "it encrypted") }
        guard entry.method == 0, entry.storedByteCount == entry.byteCount else {
            throw malformed(
                "\(place) stored without compression, as PyTorch does", "compression method \(entry.method)",
                advice: "unpack the archive and pack it with 'zip -0', or save the checkpoint again with torch.save")
        }
        let size = UInt64(file.count)
        // No sum below can overflow: each term is below the file's size, or a 16-bit number.
        guard entry.headerOffset < size, entry.byteCount <= size, size - entry.headerOffset >= 30 else {
            throw truncated("\(place) inside the file", "offset \(entry.headerOffset) and \(entry.byteCount) bytes")
        }
        let header = Int(entry.headerOffset)
        guard file.load(UInt32.self, at: header) == 0x0403_4B50 else { throw malformed("a header of \(place)", "other bytes") }
        let start = header + 30 + Int(file.load(UInt16.self, at: header + 26)) + Int(file.load(UInt16.self, at: header + 28))
        guard start <= file.count, file.count - start >= Int(entry.byteCount) else {
            throw truncated("\(entry.byteCount) bytes of \(place)", "\(max(0, file.count - start)) up to the end of the file")
        }
        return start..<(start + Int(entry.byteCount))
    }

    // MARK: Directory

    private mutating func readDirectory() throws {
        var (count, directory) = try directoryPlace()
        var position = directory.lowerBound
        while position < directory.upperBound {
            guard directory.upperBound - position >= 46, file.load(UInt32.self, at: position) == 0x0201_4B50 else {
                throw malformed("an entry of the directory at byte \(position)", "other bytes")
            }
            let nameCount = Int(file.load(UInt16.self, at: position + 28))
            let extraCount = Int(file.load(UInt16.self, at: position + 30))
            let commentCount = Int(file.load(UInt16.self, at: position + 32))
            let end = position + 46 + nameCount + extraCount + commentCount
            guard end <= directory.upperBound else {
                throw malformed("an entry of the directory of \(end - position) bytes", "\(directory.upperBound - position)")
            }
            let nameStart = position + 46
            guard let name = String(validating: file.bytes(nameStart..<(nameStart + nameCount)), as: UTF8.self) else {
                throw malformed("names of entries in UTF-8", "other bytes at byte \(nameStart)")
            }
            var entry = Entry(
                method: file.load(UInt16.self, at: position + 10), isEncrypted: file.load(UInt16.self, at: position + 8) & 1 != 0,
                storedByteCount: UInt64(file.load(UInt32.self, at: position + 20)),
                byteCount: UInt64(file.load(UInt32.self, at: position + 24)),
                headerOffset: UInt64(file.load(UInt32.self, at: position + 42)))
            try widen(&entry, extra: (nameStart + nameCount)..<(nameStart + nameCount + extraCount))
            guard entries.count < Self.maximumEntryCount else {
                throw malformed("an archive of at most \(Self.maximumEntryCount) entries", "more")
            }
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw malformed("each entry once", "'\(printable(name, limit: 120))' twice")
            }
            guard count > 0 else { throw malformed("as many entries as the directory says", "more") }
            count -= 1
            position = end
        }
        guard count == 0 else { throw malformed("\(count) more entries in the directory", "its end") }
    }

    /// Takes numbers beyond 32 bits from the zip64 field.
    private func widen(_ entry: inout Entry, extra: Range<Int>) throws {
        let isWide = [entry.byteCount, entry.storedByteCount, entry.headerOffset].contains(0xFFFF_FFFF)
        guard isWide else { return }
        var position = extra.lowerBound
        while extra.upperBound - position >= 4 {
            let identifier = file.load(UInt16.self, at: position)
            let end = position + 4 + Int(file.load(UInt16.self, at: position + 2))
            guard end <= extra.upperBound else { break }
            position += 4
            if identifier == 1 {
                // In this order, and only those that did not fit.
                for field in [\Entry.byteCount, \Entry.storedByteCount, \Entry.headerOffset] where entry[keyPath: field] == 0xFFFF_FFFF {
                    guard end - position >= 8 else { throw malformed("a complete zip64 field", "\(end - position) bytes of a number") }
                    entry[keyPath: field] = file.load(UInt64.self, at: position)
                    position += 8
                }
                return
            }
            position = end
        }
    }

    /// How many entries the directory has, and where it lies.
    private func directoryPlace() throws -> (count: UInt64, range: Range<Int>) {
        // The end record stands last, but for a comment of at most 65535 bytes.
        let record = 22
        guard file.count >= record else { throw truncated("a zip archive", "\(file.count) bytes") }
        var position = file.count - record
        let lowest = max(0, position - 0xFFFF)
        while file.load(UInt32.self, at: position) != 0x0605_4B50
            || Int(file.load(UInt16.self, at: position + 20)) != file.count - position - record
        {
            guard position > lowest else {
                throw truncated("the directory at the end of a zip archive", "the end of the file before it")
            }
            position -= 1
        }
        var count = UInt64(file.load(UInt16.self, at: position + 10))
        var byteCount = UInt64(file.load(UInt32.self, at: position + 12))
        var start = UInt64(file.load(UInt32.self, at: position + 16))
        if position >= 20, file.load(UInt32.self, at: position - 20) == 0x0706_4B50 {
            let wide = file.load(UInt64.self, at: position - 12)
            guard file.count >= 56, wide <= UInt64(file.count - 56), file.load(UInt32.self, at: Int(wide)) == 0x0606_4B50 else {
                throw malformed("the zip64 end record at byte \(wide)", "other bytes or the end of the file")
            }
            count = file.load(UInt64.self, at: Int(wide) + 32)
            byteCount = file.load(UInt64.self, at: Int(wide) + 40)
            start = file.load(UInt64.self, at: Int(wide) + 48)
        }
        guard start <= UInt64(position), byteCount <= UInt64(position) - start else {
            throw truncated("a directory of \(byteCount) bytes at byte \(start)", "\(file.count) bytes in all")
        }
        return (count, Int(start)..<Int(start + byteCount))
    }

    // MARK: Errors

    private func malformed(
        _ expected: String, _ found: String, advice: String = "the file is damaged; download or write it again"
    ) -> CheckpointError {
        CheckpointError(.malformedArchive, file: file.path, expected: expected, found: found, advice: advice)
    }

    private func truncated(_ expected: String, _ found: String) -> CheckpointError {
        CheckpointError(.truncated, file: file.path, expected: expected, found: found, advice: "download or write the file again")
    }
}
