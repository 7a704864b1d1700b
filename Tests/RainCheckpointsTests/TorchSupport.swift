import Foundation
import RainCheckpoints

/// Where the reference cases lie.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")
    .path

/// Little-endian bytes of a number.
func little(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
}

/// Pieces of pickles, protocol 2.
enum Pickle {
    static let start: [UInt8] = [0x80, 2]
    static let stop: [UInt8] = [0x2E]

    static func text(_ text: String) -> [UInt8] { [0x58] + little(UInt32(text.utf8.count)) + text.utf8 }
    static func integer(_ value: Int) -> [UInt8] {
        if let small = Int32(exactly: value) { return [0x4A] + little(small) }
        return [0x8A, 8] + little(Int64(value))
    }
    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    static func tuple(_ items: [UInt8]...) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
    static func integers(_ values: [Int]) -> [UInt8] { [0x28] + values.flatMap(integer) + [0x74] }
    static func list(_ items: [UInt8]...) -> [UInt8] { [0x5D, 0x28] + items.flatMap { $0 } + [0x65] }
    static func dictionary(_ items: [(String, [UInt8])]) -> [UInt8] { [0x7D, 0x28] + items.flatMap { text($0.0) + $0.1 } + [0x75] }
    static func call(_ function: [UInt8], _ arguments: [UInt8]...) -> [UInt8] {
        function + [0x28] + arguments.flatMap { $0 } + [0x74, 0x52]
    }

    static func storage(_ type: String, _ key: String, _ count: Int, view: [UInt8]? = nil) -> [UInt8] {
        [0x28] + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count) + (view ?? []) + [0x74, 0x51]
    }

    static func tensor(
        _ type: String = "FloatStorage", key: String = "0", count: Int, offset: Int = 0, shape: [Int], strides: [Int]
    ) -> [UInt8] {
        call(
            global("torch._utils", "_rebuild_tensor_v2"), storage(type, key, count), integer(offset), integers(shape), integers(strides),
            [0x89], call(global("collections", "OrderedDict")))
    }
}

/// A zip archive of stored entries.
struct Zip {
    var entries: [(name: String, content: [UInt8])] = []
    var method: UInt16 = 0
    /// Sizes behind the bytes instead of before them.
    var usesDataDescriptors = false
    /// All sizes and offsets in the fields for large archives.
    var isWide = false
    var comment: [UInt8] = []

    init(_ entries: [(String, [UInt8])]) { self.entries = entries }

    /// A PyTorch file of a pickle and storages.
    init(pickle: [UInt8], storages: [[UInt8]]) {
        entries = [("archive/data.pkl", Pickle.start + pickle + Pickle.stop), ("archive/byteorder", Array("little".utf8))]
        entries += storages.enumerated().map { ("archive/data/\($0.offset)", $0.element) }
    }

    var bytes: [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in entries {
            let size = UInt32(content.count)
            let offset = UInt32(file.count)
            let flags: UInt16 = usesDataDescriptors ? 0x808 : 0x800
            let local: [UInt8] =
                little(UInt16(20)) + little(flags) + little(method) + little(UInt32(0)) + little(UInt32(0))
                + (usesDataDescriptors ? little(UInt64(0)) : little(size) + little(size))
            file += little(UInt32(0x0403_4B50)) + local + little(UInt16(name.utf8.count)) + little(UInt16(3)) + name.utf8 + [1, 2, 3]
            file += content
            if usesDataDescriptors { file += little(UInt32(0x0807_4B50)) + little(UInt32(0)) + little(size) + little(size) }
            let wide: [UInt8] =
                little(UInt16(7)) + little(UInt16(1)) + [9] + little(UInt16(1)) + little(UInt16(24)) + little(UInt64(size))
                + little(UInt64(size)) + little(UInt64(offset))
            directory += little(UInt32(0x0201_4B50)) + little(UInt16(20)) + little(UInt16(20)) + little(flags) + little(method)
            directory += little(UInt32(0)) + little(UInt32(0)) + little(isWide ? .max : size) + little(isWide ? .max : size)
            directory += little(UInt16(name.utf8.count)) + little(UInt16(isWide ? wide.count : 0)) + little(UInt16(0))
            directory += little(UInt16(0)) + little(UInt16(0)) + little(UInt32(0)) + little(isWide ? .max : offset)
            directory += name.utf8 + (isWide ? wide : [])
        }
        let start = file.count
        let count = UInt16(entries.count)
        file += directory
        if isWide {
            let record = file.count
            file += little(UInt32(0x0606_4B50)) + little(UInt64(44)) + little(UInt16(45)) + little(UInt16(45)) + little(UInt32(0))
            file += little(UInt32(0)) + little(UInt64(count)) + little(UInt64(count)) + little(UInt64(directory.count))
            file += little(UInt64(start))
            file += little(UInt32(0x0706_4B50)) + little(UInt32(0)) + little(UInt64(record)) + little(UInt32(1))
        }
        file += little(UInt32(0x0605_4B50)) + little(UInt32(0)) + little(isWide ? .max : count) + little(isWide ? .max : count)
        file += little(isWide ? .max : UInt32(directory.count)) + little(isWide ? .max : UInt32(start))
        return file + little(UInt16(comment.count)) + comment
    }
}

/// A file as PyTorch wrote before 1.6.
func legacyTorch(_ pickle: [UInt8], storages: [(key: String, count: Int64, bytes: [UInt8])], littleEndian: Bool = true) -> [UInt8] {
    let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    let machine = Pickle.dictionary([("protocol_version", Pickle.integer(1001)), ("little_endian", [littleEndian ? 0x88 : 0x89])])
    let keys: [UInt8] = [0x5D, 0x28] + storages.flatMap { Pickle.text($0.key) } + [0x65]
    let pickles = [magic, Pickle.integer(1001), machine, pickle, keys].flatMap { Pickle.start + $0 + Pickle.stop }
    return pickles + storages.flatMap { little($0.count) + $0.bytes }
}
