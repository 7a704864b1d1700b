/// What the networks that read reference pictures want to see.
extension Picture {
    /// The square in the middle, after the shorter side has become `side` pixels: what CLIP's preprocessing leaves of a picture.
    ///
    /// Bicubic; the longer side is truncated to whole pixels, the crop's offset too.
    public func croppedForCLIP(side: Int = 224) -> Picture {
        let (size, long) = (clipSize(side: side), max(width, height))
        // A sliver would become enormous for a square in its middle; then the middle is cut out first.
        guard long / min(width, height) < 64 else { return fitted(width: side, height: side, filter: .bicubic) }
        let resized = resized(width: size.width, height: size.height, filter: .bicubic)
        let (left, top) = ((resized.width - side) / 2, (resized.height - side) / 2)
        var cropped = Picture(width: side, height: side)
        for row in 0..<side {
            let from = ((top + row) * resized.width + left) * 3
            cropped.bytes.replaceSubrange(row * side * 3..<(row + 1) * side * 3, with: resized.bytes[from..<from + side * 3])
        }
        return cropped
    }

    /// The size at which the shorter side has `side` pixels.
    public func clipSize(side: Int = 224) -> (width: Int, height: Int) {
        width <= height ? (side, side * height / width) : (side * width / height, side)
    }

    /// The pixels as CLIP wants them, height × width × 3: `clipValue` of every byte.
    public func clipValues() -> [Float] {
        let table = (0..<3).map { channel in (0...255).map { Self.clipValue($0, channel: channel) } }
        return bytes.indices.map { table[$0 % 3][Int(bytes[$0])] }
    }

    /// A byte with mean and deviation of CLIP's training pictures taken out.
    ///
    /// - Parameter channel: 0 red, 1 green, 2 blue
    public static func clipValue(_ byte: UInt8, channel: Int) -> Float {
        let mean: [Float] = [0.48145466, 0.4578275, 0.40821073]
        let deviation: [Float] = [0.26862954, 0.26130258, 0.27577711]
        return (Float(Double(byte) * (1 / 255)) - mean[channel]) / deviation[channel]
    }

    /// The pixels in -1…1, height × width × 3: what the auto-encoder wants.
    public func signedValues() -> [Float] { unitValues().map { 2 * $0 - 1 } }

    /// The bytes as numbers of 0…1: `[height, width, 3]`.
    public func unitValues() -> [Float] { bytes.map { Float($0) / 255 } }
}
