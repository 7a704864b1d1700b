import RainNumbers
import RainPictures

extension CharacterPainter {
    /// The face without features: ears and skin.
    func paintFace(_ canvas: inout Canvas) {
        paintEars(&canvas)
        let skull = facePath
        shape(&canvas, skull, look.skin, frame: headFrame(Geometry.outlineDepth)) { canvas in
            if look.world == .classic {
                // What the fringe throws on the forehead.
                canvas.fill(fringePath.applying(.translation(0, 2.2)), look.skin.scaled(by: 0.84))
            } else {
                shadeFace(&canvas)
            }
        }
    }

    var facePath: Path {
        let g = geometry
        let (w, h, z) = (look.faceWidth, look.faceHeight, Geometry.outlineDepth)
        var points = g.outline
        // The landmark at the chin is its middle; the outline is flat there.
        points.replaceSubrange(3...3, with: [(-look.chin * 0.45, h * 0.985), (look.chin * 0.45, h * 0.985)])
        if look.world == .classic {
            points += [(w * 0.8, -0.7), (0, -0.95), (-w * 0.8, -0.7)]
            return Path(through: points.map { g.at($0.x, $0.y, z) })
        }
        // A whole skull, which bends back where hair lies on it.
        points += [(w * 1.0, -0.45), (w * 0.74, -0.9), (0, -1.1), (-w * 0.74, -0.9), (-w * 1.0, -0.45)]
        return strayed(Path(through: points.map { Point($0.x, $0.y) })).mapped { p in
            g.at(p.x, p.y, p.y > -0.05 ? z : max(0.18, z + (p.y + 0.05) * 0.2))
        }
    }

    private func paintEars(_ canvas: inout Canvas) {
        let g = geometry
        let w = look.faceWidth
        if look.world == .classic {
            for side in [-1.0, 1] {
                canvas.fill(Path(ellipse: Point(0, 0), 0.15, 0.2).applying(g.card(side * w, 0.18, -0.02)), look.skin.scaled(by: 0.9))
            }
            return
        }
        guard look.face.ear != .none, look.muzzleFur == nil else { return }
        let tone = style.isInkOnly ? look.skin : style.shadow(look.skin, 0.35)
        for side in [-1.0, 1] {
            let card = g.card(side * w * 0.98, look.eyeY + 0.08, -0.02)
            var ear = Path()
            if look.face.ear == .pointed {
                ear.move(-side * 0.1, -0.12)
                ear.curve(side * 0.12, -0.2, side * 0.3, -0.38, side * 0.5, -0.46)
                ear.curve(side * 0.4, -0.2, side * 0.28, 0.12, -side * 0.06, 0.24)
                ear.close()
            } else {
                ear = Path(ellipse: Point(side * 0.04, 0), 0.15, 0.22)
            }
            shape(&canvas, ear.applying(card), tone)
            let inner = CharacterPainter.bow(Point(side * 0.03, -0.1), Point(side * 0.16, 0), Point(side * 0.03, 0.1)).applying(card)
            crease(&canvas, inner, look.skin, width: 0.8)
        }
    }

    /// Light and shadow on the skin.
    private func shadeFace(_ canvas: inout Canvas) {
        let g = geometry
        let card = headFrame(Geometry.outlineDepth)
        let (w, h, l) = (look.faceWidth, look.faceHeight, style.light)
        let shadow = style.shadow(look.skin)
        let everywhere = Path(x: -2, y: -2, width: 4, height: 4)
        if let muzzle = look.muzzleFur {
            let patch = Path(through: [
                Point(0, look.face.noseY - 0.22), Point(0.4, look.face.noseY), Point(0.52, h * 0.85), Point(0, h * 1.1),
                Point(-0.52, h * 0.85),
                Point(-0.4, look.face.noseY),
            ])
            canvas.fill(patch.applying(g.card(0, 0, 0.4)), muzzle)
        }
        if style.soft > 0 {
            canvas.transformed(by: card) { canvas in
                canvas.fill(
                    everywhere, around: Point(l * 0.3, 0.05), radius: 1.25,
                    shades: [
                        ColorStop(0, .white, opacity: 0.16 * style.soft), ColorStop(0.45, shadow, opacity: 0),
                        ColorStop(0.8, shadow, opacity: 0.55 * style.soft), ColorStop(1, shadow, opacity: 0.95 * style.soft),
                    ])
                // Under the brows, beside the nose.
                for side in [-1.0, 1] {
                    canvas.fill(
                        everywhere, around: Point(side * look.eyeX, look.eyeY - 0.1), radius: 0.42,
                        shades: [ColorStop(0, shadow, opacity: 0.3 * style.soft), ColorStop(1, shadow, opacity: 0)])
                }
            }
        }
        if style.cel > 0 {
            var side = Path()
            side.move(-l * 0.62, -1.3)
            side.curve(-l * 0.86, -0.4, -l * 0.74, 0.1, -l * 0.8, h * 0.42)
            side.curve(-l * 0.7, h * 0.7, -l * 0.4, h * 0.86, l * 0.12, h * 1.1)
            side.line(-l * 1.6, h * 1.2)
            side.line(-l * 1.6, -1.3)
            side.close()
            if look.seed % 3 != 0 { canvas.fill(side.applying(card), shadow, opacity: style.cel * 0.8) }
        }
        if look.hairShape?.fringe != .bald {
            let strength = max(style.cel, style.soft * 0.5)
            if strength > 0 {
                let below = fringePath.applying(.translation(-l * 0.05 * look.headScale, 0.1 * look.headScale))
                canvas.fill(below, shadow, opacity: strength)
            }
        }
        // Cheekbones and chin, where brushes stay visible.
        if style.strokes > 0.3 {
            var random = SplitMix64(seed: look.seed, stream: 20)
            for _ in 0..<16 {
                let (x, y) = (random.uniform(-w, w), random.uniform(-0.3, h))
                let to = Point(x + random.uniform(-0.25, 0.25), y + random.uniform(0.1, 0.4))
                let tone = x * l < 0 ? shadow : look.skin.mixed(with: .white, 0.35)
                let stroke = CharacterPainter.blade(Point(x, y), Point((x + to.x) / 2 + 0.06, (y + to.y) / 2), to, 0.09)
                canvas.fill(stroke.applying(card), tone, opacity: 0.3 * style.strokes)
            }
        }
    }
}
