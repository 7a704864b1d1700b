import RainNumbers
import RainPictures

/// What a character of the wide world wears.
struct Outfit: Sendable {
    enum Garment: CaseIterable, Sendable {
        case shirt, jacket, hoodie, sailor, kimono, turtleneck, armour, bare, uniform, dress, cloak, sweater, fur, tee, overall
    }
    enum Print: CaseIterable, Sendable {
        case plain, stripes, pinstripes, dots, block, checks, diagonal, print, text, lace, argyle, blobs, scales
    }
    enum Neckwear: CaseIterable, Sendable { case none, scarf, tie, bowTie, necklace, choker, ribbon, beads, bell }
    enum Headwear: CaseIterable, Sendable {
        case none, beanie, cap, topHat, witch, beret, straw, crown, hood, helmet, headband, band, headphones, bow, twinBows, flowers,
            clip, ribbon, maid, goggles, bandana
    }
    enum Creature: CaseIterable, Sendable { case none, cat, fox, rabbit, bear, horns, ramHorns, antennae, mouse }
    enum Eyewear: CaseIterable, Sendable { case none, round, square, halfRim, sunglasses, large, monocle }
    enum Earring: CaseIterable, Sendable { case none, stud, hoop, drop }

    var garment = Garment.shirt
    var print = Print.plain
    var printScale = 1.0
    var neckwear = Neckwear.none
    var neckColor = Color.white
    var headwear = Headwear.none
    var headColor = Color.white
    var headAccent = Color.white
    var creature = Creature.none
    var eyewear = Eyewear.none
    var frame = Color.black
    var lens = Color.black
    var lensOpacity = 0.0
    var earring = Earring.none
    var metal = Color(0.9, 0.8, 0.4)

    init() {}

    init(random: inout SplitMix64, look: Appearance) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        let keeps = random.chance(0.5)
        func color() -> Color {
            let free = Color(hue: random.unit(), saturation: uniform(0, 0.9), value: uniform(0.1, 1))
            let own = [look.cloth, look.clothAccent, look.accessoryColor, look.iris][Int(random.unit() * 4)]
            return keeps ? own.mixed(with: free, 0.12) : free
        }
        garment = random.pick(Garment.self)
        print = random.chance(0.35) ? .plain : random.pick(Print.self)
        printScale = uniform(0.7, 1.5)
        neckwear = random.chance(0.5) ? .none : random.pick(Neckwear.self)
        neckColor = color()
        headwear = random.chance(0.42) ? .none : random.pick(Headwear.self)
        headColor = color()
        headAccent = color()
        creature = random.chance(0.8) ? .none : random.pick(Creature.self)
        eyewear = random.chance(0.78) ? .none : random.pick(Eyewear.self)
        frame = random.chance(0.5) ? Color(0.1, 0.1, 0.12) : color()
        lens = color()
        lensOpacity = eyewear == .sunglasses ? uniform(0.35, 0.75) : random.chance(0.5) ? uniform(0.05, 0.2) : 0
        earring = random.chance(0.7) ? .none : random.pick(Earring.self)
        metal =
            random.chance(0.6) ? Color(0.92, 0.78, 0.35) : Color(hue: uniform(0, 1), saturation: uniform(0, 0.6), value: uniform(0.6, 1))
    }
}
