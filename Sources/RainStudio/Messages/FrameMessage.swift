import NIOCore
import RainMedia

/// What the studio sends as binary messages; `Docs/StudioProtocol.md` describes the bytes.
enum FrameMessage {
    /// Bytes before a frame's picture.
    static let headerLength = 40

    /// How a frame's picture is encoded.
    enum Codec: UInt8 {
        case jpeg, h264, vp8
        /// With transparency.
        case png

        init(_ codec: PacketEncoder.Codec) {
            self =
                switch codec {
                case .h264: .h264
                case .vp8: .vp8
                }
        }
    }

    /// A frame as one viewer gets it.
    ///
    /// - Parameter payload: the picture, and whether decoding can begin with it
    static func frame(
        _ frame: StudioFrame, payload: (codec: Codec, bytes: [UInt8], isKey: Bool), for viewer: UInt16, dropped: Int, now: Duration,
        allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var bytes = allocator.buffer(capacity: headerLength + payload.bytes.count)
        bytes.writeInteger(1 as UInt8)
        bytes.writeInteger(payload.codec.rawValue)
        bytes.writeInteger((frame.isOld ? 1 : 0) | (payload.isKey ? 2 : 0) as UInt16, endianness: .little)
        bytes.writeInteger(frame.sequence, endianness: .little)
        bytes.writeInteger(frame.captured.milliseconds.bitPattern, endianness: .little)
        bytes.writeInteger(now.milliseconds.bitPattern, endianness: .little)
        let input = frame.stamp.flatMap { $0.client == viewer ? $0.milliseconds : nil } ?? .nan
        bytes.writeInteger(input.bitPattern, endianness: .little)
        bytes.writeInteger(frame.generation, endianness: .little)
        bytes.writeInteger(UInt32(clamping: dropped), endianness: .little)
        bytes.writeBytes(payload.bytes)
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
