import RainPictures
import RainPose

/// The colour that most of a face has. Lines, lashes and shadows beside an eye are not what its lid looks like.
struct SkinColor {
    /// In 0…1.
    private let color: SIMD3<Float>

    /// Square of the distance from which on a colour is another's.
    private static let tolerance: Float = 0.08
    /// Masks below this, of features and front layer, leave the face open.
    private static let open: Float = 0.1

    /// - Parameter masks: of features and front layer, `[side, side, 2]` in 0…1
    init(_ picture: Picture, masks: [Float], side: Int, regions: FaceRegions) {
        let seen = picture.fitted(width: side, height: side)
        let pixels = (0..<(side * side)).filter { pixel in
            let region = regions(SIMD2(Double(pixel % side) + 0.5, Double(pixel / side) + 0.5) / Double(side))
            return region.skin == 1 && max(masks[pixel * 2], masks[pixel * 2 + 1]) < Self.open
        }
        var color = SIMD3<Float>.zero
        for channel in 0..<3 {
            let values = pixels.map { seen.bytes[$0 * 3 + channel] }.sorted()
            color[channel] = values.isEmpty ? 0 : Float(values[values.count / 2]) / 255
        }
        self.color = color
    }

    /// How far each pixel has this colour, 0…1.
    func likeness(_ picture: Picture) -> [Float] {
        (0..<(picture.width * picture.height)).map { pixel in
            let bytes = (0..<3).map { Float(picture.bytes[pixel * 3 + $0]) / 255 }
            let way = SIMD3(bytes[0], bytes[1], bytes[2]) - color
            return max(0, 1 - (way * way).sum() / Self.tolerance)
        }
    }
}
