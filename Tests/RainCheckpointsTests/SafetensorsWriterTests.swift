import Foundation
import RainCheckpoints
import Testing

@Suite struct SafetensorsWriterTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let path = folder.path + "/out.safetensors"
        let values: [Float] = [0, -0.5, 1, 3.25, 65504, -0x1p-24]
        try SafetensorsWriter.write(
            to: path,
            tensors: [
                ("half \"b\"\n", [2, 3], .float16, values), ("brain", [6], .bfloat16, values), ("full", [1, 6, 1], .float32, values),
                ("none", [0, 4], .float16, []), ("scalar", [], .float32, [.pi]),
            ], metadata: ["z": "1", "a": "é\t\\"])
        let file = try Checkpoint(path: path)
        #expect(file.names == ["brain", "full", "half \"b\"\n", "none", "scalar"])
        #expect(file.metadata == ["z": "1", "a": "é\t\\"])
        #expect(try file.floats("half \"b\"\n", shape: [2, 3]) == values)
        #expect(try file.floats("full", shape: [1, 6, 1]) == values)
        #expect(try file.floats("brain") == [0, -0.5, 1, 3.25, 65536, -0x1p-24])
        #expect(try file.floats("none", shape: [0, 4]) == [])
        #expect(try file.floats("scalar", shape: []) == [.pi])
        #expect(try folder.contents == ["out.safetensors"])
    }

    @Test func dataIsAlignedAndOrderIsFixed() throws {
        let tensors: [SafetensorsWriter.Tensor] = [
            ("b", [3], .float16, [1, 2, 3]), ("c", [1], .float32, [4]), ("a", [1], .bfloat16, [5]),
        ]
        let metadata = Dictionary(uniqueKeysWithValues: (0..<20).map { ("key\($0)", "\($0)") })
        let first = folder.path + "/1.safetensors"
        let second = folder.path + "/2.safetensors"
        try SafetensorsWriter.write(to: first, tensors: tensors, metadata: metadata)
        try SafetensorsWriter.write(to: second, tensors: tensors.reversed(), metadata: metadata)
        let content = try Data(contentsOf: URL(fileURLWithPath: first))
        #expect(try content == Data(contentsOf: URL(fileURLWithPath: second)))
        #expect((content.count - 12) % 8 == 0)
        #expect(content.suffix(12) == Data(bytes(of: [4] as [Float]) + bytes(of: [0x40A0, 0x3C00, 0x4000, 0x4200] as [UInt16])))
    }

    @Test func replacesWhatWasThere() throws {
        let path = try folder.file("old.safetensors", [1, 2, 3])
        let link = folder.path + "/link.safetensors"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "old.safetensors")
        try SafetensorsWriter.write(to: link, tensors: [("a", [1], .float32, [1])])
        #expect(try Checkpoint(path: path).floats("a") == [1])
        #expect(try folder.contents == ["link.safetensors", "old.safetensors"])
    }

    @Test(
        arguments: [
            ([("a", [2], .float32, [1])], CheckpointError.Code.invalidInput),
            ([("a", [-1, -1], .float32, [1])], .invalidInput),
            ([("a", [1], .float32, [1]), ("a", [1], .float32, [1])], .invalidInput),
            ([("__metadata__", [1], .float32, [1])], .invalidInput),
            ([("a", [1], .int8, [1])], .invalidInput),
            ([("a", [1], .float32, [1]), ("b", [1], .float16, [65520])], .outOfRange),
            ([("b", [1], .bfloat16, [.greatestFiniteMagnitude])], .outOfRange),
        ] as [([SafetensorsWriter.Tensor], CheckpointError.Code)])
    func invalidTensorsAreRefusedAndNothingIsLeft(tensors: [SafetensorsWriter.Tensor], code: CheckpointError.Code) throws {
        let error = #expect(throws: CheckpointError.self) {
            try SafetensorsWriter.write(to: folder.path + "/out.safetensors", tensors: tensors)
        }
        #expect(error?.code == code)
        #expect(try folder.contents == [])
    }

    @Test(arguments: ["/dev/full", "/nowhere/at/all.safetensors", "/proc/version", "/"])
    func unwritablePaths(path: String) throws {
        let error = #expect(throws: CheckpointError.self) {
            try SafetensorsWriter.write(to: path, tensors: [("a", [1], .float32, [1])])
        }
        #expect(error?.code == .unwritable)
        #expect(error?.file == path)
    }
}
