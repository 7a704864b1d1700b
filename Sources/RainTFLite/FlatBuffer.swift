import Foundation
import RainNetworks

/// The bytes of a FlatBuffers file, every access checked.
///
/// Written by hand because no Swift package of FlatBuffers comes with the project's sources, and a verifier in C++ would be a bridge of
/// unsafe code for six kinds of tables.
/// - Source: https://flatbuffers.dev/internals
struct FlatBuffer: Sendable {
    /// Indexed from 0.
    let bytes: Data
    /// The file as the caller named it.
    let file: String

    func malformed(_ expected: String, _ found: String) -> NetworkError {
        NetworkError(
            .malformed, file: file, expected: expected, found: found, advice: "the file is damaged or something else; download it again")
    }

    /// The first `count` bytes from a place on, all inside the file.
    func range(_ place: Int, _ count: Int) throws(NetworkError) -> Range<Int> {
        guard place >= 0, count >= 0, place <= bytes.count, count <= bytes.count - place else {
            throw malformed("an offset inside the file's \(bytes.count) bytes", "\(place) and \(count) more")
        }
        return place..<place + count
    }

    /// A little-endian number.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at place: Int) throws(NetworkError) -> Number {
        var value: Number = 0
        for index in try range(place, MemoryLayout<Number>.size).reversed() {
            value = value << 8 | Number(truncatingIfNeeded: bytes[index])
        }
        return value
    }

    /// Where the 32-bit offset at a place leads; offsets lead forward.
    func target(of place: Int) throws(NetworkError) -> Int { place + Int(try number(UInt32.self, at: place)) }

    /// The table that the file begins with.
    func root() throws(NetworkError) -> FlatTable { try FlatTable(self, at: target(of: 0)) }
}

/// A table: fields by number, each of which may be left out.
struct FlatTable: Sendable {
    let buffer: FlatBuffer
    private let place: Int
    private let layout: Int
    private let layoutSize: Int

    init(_ buffer: FlatBuffer, at place: Int) throws(NetworkError) {
        self.buffer = buffer
        self.place = place
        layout = place - Int(try buffer.number(Int32.self, at: place))
        layoutSize = Int(try buffer.number(UInt16.self, at: layout))
        guard layoutSize >= 4 else { throw buffer.malformed("a table's layout of at least 4 bytes", "\(layoutSize)") }
        _ = try buffer.range(layout, layoutSize)
    }

    /// Where a field is; `nil` if it is left out.
    private func field(_ index: Int) throws(NetworkError) -> Int? {
        let entry = 4 + 2 * index
        guard entry + 2 <= layoutSize else { return nil }
        let offset = Int(try buffer.number(UInt16.self, at: layout + entry))
        return offset == 0 ? nil : place + offset
    }

    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ index: Int, _ standard: Number = 0
    ) throws(NetworkError) -> Number {
        guard let place = try field(index) else { return standard }
        return try buffer.number(Number.self, at: place)
    }

    func table(_ index: Int) throws(NetworkError) -> FlatTable? {
        guard let place = try field(index) else { return nil }
        return try FlatTable(buffer, at: buffer.target(of: place))
    }

    /// The elements of a vector: where the first is, and how many there are; none if it is left out.
    private func vector(_ index: Int, size: Int) throws(NetworkError) -> (start: Int, count: Int) {
        guard let place = try field(index) else { return (0, 0) }
        let start = try buffer.target(of: place)
        let count = Int(try buffer.number(UInt32.self, at: start))
        _ = try buffer.range(start + 4, count * size)
        return (start + 4, count)
    }

    func tables(_ index: Int, most: Int) throws(NetworkError) -> [FlatTable] {
        let (start, count) = try vector(index, size: 4)
        guard count <= most else { throw tooMany(count, most) }
        var tables: [FlatTable] = []
        tables.reserveCapacity(count)
        for element in 0..<count { tables.append(try FlatTable(buffer, at: buffer.target(of: start + 4 * element))) }
        return tables
    }

    func integers(_ index: Int, most: Int) throws(NetworkError) -> [Int] {
        let (start, count) = try vector(index, size: 4)
        guard count <= most else { throw tooMany(count, most) }
        var integers: [Int] = []
        integers.reserveCapacity(count)
        for element in 0..<count { integers.append(Int(try buffer.number(Int32.self, at: start + 4 * element))) }
        return integers
    }

    /// The bytes of a vector of bytes, or of a string.
    func bytes(_ index: Int) throws(NetworkError) -> Range<Int> {
        let (start, count) = try vector(index, size: 1)
        return start..<start + count
    }

    func string(_ index: Int) throws(NetworkError) -> String {
        // No tool writes longer names.
        String(decoding: buffer.bytes[try bytes(index).prefix(4096)], as: UTF8.self)
    }

    private func tooMany(_ count: Int, _ most: Int) -> NetworkError {
        NetworkError(
            .tooLarge, file: buffer.file, expected: "at most \(most) elements of a list", found: "\(count)",
            advice: "use the published file")
    }
}
