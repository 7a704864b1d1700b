import RainNumbers
import RainPictures

/// What is behind a character in the wide world.
struct Backdrop: Sendable {
    enum Kind: CaseIterable, Sendable {
        case plain, gradient, radial, white, black, checker, room, foliage, bokeh, stripes, city, hills, clouds, rays, dots, paper, shapes
    }
    var kind = Kind.gradient
    var colors: [Color] = []
    var vignette = 0.0
    var noise = 0.0

    init() {}

    init(random: inout SplitMix64, style: Style) {
        kind = random.chance(0.14) ? .white : random.chance(0.12) ? .plain : random.pick(Kind.self)
        let hue = random.unit()
        let spread = random.uniform(0.03, 0.5)
        let pale = random.uniform(0.1, 1)
        let low = random.uniform(0.05, 0.7)
        colors = (0..<6).map { _ in
            Color(
                hue: hue + random.uniform(-spread, spread), saturation: random.uniform(0.03, 0.75) * pale, value: random.uniform(low, 1))
        }
        vignette = random.chance(0.2) ? random.uniform(0.2, 0.7) : 0
        noise = random.chance(0.15) ? random.uniform(0.05, 0.35) : 0
        if style.paper > 0.3, random.chance(0.7) {
            (kind, colors[0], noise) = (.paper, style.paperColor, 0.08)
        }
    }
}
