/// An opaque sRGB colour; components lie in 0…1.
public struct Color: Sendable, Equatable {
    public var red: Double
    public var green: Double
    public var blue: Double

    /// A colour of three components; each is clamped to 0…1.
    public init(_ red: Double, _ green: Double, _ blue: Double) {
        self.red = min(max(red, 0), 1)
        self.green = min(max(green, 0), 1)
        self.blue = min(max(blue, 0), 1)
    }

    /// A colour of the HSV cone.
    ///
    /// - Parameters:
    ///   - hue: in turns; only the fractional part counts, so any finite number will do
    ///   - saturation: clamped to 0…1
    ///   - value: clamped to 0…1
    public init(hue: Double, saturation: Double, value: Double) {
        let saturation = min(max(saturation, 0), 1)
        let value = min(max(value, 0), 1)
        let sixth = (hue - hue.rounded(.down)) * 6
        func component(_ shift: Double) -> Double {
            let k = (shift + sixth).truncatingRemainder(dividingBy: 6)
            return value - value * saturation * max(0, min(k, 4 - k, 1))
        }
        self.init(component(5), component(3), component(1))
    }

    public static let black = Color(0, 0, 0)
    public static let white = Color(1, 1, 1)

    /// The colour towards `other` by `fraction`, linear in sRGB; 0 is this colour, 1 the other.
    public func mixed(with other: Color, _ fraction: Double) -> Color {
        Color(
            red + (other.red - red) * fraction,
            green + (other.green - green) * fraction,
            blue + (other.blue - blue) * fraction)
    }

    /// Each component multiplied by `factor` (below 1 is darker).
    public func scaled(by factor: Double) -> Color {
        Color(red * factor, green * factor, blue * factor)
    }

    /// Rec. 601 luma, 0…1: how bright the colour looks.
    public var luma: Double { 0.299 * red + 0.587 * green + 0.114 * blue }
}
