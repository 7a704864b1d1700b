public import RainPictures

/// A picture as the person detector wants it: scaled to fit, in the upper left corner of a grey canvas.
///
/// - Source: preprocessing of YOLOX (arXiv 2107.08430), as used by DWPose.
public struct DetectorInput: Sendable {
    /// `width` × `height` of the detector; bytes as they are, neither normalised nor with channels exchanged.
    public let canvas: Picture
    /// Canvas pixels per pixel of the picture; what the detector finds is divided by it.
    public let ratio: Double

    /// The grey beside the picture.
    public static let background: UInt8 = 114

    /// - Parameters:
    ///   - width: of the detector's input, at least 1
    ///   - height: of the detector's input, at least 1
    public init(_ picture: Picture, width: Int = 640, height: Int = 640) {
        precondition(width > 0 && height > 0, "a detector's input has at least one pixel")
        ratio = min(Double(height) / Double(picture.height), Double(width) / Double(picture.width))
        // A picture many times longer than wide would vanish.
        let inner = picture.bilinear(
            width: min(width, max(1, Int(Double(picture.width) * ratio))),
            height: min(height, max(1, Int(Double(picture.height) * ratio))))
        var canvas = Picture(width: width, height: height, red: Self.background, green: Self.background, blue: Self.background)
        for row in 0..<inner.height {
            let from = row * inner.width * 3
            let to = row * width * 3
            canvas.bytes.replaceSubrange(to..<to + inner.width * 3, with: inner.bytes[from..<from + inner.width * 3])
        }
        self.canvas = canvas
    }

    /// The network's input: `[3, height, width]`, 0…255, red first.
    public var tensor: [Float] { canvas.planes() }
}

extension Picture {
    /// The picture as planes: `[3, height, width]`, red first, each byte reduced by its channel's mean and divided by its deviation.
    public func planes(mean: SIMD3<Float> = .zero, deviation: SIMD3<Float> = .one) -> [Float] {
        let pixels = width * height
        var planes = [Float](repeating: 0, count: 3 * pixels)
        for channel in 0..<3 {
            let (middle, spread) = (mean[channel], deviation[channel])
            for pixel in 0..<pixels {
                planes[channel * pixels + pixel] = (Float(bytes[pixel * 3 + channel]) - middle) / spread
            }
        }
        return planes
    }

    /// The picture at another size by interpolation between the four nearest pixels, however much smaller it becomes.
    ///
    /// Detectors were trained on pictures scaled like this; `resized(width:height:)` looks better and would change what they see.
    func bilinear(width newWidth: Int, height newHeight: Int) -> Picture {
        guard (newWidth, newHeight) != (width, height) else { return self }
        let columns = Self.taps(source: width, target: newWidth)
        let rows = Self.taps(source: height, target: newHeight)
        var result = Picture(width: newWidth, height: newHeight)
        var to = 0
        for row in rows {
            let (upper, lower) = (row.first * width * 3, row.second * width * 3)
            for column in columns {
                for channel in 0..<3 {
                    let (left, right) = (column.first * 3 + channel, column.second * 3 + channel)
                    let above = Float(bytes[upper + left]) * (1 - column.share) + Float(bytes[upper + right]) * column.share
                    let below = Float(bytes[lower + left]) * (1 - column.share) + Float(bytes[lower + right]) * column.share
                    result.bytes[to] = UInt8((above * (1 - row.share) + below * row.share).rounded())
                    to += 1
                }
            }
        }
        return result
    }

    /// For every target pixel of an axis the two source pixels around its centre and the second one's share.
    private static func taps(source: Int, target: Int) -> [(first: Int, second: Int, share: Float)] {
        let step = Double(source) / Double(target)
        return (0..<target).map { index in
            let place = min(max((Double(index) + 0.5) * step - 0.5, 0), Double(source - 1))
            let first = Int(place)
            return (first, min(first + 1, source - 1), Float(place - Double(first)))
        }
    }
}
