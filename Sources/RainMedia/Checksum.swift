internal import CFFmpeg

/// Checksums, by libavutil, which is linked anyway: a cryptography package would double the time a newcomer's build takes.
public enum Checksum {
    /// The SHA-256 of bytes, as 64 hexadecimal digits.
    ///
    /// - Source: FIPS 180-4
    public static func sha256(_ bytes: RawSpan) -> String {
        guard let sha = rain_sha256_create() else { fatalError("no memory for a checksum") }
        bytes.withUnsafeBytes { buffer in
            if let address = buffer.bindMemory(to: UInt8.self).baseAddress { rain_sha256_update(sha, address, buffer.count) }
        }
        var digest = [UInt8](repeating: 0, count: 32)
        digest.withUnsafeMutableBufferPointer { rain_sha256_finish(sha, $0.baseAddress!) }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
