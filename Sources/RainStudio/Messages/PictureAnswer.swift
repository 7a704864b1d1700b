import NIOCore

/// What a client is told of the pictures that it sends; `Docs/StudioProtocol.md` describes the bytes.
enum PictureAnswer: Sendable, Equatable {
    /// It has arrived, and so have all before it: the next may come.
    case received(time: Double)
    /// It has been looked at.
    ///
    /// - Parameters:
    ///   - time: of the picture, on the client's clock
    ///   - milliseconds: how long that took
    ///   - points: x, y in pictures, and the score; none if nobody is in view
    case seen(time: Double, milliseconds: Double, points: [SIMD3<Float>])

    func message(allocator: ByteBufferAllocator) -> ByteBuffer {
        switch self {
        case .received(let time):
            var bytes = allocator.buffer(capacity: 9)
            bytes.writeInteger(4 as UInt8)
            bytes.writeInteger(time.bitPattern, endianness: .little)
            return bytes
        case .seen(let time, let milliseconds, let points):
            var bytes = allocator.buffer(capacity: 15 + 12 * points.count)
            bytes.writeInteger(5 as UInt8)
            bytes.writeInteger(time.bitPattern, endianness: .little)
            bytes.writeInteger(Float(milliseconds).bitPattern, endianness: .little)
            bytes.writeInteger(UInt16(clamping: points.count), endianness: .little)
            for point in points {
                for value in [point.x, point.y, point.z] { bytes.writeInteger(value.bitPattern, endianness: .little) }
            }
            return bytes
        }
    }
}
