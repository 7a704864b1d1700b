import RainCheckpoints
import RainMedia

/// The SHA-256 of files, taken while they are read for something else.
final class SourceChecksums {
    private let files: [(name: String, file: Checkpoint)]
    private var states: [String: (checksum: Checksum, end: Int)] = [:]

    init(_ files: [(name: String, file: Checkpoint)]) {
        var own: [(name: String, file: Checkpoint)] = []
        for (name, file) in files where states[file.path] == nil {
            states[file.path] = (Checksum(), 0)
            own.append((name, file))
        }
        self.files = own
    }

    private static func key(_ name: String) -> String { "sha256.\(name)" }

    /// What holds their place in a file's metadata until they are known.
    var placeholders: [String: String] {
        Dictionary(files.map { (Self.key($0.name), String(repeating: "0", count: 64)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Takes in a file's bytes up to `end`, in large pieces that a user can interrupt.
    func follow(_ file: Checkpoint, to end: Int) throws {
        guard let (checksum, start) = states[file.path], start < end else { return }
        let piece = 16 << 20
        for start in stride(from: start, to: end, by: piece) {
            try Interrupt.check()
            file.withFileBytes(start..<min(start + piece, end)) { checksum.update($0) }
        }
        states[file.path] = (checksum, end)
    }

    /// The checksums of the whole files, in place of `placeholders`.
    func finish() throws -> [String: String] {
        var metadata: [String: String] = [:]
        for (name, file) in files {
            try follow(file, to: file.fileByteCount)
            file.release(0..<file.fileByteCount)
            metadata[Self.key(name)] = states[file.path]?.checksum.finish()
        }
        return metadata
    }
}
