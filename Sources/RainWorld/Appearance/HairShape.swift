import RainNumbers
import RainPictures

/// How hair is cut and drawn in the wide world. Lengths are in half head widths.
struct HairShape: Sendable {
    enum Fringe: CaseIterable, Sendable {
        case blunt, centreParted, sideParted, spiky, swept, slickBack, lock, curtain, wispy, choppy, curly, crop, bowl, micro, peak,
            overEye,
            feathered, bald
    }
    enum Back: CaseIterable, Sendable {
        case none, nape, bob, long, veryLong, wavy, curls, mane, tousled, twinTails, lowTails, ponytail, highTail, buns, braids, sideBraid,
            drills, flipped, hime
    }
    enum Gleam: CaseIterable, Sendable { case none, ring, zigzag, streaks, spots, sheen }

    var fringe = Fringe.blunt
    var back = Back.long
    var gleam = Gleam.none
    /// How far hair stands off the skull.
    var volume = 0.1
    /// Of back hair, below the head's middle.
    var length = 1.4
    var wave = 0.0
    /// How many clumps a fringe has, more or less.
    var clumps = 6
    var raggedness = 0.5
    /// Where the fringe ends below the head's middle, give or take.
    var fringeY = -0.15
    /// Of locks before the ears, below the head's middle; nil for none.
    var lock: Double?
    var lockWidth = 1.0
    /// Of the bare temples' sides.
    var sideburn = 0.2
    var ahoge = 0
    /// Dark and light strands, and how much they show.
    var strands = 0
    var strandOpacity = 0.3
    var bands = 0.0
    /// Towards the tips, and of single strands, if any.
    var tip: Color?
    var streak: Color?
    var streakCount = 0
    /// How much brighter the crown is, or darker below 0.
    var rootLight = 0.0

    init() {}

    init(random: inout SplitMix64, look: Appearance) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        fringe = random.pick(Fringe.self)
        if fringe == .bald, random.chance(0.5) { fringe = .crop }
        back = random.pick(Back.self)
        volume = uniform(0.03, 0.2)
        length = uniform(0.9, 2)
        wave = random.chance(0.4) ? uniform(0.02, 0.09) : 0
        clumps = Int(uniform(4, 10))
        raggedness = uniform(0.1, 1)
        fringeY = uniform(-0.34, -0.05)
        if random.chance(0.6) { lock = uniform(0.35, 1.7) }
        lockWidth = uniform(0.6, 1.3)
        sideburn = uniform(-0.05, 0.35)
        switch fringe {
        case .crop, .bald:
            (volume, lock) = (uniform(0.0, 0.06), nil)
            back = random.chance(0.85) ? .none : .nape
            sideburn = uniform(-0.1, 0.2)
        case .slickBack, .peak: if random.chance(0.5) { lock = nil }
        case .curly: wave = max(wave, 0.06)
        default: break
        }
        if back == .none || back == .nape { lock = lock.map { min($0, 0.7) } }
        if random.chance(0.2), fringe != .bald { ahoge = Int(uniform(1, 3.99)) }
        strands = random.chance(0.65) ? Int(uniform(6, 30)) : 0
        strandOpacity = uniform(0.15, 0.8)
        bands = random.chance(0.5) ? uniform(0.3, 1) : 0
        gleam = random.pick(Gleam.self)
        if random.chance(0.22) { tip = Color(hue: random.unit(), saturation: uniform(0.2, 0.8), value: uniform(0.3, 1)) }
        if random.chance(0.18) {
            streak = Color(hue: random.unit(), saturation: uniform(0.2, 0.9), value: uniform(0.3, 1))
            streakCount = Int(uniform(1, 5))
        }
        rootLight = uniform(-0.3, 0.3)
    }
}
