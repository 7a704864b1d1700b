import RainPictures

extension CharacterPainter {
    /// Cheeks, nose, mouth and eyes, and what is on the skin around them.
    func paintFeatures(_ canvas: inout Canvas) {
        if look.world == .classic {
            if look.blush > 0 {
                for side in [-1.0, 1] {
                    let cheek = Path(ellipse: Point(0, 0), 0.19, 0.1).applying(geometry.card(side * 0.54, 0.44, 0.68))
                    canvas.fill(cheek, Color(0.95, 0.35, 0.35), opacity: look.blush)
                }
            }
        } else {
            paintBlush(&canvas)
            paintMarks(&canvas)
            paintBeard(&canvas)
        }
        paintNose(&canvas)
        paintMouth(&canvas)
        if look.face.beard == .moustache || look.face.beard == .full || look.face.beard == .long { paintMoustache(&canvas) }
        if look.face.cover != .none { paintCover(&canvas) }
        paintEye(&canvas, geometry.eye(-1))
        paintEye(&canvas, geometry.eye(1))
    }

    private func paintNose(_ canvas: inout Canvas) {
        let g = geometry
        let nose = g.nose
        let face = look.face
        let size = face.noseSize
        let card = g.card(0, face.noseY, g.noseDepth)
        let dark = style.isInkOnly ? style.ink : Color(look.skin.red * 0.68, look.skin.green * 0.58, look.skin.blue * 0.58)
        let width = max(0.8, style.line) * look.lineScale
        switch face.nose {
        case .line:
            if look.world == .classic {
                canvas.stroke(Path(lines: [nose.bridge, nose.tip], closed: false), look.skin.scaled(by: 0.72), width: 1.4)
            } else {
                canvas.stroke(Path(lines: [nose.bridge, nose.tip], closed: false), dark, width: width * 1.2)
            }
        case .none: break
        case .dot: canvas.fill(Path(ellipse: Point(0, 0), 0.03 * size, 0.022 * size).applying(card), dark)
        case .hook:
            let l = style.light
            var hook = CharacterPainter.bow(Point(-l * 0.03, -0.14 * size), Point(-l * 0.14 * size, 0), Point(-l * 0.1 * size, 0.01))
            hook.curve(-l * 0.06, 0.05, 0, 0.05, l * 0.03, 0.02)
            canvas.stroke(hook.applying(card), dark, width: width)
        case .shadow:
            let l = style.light
            let shadow = Path(lines: [Point(-l * 0.01, -0.16 * size), Point(-l * 0.11 * size, 0.015), Point(l * 0.02, 0.03)])
            canvas.fill(shadow.applying(card), style.shadow(look.skin), opacity: 0.9)
            if style.isInkOnly { canvas.stroke(shadow.applying(card), dark, width: 0.7) }
        case .wedge:
            let l = style.light
            let bridge = CharacterPainter.blade(
                Point(-l * 0.07, look.eyeY - face.noseY), Point(-l * 0.05, -0.18), Point(-l * 0.1 * size, 0.0), 0.05)
            canvas.fill(bridge.applying(card), style.shadow(look.skin), opacity: 0.55)
            canvas.fill(
                Path(ellipse: Point(l * 0.01, -0.06), 0.035 * size, 0.05 * size).applying(card), look.skin.mixed(with: .white, 0.5),
                opacity: 0.35 + 0.3 * style.soft)
            var base = CharacterPainter.bow(Point(-0.13 * size, -0.02), Point(-0.12 * size, 0.05), Point(-0.05 * size, 0.03))
            base.curve(-0.02, 0.06, 0.02, 0.06, 0.05 * size, 0.03)
            base.curve(0.12 * size, 0.05, 0.13 * size, 0.02, 0.13 * size, -0.02)
            canvas.stroke(base.applying(card), dark, width: width)
        case .button:
            let ball = Path(ellipse: Point(0, 0), 0.075 * size, 0.055 * size).applying(card)
            canvas.fill(ball, style.shadow(look.skin, 0.5).mixed(with: look.face.blushColor, 0.2))
            outline(&canvas, ball, look.skin, 0.7)
        case .animal:
            let snout = Path(through: [Point(-0.11, -0.05), Point(0, -0.07), Point(0.11, -0.05), Point(0, 0.07)]).applying(card)
            let black = Color(0.12, 0.08, 0.1)
            canvas.fill(snout, black)
            let middle = geometry.mouth
            canvas.stroke(
                Path(lines: [card(Point(0, 0.05)), middle.card(Point(0, middle.top))], closed: false), black, width: width)
        }
    }

    private func paintMouth(_ canvas: inout Canvas) {
        let mouth = geometry.mouth
        let gap = mouth.bottom - mouth.top
        let face = look.face
        let ground = look.muzzleFur ?? look.skin
        let bend = face.mouth == .cartoon ? 0.85 : 0.6
        // On dark skin the mouth's inside is the brighter.
        let hollow =
            look.world == .classic
            ? look.mouthColor.scaled(by: 0.72)
            : ground.luma > 0.26
                ? look.mouthColor.scaled(by: 0.45).darker(than: ground, by: 0.2) : look.mouthColor.mixed(with: Color(0.62, 0.1, 0.12), 0.7)
        let inside = lens(mouth.width, mouth.top, mouth.bottom, bend: bend).applying(mouth.card)
        if face.mouth == .lips { paintLips(&canvas, mouth) }
        if gap > 0.003 || look.world == .classic {
            canvas.fill(inside, style.isInkOnly ? style.ink : hollow)
        }
        if gap > 0.05 {
            canvas.clipped(to: inside) { canvas in
                // The tongue lies on the lower lip and stays within the corners.
                let tongue = Path(ellipse: Point(0, mouth.bottom - gap * 0.2), mouth.width * 0.5, gap * 0.26).applying(mouth.card)
                let color = look.world == .classic || !style.isInkOnly ? look.mouthColor.mixed(with: Color(1, 0.55, 0.55), 0.5) : look.light
                if face.mouth != .small { canvas.fill(tongue, color) }
                if face.mouth == .cartoon || face.mouth == .lips {
                    let teeth = Path(x: -mouth.width, y: mouth.top - 0.05, width: mouth.width * 2, height: 0.05 + min(0.07, gap * 0.3))
                    canvas.fill(teeth.applying(mouth.card), look.light)
                }
            }
        }
        guard look.world == .wide else {
            let lips = look.mouthColor.scaled(by: 0.8)
            canvas.stroke(arch(mouth.width, mouth.top).applying(mouth.card), lips, width: 1.6)
            if gap > 0.01 { canvas.stroke(arch(mouth.width, mouth.bottom).applying(mouth.card), lips, width: 1.1) }
            return
        }
        let ink =
            style.isInkOnly
            ? style.ink : style.line > 0 && style.ink.luma < 0.5 ? style.lineColor(look.mouthColor) : look.mouthColor.scaled(by: 0.7)
        let seen = ground.luma > 0.26 ? ink.darker(than: ground, by: 0.2) : ink.apart(from: ground, by: 0.14)
        let width = max(0.9, style.line * 0.9) * look.lineScale
        var upper = arch(mouth.width, mouth.top, bend: bend)
        if face.mouth == .cat {
            // Two bows that meet below the nose; they flatten as the mouth opens.
            let (low, peak) = (mouth.top + 0.05, mouth.top - 0.02)
            upper = Path()
            upper.move(-mouth.width, 0)
            upper.curve(-mouth.width * 0.95, low * 1.5, -mouth.width * 0.08, low * 1.5, 0, peak)
            upper.curve(mouth.width * 0.08, low * 1.5, mouth.width * 0.95, low * 1.5, mouth.width, 0)
        }
        canvas.stroke(upper.applying(mouth.card), seen, width: width)
        if gap > 0.01 { canvas.stroke(arch(mouth.width, mouth.bottom, bend: bend).applying(mouth.card), seen, width: width * 0.8) }
        if face.mouth == .soft || face.mouth == .line && look.seed % 2 == 0 {
            // The shadow below the lower lip.
            let below = CharacterPainter.bow(
                Point(-0.07, mouth.bottom + 0.1), Point(0, mouth.bottom + 0.14), Point(0.07, mouth.bottom + 0.1))
            canvas.stroke(below.applying(mouth.card), style.shadow(look.skin, 1.2), width: width * 0.9)
        }
    }

    private func paintLips(_ canvas: inout Canvas, _ mouth: Geometry.Mouth) {
        let w = mouth.width
        let lip = style.isInkOnly ? look.skin : look.face.lip
        var upper = Path()
        upper.move(-w * 1.05, 0)
        upper.curve(-w * 0.6, mouth.top - 0.06, -w * 0.3, mouth.top - 0.13, -w * 0.14, mouth.top - 0.085)
        upper.curve(-w * 0.05, mouth.top - 0.06, w * 0.05, mouth.top - 0.06, w * 0.14, mouth.top - 0.085)
        upper.curve(w * 0.3, mouth.top - 0.13, w * 0.6, mouth.top - 0.06, w * 1.05, 0)
        upper.curve(w * 0.6, mouth.bottom * 4 / 3 + 0.17, -w * 0.6, mouth.bottom * 4 / 3 + 0.17, -w * 1.05, 0)
        upper.close()
        let both = upper.applying(mouth.card)
        canvas.fill(both, lip)
        outline(&canvas, both, lip, 0.5)
        let gleam = Path(ellipse: Point(-style.light * -0.04, mouth.bottom + 0.06), w * 0.32, 0.018).applying(mouth.card)
        canvas.fill(gleam, look.light, opacity: 0.35)
    }
}
