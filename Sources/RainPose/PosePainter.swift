public import RainPictures

/// Draws landmarks as the pose picture that networks see: black, one disc of its own colour per visible landmark.
///
/// Discs are rasterised here and not by Cairo, because a trainer paints as many pose pictures as it makes steps and a round
/// trip over a surface costs more than all the discs: a pixel's coverage is clamp(radius + ½ − distance to its centre), which
/// is the exact area to within a few per cent of a pixel.
public struct PosePainter: Sendable {
    public let width: Int
    public let height: Int
    /// Of the face's discs, in pixels.
    public let radius: Float
    /// Of the discs of neck and shoulders, in pixels.
    public let bodyRadius: Float
    /// Landmarks less visible than this are left out.
    public let leastVisibility: Float

    /// - Parameters:
    ///   - width: of the picture in pixels, at least 1
    ///   - height: of the picture in pixels, at least 1
    ///   - radius: of the face's discs in pixels; by default 2.2 pixels at a height of 128, in proportion otherwise,
    ///     but at least 1
    ///   - bodyRadius: of the discs of neck and shoulders; by default 1.6 times `radius`
    ///   - leastVisibility: landmarks less visible than this are left out
    public init(width: Int, height: Int, radius: Float? = nil, bodyRadius: Float? = nil, leastVisibility: Float = 0.3) {
        precondition(width > 0 && height > 0, "a pose picture has at least one pixel")
        // Below a pixel a disc could fall between pixel centres and vanish.
        let radius = radius ?? max(1, 2.2 * Float(height) / 128)
        self.width = width
        self.height = height
        self.radius = radius
        self.bodyRadius = bodyRadius ?? 1.6 * radius
        self.leastVisibility = leastVisibility
        precondition(self.radius >= 0 && self.bodyRadius >= 0, "a disc's radius is not negative")
    }

    /// How many numbers one picture takes.
    public var count: Int { width * height * 3 }

    /// The colour of each landmark in the order of `LandmarkSet`: hues a golden ratio apart, so that neighbours differ
    /// strongly, every second one paler.
    public static let colors: [Color] = (0..<LandmarkSet.count).map { index in
        Color(hue: Double(index) * 0.381966, saturation: index.isMultiple(of: 2) ? 1 : 0.6, value: 1)
    }

    private static let components: [SIMD4<Float>] = colors.map { SIMD4(Float($0.red), Float($0.green), Float($0.blue), 0) }

    /// Paints the picture of a frame over `count` numbers of a buffer: height × width × 3 in 0…1, red first.
    ///
    /// Discs lie over each other in the order of `LandmarkSet`; points outside, or not finite, simply do not show.
    public func paint(_ frame: LandmarkFrame, into buffer: inout [Float], offset: Int = 0) {
        precondition(
            offset >= 0 && offset <= buffer.count - count,
            "a pose picture of \(count) numbers at \(offset) does not fit a buffer of \(buffer.count)")
        for index in offset..<(offset + count) { buffer[index] = 0 }
        for index in 0..<LandmarkSet.count {
            let point = frame.points[index]
            guard point.visibility >= leastVisibility else { continue }
            let radius = index < Landmark.neck.rawValue ? radius : bodyRadius
            paintDisc(
                SIMD2(point.x * Float(width), point.y * Float(height)), radius: radius, Self.components[index], into: &buffer,
                offset: offset)
        }
    }

    /// The picture of a frame, rounded to 8 bits.
    public func picture(_ frame: LandmarkFrame) -> Picture {
        var buffer = [Float](repeating: 0, count: count)
        paint(frame, into: &buffer)
        return Picture(width: width, height: height, bytes: buffer.map { UInt8(($0 * 255).rounded()) })
    }

    private func paintDisc(_ center: SIMD2<Float>, radius: Float, _ color: SIMD4<Float>, into buffer: inout [Float], offset: Int) {
        let reach = radius + 0.5
        // Comparing as numbers first: a far or not finite coordinate must not reach the conversion to Int.
        guard center.x > -reach, center.y > -reach, center.x < Float(width) + reach, center.y < Float(height) + reach else { return }
        let columns = max(0, Int(center.x - reach - 0.5))...max(0, min(width - 1, Int(center.x + reach)))
        let rows = max(0, Int(center.y - reach - 0.5))...max(0, min(height - 1, Int(center.y + reach)))
        for row in rows {
            let dy = Float(row) + 0.5 - center.y
            for column in columns {
                let dx = Float(column) + 0.5 - center.x
                let cover = min(max(reach - (dx * dx + dy * dy).squareRoot(), 0), 1)
                guard cover > 0 else { continue }
                let at = offset + (row * width + column) * 3
                buffer[at] += (color.x - buffer[at]) * cover
                buffer[at + 1] += (color.y - buffer[at + 1]) * cover
                buffer[at + 2] += (color.z - buffer[at + 2]) * cover
            }
        }
    }
}
