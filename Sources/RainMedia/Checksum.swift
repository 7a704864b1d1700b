internal import CFFmpeg

/// A SHA-256, of bytes that come piece by piece or at once; by libavutil, which is linked anyway: a cryptography package would double
/// the time a newcomer's build takes.
///
/// - Source: FIPS 180-4
public final class Checksum {
    private var state: OpaquePointer?

    /// The checksum of nothing yet.
    public init() {
        guard let state = rain_sha256_create() else { fatalError("no memory for a checksum") }
        self.state = state
    }

    deinit {
        _ = finish()
    }

    /// Adds bytes; not after `finish()`.
    public func update(_ bytes: RawSpan) {
        guard let state else { preconditionFailure("a checksum that is not finished") }
        bytes.withUnsafeBytes { buffer in
            if let address = buffer.bindMemory(to: UInt8.self).baseAddress { rain_sha256_update(state, address, buffer.count) }
        }
    }

    /// The checksum as 64 hexadecimal digits; empty if it was asked for before.
    public func finish() -> String {
        guard let state else { return "" }
        self.state = nil
        var digest = [UInt8](repeating: 0, count: 32)
        digest.withUnsafeMutableBufferPointer { rain_sha256_finish(state, $0.baseAddress!) }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The SHA-256 of bytes, as 64 hexadecimal digits.
    public static func sha256(_ bytes: [UInt8]) -> String { sha256(bytes.span.bytes) }

    /// The SHA-256 of bytes, as 64 hexadecimal digits.
    public static func sha256(_ bytes: RawSpan) -> String {
        let checksum = Checksum()
        checksum.update(bytes)
        return checksum.finish()
    }
}
