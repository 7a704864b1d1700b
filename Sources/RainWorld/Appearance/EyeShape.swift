import RainNumbers
import RainPictures

/// How eyes are drawn; lengths are fractions of half an eye's width or of the eye's height. The defaults are the classic world's.
struct EyeShape: Sendable {
    enum Pupil: Sendable { case round, slit, ring, star, none }

    /// A light on the iris, relative to the pupil's middle.
    struct Gleam: Sendable {
        var x, y, width, height: Double
        var opacity = 1.0
    }

    var irisWidth = 0.64
    var irisHeight = 0.82
    var pupil = Pupil.round
    /// Of the pupil's extent.
    var pupilSize = 1.0
    var gleams = [Gleam(x: -0.24, y: -0.34, width: 0.2, height: 0.2)]
    var white = Color(0.99, 0.98, 0.98)
    /// The iris from above down: darkened, itself, lightened.
    var irisDepth = 0.45
    var irisLight = 0.35
    /// Opacity of a dark rim of the iris, and of the shadow of the upper lid.
    var rim = 0.0
    var lidShadow = 0.0
    /// How far out the lids' bends lie; small is pointed, large is square.
    var squareness = 0.6
    /// How much farther the upper and the lower lid bulge on the outer side, as a part of the eye's height.
    var upperSlant = 0.0
    var lowerSlant = 0.0
    /// Widths in units of the design space, and opacity of the lower line.
    var lashWidth = 2.5
    var lowerLash = 0.9
    var lowerOpacity = 0.45
    /// How long the outer lash is; single lashes above and below.
    var flick = 1.0
    var lashes = 0
    /// Whether the upper lashes are a shape that swells in the middle instead of a line.
    var isHeavy = false
    /// Opacity of the fold above the lid.
    var crease = 0.0
    /// How far the upper lid is open at rest.
    var rest = 1.0
    /// Colour on the lids, if any.
    var shadow: Color?

    init() {}

    /// One of the wide world's; also sets the eyes' extent and place.
    init(random: inout SplitMix64, look: inout Appearance) {
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        var (width, height) = (uniform(0.19, 0.27), uniform(0.2, 0.3))
        let kind = random.unit()
        lashWidth = uniform(1, 2.8)
        lowerLash = uniform(0.4, 1.1)
        lowerOpacity = uniform(0, 0.9)
        squareness = uniform(0.45, 0.8)
        (upperSlant, lowerSlant) = (uniform(-0.25, 0.3), uniform(-0.2, 0.4))
        irisDepth = uniform(0.3, 0.9)
        irisLight = uniform(0, 0.55)
        flick = random.chance(0.5) ? uniform(0.3, 1.3) : 0
        gleams = EyeShape.gleams(&random)
        rim = random.chance(0.5) ? uniform(0.3, 0.9) : 0
        lidShadow = random.chance(0.6) ? uniform(0.15, 0.5) : 0
        crease = random.chance(0.5) ? uniform(0.3, 0.9) : 0
        isHeavy = random.chance(0.4)
        lashes = random.chance(0.25) ? Int(uniform(1, 4)) : 0
        var roundness = uniform(0.75, 0.95)
        switch kind {
        case ..<0.3:  // tall
            (width, height) = (uniform(0.2, 0.28), uniform(0.27, 0.4))
            (irisWidth, irisHeight) = (uniform(0.62, 0.86), uniform(0.74, 0.95))
            roundness = 0
        case ..<0.5:  // wide and large
            (width, height) = (uniform(0.27, 0.34), uniform(0.3, 0.42))
            (irisWidth, irisHeight) = (uniform(0.66, 0.84), uniform(0.78, 0.95))
            squareness = uniform(0.65, 0.9)
            roundness = 0
        case ..<0.72:  // narrow, as people's are
            (width, height) = (uniform(0.17, 0.23), uniform(0.09, 0.14))
            (upperSlant, lowerSlant) = (uniform(-0.2, 0.3), uniform(0, 0.5))
            gleams = [Gleam(x: -0.2, y: -0.3, width: 0.13, height: 0.13, opacity: 0.9)]
            lashWidth = uniform(0.8, 1.8)
            roundness = uniform(1, 1.35)
            crease = random.chance(0.7) ? uniform(0.3, 0.8) : 0
            pupilSize = uniform(0.8, 1)
        case ..<0.82:  // dots
            (width, height) = (uniform(0.13, 0.17), uniform(0.14, 0.24))
            (irisWidth, irisHeight, roundness) = (1.3, 1.3, 0)
            (squareness, upperSlant, lowerSlant) = (0.95, 0, 0)
            (lashWidth, lowerLash, flick, crease, lidShadow) = (1, 0, 0, 0, 0)
            isHeavy = false
            pupil = random.chance(0.7) ? .none : .round
            look.iris = Color(0.13, 0.09, 0.1).mixed(with: look.iris, uniform(0, 0.5))
            (irisDepth, irisLight) = (0.8, uniform(0, 0.3))
        default: break
        }
        if roundness > 0 {
            irisHeight = roundness
            irisWidth = min(0.8, roundness * height / width)
        }
        if kind < 0.72 || kind >= 0.82 {
            let form = random.unit()
            pupil = form < 0.68 ? .round : form < 0.8 ? .slit : form < 0.88 ? .ring : form < 0.92 ? .star : .none
            // Every tenth shows no white.
            if random.chance(0.1) { (irisWidth, irisHeight) = (1.25, 1.3) }
            if random.chance(0.16) { rest = uniform(0.5, 0.78) }
        }
        white = Color(1, 1, 1).mixed(with: Color(hue: random.unit(), saturation: 0.2, value: 0.9), uniform(0, 0.5))
        if random.chance(0.15) { shadow = Color(hue: uniform(0.6, 1.15), saturation: uniform(0.4, 0.8), value: uniform(0.3, 0.8)) }
        (look.eyeWidth, look.eyeHeight) = (width, height)
        // Between the nose and the face's edge.
        let nearest = width + 0.07
        let farthest = look.faceWidth - width - 0.13
        look.eyeX = min(max(uniform(0.36, 0.48), nearest), max(nearest, farthest))
        look.eyeTilt = uniform(-0.14, 0.2)
    }

    private static func gleams(_ random: inout SplitMix64) -> [Gleam] {
        let side = random.chance(0.5) ? -1.0 : 1
        let large = random.uniform(0.14, 0.3)
        let first = Gleam(
            x: side * random.uniform(0.2, 0.34), y: -random.uniform(0.28, 0.46), width: large, height: large * random.uniform(0.7, 1.3))
        switch random.unit() {
        case ..<0.12: return []
        case ..<0.4: return [first]
        case ..<0.75: return [first, Gleam(x: -side * 0.26, y: 0.36, width: large * 0.5, height: large * 0.5, opacity: 0.85)]
        default:
            return [
                first, Gleam(x: -side * 0.26, y: 0.3, width: large * 0.55, height: large * 0.45, opacity: 0.9),
                Gleam(x: side * 0.12, y: 0.5, width: large * 0.3, height: large * 0.25, opacity: 0.8),
                Gleam(x: -side * 0.3, y: -0.4, width: large * 0.3, height: large * 0.3, opacity: 0.9),
            ]
        }
    }
}
