import Foundation
import Testing

@testable import RainCheckpoints

@Suite struct TorchWriterTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let types: [ElementType] = [.float64, .float32, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint8, .bool]
        let declarations =
            types.map { TensorDeclaration("layer.\($0.rawValue)", shape: [2, 3], dtype: $0) }
            + [TensorDeclaration("scalar é", shape: [], dtype: .float32), TensorDeclaration("none", shape: [0, 4], dtype: .float32)]
        let path = folder.path + "/a.pth"
        func content(_ tensor: TensorDeclaration) -> [UInt8] { (0..<tensor.byteCount).map { UInt8($0 & 1) } }
        try TorchWriter.write(to: path, declarations) { content($0) }
        let file = try Checkpoint(path: path)
        #expect(file.format == .torch)
        #expect(file.names == declarations.map(\.name).sorted())
        for tensor in declarations {
            #expect(try file.info(tensor.name).dtype == tensor.dtype)
            #expect(try file.info(tensor.name).shape == tensor.shape)
            #expect(try file.info(tensor.name).isContiguous)
            #expect(try file.bytes(tensor.name) == content(tensor))
        }
        #expect(try folder.contents == ["a.pth"])
    }

    /// What `crc32` of zlib says.
    @Test(
        arguments: [
            ("", 0), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926), ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
        ] as [(String, UInt32)])
    func checksums(text: String, expected: UInt32) {
        #expect(CRC32.checksum(Array(text.utf8)) == expected)
    }

    @Test func mistakesAreRefusedAndNothingIsLeft() throws {
        let path = folder.path + "/a.pth"
        let one = TensorDeclaration("a", shape: [1], dtype: .float32)
        for (declarations, bytes) in [
            ([one, one], 4), ([one], 3), ([TensorDeclaration("a", shape: [-1], dtype: .float32)], 4),
            ([TensorDeclaration("a", shape: [.max, 2], dtype: .float32)], 4), ([TensorDeclaration("a", shape: [1], dtype: .uint32)], 4),
        ] {
            let error = #expect(throws: CheckpointError.self) {
                try TorchWriter.write(to: path, declarations) { _ in [UInt8](repeating: 0, count: bytes) }
            }
            #expect(error?.code == .invalidInput)
        }
        #expect(throws: CancellationError.self) { try TorchWriter.write(to: path, [one]) { _ in throw CancellationError() } }
        #expect(try folder.contents == [])
        let full = #expect(throws: CheckpointError.self) { try TorchWriter.write(to: "/dev/full", [one]) { _ in [0, 0, 0, 0] } }
        #expect(full?.code == .unwritable)
    }
}
