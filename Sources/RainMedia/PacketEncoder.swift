internal import CFFmpeg
public import RainPictures

/// Video packet by packet, for the network: every picture is encoded at once, and nothing is held back.
///
/// Not to be shared between tasks: every packet but a key one builds on those before.
public final class PacketEncoder {
    public enum Codec: String, Sendable, CaseIterable {
        /// H.264, constrained baseline; parameter sets precede every key frame (Annex B).
        case h264
        case vp8

        var encoder: String {
            switch self {
            case .h264: "libx264"
            case .vp8: "libvpx"
            }
        }

        /// A key frame a few seconds apart; others are asked for.
        var options: String {
            switch self {
            case .h264: "preset=veryfast:tune=zerolatency:profile=baseline:crf=18:g=120"
            case .vp8: "deadline=realtime:cpu-used=6:crf=6:b=4000000:lag-in-frames=0:g=120"
            }
        }

        /// Whether this build of FFmpeg can encode it.
        public var isAvailable: Bool { FFmpeg.hasEncoder(encoder) }
    }

    /// One picture, encoded.
    public struct Packet: Sendable {
        public var bytes: [UInt8]
        /// Whether decoding can begin with it.
        public var isKey: Bool
    }

    /// Smaller pictures are enlarged to at least this, so that colours at half resolution do not show.
    private static let leastSide = 256

    public let codec: Codec
    public let width: Int
    public let height: Int
    private let handle: OpaquePointer

    /// - Parameters:
    ///   - width: of the pictures
    ///   - height: of the pictures
    /// - Throws: `MediaError` if this build of FFmpeg lacks the encoder, or for a size it cannot have
    public init(_ codec: Codec, width: Int, height: Int, framesPerSecond: Double) throws {
        FFmpeg.silenced
        let scale = max(1, Self.leastSide / max(1, min(width, height)))
        var opened: OpaquePointer?
        let code = rain_packets_open(
            &opened, codec.encoder, codec.options, Int32(clamping: width), Int32(clamping: height), Int32(scale), framesPerSecond)
        guard code >= 0, let opened else {
            throw MediaError(
                FFmpeg.isEncoderMissing(code) ? .unsupportedFormat : .invalidInput, file: "video for the network",
                expected: "FFmpeg's encoder \(codec.encoder) to take pictures of \(width)×\(height)", found: FFmpeg.message(code),
                advice: "send pictures instead")
        }
        handle = opened
        self.codec = codec
        self.width = width
        self.height = height
    }

    deinit { rain_packets_free(handle) }

    /// Encodes a picture.
    ///
    /// - Parameter key: whether decoding must be able to begin with it
    /// - Returns: `nil` if the encoder wants more pictures first, which those of `Codec` never do
    /// - Throws: `MediaError` for a picture of another size, or if the encoder fails
    public func encode(_ picture: Picture, key: Bool) throws -> Packet? {
        guard picture.width == width, picture.height == height else {
            throw MediaError(
                .invalidInput, file: "video for the network", expected: "pictures of \(width)×\(height)",
                found: "\(picture.width)×\(picture.height)", advice: "report this as a bug")
        }
        var (bytes, count, isKey) = (UnsafePointer<UInt8>?.none, 0, Int32(0))
        let code = picture.bytes.withUnsafeBufferPointer {
            rain_packets_encode(handle, $0.baseAddress!, key ? 1 : 0, &bytes, &count, &isKey)
        }
        guard code >= 0 else {
            throw MediaError(
                .invalidInput, file: "video for the network", expected: "a packet", found: FFmpeg.message(code),
                advice: "send pictures instead")
        }
        guard code > 0, let bytes else { return nil }
        return Packet(bytes: [UInt8](UnsafeBufferPointer(start: bytes, count: count)), isKey: isKey != 0)
    }
}
