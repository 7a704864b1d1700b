import Foundation
import Testing

@testable import RainCheckpoints

@Suite struct EmbeddedFilesTests {
    /// What a file says is the same wherever its bytes are.
    @Test func aConstantReadsAsAFileDoes() throws {
        let path = NSTemporaryDirectory() + "/rain-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try SafetensorsWriter.write(to: path, tensors: [("a", [2, 2], .float16, [1, 2, 3, 4]), ("b", [1], .float32, [5])])
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        try bytes.withUnsafeBytes { bytes in
            let file = try Checkpoint(MappedFile(constant: bytes, name: "constant"))
            #expect(file.names == ["a", "b"] && file.path == "constant")
            #expect(try file.floats("a", shape: [2, 2]) == [1, 2, 3, 4])
            #expect(throws: CheckpointError.self) {
                _ = try Checkpoint(MappedFile(constant: UnsafeRawBufferPointer(rebasing: bytes[..<20]), name: "constant"))
            }
        }
    }

    /// Description and weights are both there, or neither is.
    @Test func theModelIsWhole() throws {
        #expect((EmbeddedFiles.description() == nil) == (try EmbeddedFiles.weights() == nil))
        try EmbeddedFiles.weights()?.requireFinite()
    }
}
