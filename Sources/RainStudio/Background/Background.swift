import RainPictures

/// What is seen behind the character.
enum Background: Hashable, Sendable {
    /// What the model makes of the reference's.
    case own
    /// Nothing, where a picture can be transparent; where it cannot, `green`.
    case transparent
    case color(red: UInt8, green: UInt8, blue: UInt8)

    /// What is usual for keying.
    static let green = Background.color(red: 0, green: 177, blue: 64)

    /// - Parameter text: `own`, `transparent`, `green` or `#rrggbb`
    init?(_ text: String) {
        switch text {
        case "own": self = .own
        case "transparent": self = .transparent
        case "green": self = .green
        default:
            guard text.utf8.count == 7, text.hasPrefix("#"), text.dropFirst().allSatisfy({ $0.isASCII && $0.isHexDigit }),
                let number = UInt32(text.dropFirst(), radix: 16)
            else { return nil }
            self = .color(
                red: UInt8(truncatingIfNeeded: number >> 16), green: UInt8(truncatingIfNeeded: number >> 8),
                blue: UInt8(truncatingIfNeeded: number))
        }
    }

    /// As `init` reads it.
    var text: String {
        switch self {
        case .own: return "own"
        case .transparent: return "transparent"
        case .green: return "green"
        case .color(let red, let green, let blue):
            let digits = String(UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue), radix: 16)
            return "#" + String(repeating: "0", count: 6 - digits.count) + digits
        }
    }
}

/// A picture with opacity.
struct CutPicture: Sendable {
    let width: Int
    let height: Int
    /// Height × width × 4, red first, colours not multiplied by their opacity.
    var rgba: [UInt8]

    /// The picture over a colour.
    func over(red: UInt8, green: UInt8, blue: UInt8) -> Picture {
        let behind = [UInt32(red), UInt32(green), UInt32(blue)]
        var bytes = [UInt8](repeating: 0, count: width * height * 3)
        for pixel in 0..<(width * height) {
            let opacity = UInt32(rgba[pixel * 4 + 3])
            for channel in 0..<3 {
                let mixed = UInt32(rgba[pixel * 4 + channel]) * opacity + behind[channel] * (255 - opacity)
                bytes[pixel * 3 + channel] = UInt8((mixed + 127) / 255)
            }
        }
        return Picture(width: width, height: height, bytes: bytes)
    }
}
