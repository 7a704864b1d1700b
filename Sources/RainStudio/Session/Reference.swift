import RainAnimation
import RainPictures
import RainPose
import RainWorld

/// Who is animated: the picture, where its face is, and the puppet whose poses drive it.
struct Reference: Sendable {
    /// What it is, for people and for the API.
    let name: String
    /// Of a drawn character.
    let seed: UInt64?
    /// Square.
    let picture: Picture
    /// Where the face is at rest.
    let face: LandmarkFrame
    private let puppet: RainWorld.Character
    /// From the puppet's face to the picture's.
    private let carry: LandmarkRetargeter?

    /// How large reference pictures are shown.
    static let shownSide = 384

    /// A drawn character, whose every pose is known.
    ///
    /// - Parameter size: of the picture that the model sees
    init(seed: UInt64, size: Int) {
        puppet = RainWorld.Character(seed: seed)
        name = puppet.description
        self.seed = seed
        picture = puppet.render(.neutral(variation: seed), size: max(size, Self.shownSide))
        face = puppet.landmarks(CharacterPose())
        carry = nil
    }

    /// A picture from outside: its face is taken to be in the middle, as the guide in the page shows it.
    ///
    /// - Parameter picture: square
    init(picture: Picture, name: String) {
        puppet = RainWorld.Character(seed: Self.puppetSeed)
        self.name = name
        seed = nil
        self.picture = picture
        face = .neutral
        carry = LandmarkRetargeter(from: puppet.landmarks(CharacterPose()), to: .neutral)
    }

    /// A puppet whose face is near the middle of all.
    private static let puppetSeed: UInt64 = 7

    /// The puppet's pose on the reference's face.
    func landmarks(_ pose: CharacterPose) -> LandmarkFrame {
        let frame = puppet.landmarks(pose)
        return carry?(frame) ?? frame
    }
}

extension Picture {
    /// A square part of the picture.
    ///
    /// - Parameters:
    ///   - x: of the part's left edge, as a share of the width
    ///   - y: of its upper edge, as a share of the height
    ///   - side: as a share of the shorter side
    /// - Throws: `StudioError` of code `badPicture` for a part that lies outside or has no pixel
    func part(x: Double, y: Double, side: Double) throws(StudioError) -> Picture {
        let pixels = side * Double(min(width, height))
        let (left, top) = (x * Double(width), y * Double(height))
        // Written so that NaN fails; a rounding error of the page's may hang over by a pixel.
        guard x >= 0, y >= 0, pixels >= 1, pixels <= Double(min(width, height)), left + pixels <= Double(width) + 1,
            top + pixels <= Double(height) + 1
        else {
            throw StudioError(.badPicture, "crop: expected x, y and side within the picture, as shares of it, found \(x), \(y), \(side)")
        }
        let count = max(1, min(Int(pixels.rounded()), min(width, height)))
        let (column, row) = (min(Int(left.rounded()), width - count), min(Int(top.rounded()), height - count))
        return part(left: column, top: row, width: count, height: count)
    }
}
