import RainNumbers
import RainPictures

/// Everything about a character that a seed decides. Lengths are in units of half a head's width unless stated.
///
/// Whatever is chosen here shows in a frontal picture: colours that meet are kept apart in brightness, and choices that could only be
/// guessed from the front (what lies behind the head, say) are not made at all.
struct Appearance: Sendable {
    // Raw values are words for people.
    enum Fringe: String, CaseIterable, Sendable {
        case straight = "straight fringe"
        case parted = "parted fringe"
        case spiky = "spiky fringe"
        case swept = "swept fringe"
        case open = "open forehead"
        case lock = "one lock on the forehead"
    }
    enum BackHair: String, CaseIterable, Sendable {
        case long = "long hair"
        case bob = "bobbed hair"
        case twinTails = "twin tails"
        case ponytail = "side ponytail"
        case buns = "two buns"
        case tousled = "tousled hair"
    }
    enum Mouth: String, CaseIterable, Sendable { case smiling, calm, pouting }
    enum Pattern: String, CaseIterable, Sendable {
        case plain
        case stripes = "striped"
        case pinstripes = "pinstriped"
        case dots = "dotted"
        case block = "two-tone"
    }
    enum Collar: String, CaseIterable, Sendable { case round, open, pointed, high }
    /// Twice nothing, so that every third or fourth character goes without.
    enum Accessory: String, CaseIterable, Sendable {
        case none, bare, ribbon, glasses, hat
        case band = "headband"
        case clip = "hair clip"
    }

    let seed: UInt64
    var world = World.classic
    var style = Style()
    var eye = EyeShape()
    var face = FaceShape()
    // Only the wide world draws these; the classic one has the choices below.
    var hairShape: HairShape?
    var outfit: Outfit?
    var backdrop: Backdrop?
    var muzzleFur: Color?

    var skin: Color
    var hair: Color
    /// Of hair that lies behind the head.
    var hairShade: Color
    /// Of the gleam on the hair, if there is one.
    var hairGleam: Color?
    var fringe: Fringe
    var backHair: BackHair
    /// Where partings and locks lie, to the right.
    var parting: Double
    /// Of hanging hair.
    var hairLength: Double
    /// −1 or 1: the side of partings, tails and clips.
    var side: Double

    var iris: Color
    var lash: Color
    var eyeX: Double
    var eyeY: Double
    /// Half an eye's width, and how far its lids part from its middle.
    var eyeWidth: Double
    var eyeHeight: Double
    /// In radians; positive lifts the outer corner.
    var eyeTilt: Double
    var brow: Color
    var browThickness: Double
    /// Above the eye's middle.
    var browY: Double
    /// How much the outer end rises.
    var browTilt: Double
    var mouth: Mouth
    var mouthColor: Color
    var mouthWidth: Double
    var mouthY: Double
    /// Opacity.
    var blush: Double

    var faceWidth: Double
    var faceHeight: Double
    var chin: Double
    /// Half a head's width, in units of the design space.
    var headScale: Double
    /// Half the distance of the shoulders, in units of the design space.
    var shoulders: Double

    var cloth: Color
    var clothAccent: Color
    var pattern: Pattern
    var collar: Collar
    var accessory: Accessory
    var accessoryColor: Color
    var background: (top: Color, bottom: Color)
    /// What is said to be white: the lights in eyes, teeth.
    var light = Color.white
    /// Half the neck's width in units of the design space, and how far shoulders lie below its pit.
    var neckWidth = 10.5
    var shoulderDrop = 11.0
    /// Of a head's middle and the neck's pit, in units of the design space.
    var headY = 62.0
    var neckY = 107.0
    /// Outlines become heavier with the head.
    var lineScale = 1.0

    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed, stream: 1)
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }

        let tone = uniform(0, 1)
        let pale = Color(1, 0.89, 0.82)
        let warm = uniform(-0.02, 0.02)
        let base = pale.mixed(with: Color(0.55, 0.36, 0.26), tone)
        skin = Color(base.red + warm, base.green, base.blue - warm)

        background.top = Color(hue: uniform(0, 1), saturation: uniform(0.03, 0.42), value: uniform(0.45, 0.97))
        background.bottom =
            random.chance(0.5)
            ? background.top : Color(hue: uniform(0, 1), saturation: uniform(0.03, 0.42), value: uniform(0.4, 0.95))

        let coloured = random.chance(0.65)
        var hair =
            coloured
            ? Color(hue: uniform(0, 1), saturation: uniform(0.25, 0.78), value: uniform(0.3, 0.95))
            : Color(hue: uniform(0.03, 0.12), saturation: uniform(0.25, 0.7), value: uniform(0.14, 0.92))
        hair = hair.apart(from: skin, by: 0.14)
        if abs(hair.luma - background.top.luma) < 0.1 {
            // The background gives way, because moving the hair again could bring it back to the skin.
            let plain = background.top == background.bottom
            background.top = background.top.apart(from: hair, by: 0.12)
            if plain { background.bottom = background.top }
        }
        self.hair = hair
        let shading = uniform(0.62, 0.82)
        let behind = background.top.mixed(with: background.bottom, 0.5)
        // Tails must stand out from the background as well as from the hair in front.
        hairShade =
            [shading, shading * 0.8, shading * 0.6, 1.25].map(hair.scaled(by:)).first {
                abs($0.luma - behind.luma) > 0.08 && abs($0.luma - hair.luma) > 0.04
            } ?? hair.scaled(by: shading)
        let gleam = hair.mixed(with: .white, uniform(0.3, 0.5))
        hairGleam = random.chance(0.6) ? gleam : nil
        fringe = random.pick(Fringe.self)
        backHair = random.pick(BackHair.self)
        parting = uniform(-0.3, 0.3)
        hairLength = uniform(0.8, 1.6)
        side = random.chance(0.5) ? 1 : -1

        iris = Color(hue: uniform(0, 1), saturation: uniform(0.4, 0.9), value: uniform(0.45, 0.85))
        lash = random.chance(0.5) ? hair.scaled(by: 0.3) : Color(0.14, 0.09, 0.1)
        eyeX = uniform(0.37, 0.43)
        eyeY = uniform(0.07, 0.17)
        eyeWidth = uniform(0.19, 0.24)
        eyeHeight = uniform(0.20, 0.28)
        eyeTilt = uniform(-0.1, 0.14)
        brow = hair.scaled(by: 0.62).apart(from: skin, by: 0.16)
        browThickness = uniform(0.035, 0.075)
        browY = uniform(0.34, 0.41)
        browTilt = uniform(-0.15, 0.15)
        mouth = random.pick(Mouth.self)
        mouthColor = Color(hue: uniform(-0.03, 0.03), saturation: uniform(0.5, 0.75), value: uniform(0.42, 0.62))
        mouthWidth = uniform(0.16, 0.24)
        mouthY = uniform(0.60, 0.67)
        let redness = uniform(0.2, 0.5)
        blush = random.chance(0.6) ? redness : 0

        faceWidth = uniform(0.88, 1)
        faceHeight = uniform(0.98, 1.08)
        chin = uniform(0.25, 0.5)
        headScale = uniform(28, 32)
        shoulders = uniform(36, 46)

        cloth = Color(hue: uniform(0, 1), saturation: uniform(0.08, 0.75), value: uniform(0.22, 0.95)).apart(
            from: background.bottom, by: 0.12)
        clothAccent = Color(hue: uniform(0, 1), saturation: uniform(0.08, 0.8), value: uniform(0.3, 1)).apart(from: cloth, by: 0.2)
        pattern = random.pick(Pattern.self)
        collar = random.pick(Collar.self)
        accessory = random.pick(Accessory.self)
        accessoryColor = Color(hue: uniform(0, 1), saturation: uniform(0.5, 0.95), value: uniform(0.5, 0.98)).apart(from: hair, by: 0.16)
        if accessory == .hat { hairGleam = nil }
    }
}

extension Color {
    /// The colour, made darker if need be until its luma is `distance` below that of `other`.
    func darker(than other: Color, by distance: Double) -> Color {
        luma <= other.luma - distance ? self : scaled(by: max(other.luma - distance, 0) / max(luma, 0.01))
    }

    /// The colour made lighter or darker until its luma differs from that of `other` by at least `distance`.
    func apart(from other: Color, by distance: Double) -> Color {
        guard abs(luma - other.luma) < distance else { return self }
        // Keep to the side it is on, unless there is no room.
        let lighter = luma >= other.luma ? other.luma + distance <= 0.95 : other.luma - distance < 0.05
        if lighter {
            return mixed(with: .white, (other.luma + distance - luma) / max(1 - luma, 0.01))
        }
        return scaled(by: max(other.luma - distance, 0) / max(luma, 0.01))
    }
}
