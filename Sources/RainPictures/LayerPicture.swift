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

    /// A layer of colours that are not premultiplied, as files hold them.
    public init(width: Int, height: Int, straight bytes: [UInt8]) {
        self.init(width: width, height: height, bytes: bytes)
        for pixel in 0..<(width * height) {
            let alpha = Int(bytes[pixel * 4 + 3])
            guard alpha < 255 else { continue }
            for channel in 0..<3 { self.bytes[pixel * 4 + channel] = UInt8((Int(bytes[pixel * 4 + channel]) * alpha + 127) / 255) }
        }
    }

    /// The pixels with colours that are not premultiplied; black where nothing is.
    public var straight: [UInt8] {
        var straight = bytes
        for pixel in 0..<(width * height) {
            let alpha = Int(bytes[pixel * 4 + 3])
            guard alpha > 0, alpha < 255 else { continue }
            for channel in 0..<3 {
                straight[pixel * 4 + channel] = UInt8(min(255, (Int(bytes[pixel * 4 + channel]) * 255 + alpha / 2) / alpha))
            }
        }
        return straight
    }

    /// How much of the layer is there, 0…1.
    public var coverage: Double {
        stride(from: 3, to: bytes.count, by: 4).reduce(0.0) { $0 + Double(bytes[$1]) } / Double(width * height) / 255
    }

    /// The layer at another size.
    public func resized(width newWidth: Int, height newHeight: Int) -> LayerPicture {
        guard newWidth != width || newHeight != height else { return self }
        return through { $0.resized(width: newWidth, height: newHeight) }
    }

    /// A part of the layer, which may reach outside, where it is transparent.
    public func part(left: Int, top: Int, width partWidth: Int, height partHeight: Int) -> LayerPicture {
        through { $0.part(left: left, top: top, width: partWidth, height: partHeight, outside: .black) }
    }

    /// The layer with a part of it, which lies within, replaced by another.
    public func replacing(_ part: LayerPicture, left: Int, top: Int) -> LayerPicture {
        precondition(left >= 0 && top >= 0 && left + part.width <= width && top + part.height <= height, "a part lies within")
        var replaced = self
        for row in 0..<part.height {
            let to = ((top + row) * width + left) * 4
            replaced.bytes.replaceSubrange(
                to..<(to + part.width * 4), with: part.bytes[(row * part.width * 4)..<((row + 1) * part.width * 4)])
        }
        return replaced
    }

    /// What a change of pictures makes of colours and opacities.
    private func through(_ change: (Picture) -> Picture) -> LayerPicture {
        var (colors, alphas) = (Picture(width: width, height: height), Picture(width: width, height: height))
        for pixel in 0..<(width * height) {
            for channel in 0..<3 {
                colors.bytes[pixel * 3 + channel] = bytes[pixel * 4 + channel]
                alphas.bytes[pixel * 3 + channel] = bytes[pixel * 4 + 3]
            }
        }
        (colors, alphas) = (change(colors), change(alphas))
        var changed = LayerPicture(width: colors.width, height: colors.height)
        for pixel in 0..<(colors.width * colors.height) {
            let alpha = alphas.bytes[pixel * 3]
            // A filter that overshoots must not leave more colour than there is of the layer.
            for channel in 0..<3 { changed.bytes[pixel * 4 + channel] = min(colors.bytes[pixel * 3 + channel], alpha) }
            changed.bytes[pixel * 4 + 3] = alpha
        }
        return changed
    }

    /// The layer over another of the same size, as one.
    public func over(_ back: LayerPicture) -> LayerPicture {
        precondition(back.width == width && back.height == height, "layers of a stack have one size")
        var both = self
        for pixel in 0..<(width * height) {
            let rest = 255 - Int(bytes[pixel * 4 + 3])
            for channel in 0..<4 {
                let below = (Int(back.bytes[pixel * 4 + channel]) * rest + 127) / 255
                both.bytes[pixel * 4 + channel] = UInt8(min(255, below + Int(bytes[pixel * 4 + channel])))
            }
        }
        return both
    }

    /// The layer on white, as a picture.
    public var onWhite: Picture {
        var picture = Picture(width: width, height: height)
        for pixel in 0..<(width * height) {
            let alpha = bytes[pixel * 4 + 3]
            for channel in 0..<3 { picture.bytes[pixel * 3 + channel] = min(alpha, bytes[pixel * 4 + channel]) + (255 - alpha) }
        }
        return picture
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
