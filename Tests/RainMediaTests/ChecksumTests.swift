import RainMedia
import Testing

@Suite struct ChecksumTests {
    /// Test vectors of FIPS 180-4's authors: short, two blocks, and a million bytes.
    @Test(arguments: [
        ([UInt8](), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ([UInt8]("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            [UInt8]("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ([UInt8](repeating: 0x61, count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func sha256(bytes: [UInt8], digest: String) {
        #expect(Checksum.sha256(bytes.span.bytes) == digest)
        let pieces = Checksum()
        for start in stride(from: 0, to: bytes.count, by: 37) {
            pieces.update(bytes.span.extracting(start..<min(start + 37, bytes.count)).bytes)
        }
        #expect(pieces.finish() == digest)
    }
}
