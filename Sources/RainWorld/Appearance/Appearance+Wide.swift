import RainNumbers
import RainPictures

extension Appearance {
    /// A character of the wide world.
    init(wide seed: UInt64) {
        self.init(seed: seed)
        world = .wide
        var random = SplitMix64(seed: seed, stream: 6)
        style = Style(random: &random)
        proportion(&random)
        colour(&random)
        var faceRandom = SplitMix64(seed: seed, stream: 8)
        face = FaceShape(random: &faceRandom, look: &self)
        eye = EyeShape(random: &faceRandom, look: &self)
        settleFace(&faceRandom)
        var hairRandom = SplitMix64(seed: seed, stream: 9)
        hairShape = HairShape(random: &hairRandom, look: self)
        var outfitRandom = SplitMix64(seed: seed, stream: 10)
        outfit = Outfit(random: &outfitRandom, look: self)
        if let headwear = outfit?.headwear, let creature = outfit?.creature, headwear.isHat || creature != .none { hairShape?.ahoge = 0 }
        var backdropRandom = SplitMix64(seed: seed, stream: 11)
        backdrop = Backdrop(random: &backdropRandom, style: style)
        var grading = SplitMix64(seed: seed, stream: 12)
        recolour(Grade(random: &grading, style: style))
        keepVisible()
        lineScale = headScale / 30
    }

    /// From a realistic figure to a head on a small body.
    private mutating func proportion(_ random: inout SplitMix64) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        // 0 is a person, 1 a doll.
        let doll = min(max(uniform(-0.15, 1.15), 0), 1)
        func between(_ person: Double, _ toy: Double, _ spread: Double) -> Double {
            person + (toy - person) * doll + uniform(-spread, spread)
        }
        headScale = between(24.5, 37, 1.8)
        shoulders = between(51, 31, 4)
        neckWidth = between(13, 7.5, 1)
        shoulderDrop = between(14, 7, 2)
        faceWidth = between(0.84, 1, 0.035)
        faceHeight = between(1.24, 0.96, 0.06)
        eyeY = between(0.02, 0.22, 0.05)
        browY = between(0.27, 0.42, 0.04)
        // The chin leaves room for a neck; heads of dolls sit on their bodies.
        neckY = 107 + between(3, -1, 2)
        headY = neckY - between(11.5, 3.5, 1.5) - faceHeight * headScale
    }

    /// Mouth and nose between eyes and chin.
    private mutating func settleFace(_ random: inout SplitMix64) {
        // Large eyes sit higher, for the sake of the mouth.
        eyeY = min(eyeY, faceHeight - 0.58 - 0.8 * eyeHeight)
        let low = max(eyeY + eyeHeight * 0.8 + 0.12, eyeY + 0.2)
        let room = faceHeight - low
        face.noseY = low + room * random.uniform(0.08, 0.26)
        mouthY = min(max(low + room * random.uniform(0.4, 0.54), face.noseY + 0.14), faceHeight - 0.24)
        face.drop = min(face.drop, (faceHeight - mouthY) * 0.72)
        mouthWidth = random.uniform(0.12, 0.34)
        switch face.mouth {
        case .small: mouthWidth = random.uniform(0.07, 0.13)
        case .cartoon: mouthWidth = random.uniform(0.24, 0.42)
        case .lips: mouthWidth = random.uniform(0.2, 0.32)
        case .cat: mouthWidth = random.uniform(0.12, 0.22)
        case .line, .soft: break
        }
        // Even a broad smile stays within the jaw.
        let across = (face.jaw + (face.cheek - face.jaw) * max(0, face.jawY - mouthY / faceHeight) * 2.2) * faceWidth
        mouthWidth = min(mouthWidth, across * 0.46)
        face.drop = min(face.drop, 0.06 + mouthWidth * 1.1)
        browY = max(browY, eyeHeight * 0.95 + 0.07)
        browThickness = random.uniform(0.02, 0.1)
        browTilt = random.uniform(-0.5, 0.5)
    }

    private mutating func colour(_ random: inout SplitMix64) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        skin = Appearance.skinTone(&random)
        let kind = random.unit()
        if kind < 0.06 {
            skin = Color(hue: random.unit(), saturation: uniform(0.1, 0.55), value: uniform(0.4, 0.95))
        } else if kind < 0.1 {
            skin = Color(hue: uniform(0, 0.14), saturation: uniform(0.05, 0.7), value: uniform(0.25, 1))
            muzzleFur = skin.mixed(with: Color(1, 0.97, 0.92), 0.75)
        }
        switch random.unit() {
        case ..<0.14: hair = Color(hue: uniform(0, 0.1), saturation: uniform(0, 0.4), value: uniform(0.06, 0.2))
        case ..<0.28: hair = Color(hue: uniform(0.03, 0.08), saturation: uniform(0.4, 0.7), value: uniform(0.2, 0.5))
        case ..<0.4: hair = Color(hue: uniform(0.09, 0.14), saturation: uniform(0.25, 0.6), value: uniform(0.7, 0.98))
        case ..<0.48: hair = Color(hue: uniform(0.01, 0.06), saturation: uniform(0.6, 0.85), value: uniform(0.5, 0.85))
        case ..<0.58: hair = Color(hue: random.unit(), saturation: uniform(0, 0.12), value: uniform(0.5, 0.98))
        default: hair = Color(hue: random.unit(), saturation: uniform(0.2, 0.85), value: uniform(0.25, 0.97))
        }
        hairShade = hair.scaled(by: uniform(0.62, 0.88))
        hairGleam = hair.mixed(with: Color(hue: random.unit(), saturation: 0.12, value: 1), uniform(0.3, 0.75))
        iris = Color(hue: random.unit(), saturation: uniform(0.2, 1), value: uniform(0.25, 0.95))
        lash = random.chance(0.5) ? hair.scaled(by: uniform(0.15, 0.5)) : Color(0.12, 0.08, 0.09)
        brow = hair.scaled(by: uniform(0.45, 0.95))
        mouthColor = Color(hue: uniform(-0.05, 0.05), saturation: uniform(0.35, 0.8), value: uniform(0.35, 0.75))
        blush = random.chance(0.6) ? uniform(0.2, 0.7) : 0
        cloth = Color(hue: random.unit(), saturation: uniform(0, 0.9), value: uniform(0.08, 1))
        clothAccent = Color(hue: random.unit(), saturation: uniform(0, 0.9), value: uniform(0.1, 1)).apart(from: cloth, by: 0.15)
        accessoryColor = Color(hue: random.unit(), saturation: uniform(0.1, 0.95), value: uniform(0.3, 1))
        guard random.chance(0.6) else { return }
        // Most artists keep to few hues.
        let (hue, other) = (random.unit(), uniform(0.08, 0.5))
        cloth = Color(hue: hue, saturation: uniform(0.05, 0.6), value: uniform(0.12, 0.95))
        clothAccent = Color(hue: hue + uniform(-0.06, 0.06), saturation: uniform(0, 0.5), value: uniform(0.15, 1)).apart(
            from: cloth, by: 0.18)
        accessoryColor = Color(hue: hue + other, saturation: uniform(0.3, 0.8), value: uniform(0.4, 1))
        iris = Color(hue: random.chance(0.5) ? hue + other : hue, saturation: uniform(0.3, 0.9), value: uniform(0.3, 0.9))
    }

    /// People's skins, all tones alike.
    private static func skinTone(_ random: inout SplitMix64) -> Color {
        let tones = [
            Color(1, 0.92, 0.87), Color(0.98, 0.84, 0.74), Color(0.92, 0.73, 0.58), Color(0.78, 0.57, 0.42), Color(0.6, 0.41, 0.29),
            Color(0.42, 0.27, 0.2), Color(0.27, 0.17, 0.13),
        ]
        let place = random.unit() * Double(tones.count - 1)
        let tone = tones[Int(place)].mixed(with: tones[Int(place) + 1], place - place.rounded(.down))
        let warm = random.uniform(-0.03, 0.03)
        return Color(tone.red + warm, tone.green + random.uniform(-0.015, 0.015), tone.blue - warm)
    }

    /// What moves must be seen, on dark skin too.
    private mutating func keepVisible() {
        if style.isInkOnly { return }
        brow = brow.apart(from: skin, by: 0.16)
        mouthColor = mouthColor.apart(from: skin, by: 0.14)
        face.lip = mouthColor.mixed(with: skin, 0.35).apart(from: skin, by: 0.09)
        if style.line == 0 { lash = lash.apart(from: skin, by: 0.2) }
        hair = hair.apart(from: skin, by: 0.05)
        iris = iris.apart(from: eye.white, by: 0.12)
    }
}

extension Outfit.Headwear {
    /// Whether it hides the top of the head.
    var isHat: Bool {
        switch self {
        case .beanie, .cap, .topHat, .witch, .beret, .straw, .crown, .hood, .helmet, .bandana: true
        default: false
        }
    }
}
