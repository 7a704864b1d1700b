/// One layer of a stack: 8-bit RGBA pixels whose colours are premultiplied by alpha, as compositing wants them.
///
/// `bytes` are row-major, height × width × 4, red first, alpha last, full range, sRGB.
public struct LayerPicture: Sendable, Equatable {
    public let width: Int
    public let height: Int
    public var bytes: [UInt8]

    /// A layer over existing bytes; `bytes.count` must be `width * height * 4`.
    public init(width: Int, height: Int, bytes: [UInt8]) {
        precondition(width > 0 && height > 0 && bytes.count == width * height * 4, "bytes must be height × width × 4")
        self.width = width
        self.height = height
        self.bytes = bytes
    }

    /// An empty layer.
    public init(width: Int, height: Int) {
        self.init(width: width, height: height, bytes: [UInt8](repeating: 0, count: width * height * 4))
    }

    /// An opaque layer.
    public init(_ picture: Picture) {
        self.init(width: picture.width, height: picture.height)
        for pixel in 0..<(width * height) {
            for channel in 0..<3 { bytes[pixel * 4 + channel] = picture.bytes[pixel * 3 + channel] }
            bytes[pixel * 4 + 3] = 255
        }
    }

    /// The elements in 0…1, row-major, as networks read layers.
    public func unitValues() -> [Float] { bytes.map { Float($0) * (1 / 255) } }

    /// Layers composited over each other, the first at the back; where all are transparent the result is black.
    ///
    /// - Parameter layers: of one size, at least one
    public static func composite(_ layers: some Collection<LayerPicture>) -> Picture {
        guard let first = layers.first else { preconditionFailure("a composite needs a layer") }
        precondition(layers.allSatisfy { $0.width == first.width && $0.height == first.height }, "layers of a stack have one size")
        var picture = Picture(width: first.width, height: first.height)
        for layer in layers {
            for pixel in 0..<(first.width * first.height) {
                let rest = 255 - Int(layer.bytes[pixel * 4 + 3])
                for channel in 0..<3 {
                    let below = (Int(picture.bytes[pixel * 3 + channel]) * rest + 127) / 255
                    picture.bytes[pixel * 3 + channel] = UInt8(min(255, below + Int(layer.bytes[pixel * 4 + channel])))
                }
            }
        }
        return picture
    }
}
