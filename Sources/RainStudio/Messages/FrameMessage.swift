import NIOCore
import RainMedia

/// What the studio sends as binary messages; `Docs/StudioProtocol.md` describes the bytes.
enum FrameMessage {
    /// Bytes before a frame's picture.
    static let headerLength = 40

    /// How a frame's picture is encoded.
    enum Codec: UInt8 {
        case jpeg, h264, vp8

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
    /// - Parameter packet: of the viewer's video; `nil` for the frame's own JPEG picture
    static func frame(
        _ frame: StudioFrame, packet: (codec: Codec, packet: PacketEncoder.Packet)?, for viewer: UInt16, dropped: Int, now: Duration,
        allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let payload = packet?.packet.bytes ?? frame.jpeg
        var bytes = allocator.buffer(capacity: headerLength + payload.count)
        bytes.writeInteger(1 as UInt8)
        bytes.writeInteger((packet?.codec ?? .jpeg).rawValue)
        let isKey = packet?.packet.isKey ?? true
        bytes.writeInteger((frame.isOld ? 1 : 0) | (isKey ? 2 : 0) as UInt16, endianness: .little)
        bytes.writeInteger(frame.sequence, endianness: .little)
        bytes.writeInteger(frame.captured.milliseconds.bitPattern, endianness: .little)
        bytes.writeInteger(now.milliseconds.bitPattern, endianness: .little)
        let input = frame.stamp.flatMap { $0.client == viewer ? $0.milliseconds : nil } ?? .nan
        bytes.writeInteger(input.bitPattern, endianness: .little)
        bytes.writeInteger(frame.generation, endianness: .little)
        bytes.writeInteger(UInt32(clamping: dropped), endianness: .little)
        bytes.writeBytes(payload)
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
