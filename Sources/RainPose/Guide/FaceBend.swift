/// How the reference's own pixels in the crop follow lids, pupils, brows and lips: from a place of the driven crop back to the reference's.
///
/// What can be shown by moving pixels need not be diffused: a lid comes down over the eye and takes its lashes along, the iris stays as large as
/// it is, lips part. Whatever is drawn, it stays drawn by the same hand. Where a lid has come down a long way, the skin that lies under the
/// features is seen above its lashes, instead of what lies between eye and brow drawn out. What such a movement uncovers, and what no movement
/// can show, is the diffusion's. Places are the crop's, -1…1.
///
/// Along every line across an eye or a mouth the way back is piecewise linear and rises, so that nothing folds.
struct FaceBend {
    private let eyes: [Eye]
    private let brows: [Brow]
    private let mouth: Mouth?

    /// Within this much of the crop's rim, as a part of its half width, and as a multiple of itself, a movement fades: beyond the rim nothing
    /// moves.
    private static let (rim, fade) = (0.2, 1.5)

    /// - Parameters:
    ///   - reference: where a landmark of the reference lies in the crop
    ///   - driving: the same of the driving frame, with the head's turn taken out
    init(reference: (Landmark) -> SIMD2<Double>, driving: (Landmark) -> SIMD2<Double>) {
        typealias Sides = (left: Landmark, right: Landmark, top: Landmark, bottom: Landmark, pupil: Landmark)
        let sides: [Sides] = [
            (.leftEyeOuter, .leftEyeInner, .leftEyeTop, .leftEyeBottom, .leftPupil),
            (.rightEyeInner, .rightEyeOuter, .rightEyeTop, .rightEyeBottom, .rightPupil),
        ]
        func form(_ place: (Landmark) -> SIMD2<Double>, _ eye: Sides) -> LidForm? {
            LidForm(left: place(eye.left), right: place(eye.right), top: place(eye.top), bottom: place(eye.bottom))
        }
        eyes = sides.compactMap { eye in
            guard let from = form(driving, eye), let to = form(reference, eye) else { return nil }
            return Eye(driving: from, pupil: from.local(driving(eye.pupil)), reference: to, pupil: to.local(reference(eye.pupil)))
        }
        let ends: [(Landmark, Landmark, Landmark)] = [
            (.leftBrowOuter, .leftBrowInner, .leftEyeTop), (.rightBrowInner, .rightBrowOuter, .rightEyeTop),
        ]
        brows = ends.compactMap { left, right, lid in
            Brow(driving: (driving(left), driving(right)), reference: (reference(left), reference(right)), lid: reference(lid))
        }
        func lips(_ place: (Landmark) -> SIMD2<Double>) -> LidForm? {
            LidForm(left: place(.mouthLeft), right: place(.mouthRight), top: place(.mouthTop), bottom: place(.mouthBottom))
        }
        mouth = lips(driving).flatMap { from in lips(reference).map { Mouth(driving: from, reference: $0) } }
    }

    /// How far a place of the driven crop lies between lips that are closed in the reference: 0…1. No movement of pixels shows what is there.
    func parted(_ place: SIMD2<Double>) -> Double { mouth?.parted(place) ?? 0 }

    /// How far skin without features is seen at a place of the driven crop, 0…1: a lid that has come down.
    func lid(_ place: SIMD2<Double>) -> Double { eyes.reduce(0) { max($0, $1.lid(place)) } }

    func callAsFunction(_ place: SIMD2<Double>) -> SIMD2<Double> {
        var offset = SIMD2<Double>.zero
        for eye in eyes { offset += eye.offset(place) }
        for brow in brows { offset += brow.offset(place) }
        if let mouth { offset += mouth.offset(place) }
        guard offset != .zero else { return place }
        let room = max(Self.rim, Self.fade * (offset * offset).sum().squareRoot())
        let inside = min(max((1 - max(abs(place.x), abs(place.y))) / room, 0), 1)
        return place + offset * inside
    }
}

/// Two corners and two rims between them, of lids or lips, in a frame of their own: x along the corners, y down, half the width as unit.
struct LidForm {
    let middle: SIMD2<Double>
    /// From the middle to the right corner.
    let right: SIMD2<Double>
    /// How far the upper rim lies above the line of the corners.
    let top: Double
    /// How far the lower rim lies below it.
    let bottom: Double

    /// - Returns: nil for points that are not finite or have no extent
    init?(left: SIMD2<Double>, right: SIMD2<Double>, top: SIMD2<Double>, bottom: SIMD2<Double>) {
        middle = (left + right) / 2
        self.right = (right - left) / 2
        let square = (self.right * self.right).sum()
        let down = SIMD2(-self.right.y, self.right.x)
        self.top = -((top - middle) * down).sum() / square
        self.bottom = ((bottom - middle) * down).sum() / square
        // Written so that NaN fails.
        guard square > 1e-4, square < 4, abs(middle.x) < 2, abs(middle.y) < 2, abs(self.top) < 4, abs(self.bottom) < 4 else { return nil }
    }

    func local(_ place: SIMD2<Double>) -> SIMD2<Double> {
        let offset = place - middle
        return SIMD2((offset * right).sum(), offset.y * right.x - offset.x * right.y) / (right * right).sum()
    }

    /// A way in the frame as one in the crop.
    func way(_ local: SIMD2<Double>) -> SIMD2<Double> { right * local.x + SIMD2(-right.y, right.x) * local.y }

    func place(_ local: SIMD2<Double>) -> SIMD2<Double> { middle + way(local) }
}

/// The way back along a line down an eye or a mouth: rims go where they belong and take a band around them along; beyond them the movement
/// fades.
private struct Rims {
    /// Upper and lower rim of the driving frame, and of the reference.
    let from: (upper: Double, lower: Double)
    let to: (upper: Double, lower: Double)

    /// Least distance of two rims: lids and lips that meet still have a line between them.
    private static let leastOpening = 0.03
    /// How far beyond a rim its band reaches: lashes above, a line below.
    private static let (upperBand, lowerBand) = (0.24, 0.1)
    /// Least way over which the movement fades above and below, and as a multiple of the movement: more than one, so that nothing folds.
    private static let (above, below) = ((least: 0.4, times: 1.7), (least: 0.25, times: 1.35))
    /// Openings, in that of the reference, below which nothing is seen between the rims but their line.
    private static let shut = (from: 0.28, to: 0.14)
    /// Ways that a lid comes down before anything of it is plain skin, and before all is.
    private static let lid = (from: 0.1, to: 0.3)
    /// How far below the lower rim plain skin reaches.
    private static let left = 0.4
    /// Over this much plain skin begins and ends.
    private static let soft = 0.07

    /// - Parameter share: of the opening at this place along the line of the corners, 0…1
    init(driving: LidForm, reference: LidForm, share: Double) {
        func rims(_ form: LidForm) -> (upper: Double, lower: Double) {
            let (middle, half) = ((form.bottom - form.top) / 2, max(form.top + form.bottom, Self.leastOpening) / 2)
            return ((middle - half) * share, (middle + half) * share)
        }
        from = rims(driving)
        to = rims(reference)
    }

    /// How far the lines of the band inside reach from the rims.
    var band: Double { 0.2 * min(from.lower - from.upper, to.lower - to.upper) }

    /// Where what lies outside the rims comes from, less where it lies; nil between them.
    func outside(_ y: Double) -> Double? {
        let (up, down) = (to.upper - from.upper, to.lower - from.lower)
        if y <= from.upper + band {
            // What plain skin covers need not stretch up to the brow.
            let times = Self.above.times + (0.75 - Self.above.times) * plain
            let fade = (least: Self.above.least * (1 - plain), times: times)
            return up * Self.share(from.upper - Self.upperBand - y, of: up, fade)
        }
        if y >= from.lower - band { return down * Self.share(y - from.lower - Self.lowerBand, of: down, Self.below) }
        return nil
    }

    /// How far the lid that has come down is plain skin.
    private var plain: Double { Self.plain(from.upper - to.upper) }

    private static func plain(_ way: Double) -> Double { min(max((way - lid.from) / (lid.to - lid.from), 0), 1) }

    /// How far plain skin is seen at y: between where the lashes were and where they are, and below an eye that shuts, where landmarks may
    /// have left something of it.
    func skin(_ y: Double) -> Double {
        func share(_ first: Double, _ last: Double) -> Double { min(max(min((y - first) / 2, last - y) / Self.soft, 0), 1) }
        let closing = to.lower - to.upper - (from.lower - from.upper)
        return max(
            plain * share(to.upper - Self.upperBand - 3 * Self.soft, from.upper - Self.upperBand),
            Self.plain(closing) * share(from.lower + Self.lowerBand, to.lower + Self.left))
    }

    private static func share(_ beyond: Double, of movement: Double, _ fade: (least: Double, times: Double)) -> Double {
        min(max(1 - beyond / max(fade.least, fade.times * abs(movement), 1e-9), 0), 1)
    }

    /// How much of a movement between the rims happens at y.
    func inside(_ y: Double) -> Double {
        let beyond = max(from.upper - y, y - from.lower)
        return min(max(1 - beyond / (Self.lowerBand / 2), 0), 1)
    }

    /// Where what lies between the rims comes from, around a middle that comes from another: as large as it is where there is room, cut by
    /// the rims; stretched where they show more than the reference has.
    func between(_ y: Double, middle: Double, origin: Double) -> Double {
        let (first, last) = (from.upper + band, from.lower - band)
        let (start, end) = (to.upper + band, to.lower - band)
        let middle = Self.clamped(middle, first, last)
        let origin = Self.clamped(origin, start, end)
        let seen: Double
        if y < middle {
            let near = max(start, origin - (middle - first))
            seen = Self.line(y, (first, near), (middle, origin))
        } else {
            seen = Self.line(y, (middle, origin), (last, min(end, origin + (last - middle))))
        }
        let opening = (from.lower - from.upper) / max(to.lower - to.upper, 1e-9)
        let hidden = min(max((Self.shut.from - opening) / (Self.shut.from - Self.shut.to), 0), 1)
        return seen + (start - seen) * hidden
    }

    /// A place between two others, and not close to either.
    private static func clamped(_ value: Double, _ first: Double, _ last: Double) -> Double {
        min(max(value, first + 0.25 * (last - first)), last - 0.25 * (last - first))
    }

    static func line(_ x: Double, _ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) -> Double {
        b.x - a.x < 1e-9 ? a.y : a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x)
    }
}

/// Lids and pupil. The corners stay: in the head an eye has one place.
private struct Eye {
    let driving: LidForm
    let reference: LidForm
    let pupil: SIMD2<Double>
    let origin: SIMD2<Double>

    /// How far from the middle the lids' movement ends, in half widths of the eye.
    private static let reach = 1.12
    /// Half the width of what moves along with the pupil as it is.
    private static let iris = 0.45
    /// How near to a corner the pupil's middle comes.
    private static let corner = 0.4

    init(driving: LidForm, pupil: SIMD2<Double>, reference: LidForm, pupil origin: SIMD2<Double>) {
        self.driving = driving
        self.reference = reference
        func sound(_ place: SIMD2<Double>) -> SIMD2<Double> { abs(place.x) < 4 && abs(place.y) < 4 ? place : .zero }
        self.pupil = sound(pupil)
        self.origin = sound(origin)
    }

    /// The rims at a place of the reference's frame; nil beside the eye.
    private func rims(_ local: SIMD2<Double>) -> Rims? {
        let along = abs(local.x) / Self.reach
        guard along < 1, abs(local.y) < 6 else { return nil }
        // Lids of drawn eyes are fuller than a parabola.
        return Rims(driving: driving, reference: reference, share: 1 - along * along * along)
    }

    func lid(_ place: SIMD2<Double>) -> Double {
        let local = reference.local(place)
        return rims(local)?.skin(local.y) ?? 0
    }

    func offset(_ place: SIMD2<Double>) -> SIMD2<Double> {
        let local = reference.local(place)
        guard let rims = rims(local) else { return .zero }
        var way = SIMD2<Double>.zero
        if let offset = rims.outside(local.y) {
            way.y = offset
        } else {
            way.y = rims.between(local.y, middle: pupil.y, origin: origin.y) - local.y
        }
        way.x = (across(local.x) - local.x) * rims.inside(local.y)
        return reference.way(way)
    }

    private func across(_ x: Double) -> Double {
        let bound = 1 - Self.corner
        let (to, from) = (min(max(pupil.x, -bound), bound), min(max(origin.x, -bound), bound))
        let half = min(Self.iris, 1 - max(abs(to), abs(from)) - 0.1)
        if abs(x) >= 1 { return x }
        if x < to - half { return Rims.line(x, (-1, -1), (to - half, from - half)) }
        if x > to + half { return Rims.line(x, (to + half, from + half), (1, 1)) }
        return x - to + from
    }
}

/// A brow that is lifted, lowered or turned.
private struct Brow {
    private let left: SIMD2<Double>
    private let right: SIMD2<Double>
    /// Where its ends come from, less where they lie.
    private let offsets: (left: SIMD2<Double>, right: SIMD2<Double>)
    /// How far from the brow the movement ends.
    private let reach: Double

    /// Of the reach, what a brow can move without folding anything.
    private static let share = 0.6

    typealias Ends = (left: SIMD2<Double>, right: SIMD2<Double>)

    init?(driving: Ends, reference: Ends, lid: SIMD2<Double>) {
        let way = (reference.left + reference.right) / 2 - lid
        // The lids below are not its to move.
        reach = 0.9 * (way * way).sum().squareRoot()
        let limit = Self.share * reach
        func bounded(_ offset: SIMD2<Double>) -> SIMD2<Double> {
            let length = (offset * offset).sum().squareRoot()
            return length > limit ? offset * (limit / length) : offset
        }
        offsets = (bounded(reference.left - driving.left), bounded(reference.right - driving.right))
        (left, right) = (reference.left - offsets.left, reference.right - offsets.right)
        let sum = left + right + offsets.left + offsets.right
        // Written so that NaN fails.
        guard reach > 0.02, reach < 2, abs(sum.x) < 8, abs(sum.y) < 8 else { return nil }
    }

    func offset(_ place: SIMD2<Double>) -> SIMD2<Double> {
        let along = right - left
        let square = max((along * along).sum(), 1e-6)
        let t = min(max(((place - left) * along).sum() / square, 0), 1)
        let away = place - left - along * t
        let distance = (away * away).sum().squareRoot()
        guard distance < reach else { return .zero }
        // The brow itself moves as it is.
        let share = min((1 - distance / reach) / 0.8, 1)
        return (offsets.left + (offsets.right - offsets.left) * t) * share
    }
}

/// Lips: corners move too.
private struct Mouth {
    let driving: LidForm
    let reference: LidForm

    /// From here on, in half widths of the mouth, its movement fades, and there it ends.
    private static let (inner, outer) = (1.1, 2.2)
    /// Openings of a reference that shows nothing of the mouth's inside, and of one that shows all there is.
    private static let (closed, open) = (0.15, 0.4)
    /// Over this much, in half widths of the mouth, what is between the lips fades at them.
    private static let rim = 0.16

    func parted(_ place: SIMD2<Double>) -> Double {
        let local = driving.local(place)
        let (own, opening) = (max(reference.top + reference.bottom, 0), driving.top + driving.bottom)
        guard own < Self.open, opening > 2 * own, abs(local.x) < 1 else { return 0 }
        let rims = Rims(driving: driving, reference: reference, share: 1 - local.x * local.x)
        let inside = min(local.y - rims.from.upper, rims.from.lower - local.y) / Self.rim
        let hidden = min((Self.open - own) / (Self.open - Self.closed), 1)
        return min(max(inside, 0), 1) * hidden * min(max((opening - 2 * own) / Self.rim, 0), 1)
    }

    func offset(_ place: SIMD2<Double>) -> SIMD2<Double> {
        let local = driving.local(place)
        // Written so that NaN fails.
        guard abs(local.x) < Self.outer, abs(local.y) < 8 else { return .zero }
        let rims = Rims(driving: driving, reference: reference, share: max(0, 1 - local.x * local.x))
        let middle = (rims.from.upper + rims.from.lower) / 2
        let vertical: Double
        if let offset = rims.outside(local.y) {
            vertical = offset
        } else {
            let (first, last) = (rims.from.upper + rims.band, rims.from.lower - rims.band)
            vertical = Rims.line(local.y, (first, rims.to.upper + rims.band), (last, rims.to.lower - rims.band)) - local.y
        }
        // The corners' own movement and the mouth's width fade around it.
        let beyond = max(abs(local.x) / Self.inner, abs(local.y - middle) / max(Self.inner, rims.from.lower - rims.from.upper))
        let share = min(max((Self.outer - Self.inner * beyond) / (Self.outer - Self.inner), 0), 1)
        return (reference.place(local) - place) * share + reference.way(SIMD2(0, vertical))
    }
}
