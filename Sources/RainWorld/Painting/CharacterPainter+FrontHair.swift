import Foundation
import RainNumbers
import RainPictures

/// The wide world's hair over the face, in head coordinates mapped to its depths.
extension CharacterPainter {
    func paintWideFrontHair(_ canvas: inout Canvas, _ hair: HairShape) {
        let cut = FringeCut(look, hair)
        if let outfit = look.outfit { paintCreature(&canvas, outfit) }
        guard hair.fringe != .bald else { return }
        paintAhoge(&canvas, hair)
        if let length = hair.lock {
            for side in [-1.0, 1] { paintLock(&canvas, side, length, hair) }
        }
        let path = front(strayed(cut.path))
        shape(&canvas, path, look.hair, frame: headFrame(0.3)) { paintStrands(&$0, cut, hair) }
        guard style.line > 0 || hair.bands > 0.3 else { return }
        // Clumps go on above the place where they part.
        for valley in cut.valleys {
            let to = Point(valley.x * 0.86 + hairRoot(hair).x * 0.1, valley.y - 0.24)
            let line = CharacterPainter.blade(valley, Point(valley.x, valley.y - 0.12), to, 0.018)
            canvas.fill(front(line), style.line > 0 ? style.lineColor(look.hair) : style.shadow(look.hair, 1.2))
        }
    }

    private func hairRoot(_ hair: HairShape) -> Point { Point(look.parting * 0.5, -1.08 - hair.volume) }

    /// Towards the tips, and on the crown.
    private func hairShades(_ hair: HairShape, base: Color) -> [ColorStop] {
        let root = hair.rootLight > 0 ? base.mixed(with: .white, hair.rootLight * 0.5) : base.scaled(by: 1 + hair.rootLight * 0.7)
        return [ColorStop(0, root), ColorStop(0.45, base), ColorStop(1, hair.tip ?? base)]
    }

    private func paintStrands(_ canvas: inout Canvas, _ cut: FringeCut, _ hair: HairShape) {
        let g = geometry
        let everything = Path(x: -100, y: -100, width: 330, height: 330)
        if !style.isInkOnly {
            canvas.fill(
                everything, from: g.at(0, -1.25, 0.2), to: g.at(0, max(0.25, hair.fringeY + 0.3), 0.4),
                shades: hairShades(hair, base: look.hair))
        }
        let root = hairRoot(hair)
        let dark = style.isInkOnly ? look.hairGleam ?? style.ink : style.shadow(look.hair, 1.15)
        let l = style.light
        if style.cel > 0, !style.isInkOnly {
            var side = Path()
            side.move(-l * 0.5, -1.6)
            side.curve(-l * 0.95, -0.9, -l * 0.72, -0.3, -l * 0.82, 0.5)
            side.line(-l * 1.6, 0.6)
            side.line(-l * 1.6, -1.6)
            side.close()
            canvas.fill(front(side), style.shadow(look.hair), opacity: style.cel * 0.85)
        }
        if style.soft > 0, !style.isInkOnly {
            canvas.transformed(by: headFrame(0.25)) { canvas in
                canvas.fill(
                    Path(x: -3, y: -3, width: 6, height: 6), around: Point(l * 0.35, -0.75), radius: 1.3,
                    shades: [
                        ColorStop(0, .white, opacity: 0.3 * style.soft), ColorStop(0.5, dark, opacity: 0),
                        ColorStop(1, dark, opacity: 0.9 * style.soft),
                    ])
            }
        }
        var random = SplitMix64(seed: look.seed, stream: 14)
        /// A line of hair from the crown to the edge at a place in −1…1.
        func flow(_ u: Double, from a: Double, to b: Double, _ width: Double) -> Path {
            let x = u * look.faceWidth * 1.02
            let nearest = cut.tips.min { abs($0.x - x) < abs($1.x - x) } ?? Point(x, -0.3)
            let end = Point(x * 0.96, abs(u) > 0.86 ? hair.sideburn : max(nearest.y, hair.fringeY - 0.5))
            let bend = Point(x * 1.02 + root.x * 0.2, -0.86 - hair.volume * 0.5)
            func point(_ t: Double) -> Point {
                Point(
                    (1 - t) * (1 - t) * (root.x + x * 0.15) + 2 * t * (1 - t) * bend.x + t * t * end.x,
                    (1 - t) * (1 - t) * root.y + 2 * t * (1 - t) * bend.y + t * t * end.y)
            }
            let (p, m, q) = (point(a), point((a + b) / 2), point(b))
            return front(CharacterPainter.blade(p, Point(2 * m.x - (p.x + q.x) / 2, 2 * m.y - (p.y + q.y) / 2), q, width))
        }
        if hair.bands > 0 {
            var bands = Path()
            for _ in 0..<7 { bands = bands.joined(with: flow(random.uniform(-1, 1), from: 0.45, to: 1.15, random.uniform(0.03, 0.09))) }
            canvas.fill(bands, dark, opacity: hair.bands * 0.7)
        }
        for _ in 0..<hair.streakCount {
            guard let streak = hair.streak else { break }
            canvas.fill(flow(random.uniform(-0.95, 0.95), from: 0.05, to: 1.2, random.uniform(0.05, 0.12)), streak)
        }
        let many = hair.strands + Int(style.strokes * 34)
        var (lights, darks) = (Path(), Path())
        for index in 0..<many {
            let u = random.uniform(-1, 1)
            let from = random.uniform(0, 0.5)
            let width = style.strokes > 0.3 ? random.uniform(0.015, 0.05) : 0.013
            let strand = flow(u, from: from, to: from + random.uniform(0.3, 0.7), width)
            if index.isMultiple(of: 3) { lights = lights.joined(with: strand) } else { darks = darks.joined(with: strand) }
        }
        canvas.fill(darks, dark, opacity: hair.strandOpacity)
        canvas.fill(lights, look.hair.mixed(with: look.hairGleam ?? .white, 0.6), opacity: hair.strandOpacity)
        paintGleam(&canvas, hair) { flow($0, from: $1, to: $2, $3) }
    }

    private func paintGleam(
        _ canvas: inout Canvas, _ hair: HairShape, flow: (_ u: Double, _ from: Double, _ to: Double, _ width: Double) -> Path
    ) {
        guard let gleam = look.hairGleam, look.outfit?.headwear.isHat != true else { return }
        var random = SplitMix64(seed: look.seed, stream: 15)
        let w = look.faceWidth
        switch hair.gleam {
        case .none: break
        case .ring, .zigzag:
            let jag = hair.gleam == .zigzag ? 0.07 : 0.012
            func band(_ y: Double, _ sign: Double) -> [Point] {
                (0...12).map { index in
                    let u = Double(index) / 6 - 1
                    let lift = index.isMultiple(of: 2) ? jag : -jag
                    return Point(u * w * 0.78, y + 0.22 * u * u + lift * sign)
                }
            }
            let top = band(-0.8 - hair.volume * 0.5, 1)
            let bottom = band(-0.7 - hair.volume * 0.5, -1).reversed()
            canvas.fill(front(Path(lines: top + bottom)), gleam, opacity: 0.8)
        case .streaks:
            for _ in 0..<8 {
                let at = random.uniform(0.3, 0.5)
                canvas.fill(flow(random.uniform(-0.8, 0.8), at, at + 0.25, 0.035), gleam, opacity: 0.85)
            }
        case .spots:
            for index in 0..<3 {
                let u = style.light * (0.2 + 0.2 * Double(index))
                let spot = Path(ellipse: Point(u, -0.82 + 0.2 * u * u), 0.09 - 0.02 * Double(index), 0.05)
                canvas.fill(front(spot), gleam)
            }
        case .sheen:
            canvas.transformed(by: geometry.card(style.light * 0.3, -0.75, 0.4).after(.scale(1, 0.6))) { canvas in
                canvas.fill(
                    Path(circle: Point(0, 0), 0.6), around: Point(0, 0), radius: 0.6,
                    shades: [ColorStop(0, gleam, opacity: 0.8), ColorStop(1, gleam, opacity: 0)])
            }
        }
    }

    /// A lock before the ear, down to `length` below the head's middle.
    private func paintLock(_ canvas: inout Canvas, _ side: Double, _ length: Double, _ hair: HairShape) {
        let w = look.faceWidth
        let (t, v) = (0.13 * hair.lockWidth, hair.volume * 0.5)
        let wave = hair.wave
        var outer: [Point] = []
        var inner: [Point] = []
        let steps = 6
        for index in 0...steps {
            let u = Double(index) / Double(steps)
            let y = -0.42 + (length + 0.42) * u
            let sway = wave * sin(y * 7) + 0.04 * u
            let half = t * (0.9 + 0.5 * sin(.pi * min(u * 1.2, 1))) * (1 - u * u * 0.55)
            let middle = w * (0.95 + v) + sway
            outer.append(Point(side * (middle + half), y))
            inner.append(Point(side * (middle - half * 1.3), y))
        }
        let tip = Point(side * (w * (0.93 + v) + wave * sin(length * 7)), length + 0.14)
        let path = front(strayed(Path(through: outer + [tip] + inner.reversed())))
        let g = geometry
        shape(&canvas, path, look.hair, frame: headFrame(0.15)) { canvas in
            let everything = Path(x: -100, y: -100, width: 330, height: 330)
            if !style.isInkOnly {
                canvas.fill(
                    everything, from: g.at(side * w, -0.4, 0.1), to: g.at(side * w, length, 0.1), shades: hairShades(hair, base: look.hair))
                if style.cel > 0 {
                    let shadow = CharacterPainter.blade(
                        Point(side * w * 0.95, -0.5), Point(side * (w * 0.95 - style.light * 0.1), length * 0.5),
                        Point(side * w * 0.94, length),
                        t * 0.9)
                    canvas.fill(
                        front(shadow.applying(.translation(-style.light * t * 0.8, 0))), style.shadow(look.hair), opacity: style.cel * 0.8)
                }
            }
            if hair.strands > 0 || style.isInkOnly {
                let tone = style.isInkOnly ? look.hairGleam ?? style.ink : style.shadow(look.hair, 1.15)
                for offset in [-0.5, 0.2] {
                    let x = side * (w * (0.95 + v) + offset * t)
                    let strand = CharacterPainter.blade(Point(x, -0.3), Point(x + 0.02, length * 0.4), Point(x, length * 0.9), 0.014)
                    canvas.fill(front(strand), tone, opacity: max(0.4, hair.strandOpacity))
                }
            }
        }
    }

    private func paintAhoge(_ canvas: inout Canvas, _ hair: HairShape) {
        var random = SplitMix64(seed: look.seed, stream: 16)
        for _ in 0..<hair.ahoge {
            let s = random.chance(0.5) ? 1.0 : -1
            let from = Point(random.uniform(-0.15, 0.15), -1.1 - hair.volume)
            let to = Point(from.x + s * random.uniform(0.2, 0.5), from.y - random.uniform(0.12, 0.4))
            let path = CharacterPainter.blade(from, Point(from.x - s * 0.12, to.y - 0.2), to, random.uniform(0.04, 0.09))
            shape(&canvas, front(path), look.hair)
        }
    }
}
