import RainNumbers
import RainPictures

/// Which characters there are.
public enum World: String, Sendable, CaseIterable, Codable {
    /// One drawing style, as the embedded model was trained on; a seed means the same bytes forever.
    case classic
    /// Many drawing styles, proportions, attributes, backgrounds and framings.
    case wide
}

/// How loosely a character's picture is cropped.
struct Framing: Sendable, Equatable {
    /// 1 is the usual size of a head.
    var scale = 1.0
    /// In units of the design space.
    var shiftX = 0.0
    var shiftY = 0.0

    init() {}

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed, stream: 5)
        scale = random.uniform(0.75, 1.25)
        shiftX = random.normal(0.05) * Geometry.side
        shiftY = random.normal(0.05) * Geometry.side
    }

    /// About the picture's middle, then shifted.
    var transform: Transform {
        let middle = Geometry.side / 2
        return Transform(xx: scale, yy: scale, x0: middle - middle * scale + shiftX, y0: middle - middle * scale + shiftY)
    }
}
