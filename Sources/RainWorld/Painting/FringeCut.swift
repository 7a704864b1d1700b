import RainNumbers
import RainPictures

/// Crown and fringe of the wide world in one piece, in head coordinates.
struct FringeCut {
    private(set) var path = Path()
    /// Where clumps end, and where they part, from left to right.
    private(set) var tips: [Point] = []
    private(set) var valleys: [Point] = []
    private let hair: HairShape
    private let width: Double
    private let side: Double
    private let parting: Double
    private var random: SplitMix64
    private var at = Point(0, 0)

    init(_ look: Appearance, _ hair: HairShape) {
        self.hair = hair
        (width, side, parting) = (look.faceWidth, look.side, look.parting)
        random = SplitMix64(seed: look.seed, stream: 13)
        guard hair.fringe != .bald else { return }
        let (w, v) = (width, hair.volume)
        let crown = [
            Point(w * (1.07 + 0.5 * v), -0.1), Point(w * (1.06 + 0.6 * v), -0.55), Point(w * (0.79 + 0.5 * v), -0.97 - 0.6 * v),
            Point(0, -1.17 - v), Point(-w * (0.79 + 0.5 * v), -0.97 - 0.6 * v), Point(-w * (1.06 + 0.6 * v), -0.55),
            Point(-w * (1.07 + 0.5 * v), -0.1),
        ]
        path = Path(lines: [Point(w * 1.06, hair.sideburn)], closed: false)
        path.line(through: crown)
        path.line(-w * 1.06, hair.sideburn)
        cut()
        path.close()
    }

    /// The edge over the forehead, from left to right.
    private mutating func cut() {
        let (y, s, b) = (hair.fringeY, side, parting)
        let x = width * 0.92
        let rag = hair.raggedness
        switch hair.fringe {
        case .bald: break
        case .blunt: clumps(hair.clumps, x, 0.25, tip: { _ in y }, depth: { _ in 0.07 }, ragged: 0.05 * rag)
        case .micro: clumps(hair.clumps, x, 0.25, tip: { $0 * $0 * 0.3 - 0.52 }, depth: { _ in 0.06 }, ragged: 0.05 * rag)
        case .bowl: clumps(hair.clumps, x, 0.6, tip: { y - 0.06 + 0.26 * $0 * $0 }, depth: { _ in 0.04 }, ragged: 0.02 * rag)
        case .spiky: clumps(hair.clumps, x, 0, tip: { y + 0.04 + 0.08 * $0 * $0 }, depth: { _ in 0.34 }, ragged: 0.16 * rag)
        case .wispy: clumps(hair.clumps + 5, x, 0, tip: { y - 0.02 + 0.1 * $0 * $0 }, depth: { _ in 0.2 }, ragged: 0.2 * rag)
        case .curly: clumps(hair.clumps, x, 1, tip: { y - 0.12 + 0.14 * $0 * $0 }, depth: { _ in 0.14 }, ragged: 0.1 * rag)
        case .choppy: clumps(3, x, 0.05, tip: { y + 0.12 - 0.08 * abs($0) }, depth: { _ in 0.4 }, ragged: 0.1 * rag, skew: b * 0.3)
        case .feathered:
            clumps(6, x, 0.1, tip: { y - 0.02 + 0.26 * $0 * $0 }, depth: { 0.24 + 0.06 * abs($0) }, ragged: 0.08 * rag, fan: 0.16)
        case .swept:
            clumps(
                4, x, 0.1, tip: { y + 0.06 - 0.34 * (1 - $0 * s) / 2 }, depth: { 0.2 + 0.06 * $0 * s }, ragged: 0.06 * rag, skew: 0.14 * s)
        case .overEye:
            clumps(
                4, x, 0.1, tip: { y - 0.12 + 0.42 * max(0, $0 * s + 0.2) }, depth: { 0.26 + 0.16 * $0 * s }, ragged: 0.05 * rag,
                skew: 0.12 * s)
        case .sideParted:
            let part = Point(-s * 0.4, -0.93)
            let long = Point(s * 0.62, y + 0.06)
            let edge = [Point(-s * x, 0), Point(-s * 0.66, -0.36)]
            part.x < 0 ? start(edge) : start([Point(-x, 0.02), Point(long.x, long.y)])
            if part.x < 0 {
                sweep(part, bulge: 0.15)
                sweep(long, bulge: -0.3)
                sweep(Point(x, 0.02), bulge: 0.12)
            } else {
                sweep(part, bulge: 0.3)
                sweep(Point(0.66, -0.36), bulge: -0.15)
                sweep(Point(x, 0), bulge: 0)
            }
            valleys = [part]
            tips = [Point(-s * 0.7, -0.3), Point(s * 0.2, y - 0.2), long]
        case .centreParted, .curtain:
            let part = Point(b * 0.6, -0.95)
            let low = hair.fringe == .curtain ? 0.2 : y - 0.1
            let reach = hair.fringe == .curtain ? 0.74 : 0.66
            start([Point(-x, 0.02), Point(-reach, low)])
            sweep(part, bulge: 0.26)
            sweep(Point(reach, low), bulge: -0.26)
            sweep(Point(x, 0.02), bulge: 0)
            valleys = [part]
            tips = [Point(-reach, low), Point(-0.4, -0.5), Point(0.4, -0.5), Point(reach, low)]
        case .slickBack: smooth([(-x, -0.15), (-0.7, -0.55), (-0.35, -0.76), (0, -0.82), (0.35, -0.76), (0.7, -0.55), (x, -0.15)])
        case .crop: smooth([(-x, -0.12), (-0.8, -0.42), (-0.6, -0.66), (0, -0.7), (0.6, -0.66), (0.8, -0.42), (x, -0.12)])
        case .peak:
            start([Point(-x, -0.1)])
            sweep(Point(-0.56, -0.78), bulge: 0.1)
            sweep(Point(b * 0.1, -0.56), bulge: 0.08)
            sweep(Point(0.56, -0.78), bulge: 0.08)
            sweep(Point(x, -0.1), bulge: 0.1)
            tips = [Point(-0.7, -0.6), Point(b * 0.1, -0.56), Point(0.7, -0.6)]
        case .lock:
            let middle = b * 0.6
            start([Point(-x, 0), Point(-0.7, -0.38)])
            sweep(Point(middle - 0.24, -0.68), bulge: 0.1)
            sweep(Point(middle + s * 0.06, y + 0.16), bulge: s * 0.06)
            sweep(Point(middle + 0.16, -0.66), bulge: s * 0.05)
            sweep(Point(0.7, -0.38), bulge: 0.1)
            sweep(Point(x, 0), bulge: 0)
            valleys = [Point(middle - 0.24, -0.68), Point(middle + 0.16, -0.66)]
            tips = [Point(-0.7, -0.38), Point(middle, y + 0.1), Point(0.7, -0.38)]
        }
    }

    /// Clumps of about one width side by side.
    ///
    /// - Parameters:
    ///   - round: 0 for pointed, 1 for round ends
    ///   - tip: where a clump ends, from its place in −1…1
    ///   - depth: how far up neighbours part
    ///   - fan: how much clumps point outwards
    private mutating func clumps(
        _ count: Int, _ reach: Double, _ round: Double, tip: (Double) -> Double, depth: (Double) -> Double, ragged: Double,
        skew: Double = 0, fan: Double = 0
    ) {
        func last(_ u: Double) -> Point { Point(u * reach, u == 1 || u == -1 ? 0.02 : tip(u) - depth(u)) }
        start([last(-1)])
        for index in 0..<max(count, 1) {
            let (a, b) = (Double(index) / Double(count) * 2 - 1, Double(index + 1) / Double(count) * 2 - 1)
            let u = (a + b) / 2
            var to = index == count - 1 ? last(1) : last(b + random.uniform(-0.25, 0.25) * ragged * 4 / Double(count))
            if index < count - 1 { to.y += random.uniform(-ragged, ragged) * 0.5 }
            let end = Point(
                min(max(u * reach + skew + fan * u + random.uniform(-0.3, 0.3) * ragged, -1), 1), tip(u) + random.uniform(-ragged, ragged))
            let (dx, dy) = (end.x - at.x, end.y - at.y)
            path.curve(at.x, at.y + 0.5 * dy, end.x - (0.15 + 0.5 * round) * dx, end.y - (1 - round) * 0.28 * dy, end.x, end.y)
            let (ex, ey) = (to.x - end.x, to.y - end.y)
            path.curve(end.x + (0.12 + 0.5 * round) * ex, end.y + (1 - round) * 0.3 * ey, to.x, to.y - 0.45 * ey, to.x, to.y)
            tips.append(end)
            if index < count - 1 { valleys.append(to) }
            at = to
        }
    }

    private mutating func start(_ points: [Point]) {
        path.line(through: points)
        at = points.last ?? at
    }

    /// A curve to a point, bulging upwards for positive `bulge` on the way to the right.
    private mutating func sweep(_ to: Point, bulge: Double) {
        let (dx, dy) = (to.x - at.x, to.y - at.y)
        path.curve(
            at.x + dx * 0.35 + dy * bulge, at.y + dy * 0.35 - dx * bulge, at.x + dx * 0.7 + dy * bulge, at.y + dy * 0.7 - dx * bulge, to.x,
            to.y)
        at = to
    }

    private mutating func smooth(_ points: [(Double, Double)]) {
        let line = points.map { Point($0.0, $0.1) }
        path.line(through: line)
        tips = line
    }
}
