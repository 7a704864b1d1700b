import RainCheckpoints
import Testing

private let tensor = Pickle.tensor(count: 1, shape: [1], strides: [1])
private let four: [UInt8] = [0, 0, 0, 0]

private func torch(_ pickle: [UInt8], _ storages: [[UInt8]] = [four]) -> [UInt8] { Zip(pickle: pickle, storages: storages).bytes }
private func one(_ tensor: [UInt8], _ storages: [[UInt8]] = [four]) -> [UInt8] { torch(Pickle.dictionary([("w", tensor)]), storages) }
private func shaped(_ shape: [Int], _ strides: [Int], offset: Int = 0) -> [UInt8] {
    one(Pickle.tensor(count: 1, offset: offset, shape: shape, strides: strides))
}
private func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] { Array(repeatElement(bytes, count: count).joined()) }

private func zip(_ change: (inout Zip) -> Void) -> [UInt8] {
    var zip = Zip(pickle: Pickle.dictionary([("w", tensor)]), storages: [four])
    change(&zip)
    return zip.bytes
}

/// A tuple of ten times a tuple of ten times …, twenty deep, in a few hundred bytes.
private let laughs: [UInt8] = {
    var pickle: [UInt8] = [0x29, 0x71, 0, 0x30]
    for level in 0..<20 as Range<UInt8> {
        pickle.append(0x28)
        pickle += repeated([0x68, level], 10)
        pickle += [0x74, 0x71, level + 1, 0x30]
    }
    return pickle + [0x68, 20]
}()

/// Calls that must be refused, each by its name.
private let globals: [(String, String)] = [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "exec"), ("builtins", "getattr"), ("__builtin__", "apply"),
    ("subprocess", "Popen"), ("torch", "load"), ("torch.hub", "load"), ("torch", "nn"), ("torch.storage", "_load_from_bytes"),
    ("numpy.core.multiarray", "scalar"), ("collections", "defaultdict"), ("torch._utils", "_rebuild_sparse_tensor"), ("", ""),
    ("torch", "FloatStorage\u{0}"), ("torch", "Storage"), ("__torch__", "Model"), ("pickle", "loads"),
]

private let malformed: [Malformed] = [
    // The machine.
    Malformed("no pickle at all", torch([]), .malformedPickle),
    Malformed("two values at the end", torch([0x4E, 0x4E]), .malformedPickle),
    Malformed("a mark left over", torch([0x4E, 0x28]), .malformedPickle),
    Malformed("a tensor alone", torch(tensor), .unsupportedFormat),
    Malformed("an unknown opcode", torch([0xFF]), .malformedPickle),
    Malformed("text opcodes of protocol 0", torch(Array("I1\n".utf8)), .malformedPickle),
    Malformed("an extension", torch([0x82, 1]), .malformedPickle),
    Malformed("an out-of-band buffer", torch([0x97]), .malformedPickle),
    Malformed("a text beyond the end", torch([0x58] + little(UInt32.max)), .truncated),
    Malformed("a text of 2^63 bytes", torch([0x8D] + little(UInt64(1) << 63)), .truncated),
    Malformed("bytes of 2^64 - 1", torch([0x8E] + little(UInt64.max)), .truncated),
    Malformed("an integer of 2^32 - 1 bytes", torch([0x8B] + little(UInt32.max)), .truncated),
    Malformed("an integer of -1 bytes", torch([0x8B] + little(Int32(-1))), .truncated),
    Malformed("text that is not UTF-8", torch([0x58, 1, 0, 0, 0, 0xFF]), .malformedPickle),
    Malformed("an endless name", torch([0x63] + repeated([0x61], 5000)), .malformedPickle),
    Malformed("an empty stack", torch([0x30]), .malformedPickle),
    Malformed("below a mark", torch([0x4E, 0x28, 0x30]), .malformedPickle),
    Malformed("no mark", torch([0x74]), .malformedPickle),
    Malformed("nothing remembered", torch([0x68, 9]), .malformedPickle),
    Malformed("an item for a number", torch([0x4B, 1, 0x4B, 1, 0x61]), .malformedPickle),
    Malformed("a key without a value", torch([0x7D, 0x28, 0x4E, 0x75]), .malformedPickle),
    Malformed("attributes of a number", torch([0x4B, 1, 0x7D, 0x62]), .malformedPickle),
    Malformed("a call of a number", torch([0x4B, 1, 0x29, 0x52]), .malformedPickle),
    Malformed("a call with a number", torch(Pickle.global("collections", "OrderedDict") + [0x4B, 1, 0x52]), .malformedPickle),
    Malformed("a call of a type", torch(Pickle.call(Pickle.global("torch", "FloatStorage"))), .malformedPickle),
    Malformed(
        "a dictionary of no pairs", torch(Pickle.call(Pickle.global("collections", "OrderedDict"), Pickle.list([0x4E]))), .malformedPickle),
    Malformed("a storage of nothing", torch([0x29, 0x51]), .malformedPickle),
    Malformed(
        "a storage with a number for a key",
        torch(Pickle.tuple(Pickle.text("storage"), Pickle.global("torch", "FloatStorage"), [0x4B, 1], [0x4E], [0x4B, 1]) + [0x51]),
        .malformedPickle),
    Malformed(
        "a view of a storage",
        one(
            Pickle.call(
                Pickle.global("torch._utils", "_rebuild_tensor"),
                Pickle.storage("FloatStorage", "0", 1, view: Pickle.tuple(Pickle.text("1"))), [0x4B, 0], [0x29], [0x29])), .malformedPickle),
    Malformed(
        "a tensor of two parts", one(Pickle.call(Pickle.global("torch._utils", "_rebuild_tensor_v2"), [0x4E], [0x4E])), .malformedPickle),
    Malformed(
        "a parameter without a tensor", one(Pickle.call(Pickle.global("torch._utils", "_rebuild_parameter"), [0x4E])), .malformedPickle),
    Malformed("complex numbers", one(Pickle.tensor("ComplexFloatStorage", count: 1, shape: [1], strides: [1])), .unsupportedType),
    // Containers.
    Malformed("a list in itself", torch([0x5D, 0x71, 0, 0x68, 0, 0x61]), .malformedPickle),
    Malformed("lists in lists", torch(repeated([0x5D], 100_000) + repeated([0x61], 99_999)), .malformedPickle),
    Malformed("tuples around tuples", torch([0x29] + repeated([0x85], 200_000)), .malformedPickle),
    Malformed("a billion laughs", torch(laughs), .malformedPickle),
    Malformed("a name twice", torch(Pickle.dictionary([("w", tensor), ("w", tensor)])), .inconsistentTensor),
    // Tensors.
    Malformed("more axes than strides", shaped([1, 1], [1]), .malformedPickle),
    Malformed("33 axes", shaped([Int](repeating: 1, count: 33), [Int](repeating: 1, count: 33)), .malformedPickle),
    Malformed(
        "a text for an extent",
        one(
            Pickle.call(
                Pickle.global("torch._utils", "_rebuild_tensor"), Pickle.storage("FloatStorage", "0", 1), [0x4B, 0],
                Pickle.tuple(Pickle.text("1")), Pickle.tuple([0x4B, 1]))), .malformedPickle),
    Malformed("a negative extent", shaped([-1], [1]), .inconsistentTensor),
    Malformed("a negative stride", shaped([2], [-1]), .inconsistentTensor),
    Malformed("a negative offset", shaped([1], [1], offset: -1), .inconsistentTensor),
    Malformed("an offset beyond the storage", shaped([1], [1], offset: 1), .inconsistentTensor),
    Malformed("an offset of 2^63 - 1", shaped([1], [1], offset: .max), .inconsistentTensor),
    Malformed("an extent of 2^63 - 1", shaped([.max], [1]), .inconsistentTensor),
    Malformed("extents beyond 2^63", shaped([.max, .max], [0, 0]), .inconsistentTensor),
    Malformed("a stride of 2^63 - 1", shaped([3], [.max]), .inconsistentTensor),
    Malformed("2^62 elements out of one", shaped([1 << 62], [0]), .inconsistentTensor),
    Malformed("a gigabyte out of four bytes", shaped([1 << 28], [0]), .inconsistentTensor),
    Malformed("a negative storage", one(Pickle.tensor(count: -1, shape: [1], strides: [1])), .truncated),
    Malformed("a storage of 2^63 - 1 elements", one(Pickle.tensor(count: .max, shape: [1], strides: [1])), .truncated),
    Malformed("a storage smaller than its entry", one(tensor, [four + four]), .inconsistentTensor),
    Malformed(
        "a storage outside the archive's folder", one(Pickle.tensor(key: "../data.pkl", count: 1, shape: [1], strides: [1])), .truncated),
    // Archives.
    Malformed("a zip archive of nothing", Zip([]).bytes, .malformedArchive),
    Malformed("a zip archive of something else", Zip([("word/document.xml", four)]).bytes, .malformedArchive),
    Malformed("two pickles", zip { $0.entries.append(("other/data.pkl", four)) }, .malformedArchive),
    Malformed("an entry twice", zip { $0.entries.append($0.entries[0]) }, .malformedArchive),
    Malformed("a compressed entry", zip { $0.method = 8 }, .malformedArchive),
    Malformed("another byte order", zip { $0.entries[1].content = Array("big".utf8) }, .unsupportedFormat),
    Malformed("the beginning of an archive", Array(zip { _ in }.prefix(100)), .truncated),
    Malformed("only its first four bytes", Array(zip { _ in }.prefix(4)), .truncated),
    // Before 1.6.
    Malformed("another number first", Pickle.start + Pickle.integer(7) + Pickle.stop, .malformedPickle),
    Malformed("a bare dictionary", Pickle.start + Pickle.dictionary([]) + Pickle.stop, .malformedPickle),
    Malformed("two bytes", [0x80, 2], .truncated),
    Malformed(
        "a big-endian machine", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", 1, four)], littleEndian: false),
        .unsupportedFormat),
    Malformed("no storage", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: []), .truncated),
    Malformed("a storage cut short", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", 1, [0])]), .truncated),
    Malformed("a storage of -1", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", -1, four)]), .truncated),
    Malformed("a storage of 2^62", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", 1 << 62, four)]), .truncated),
    Malformed(
        "a storage twice", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", 1, four), ("0", 1, four)]), .malformedPickle),
    Malformed(
        "a storage nobody uses", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", 1, four), ("1", 1, four)]),
        .malformedPickle),
    Malformed(
        "bytes after the storages", legacyTorch(Pickle.dictionary([("w", tensor)]), storages: [("0", 1, four + four)]), .inconsistentTensor),
]

@Suite struct HostileTorchTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: malformed)
    fileprivate func malformedFileIsRefused(_ malformed: Malformed) throws {
        let path = try folder.file("bad.pth", malformed.content)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
        #expect(error?.code == malformed.code, "\(error?.description ?? "")")
        let message = error.map(String.init(describing:)) ?? ""
        #expect(message.hasPrefix(path) && message.contains("expected") && message.contains("found"))
        #expect(!message.contains("\n") && message.count < 1000)
    }

    /// Wherever in a file the name stands, and whichever opcode brings it.
    @Test(arguments: globals)
    func everythingElseIsRefusedByName(module: String, name: String) throws {
        let text = Pickle.text("true")
        let pickles: [[UInt8]] = [
            Pickle.call(Pickle.global(module, name), text), Pickle.dictionary([("w", Pickle.global(module, name))]),
            Pickle.text(module) + Pickle.text(name) + [0x93] + Pickle.tuple(text) + [0x52],
            Array("(i\(module)\n\(name)\n".utf8), Pickle.global(module, name) + [0x29, 0x81],
            Pickle.dictionary([("w", tensor), ("x", Pickle.call(Pickle.global("collections", "OrderedDict"), Pickle.global(module, name)))]
            ),
        ]
        for pickle in pickles {
            for content in [torch(pickle), Pickle.start + pickle + Pickle.stop, legacyTorch(pickle, storages: [])] {
                let path = try folder.file("bad.pth", content)
                let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
                #expect(error?.code == .refusedGlobal)
                let shown = "\(module).\(name)".replacing("\u{0}", with: "\u{FFFD}")
                #expect(error?.description.contains("'\(shown)'") == true, "\(error?.description ?? "")")
            }
        }
    }
}
