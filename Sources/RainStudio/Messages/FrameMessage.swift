import NIOCore

/// What the studio sends as binary messages; `Docs/StudioProtocol.md` describes the bytes.
enum FrameMessage {
    /// Bytes before a frame's picture.
    static let headerLength = 40

    /// A frame as one viewer gets it.
    static func frame(_ frame: StudioFrame, for viewer: UInt16, dropped: Int, now: Duration, allocator: ByteBufferAllocator) -> ByteBuffer {
        var bytes = allocator.buffer(capacity: headerLength + frame.jpeg.count)
        bytes.writeInteger(1 as UInt8)
        bytes.writeInteger(0 as UInt8)
        bytes.writeInteger((frame.isOld ? 1 : 0) as UInt16, endianness: .little)
        bytes.writeInteger(frame.sequence, endianness: .little)
        bytes.writeInteger(frame.captured.milliseconds.bitPattern, endianness: .little)
        bytes.writeInteger(now.milliseconds.bitPattern, endianness: .little)
        let input = frame.stamp.flatMap { $0.client == viewer ? $0.milliseconds : nil } ?? .nan
        bytes.writeInteger(input.bitPattern, endianness: .little)
        bytes.writeInteger(frame.generation, endianness: .little)
        bytes.writeInteger(UInt32(clamping: dropped), endianness: .little)
        bytes.writeBytes(frame.jpeg)
        return bytes
    }

    /// The answer to a ping.
    static func pong(page: Double, now: Duration, allocator: ByteBufferAllocator) -> ByteBuffer {
        var bytes = allocator.buffer(capacity: 17)
        bytes.writeInteger(3 as UInt8)
        bytes.writeInteger(page.bitPattern, endianness: .little)
        bytes.writeInteger(now.milliseconds.bitPattern, endianness: .little)
        return bytes
    }
}
