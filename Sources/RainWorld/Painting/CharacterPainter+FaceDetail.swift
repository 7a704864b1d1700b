import RainNumbers
import RainPictures

extension CharacterPainter {
    func paintBlush(_ canvas: inout Canvas) {
        guard look.blush > 0 else { return }
        let g = geometry
        let color = style.isInkOnly ? style.ink : look.face.blushColor
        let y = (look.eyeY + look.eyeHeight + look.mouthY) / 2 - 0.02
        for side in [-1.0, 1] {
            let card = g.card(side * min(0.58, look.eyeX + 0.14), y, 0.42)
            switch look.face.blush {
            case .oval where !style.isInkOnly:
                canvas.fill(Path(ellipse: Point(0, 0), 0.19, 0.1).applying(card), color, opacity: look.blush * 0.7)
            case .circles where !style.isInkOnly: canvas.fill(Path(circle: Point(0, 0), 0.14).applying(card), color, opacity: look.blush)
            case .glow where !style.isInkOnly:
                canvas.transformed(by: card.after(.scale(1, 0.7))) { canvas in
                    canvas.fill(
                        Path(circle: Point(0, 0), 0.34), around: Point(0, 0), radius: 0.34,
                        shades: [ColorStop(0, color, opacity: look.blush), ColorStop(1, color, opacity: 0)])
                }
            case .nose where !style.isInkOnly:
                guard side > 0 else { break }
                canvas.transformed(by: g.card(0, look.face.noseY - 0.06, 0.7).after(.scale(1, 0.28))) { canvas in
                    canvas.fill(
                        Path(circle: Point(0, 0), 0.62), around: Point(0, 0), radius: 0.62,
                        shades: [
                            ColorStop(0, color, opacity: look.blush), ColorStop(0.6, color, opacity: look.blush * 0.7),
                            ColorStop(1, color, opacity: 0),
                        ])
                }
            default:
                for index in -1...1 {
                    let x = Double(index) * 0.08
                    let line = Path(lines: [Point(x + 0.03, -0.06), Point(x - 0.03, 0.06)], closed: false).applying(card)
                    canvas.stroke(line, color, width: 0.9 * look.lineScale, opacity: min(1, look.blush * 1.6))
                }
            }
        }
    }

    func paintMarks(_ canvas: inout Canvas) {
        let g = geometry
        let dark = style.shadow(look.skin, 1.5)
        let ink = style.isInkOnly ? style.ink : look.face.markColor
        let side = look.side
        let cheekY = (look.eyeY + look.eyeHeight + look.mouthY) / 2
        let cheek = g.card(side * 0.5, cheekY, 0.46)
        let width = 0.9 * look.lineScale
        for mark in look.face.marks {
            switch mark {
            case .freckles:
                var random = SplitMix64(seed: look.seed, stream: 21)
                for _ in 0..<18 {
                    let (x, y) = (random.uniform(-0.6, 0.6), look.face.noseY - 0.08 + random.uniform(-0.09, 0.12))
                    let spot = Path(circle: Point(0, 0), random.uniform(0.012, 0.026)).applying(g.card(x, y, 0.7 - x * x * 0.8))
                    canvas.fill(spot, dark, opacity: 0.8)
                }
            case .mole: canvas.fill(Path(circle: Point(0.06, 0.12), 0.03).applying(cheek), Color(0.2, 0.1, 0.08))
            case .scar, .crossScar:
                let tone = style.isInkOnly ? style.ink : look.skin.mixed(with: Color(0.75, 0.3, 0.3), 0.6)
                let line = CharacterPainter.blade(Point(-0.14, -0.2), Point(0.02, 0), Point(0.08, 0.22), 0.022).applying(cheek)
                canvas.fill(line, tone)
                if mark == .crossScar {
                    canvas.fill(CharacterPainter.blade(Point(-0.16, 0.06), Point(0, 0), Point(0.16, -0.04), 0.02).applying(cheek), tone)
                }
            case .whiskers:
                for side in [-1.0, 1] {
                    let card = g.card(side * 0.46, look.mouthY - 0.08, 0.42)
                    for index in -1...1 {
                        let y = Double(index) * 0.09
                        canvas.fill(
                            CharacterPainter.blade(Point(-side * 0.1, y * 0.7), Point(side * 0.05, y), Point(side * 0.26, y * 1.5), 0.016)
                                .applying(card), style.lineColor(look.skin))
                    }
                }
            case .stripes, .warPaint:
                for side in mark == .stripes ? [side] : [-1.0, 1] {
                    let card = g.card(side * 0.5, cheekY, 0.46)
                    for index in 0...1 {
                        let y = Double(index) * 0.13 - 0.06
                        let bar = Path(lines: [Point(-0.16, y), Point(0.16, y - 0.03), Point(0.16, y + 0.03), Point(-0.16, y + 0.06)])
                        canvas.fill(bar.applying(card), ink, opacity: 0.9)
                    }
                }
            case .drops:
                for side in [-1.0, 1] {
                    let card = g.card(side * look.eyeX, look.eyeY + look.eyeHeight + 0.14, 0.7)
                    canvas.fill(CharacterPainter.blade(Point(0, -0.09), Point(0, 0), Point(0, 0.12), 0.05).applying(card), ink)
                }
            case .diamond:
                let card = g.card(0, -0.38, 0.72)
                canvas.fill(Path(lines: [Point(0, -0.12), Point(0.07, 0), Point(0, 0.12), Point(-0.07, 0)]).applying(card), ink)
            case .plaster:
                let turn = cheek.after(.rotation(0.4 * side))
                let plaster = Path(x: -0.17, y: -0.06, width: 0.34, height: 0.12).applying(turn)
                shape(&canvas, plaster, look.skin.mixed(with: Color(0.9, 0.7, 0.55), 0.7).apart(from: look.skin, by: 0.08))
                canvas.fill(Path(x: -0.06, y: -0.06, width: 0.12, height: 0.12).applying(turn), look.light, opacity: 0.5)
            case .lines:
                for side in [-1.0, 1] {
                    let fold = CharacterPainter.bow(Point(0.02 * side, -0.02), Point(0.13 * side, 0.06), Point(0.16 * side, 0.2))
                    let card = g.card(side * 0.15, look.face.noseY, 0.8)
                    canvas.stroke(fold.applying(card), style.shadow(look.skin, 1.3), width: width)
                    let bag = arch(look.eyeWidth * 0.7, 0.06).applying(
                        g.card(side * look.eyeX, look.eyeY + look.eyeHeight * 0.8 + 0.07, 0.7))
                    canvas.stroke(bag, style.shadow(look.skin, 1.3), width: width * 0.8)
                }
            }
        }
    }

    private var beardColor: Color { look.brow.apart(from: look.skin, by: 0.12) }

    func paintBeard(_ canvas: inout Canvas) {
        let g = geometry
        let (w, h, m) = (look.faceWidth, look.faceHeight, look.mouthY)
        let (cheek, jaw) = (look.face.cheek * w, look.face.jaw * w)
        let color = beardColor
        func place(_ points: [(Double, Double)]) -> Path {
            // The jaw's edge lies at the outline's depth, the chin's middle nearer.
            Path(
                through: points.map { x, y in
                    g.at(x, y, Geometry.outlineDepth + 0.3 * max(0, 1 - abs(x) / (w * 0.8)) * (y > h * 0.9 ? 0.3 : 1))
                })
        }
        let top = (look.face.noseY + m) / 2 + 0.03
        let edge: [(Double, Double)] = [
            (-w * 0.99, 0.1), (-cheek * 0.99, h * 0.42), (-jaw * 1.0, h * look.face.jawY), (-look.chin * 0.45, h * 0.99),
            (look.chin * 0.45, h * 0.99), (jaw * 1.0, h * look.face.jawY), (cheek * 0.99, h * 0.42), (w * 0.99, 0.1),
        ]
        let inner: [(Double, Double)] = [
            (w * 0.82, h * 0.4), (w * 0.5, top + 0.03), (0, top), (-w * 0.5, top + 0.03), (-w * 0.82, h * 0.4),
        ]
        switch look.face.beard {
        case .none, .moustache: break
        case .stubble:
            canvas.fill(place(edge + inner), color, opacity: 0.28)
        case .sideburns:
            for side in [-1.0, 1] {
                let burn = place([
                    (side * w * 0.99, -0.1), (side * cheek, h * 0.42), (side * jaw * 1.06, h * 0.72), (side * w * 0.62, h * 0.5),
                    (side * w * 0.84, 0),
                ])
                shape(&canvas, burn, color)
            }
        case .goatee:
            let chin = place([(-0.16, m + 0.13), (0.16, m + 0.13), (0.2, h * 0.95), (0, h + 0.1), (-0.2, h * 0.95)])
            shape(&canvas, chin, color, frame: headFrame(0.5))
        case .full, .long:
            let reach = look.face.beard == .long ? 0.55 : 0.09
            let outer: [(Double, Double)] = [
                (-w * 1.0, 0.12), (-cheek * 1.03, h * 0.42), (-jaw * 1.08, h * look.face.jawY + reach * 0.4), (-0.2, h + reach),
                (0.2, h + reach), (jaw * 1.08, h * look.face.jawY + reach * 0.4), (cheek * 1.03, h * 0.42), (w * 1.0, 0.12),
            ]
            let low = m + 0.12
            let hollow: [(Double, Double)] = [
                (w * 0.84, h * 0.44), (w * 0.48, (top + low) / 2 - 0.02), (0.2, low), (0, low + 0.02), (-0.2, low),
                (-w * 0.48, (top + low) / 2 - 0.02), (-w * 0.84, h * 0.44),
            ]
            shape(&canvas, place(outer + hollow), color, frame: headFrame(0.4)) { canvas in
                var random = SplitMix64(seed: look.seed, stream: 22)
                var hairs = [Path(), Path()]
                for index in 0..<24 {
                    let x = random.uniform(-0.85, 0.85) * w
                    let y = h * (1 - 0.45 * abs(x / w)) - 0.2
                    let hair = CharacterPainter.blade(Point(x, y), Point(x * 0.98, y + 0.15), Point(x * 0.86, y + 0.34), 0.02)
                    hairs[index % 2] = hairs[index % 2].joined(with: hair)
                }
                for (path, tone) in zip(hairs, [Color.white, .black]) {
                    canvas.fill(path.applying(headFrame(0.4)), color.mixed(with: tone, 0.25), opacity: 0.6)
                }
            }
        }
    }

    func paintMoustache(_ canvas: inout Canvas) {
        let mouth = geometry.mouth
        let y = (look.face.noseY + 0.05 - look.mouthY) * 0.5 + min(0, mouth.top)
        var path = Path()
        let reach = max(0.24, look.mouthWidth * 1.15)
        path.move(0, y - 0.06)
        path.curve(reach * 0.4, y - 0.1, reach * 0.8, y, reach, y + 0.12)
        path.curve(reach * 0.6, y + 0.09, reach * 0.3, y + 0.09, 0, y + 0.03)
        path.curve(-reach * 0.3, y + 0.09, -reach * 0.6, y + 0.09, -reach, y + 0.12)
        path.curve(-reach * 0.8, y, -reach * 0.4, y - 0.1, 0, y - 0.06)
        path.close()
        shape(&canvas, path.applying(mouth.card), beardColor, line: 0.7)
    }

    /// What hides nose and mouth.
    func paintCover(_ canvas: inout Canvas) {
        let g = geometry
        let (w, h) = (look.faceWidth, look.faceHeight)
        let top = look.face.noseY - 0.12
        let color = look.face.coverColor
        func place(_ points: [(Double, Double)]) -> Path {
            Path(through: points.map { x, y in g.at(x, y, Geometry.outlineDepth + 0.48 * max(0, 1 - x * x / (w * w))) })
        }
        let (cheek, jaw) = (look.face.cheek * w, look.face.jaw * w)
        switch look.face.cover {
        case .none: break
        case .mask, .respirator:
            for side in [-1.0, 1] {
                for y in [top + 0.06, h * 0.75] {
                    let strap = Path(lines: [g.at(side * 0.5, y, 0.7), g.at(side * w * 0.98, look.eyeY + 0.15, 0.05)], closed: false)
                    canvas.stroke(strap, color.scaled(by: 0.85), width: 1.1 * look.lineScale)
                }
            }
            let sheet = place([
                (-cheek * 0.72, top + 0.06), (0, top - 0.06), (cheek * 0.72, top + 0.06), (jaw * 0.9, h * 0.78), (0, h * 1.0),
                (-jaw * 0.9, h * 0.78),
            ])
            shape(&canvas, sheet, color, frame: headFrame(0.6)) { canvas in
                for index in 1...3 where look.face.cover == .mask {
                    let y = top + (h - top) * Double(index) / 4
                    let fold = CharacterPainter.bow(Point(-0.7, y - 0.05), Point(0, y + 0.06), Point(0.7, y - 0.05))
                    crease(&canvas, fold.applying(g.card(0, 0, 0.75)), color, opacity: 0.6)
                }
            }
            if look.face.cover == .respirator {
                for side in [-1.0, 1] {
                    let filter = Path(circle: Point(0, 0), 0.19).applying(g.card(side * 0.42, h * 0.74, 0.75))
                    shape(&canvas, filter, color.scaled(by: 0.6))
                }
            }
        case .cloth:
            let cloth = place([
                (-w * 0.98, top + 0.02), (-0.5, top - 0.03), (0, top - 0.1), (0.5, top - 0.03), (w * 0.98, top + 0.02), (cheek, h * 0.45),
                (jaw * 1.02, h * 0.84), (0, h * 1.06), (-jaw * 1.02, h * 0.84), (-cheek, h * 0.45),
            ])
            shape(&canvas, cloth, color, frame: headFrame(0.6)) { canvas in
                for x in [-0.45, 0.1, 0.5] {
                    let fold = CharacterPainter.bow(Point(x, top + 0.1), Point(x * 0.7, h * 0.6), Point(x * 0.3, h))
                    crease(&canvas, fold.applying(g.card(0, 0, 0.6)), color, opacity: 0.6)
                }
            }
        }
    }
}
