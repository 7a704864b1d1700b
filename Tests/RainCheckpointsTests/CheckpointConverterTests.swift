import Foundation
import RainCheckpoints
import Testing

@Suite struct CheckpointConverterTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func torch() throws -> Checkpoint {
        try Checkpoint(path: "\(fixtures)/torch_pickle_zip.pth")
    }

    @Test func keepsEveryTensorAsItIs() throws {
        let (source, path) = (try torch(), folder.path + "/all.safetensors")
        try CheckpointConverter.convert(
            [("a.", source), ("b.", source)], to: path, metadata: ["x": "y"])
        let result = try Checkpoint(path: path)
        #expect(result.format == .safetensors)
        #expect(result.metadata == ["x": "y"])
        #expect(result.names == ["a.", "b."].flatMap { prefix in source.names.map { prefix + $0 } })
        for name in source.names {
            #expect(try result.info("b." + name).dtype == source.info(name).dtype)
            #expect(try result.info("b." + name).shape == source.info(name).shape)
            #expect(try result.bytes("b." + name) == source.bytes(name), "\(name)")
        }
    }

    @Test(arguments: [ElementType.float32, .float16, .bfloat16])
    func changesTheTypeOfFloatingPointTensorsOnly(type: ElementType) throws {
        let (source, path) = (try torch(), folder.path + "/all.safetensors")
        var steps: [Int] = []
        try CheckpointConverter.convert([("", source)], to: path, type: type) { done, total in
            steps.append(done)
            #expect(done <= total)
        }
        #expect(steps == steps.sorted() && steps.count == source.names.count + 1)
        let result = try Checkpoint(path: path)
        for name in source.names {
            let info = try source.info(name)
            guard info.dtype.isFloatingPoint else {
                #expect(try result.bytes(name) == source.bytes(name))
                continue
            }
            #expect(try result.info(name).dtype == type)
            let expected = try type.encoded(source.floats(name), tensor: name, path: "")
            #expect(try result.bytes(name) == expected)
        }
    }

    @Test func whatCannotBeConvertedLeavesNothing() throws {
        let source = try torch()
        let path = folder.path + "/all.safetensors"
        let twice = #expect(throws: CheckpointError.self) {
            try CheckpointConverter.convert([("", source), ("", source)], to: path)
        }
        #expect(twice?.code == .invalidInput)
        let large = folder.path + "/large.safetensors"
        try SafetensorsWriter.write(to: large, tensors: [("w", [2], .float32, [1, 1e6])])
        let beyond = #expect(throws: CheckpointError.self) {
            try CheckpointConverter.convert([("p.", Checkpoint(path: large))], to: path, type: .float16)
        }
        #expect(beyond?.code == .outOfRange && beyond?.tensor == "w" && beyond?.file == large)
        #expect(throws: CancellationError.self) {
            try CheckpointConverter.convert([("", source)], to: path) { done, _ in
                if done > 0 { throw CancellationError() }
            }
        }
        #expect(throws: CheckpointError.self) {
            try CheckpointConverter.convert([("", source)], to: "/dev/full")
        }
        #expect(try folder.contents == ["large.safetensors"])
    }

    /// A file may be converted onto itself, and read again after its pages were given back.
    @Test func aFileMayBeItsOwnDestination() throws {
        let path = folder.path + "/a.safetensors"
        let values = (0..<50_000).map { Float($0) / 64 }
        try SafetensorsWriter.write(
            to: path, tensors: [("w", [50_000], .float32, values), ("x", [3], .float32, [1, 2, 3])])
        let before = try Checkpoint(path: path)
        try CheckpointConverter.convert([("", before)], to: path, type: .bfloat16)
        #expect(try before.floats("w") == values)
        before.release("w")
        before.release(0..<before.fileByteCount)
        #expect(try before.floats("w") == values)
        #expect(try Checkpoint(path: path).info("w").dtype == .bfloat16)
        #expect(try Checkpoint(path: path).floats("x") == [1, 2, 3])
    }
}
