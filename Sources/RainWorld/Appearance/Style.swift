import RainNumbers
import RainPictures

/// How a character is drawn, whatever it looks like: lines, shading, texture. The defaults draw flat shapes without lines, as the classic
/// world does; opacities and strengths lie in 0…1.
struct Style: Sendable {
    /// Width of outlines in units of the design space; 0 for none.
    var line = 0.0
    /// What colour lines have: 0 the fill made darker, 1 ink.
    var inking = 0.0
    var ink = Color(0.1, 0.08, 0.1)
    /// How much heavier lines are on the side away from the light.
    var weight = 0.0
    /// How far a hand's lines stray, in half head widths.
    var wobble = 0.0
    /// Opacity of shadows with hard edges.
    var cel = 0.0
    /// Opacity of soft light and shadow.
    var soft = 0.0
    /// What shadows multiply colours by.
    var shade = Color(0.72, 0.6, 0.68)
    /// −1 or 1: the side from which light falls.
    var light = -1.0
    /// Strength of brush strokes, of pencil hatching, of the blotches of wet paint, of grain.
    var strokes = 0.0
    var hatching = 0.0
    var blotches = 0.0
    var grain = 0.0
    /// Strength of printed dots, and of light from behind along the edges.
    var halftone = 0.0
    var rim = 0.0
    /// How much fills are left paper.
    var paper = 0.0
    var paperColor = Color(0.97, 0.95, 0.9)
    /// Black and white alone.
    var isInkOnly = false

    var isTextured: Bool { max(strokes, hatching, blotches, grain, halftone) > 0.02 }

    /// The colour of shadow on something.
    func shadow(_ color: Color, _ depth: Double = 1) -> Color {
        let dark = Color(color.red * shade.red, color.green * shade.green, color.blue * shade.blue)
        return color.mixed(with: dark, depth)
    }

    /// The colour of the line around something.
    func lineColor(_ color: Color) -> Color {
        Color(color.red * 0.42, color.green * 0.36, color.blue * 0.4).mixed(with: ink, inking)
    }
}

extension Style {
    /// The looks from which styles are mixed.
    private enum School: CaseIterable { case flat, anime, thin, soft, painted, pencil, watercolour, ink, comic, marker, sprite }

    /// A style of the wide world: one school's values, often on the way to another's.
    init(random: inout SplitMix64) {
        let schools = School.allCases
        // Two schools more often: most drawings that are animated are of their kind.
        let first = random.chance(0.22) ? School.anime : random.chance(0.12) ? .soft : schools[Int(random.unit() * Double(schools.count))]
        let second = schools[Int(random.unit() * Double(schools.count))]
        let blend = random.chance(0.45) ? random.uniform(0.1, 0.5) : 0
        let from = Style(first, &random)
        let to = Style(second, &random)
        self = from
        for part in [\Style.line, \.inking, \.weight, \.wobble, \.cel, \.soft, \.strokes, \.hatching, \.blotches, \.grain, \.paper] {
            self[keyPath: part] += (to[keyPath: part] - from[keyPath: part]) * blend
        }
        // Half a line is none, and half paper a faded colour.
        if line < 0.35 { line = 0 }
        if first != .pencil, first != .watercolour { paper = min(paper, 0.25) }
        isInkOnly = first == .ink && random.chance(0.6)
        if isInkOnly { (hatching, cel, soft, strokes, blotches, paper) = (uniformly(&random, 0, 0.8), 0, 0, 0, 0, 0) }
        light = random.chance(0.5) ? 1 : -1
        let tint = Color(hue: random.uniform(0.55, 1.05), saturation: random.uniform(0.05, 0.4), value: 1)
        shade = tint.scaled(by: random.uniform(0.6, 0.86))
        ink = Color(hue: random.unit(), saturation: random.uniform(0, 0.5), value: random.uniform(0.02, 0.25))
        // Stickers have white lines.
        if line > 1, !isInkOnly, random.chance(0.1) { (ink, inking) = (Color(0.97, 0.97, 0.95), 1) }
        if random.chance(0.12) { rim = random.uniform(0.25, 0.7) }
        if first == .comic, random.chance(0.4) { halftone = random.uniform(0.3, 0.8) }
        paperColor = Color(hue: random.uniform(0.08, 0.16), saturation: random.uniform(0, 0.14), value: random.uniform(0.88, 1))
    }

    private func uniformly(_ random: inout SplitMix64, _ low: Double, _ high: Double) -> Double {
        random.chance(0.5) ? 0 : random.uniform(low, high)
    }

    private init(_ school: School, _ random: inout SplitMix64) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        switch school {
        case .flat: break
        case .anime:
            (line, inking, weight) = (uniform(0.6, 1.5), uniform(0, 0.8), uniform(0, 0.7))
            (cel, soft) = (uniform(0.6, 1), uniform(0, 0.35))
        case .thin:
            (line, inking, cel, soft) = (uniform(0.4, 0.7), uniform(0, 0.5), uniform(0, 0.6), uniform(0.1, 0.6))
        case .soft:
            (soft, cel, grain) = (uniform(0.6, 1), uniform(0, 0.2), uniform(0, 0.1))
            if random.chance(0.4) { line = uniform(0.35, 0.7) }
        case .painted:
            (strokes, soft, cel, grain) = (uniform(0.5, 1), uniform(0.5, 1), uniform(0, 0.5), uniform(0, 0.3))
        case .pencil:
            (line, inking, wobble, hatching) = (uniform(0.45, 0.9), uniform(0.7, 1), uniform(0.005, 0.022), uniform(0.5, 1))
            (paper, grain) = (uniform(0.55, 1), uniform(0.2, 0.6))
        case .watercolour:
            (blotches, paper, soft, grain) = (uniform(0.5, 1), uniform(0.3, 0.6), uniform(0.2, 0.6), uniform(0.2, 0.5))
            if random.chance(0.6) { (line, inking, wobble) = (uniform(0.4, 0.8), uniform(0.2, 0.9), uniform(0, 0.012)) }
        case .ink:
            (line, inking, weight, cel) = (uniform(1, 2.2), 1, uniform(0.3, 1), uniform(0.7, 1))
        case .comic:
            (line, inking, weight, cel) = (uniform(1.3, 2.6), uniform(0.8, 1), uniform(0, 1), uniform(0.3, 1))
        case .marker:
            (line, inking, wobble, strokes) = (uniform(0.7, 1.6), uniform(0.3, 1), uniform(0.004, 0.015), uniform(0.15, 0.45))
            cel = uniform(0, 0.7)
        case .sprite:
            (line, inking, cel, soft, grain) = (uniform(0.9, 1.7), uniform(0.5, 1), uniform(0.5, 1), uniform(0.1, 0.5), uniform(0, 0.15))
        }
    }
}
