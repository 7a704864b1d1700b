import Foundation
import RainCheckpoints
import Testing

@Suite struct TorchFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func checkpoint(_ bytes: [UInt8]) throws -> Checkpoint {
        try Checkpoint(path: folder.file("a.pth", bytes))
    }

    // MARK: What PyTorch wrote

    static let written: [(file: String, format: Checkpoint.Format, count: Int)] = [
        ("torch_pickle_zip.pth", .torch, 16), ("torch_pickle_legacy.pth", .legacyTorch, 16), ("torch_pickle_nested_zip.pth", .torch, 16),
        ("torch_pickle_nested_legacy.pth", .legacyTorch, 16), ("torch_pickle_parameter_zip.pth", .torch, 3),
        ("torch_pickle_protocol4_zip.pth", .torch, 16),
    ]

    @Test(arguments: written)
    func readsWhatPyTorchWrote(file: String, format: Checkpoint.Format, count: Int) throws {
        let expected = try Checkpoint(path: "\(fixtures)/torch_pickle.safetensors")
        let found = try Checkpoint(path: "\(fixtures)/\(file)")
        #expect(found.format == format)
        #expect(found.names.count == count)
        for name in found.names {
            #expect(try found.info(name).dtype == expected.info("inputs/" + name).dtype)
            #expect(try found.info(name).shape == expected.info("inputs/" + name).shape)
            #expect(try found.bytes(name) == expected.bytes("inputs/" + name), "\(name)")
        }
        for name in ["transposed", "window", "shared_a", "shared_b", "step_skipped"] where found.contains(name) {
            #expect(try found.info(name).strides.map(Int64.init) == expected.integers("outputs/\(name)_stride"))
            #expect(try [Int64(found.info(name).storageOffset)] == expected.integers("outputs/\(name)_storage_offset"))
        }
    }

    @Test func whatStandsBesideTheTensorsIsMetadata() throws {
        let found = try Checkpoint(path: "\(fixtures)/torch_pickle_nested_zip.pth")
        #expect(found.metadata == ["epoch": "12", "note": "abc", "lr": "0.5", "betas.0": "0.9", "betas.1": "0.999"])
    }

    @Test(arguments: [
        ("bad_reduce_os_system_raw.pth", CheckpointError.Code.refusedGlobal, "system"),
        ("bad_reduce_os_system_zip.pth", .refusedGlobal, "system"), ("bad_truncated_zip.pth", .truncated, "directory"),
        ("bad_short_storage_zip.pth", .inconsistentTensor, "storage"), ("bad_missing_storage_zip.pth", .truncated, "data/"),
        ("bad_size_beyond_storage_zip.pth", .inconsistentTensor, "[2, 200]"), ("bad_truncated_legacy.pth", .truncated, "storage"),
    ])
    func refusesDamagedAndHostileFiles(file: String, code: CheckpointError.Code, part: String) throws {
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: "\(fixtures)/\(file)") }
        #expect(error?.code == code)
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.file.hasSuffix(file) == true)
    }

    // MARK: Archives

    @Test(arguments: [false, true], [false, true])
    func readsArchivesOfEveryKind(isWide: Bool, usesDataDescriptors: Bool) throws {
        var zip = Zip(
            pickle: Pickle.dictionary([("w", Pickle.tensor(count: 2, shape: [2], strides: [1]))]),
            storages: [bytes(of: [1, -2] as [Float])]
        )
        zip.isWide = isWide
        zip.usesDataDescriptors = usesDataDescriptors
        #expect(try checkpoint(zip.bytes).floats("w") == [1, -2])
        zip.comment = Array("PK\u{5}\u{6} is no end".utf8)
        #expect(try checkpoint(zip.bytes).floats("w") == [1, -2])
    }

    // MARK: Layouts

    /// Every layout against elements picked one by one.
    @Test(arguments: 0..<200)
    func gathersEveryLayout(seed: Int) throws {
        var random = SeededGenerator(state: UInt64(seed))
        let shape = (0..<Int.random(in: 0...5, using: &random)).map { _ in Int.random(in: 0...4, using: &random) }
        let strides = shape.map { _ in Int.random(in: 0...7, using: &random) }
        let offset = Int.random(in: 0...5, using: &random)
        let count = offset + zip(shape, strides).reduce(1) { $0 + max(0, $1.0 - 1) * $1.1 } + Int.random(in: 0...3, using: &random)
        let (type, size) = [("FloatStorage", 4), ("ByteStorage", 1), ("HalfStorage", 2), ("DoubleStorage", 8)].randomElement(
            using: &random)!
        let storage = (0..<count * size).map { _ in UInt8.random(in: 0...255, using: &random) }
        let pickle = Pickle.dictionary([("w", Pickle.tensor(type, count: count, offset: offset, shape: shape, strides: strides))])
        let file = try checkpoint(Zip(pickle: pickle, storages: [storage]).bytes)
        var expected: [UInt8] = []
        for element in 0..<shape.reduce(1, *) {
            var (rest, position) = (element, offset)
            for (extent, stride) in zip(shape, strides).reversed() {
                position += rest % extent * stride
                rest /= extent
            }
            expected += storage[position * size..<(position + 1) * size]
        }
        #expect(try file.info("w").shape == shape)
        #expect(try file.bytes("w") == expected)
        let legacy = try checkpoint(
            legacyTorch(
                Pickle.dictionary([("w", Pickle.tensor(type, count: count, offset: offset, shape: shape, strides: strides))]),
                storages: [("0", Int64(count), storage)]))
        #expect(try legacy.bytes("w") == expected)
    }

    /// The stride of an axis of one element means nothing, so it may be anything.
    @Test(arguments: [[2, 1, 2], [1, 2, 2], [2, 2, 1]])
    func strideOfOneElementIsNeverTaken(shape: [Int]) throws {
        var strides = shape.map { $0 == 1 ? Int.max : 3 }
        strides[shape.firstIndex(of: 2)!] = 1
        let storage = bytes(of: [0, 1, 2, 3, 4, 5] as [Float])
        let pickle = Pickle.dictionary([("w", Pickle.tensor(count: 6, shape: shape, strides: strides))])
        #expect(try checkpoint(Zip(pickle: pickle, storages: [storage]).bytes).floats("w", shape: shape) == [0, 3, 1, 4])
    }

    @Test func readsTypedViewsOfUntypedStorages() throws {
        func tensor(_ type: String, key: String, bytes: Int, count: Int) -> [UInt8] {
            Pickle.call(
                Pickle.global("torch._utils", "_rebuild_tensor_v3"),
                Pickle.tuple(
                    Pickle.text("storage"), Pickle.global("torch.storage", "UntypedStorage"), Pickle.text(key), Pickle.text("cpu"),
                    Pickle.integer(bytes)) + [0x51],
                Pickle.integer(0), Pickle.integers([count]), Pickle.integers([1]), [0x89], [0x4E], Pickle.global("torch", type))
        }
        let file = try checkpoint(
            Zip(
                pickle: Pickle.dictionary([
                    ("a", tensor("uint16", key: "0", bytes: 4, count: 2)), ("b", tensor("float8_e4m3fn", key: "1", bytes: 4, count: 4)),
                    ("c", tensor("uint64", key: "2", bytes: 16, count: 2)), ("d", tensor("float8_e5m2", key: "1", bytes: 4, count: 4)),
                ]), storages: [bytes(of: [7, 65535] as [UInt16]), [0x38, 0xC0, 0x01, 0x7E], bytes(of: [1, .max] as [UInt64])]
            ).bytes)
        #expect(try file.integers("a") == [7, 65535])
        #expect(try file.floats("b") == [1, -2, 0x1p-9, 448])
        #expect(try file.floats("d").prefix(3) == [0.5, -2, 0x1p-16])
        #expect(throws: CheckpointError.self) { try file.requireFinite("d") }
        #expect(throws: CheckpointError.self) { try file.integers("c") }
        try file.requireFinite("b")
    }

    // MARK: Containers

    @Test func namesAreTheKeysOnTheWay() throws {
        let tensor = Pickle.tensor(count: 1, shape: [], strides: [])
        let ordered = Pickle.call(
            Pickle.global("collections", "OrderedDict"),
            Pickle.list(Pickle.tuple(Pickle.text("x"), tensor), Pickle.list(Pickle.text("y"), tensor)))
        let file = try checkpoint(
            Zip(
                pickle: Pickle.dictionary([
                    ("a.b", tensor), ("list", Pickle.list(tensor, Pickle.text("hello"), tensor)), ("o", ordered),
                    ("deep", Pickle.dictionary([("er", Pickle.dictionary([("w", tensor)]))])), ("none", [0x4E]), ("flag", [0x88]),
                ]), storages: [bytes(of: [2.5] as [Float])]
            ).bytes)
        #expect(file.names == ["a.b", "deep.er.w", "list.0", "list.2", "o.x", "o.y"])
        #expect(file.metadata == ["list.1": "hello", "flag": "true"])
        #expect(try file.floats("deep.er.w", shape: []) == [2.5])
    }

    @Test func aWrappingStateDictionaryIsLeftOutOnlyIfItHoldsAll() throws {
        let tensor = Pickle.tensor(count: 1, shape: [1], strides: [1])
        let state = ("state_dict", Pickle.dictionary([("w", tensor)]))
        let storages = [bytes(of: [1] as [Float])]
        #expect(try checkpoint(Zip(pickle: Pickle.dictionary([state]), storages: storages).bytes).names == ["w"])
        #expect(
            try checkpoint(Zip(pickle: Pickle.dictionary([state, ("ema", tensor)]), storages: storages).bytes).names == [
                "ema", "state_dict.w",
            ])
    }

    @Test func aBareTensorIsCalledThat() throws {
        let tensor = Pickle.tensor(count: 6, shape: [2, 3], strides: [3, 1])
        let storage = bytes(of: [Float](repeating: 1, count: 6))
        let error = #expect(throws: CheckpointError.self) { try checkpoint(Zip(pickle: tensor, storages: [storage]).bytes) }
        #expect(error?.code == .unsupportedFormat)
        #expect(error?.description.contains("found one bare tensor of shape [2, 3]; save the model's state_dict()") == true)
    }

    // MARK: Impostors

    @Test(arguments: [
        ("<!DOCTYPE html><html><body>404", "web page"), ("\n <html><body>sign in", "web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"), ("\u{8}\u{7}\u{12}\u{7}pytorch\u{1A}\u{3}2.1", "ONNX"),
        ("GGUF\u{3}\u{0}\u{0}\u{0}aaaa", "GGUF"), ("just some text that means nothing", "safetensors"),
    ])
    func saysWhatAFileIsInstead(content: String, part: String) throws {
        let error = #expect(throws: CheckpointError.self) { try checkpoint(Array(content.utf8)) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test func contentCountsNotTheEnding() throws {
        let torch = Zip(
            pickle: Pickle.dictionary([("w", Pickle.tensor(count: 1, shape: [1], strides: [1]))]), storages: [bytes(of: [1] as [Float])])
        #expect(try Checkpoint(path: folder.file("torch.safetensors", torch.bytes)).format == .torch)
        let path = folder.path + "/safetensors.pth"
        try SafetensorsWriter.write(to: path, tensors: [("w", [1], .float32, [1])])
        #expect(try Checkpoint(path: path).format == .safetensors)
    }
}
