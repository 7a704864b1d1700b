extension Checkpoint.Format {
    /// The format of a file by its first bytes.
    ///
    /// - Throws: `CheckpointError` naming what the file seems to be instead. What seems to be nothing else is taken for
    ///   safetensors, whose reader says what is wrong with it.
    init(recognizing file: MappedFile) throws {
        let head = file.withBytes(0..<min(file.count, 64)) { $0.array(of: UInt8.self) }
        func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        func begins(_ text: String) -> Bool { head.starts(with: text.utf8) }
        if begins("PK\u{3}\u{4}") || begins("PK\u{5}\u{6}") {
            self = .torch
            return
        }
        // A length of which the upper bytes are zero, then a JSON object.
        if head.count >= 9, head[4..<8].allSatisfy({ $0 == 0 }), head[8] == UInt8(ascii: "{") {
            self = .safetensors
            return
        }
        // A pickle names its protocol first.
        if head.count >= 2, head[0] == 0x80, head[1] <= 5 {
            self = .legacyTorch
            return
        }
        let impostor: (what: String, advice: String)? =
            if begins("version https://git-lfs") {
                ("a pointer of Git LFS, not the file itself", "fetch the file with 'git lfs pull', or download it from the web page")
            } else if Self.isMarkup(head) {
                ("a web page", "the download gave a page instead of the file; download it again")
            } else if begins([0x1F, 0x8B]) {
                ("a gzip archive", "unpack it first")
            } else if begins("Rar!") || begins([0x37, 0x7A, 0xBC, 0xAF]) {
                ("an archive", "unpack it first")
            } else if begins("\u{89}HDF") {
                ("an HDF5 file", "use the PyTorch or safetensors version of this checkpoint")
            } else if begins("GGUF") {
                ("a GGUF file", "use the PyTorch or safetensors version of this checkpoint")
            } else if Self.isONNX(head) {
                ("an ONNX model, which is a program and not only tensors", "use it where a detector is asked for")
            } else {
                nil
            }
        if let impostor {
            throw CheckpointError(
                .unsupportedFormat, file: file.path, expected: "a safetensors or PyTorch checkpoint", found: impostor.what,
                advice: impostor.advice)
        }
        self = .safetensors
    }

    private static func isMarkup(_ head: [UInt8]) -> Bool {
        let space: [UInt8] = [0xEF, 0xBB, 0xBF, 0x20, 0x09, 0x0A, 0x0D]
        let text = head.drop { space.contains($0) }.prefix(2)
        guard text.count == 2, text.first == UInt8(ascii: "<"), let second = text.last else { return false }
        return Unicode.Scalar(second).properties.isAlphabetic || second == UInt8(ascii: "!") || second == UInt8(ascii: "?")
    }

    /// The fields that exporters write first: the version of the format (small), then who made it or the graph.
    private static func isONNX(_ head: [UInt8]) -> Bool {
        head.count >= 9 && head[0] == 0x08 && (1...32).contains(head[1]) && [0x12, 0x1A, 0x22, 0x3A, 0x42].contains(head[2])
    }
}
