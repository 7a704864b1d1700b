import RainNumbers
import RainPictures

/// The parts of a face besides the eyes; the defaults are the classic world's. Lengths are in half head widths.
struct FaceShape: Sendable {
    enum Nose: CaseIterable, Sendable { case line, none, dot, hook, shadow, wedge, button, animal }
    enum Mouth: CaseIterable, Sendable { case line, lips, cat, cartoon, small, soft }
    enum Brow: CaseIterable, Sendable { case stroke, blade, block, short, hairs }
    enum Blush: CaseIterable, Sendable { case oval, glow, hatched, circles, nose }
    enum Beard: CaseIterable, Sendable { case none, stubble, full, goatee, moustache, sideburns, long }
    enum Mark: CaseIterable, Sendable { case freckles, mole, scar, crossScar, whiskers, stripes, drops, diamond, plaster, warPaint, lines }
    enum Cover: CaseIterable, Sendable { case none, mask, cloth, respirator }
    enum Ear: CaseIterable, Sendable { case round, pointed, none }

    /// The outline's width at the cheeks and at the jaw, in parts of the face's width.
    var cheek = 0.93
    var jaw = 0.58
    /// Where cheeks and jaw lie, in parts of the face's height; the classic face has them at heights that do not follow it.
    var cheekY: Double?
    var jawY = 0.82
    var nose = Nose.line
    var noseY = 0.41
    var noseSize = 1.0
    var mouth = Mouth.line
    var lip = Color.black
    /// How far the lips part at most, and the part of it above the lips' line.
    var drop = 0.19
    /// Depth of the middle of lips at rest, replacing the classic moods where set.
    var bend: Double?
    var brow = Brow.stroke
    var blush = Blush.oval
    var blushColor = Color(0.95, 0.35, 0.35)
    var beard = Beard.none
    var marks: [Mark] = []
    var markColor = Color.black
    var cover = Cover.none
    var coverColor = Color.white
    var ear = Ear.round
    /// The lighter fur around nose and mouth.
    var muzzle: Color?
    var browsShowThroughHair = true

    init() {}

    init(random: inout SplitMix64, look: inout Appearance) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        browsShowThroughHair = random.chance(0.08)
        cheekY = uniform(0.36, 0.46)
        jawY = uniform(0.74, 0.84)
        switch random.unit() {
        case ..<0.25: (cheek, jaw, look.chin) = (uniform(0.95, 1.03), uniform(0.66, 0.76), uniform(0.4, 0.7))  // round
        case ..<0.5: (cheek, jaw, look.chin) = (uniform(0.9, 0.96), uniform(0.56, 0.64), uniform(0.1, 0.3))  // pointed
        case ..<0.7: (cheek, jaw, look.chin) = (uniform(0.93, 0.99), uniform(0.72, 0.82), uniform(0.5, 0.8))  // square
        default: (cheek, jaw, look.chin) = (uniform(0.9, 0.97), uniform(0.6, 0.7), uniform(0.2, 0.5))
        }
        nose = random.pick(Nose.self)
        if nose == .animal, look.muzzleFur == nil { nose = .wedge }
        noseSize = uniform(0.7, 1.4)
        mouth = random.pick(Mouth.self)
        drop = uniform(0.16, 0.3)
        bend = uniform(-0.035, 0.07)
        brow = random.pick(Brow.self)
        blush = random.pick(Blush.self)
        blushColor = Color(hue: uniform(-0.05, 0.05), saturation: uniform(0.45, 0.8), value: uniform(0.75, 1))
        if random.chance(0.16) { beard = Beard.allCases[1 + Int(random.unit() * Double(Beard.allCases.count - 1))] }
        while random.chance(0.22), marks.count < 2 { marks.append(random.pick(Mark.self)) }
        markColor = Color(hue: random.unit(), saturation: uniform(0.3, 1), value: uniform(0.1, 1))
        if random.chance(0.05) { cover = Cover.allCases[1 + Int(random.unit() * Double(Cover.allCases.count - 1))] }
        coverColor = Color(hue: random.unit(), saturation: uniform(0, 0.6), value: uniform(0.1, 1))
        ear = random.chance(0.12) ? .pointed : .round
    }
}
