import Foundation
import Testing

@testable import RainCheckpoints

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
            source.tensors(prefix: "a.") + source.tensors(prefix: "b."), to: path, metadata: ["x": "y"])
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
        try CheckpointConverter.convert(source.tensors(), to: path, type: type) { done, total in
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

    /// Each source from beginning to end, so that a checksum can follow.
    @Test func sourcesAreReadInOrder() throws {
        var files: [Checkpoint] = []
        for (name, order) in [("1", ["c", "a", "b"]), ("2", ["b", "c", "a"])] {
            let path = "\(folder.path)/\(name).safetensors"
            let tensors = order.map { TensorDeclaration($0, shape: [3], dtype: .float16) }
            try SafetensorsWriter.write(to: path, tensors) { _ in [UInt8](repeating: 0, count: 6) }
            files.append(try Checkpoint(path: path))
        }
        let path = folder.path + "/all.safetensors"
        var read: [String] = []
        let tensors = files[1].tensors(prefix: "y.") + files[0].tensors(prefix: "x.")
        try CheckpointConverter.convert(
            tensors, to: path, type: .float32, metadata: ["sum": "....", "x": "y"],
            reading: { file, end in
                let name = try file.names.first { try file.info($0).range.upperBound == end }
                read.append("\(file.path.suffix(13).first ?? " ")\(name ?? "")")
            }, completing: { ["sum": "1234"] })
        #expect(read == ["2b", "2c", "2a", "1c", "1a", "1b"])
        #expect(try Checkpoint(path: path).metadata == ["sum": "1234", "x": "y"])
        #expect(try Checkpoint(path: path).names == ["x.a", "x.b", "x.c", "y.a", "y.b", "y.c"])
    }

    @Test func whatCannotBeConvertedLeavesNothing() throws {
        let source = try torch()
        let path = folder.path + "/all.safetensors"
        let twice = #expect(throws: CheckpointError.self) {
            try CheckpointConverter.convert(source.tensors() + source.tensors(), to: path)
        }
        #expect(twice?.code == .invalidInput)
        let large = folder.path + "/large.safetensors"
        try SafetensorsWriter.write(to: large, tensors: [("w", [2], .float32, [1, 1e6])])
        let beyond = #expect(throws: CheckpointError.self) {
            try CheckpointConverter.convert(Checkpoint(path: large).tensors(prefix: "p."), to: path, type: .float16)
        }
        #expect(beyond?.code == .outOfRange && beyond?.tensor == "w" && beyond?.file == large)
        #expect(throws: CancellationError.self) {
            try CheckpointConverter.convert(source.tensors(), to: path) { done, _ in
                if done > 0 { throw CancellationError() }
            }
        }
        #expect(throws: CheckpointError.self) {
            try CheckpointConverter.convert(source.tensors(), to: "/dev/full")
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
        try CheckpointConverter.convert(before.tensors(), to: path, type: .bfloat16)
        #expect(try before.floats("w") == values)
        before.release("w")
        before.release(0..<before.fileByteCount)
        #expect(try before.floats("w") == values)
        #expect(try Checkpoint(path: path).info("w").dtype == .bfloat16)
        #expect(try Checkpoint(path: path).floats("x") == [1, 2, 3])
    }
}
