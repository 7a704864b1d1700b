import Foundation
import RainNumbers
import RainPictures

/// The wide world's hair behind head and body: one rigid plane that turns with the head; in head coordinates.
extension CharacterPainter {
    private var backFrame: Transform { headFrame(-0.35) }

    func paintWideBackHair(_ canvas: inout Canvas, _ hair: HairShape) {
        if look.outfit?.headwear == .hood { paintHoodBack(&canvas) }
        guard hair.fringe != .bald else { return }
        let (w, v) = (look.faceWidth, hair.volume)
        let isShort = hair.fringe == .crop
        let skull = Path(ellipse: Point(0, -0.12), w * (isShort ? 1.0 : 1.07) + v, (isShort ? 1.0 : 1.07) + v)
        var random = SplitMix64(seed: look.seed, stream: 17)
        let sway = hair.wave
        switch hair.back {
        case .none: back(&canvas, skull)
        case .nape: back(&canvas, mass(0.9, 0.85, 0.7, v, 0, 5, 0.14).joined(with: skull))
        case .bob: back(&canvas, mass(0.75 + 0.2 * hair.length, 1.17, 1.1, v, sway, 7, 0.1), hair)
        case .long: back(&canvas, mass(hair.length + 0.3, 1.14, 1.08, v, sway, 7, 0.22), hair)
        case .veryLong: back(&canvas, mass(hair.length + 1.5, 1.2, 1.3, v, sway, 8, 0.3), hair)
        case .wavy: back(&canvas, mass(hair.length + 0.4, 1.24, 1.22, v, max(sway, 0.07), 6, 0.25), hair)
        case .hime: back(&canvas, mass(hair.length + 0.9, 1.13, 1.13, v, 0, 9, 0.05), hair)
        case .flipped:
            var path = mass(0.95, 1.1, 1.02, v, 0, 5, 0.05)
            for side in [-1.0, 1] {
                path = path.joined(
                    with: CharacterPainter.blade(Point(side * 0.9, 0.6), Point(side * 1.0, 1.2), Point(side * (1.45 + v), 0.86), 0.2))
            }
            back(&canvas, path, hair)
        case .curls:
            back(&canvas, skull)
            for index in 0..<17 {
                let angle = .pi * (0.82 + 1.36 * Double(index) / 16)
                let reach = 1.08 + v + random.uniform(-0.04, 0.08)
                let spot = Point(reach * cos(angle), 0.1 + reach * 1.05 * sin(angle))
                back(&canvas, Path(circle: spot, 0.25 + random.uniform(0, 0.12)), isSmall: true)
            }
        case .mane, .tousled:
            let wild = hair.back == .mane
            let count = wild ? 22 : 18
            var tips: [Point] = []
            for index in 0...count {
                let angle = .pi * ((wild ? 0.7 : 0.9) + (wild ? 1.6 : 1.2) * Double(index) / Double(count)) + look.parting * 0.2
                let reach = index.isMultiple(of: 2) ? 1.1 + v : (wild ? 1.5 : 1.34) + v + random.uniform(-0.1, 0.1)
                tips.append(Point(reach * cos(angle), reach * sin(angle)))
            }
            back(&canvas, CharacterPainter.spikes(tips, lean: 0.12 * look.side).applying(.translation(0, -0.05)), hair)
        case .twinTails, .lowTails:
            let low = hair.back == .lowTails
            for side in [-1.0, 1] {
                let from = low ? Point(side * 0.92, 0.55) : Point(side * (1.08 + v), -0.55)
                let to = Point(side * (low ? 1.15 : 1.5), from.y + hair.length * (low ? 0.9 : 1.35) + 0.2)
                tail(&canvas, from, Point(side * (low ? 1.3 : 1.75), (from.y + to.y) / 2 - 0.1), to, 0.3 + v, sway)
            }
            back(&canvas, skull)
        case .ponytail:
            let from = Point(look.side * (0.95 + v), -0.5)
            tail(&canvas, from, Point(look.side * 1.75, -0.3), Point(look.side * 1.5, 0.5 + hair.length), 0.34 + v, sway)
            back(&canvas, skull)
        case .highTail:
            let from = Point(look.side * 0.35, -1.1 - v)
            tail(&canvas, from, Point(look.side * 1.6, -1.9), Point(look.side * 1.75, 0.2 + hair.length * 0.5), 0.34 + v, sway)
            back(&canvas, skull)
        case .buns:
            for side in [-1.0, 1] {
                let place = Point(side * 0.84, -1.0 - v)
                back(&canvas, Path(circle: place, 0.34 + v))
                crease(&canvas, Path(circle: place, 0.18 + v * 0.5).applying(backFrame), look.hairShade)
            }
            back(&canvas, skull)
        case .braids, .sideBraid:
            for side in hair.back == .braids ? [-1.0, 1] : [look.side] {
                plait(&canvas, Point(side * 0.98, 0.4), Point(side * 1.22, 1.1 + hair.length * 0.75), 8, 0.2, taper: 0.75, braided: true)
            }
            back(&canvas, skull)
        case .drills:
            for side in [-1.0, 1] {
                plait(&canvas, Point(side * 1.12, 0.05), Point(side * 1.3, 0.7 + hair.length * 0.7), 7, 0.27, taper: 0.35, braided: false)
            }
            back(&canvas, skull)
        }
    }

    /// One piece of back hair.
    private func back(_ canvas: inout Canvas, _ path: Path, _ hair: HairShape? = nil, isSmall: Bool = false) {
        let mapped = strayed(path).applying(backFrame)
        if isSmall {
            shape(&canvas, mapped, look.hairShade, line: 0.8)
            return
        }
        shape(&canvas, mapped, look.hairShade, frame: backFrame) { canvas in
            guard !style.isInkOnly else { return }
            let end = (look.hairShape?.length ?? 1) + 0.5
            let tip = look.hairShape?.tip.map { style.shadow($0, 0.6) } ?? look.hairShade
            canvas.fill(
                Path(x: -100, y: -100, width: 330, height: 400), from: backFrame(Point(0, -0.2)), to: backFrame(Point(0, end)),
                shades: [ColorStop(0, style.shadow(look.hairShade, 0.7 * max(style.soft, style.cel))), ColorStop(1, tip)])
            guard let hair, hair.strands > 0 || style.cel > 0 else { return }
            var random = SplitMix64(seed: look.seed, stream: 18)
            var strands = Path()
            for _ in 0..<(8 + hair.strands / 2) {
                let x = random.uniform(-1.15, 1.15)
                let y = random.uniform(0, 0.6)
                let strand = CharacterPainter.blade(
                    Point(x * 0.95, y), Point(x * 1.04, y + 0.5), Point(x, y + random.uniform(0.6, 1.2)), random.uniform(0.012, 0.035))
                strands = strands.joined(with: strand)
            }
            canvas.fill(strands.applying(backFrame), style.shadow(look.hairShade, 1.2), opacity: 0.35 + 0.4 * hair.strandOpacity)
        }
    }

    /// Hair that hangs from the whole head.
    ///
    /// - Parameters:
    ///   - mid: half its width at the jaw
    ///   - end: at its lower edge
    private func mass(
        _ length: Double, _ mid: Double, _ end: Double, _ volume: Double, _ wave: Double, _ clumps: Int, _ depth: Double
    ) -> Path {
        var random = SplitMix64(seed: look.seed, stream: 19)
        let top = -1.17 - volume
        func half(_ y: Double) -> Double {
            let t = min(max(y / length, 0), 1)
            return mid + volume + (end - mid) * t + wave * sin(y * 6.5)
        }
        let steps = max(3, Int(length * 4))
        let rows = (0...steps).map { -0.1 + (length + 0.1) * Double($0) / Double(steps) }
        let left = rows.map { Point(-half($0), $0) }
        let right = rows.reversed().map { Point(half($0), $0) }
        var path = Path(lines: [Point(0, top)], closed: false)
        path.line(through: [Point(0, top), Point(-0.72 - volume * 0.5, -1.0 - volume * 0.6), Point(-1.06 - volume, -0.5)] + left)
        let count = max(clumps, 1)
        var at = Point(-half(length), length)
        for index in 0..<count {
            let u = Double(index + 1) / Double(count) * 2 - 1
            let to = Point(u * half(length), length - (index == count - 1 ? 0 : random.uniform(0, depth * 0.4)))
            let tip = Point((at.x + to.x) / 2 + random.uniform(-0.05, 0.05), length + depth * random.uniform(0.6, 1.2))
            path.curve(at.x, at.y + depth * 0.5, tip.x - 0.04, tip.y - depth * 0.2, tip.x, tip.y)
            path.curve(tip.x + 0.04, tip.y - depth * 0.2, to.x, to.y + depth * 0.5, to.x, to.y)
            at = to
        }
        path.line(through: right + [Point(1.06 + volume, -0.5), Point(0.72 + volume * 0.5, -1.0 - volume * 0.6), Point(0, top)])
        path.close()
        return path
    }

    /// Points alternately near and far become clumps that bend to one side.
    private static func spikes(_ points: [Point], lean: Double) -> Path {
        var path = Path(lines: points.prefix(1).map { $0 }, closed: false)
        for (from, to) in zip(points, points.dropFirst()) {
            let (dx, dy) = (to.x - from.x, to.y - from.y)
            let middle = Point((from.x + to.x) / 2 - dy * lean - dx * 0.05, (from.y + to.y) / 2 + dx * lean - dy * 0.05)
            path.curve(middle.x, middle.y, middle.x, middle.y, to.x, to.y)
        }
        path.close()
        return path
    }

    /// A bunch of hair along a curve.
    private func tail(_ canvas: inout Canvas, _ from: Point, _ bend: Point, _ to: Point, _ width: Double, _ wave: Double) {
        var (left, right): ([Point], [Point]) = ([], [])
        let steps = 8
        for index in 0...steps {
            let t = Double(index) / Double(steps)
            let (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
            let at = Point(a * from.x + b * bend.x + c * to.x + wave * 1.5 * sin(t * 9), a * from.y + b * bend.y + c * to.y)
            let (dx, dy) = (
                2 * (1 - t) * (bend.x - from.x) + 2 * t * (to.x - bend.x), 2 * (1 - t) * (bend.y - from.y) + 2 * t * (to.y - bend.y)
            )
            let length = max((dx * dx + dy * dy).squareRoot(), 1e-6)
            let half = width * (0.35 + 0.75 * sin(.pi * min(t * 0.9 + 0.08, 1))) * (1 - t * t * t * 0.9)
            left.append(Point(at.x - dy / length * half, at.y + dx / length * half))
            right.append(Point(at.x + dy / length * half, at.y - dx / length * half))
        }
        back(&canvas, Path(through: left + right.reversed()))
        let middle = CharacterPainter.bow(left[1], Point(bend.x, bend.y + 0.1), left[7]).applying(backFrame)
        crease(&canvas, middle, look.hairShade, opacity: 0.7)
        let tie = Path(circle: from, 0.13).applying(backFrame)
        shape(&canvas, tie, look.accessoryColor)
    }

    /// A braid, or a curl that hangs like a drill: pieces above each other that get smaller.
    private func plait(_ canvas: inout Canvas, _ from: Point, _ to: Point, _ count: Int, _ width: Double, taper: Double, braided: Bool) {
        if braided {
            let end = CharacterPainter.blade(
                Point(to.x, to.y - 0.05), Point(to.x + 0.03, to.y + 0.2), Point(to.x, to.y + 0.42), width * 0.55)
            back(&canvas, end)
        }
        for index in (0..<count).reversed() {
            let t = Double(index) / Double(count - 1)
            let half = width * (1 - (1 - taper) * t)
            let step = (to.y - from.y) / Double(count)
            let at = Point(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t)
            let tilt = braided ? (index.isMultiple(of: 2) ? 0.5 : -0.5) : 0.25
            let turn = Transform.translation(at.x, at.y).after(.rotation(tilt))
            back(&canvas, Path(ellipse: Point(0, 0), half, max(step * 0.85, half * 0.6)).applying(turn), isSmall: true)
        }
        if braided { shape(&canvas, Path(circle: to, 0.1).applying(backFrame), look.accessoryColor) }
    }

    private func paintHoodBack(_ canvas: inout Canvas) {
        let rim = Path(through: [
            Point(-1.3, 0.9), Point(-1.42, 0.1), Point(-1.28, -0.8), Point(-0.7, -1.42), Point(0, -1.62), Point(0.7, -1.42),
            Point(1.28, -0.8),
            Point(1.42, 0.1), Point(1.3, 0.9), Point(0, 1.2),
        ])
        shape(&canvas, rim.applying(headFrame(-0.2)), style.shadow(look.outfit?.headColor ?? look.cloth, 0.9), frame: headFrame(-0.2))
    }
}
