import RainPictures

/// The wide world's bodies, in the body's coordinates (origin at the neck's pit, units of the design space); all of it is rigid.
extension CharacterPainter {
    static let floor = 120.0
    /// The body's coordinates in units of a usual half head, for textures.
    private var bodyFrame: Transform { geometry.body.after(.scale(28, 28)) }

    /// - Parameter line: below 1 for small things
    func bodyPiece(
        _ canvas: inout Canvas, _ path: Path, _ color: Color, line: Double = 1, inside: ((inout Canvas) -> Void)? = nil
    ) {
        // Trinkets show no texture.
        if line < 1 {
            shape(&canvas, path.applying(geometry.body), color, line: line)
            return
        }
        let a = 26.0
        let local = style.wobble > 0 ? strayed(path.applying(.scale(1 / a, 1 / a))).applying(.scale(a, a)) : path
        shape(&canvas, local.applying(geometry.body), color, frame: bodyFrame, line: line, inside: inside)
    }

    private var torso: Path {
        let (a, d, n, f) = (look.shoulders, look.shoulderDrop, look.neckWidth, Self.floor)
        var path = Path()
        path.move(-a - 5, f)
        path.curve(-a - 3.5, d + 18, -a - 3, d - 1, -a + 8, d - 3.5)
        path.curve(-n - 7.5, 3, -n - 2.5, 2, -n - 0.5, -2)
        path.line(n + 0.5, -2)
        path.curve(n + 2.5, 2, n + 7.5, 3, a - 8, d - 3.5)
        path.curve(a + 3, d - 1, a + 3.5, d + 18, a + 5, f)
        path.close()
        return path
    }

    func paintWideBody(_ canvas: inout Canvas, _ outfit: Outfit) {
        let isBare = outfit.garment == .bare
        let base = isBare ? look.skin : outfit.garment == .jacket ? look.light.mixed(with: look.cloth, 0.15) : look.cloth
        bodyPiece(&canvas, torso, base) { canvas in
            if !isBare, outfit.garment != .armour { canvas.transformed(by: geometry.body) { paintPrint(&$0, outfit) } }
            shadeTorso(&canvas, base)
        }
        if isBare { paintStrapless(&canvas, outfit) }
        if outfit.garment == .cloak || outfit.garment == .hoodie { paintUnderNeck(&canvas, outfit) }
        paintThroat(&canvas)
        paintGarment(&canvas, outfit)
        paintNeckwear(&canvas, outfit)
    }

    func shadeTorso(_ canvas: inout Canvas, _ color: Color) {
        let (a, d, l) = (look.shoulders, look.shoulderDrop, style.light)
        let body = geometry.body
        let shadow = style.shadow(color)
        if style.soft > 0 {
            canvas.fill(
                Path(x: -100, y: -100, width: 330, height: 400), from: body(Point(l * a, 0)), to: body(Point(-l * a, 30)),
                shades: [
                    ColorStop(0, .white, opacity: 0.12 * style.soft), ColorStop(0.4, shadow, opacity: 0),
                    ColorStop(1, shadow, opacity: 0.9 * style.soft),
                ])
        }
        if style.cel > 0 {
            var side = Path()
            side.move(-l * (a - 12), d - 12)
            side.curve(-l * (a - 8), d + 14, -l * (a - 4), d + 30, -l * (a - 12), Self.floor)
            side.line(-l * (a + 30), Self.floor)
            side.line(-l * (a + 30), d - 12)
            side.close()
            canvas.fill(side.applying(body), shadow, opacity: style.cel * 0.8)
            // Below the head.
            let chin = Path(ellipse: Point(-l * 4, 0), look.neckWidth + 10, 7 + look.neckWidth * 0.4).applying(body)
            canvas.fill(chin, shadow, opacity: style.cel * 0.7)
        }
        for side in [-1.0, 1] {
            let fold = CharacterPainter.bow(
                Point(side * (a - 10), d + 16), Point(side * (a - 7), d + 36), Point(side * (a - 11), Self.floor))
            crease(&canvas, fold.applying(body), color, opacity: 0.8)
            let crinkle = CharacterPainter.blade(
                Point(side * (a - 12), d + 18), Point(side * (a - 20), d + 22), Point(side * (a - 26), d + 34), 1.2)
            if look.outfit?.garment != .bare { canvas.fill(crinkle.applying(body), style.shadow(color, 1.2), opacity: 0.7) }
        }
    }

    private func paintThroat(_ canvas: inout Canvas) {
        let g = geometry
        let (n, body) = (look.neckWidth, g.body)
        let top = g.at(0, look.faceHeight * 0.5, 0.05)
        let (left, right) = (body(Point(-n - 0.2, -1)), body(Point(n + 0.2, -1)))
        let (pitLeft, pitRight) = (body(Point(-n * 0.5, 5 + n * 0.2)), body(Point(n * 0.5, 5 + n * 0.2)))
        var throat = Path()
        throat.move(top.x - n * 0.84, top.y)
        throat.curve(top.x - n * 0.84, (top.y + left.y) / 2, left.x + n * 0.12, left.y - 6, left.x, left.y)
        throat.curve(pitLeft.x, pitLeft.y, pitRight.x, pitRight.y, right.x, right.y)
        throat.curve(right.x - n * 0.12, right.y - 6, top.x + n * 0.84, (top.y + right.y) / 2, top.x + n * 0.84, top.y)
        throat.close()
        let skin = style.isInkOnly ? look.skin : style.shadow(look.skin, 0.3)
        shape(&canvas, throat, skin, frame: bodyFrame, line: look.outfit?.garment == .bare ? 0 : 1) { canvas in
            // The shadow of the chin.
            let low = g.at(0, look.faceHeight, Geometry.outlineDepth)
            let h = look.headScale
            let strength = style.isInkOnly ? 1 : max(0.45, style.cel, style.soft * 0.8)
            let tone = style.isInkOnly ? style.ink : style.shadow(look.skin, 1.1)
            canvas.fill(Path(ellipse: Point(low.x - style.light * 1.5, low.y - h * 0.08), h * 0.5, h * 0.3), tone, opacity: strength)
        }
    }

    private func paintStrapless(_ canvas: inout Canvas, _ outfit: Outfit) {
        let (a, d) = (look.shoulders, look.shoulderDrop)
        let bones = [-1.0, 1].map { CharacterPainter.bow(Point($0 * 4, 6), Point($0 * 14, 6), Point($0 * (a - 16), d - 2)) }
        for bone in bones { crease(&canvas, bone.applying(geometry.body), look.skin, opacity: 0.7) }
        var top = Path()
        top.move(-a + 9, Self.floor)
        top.line(-a + 10, d + 17)
        top.curve(-a * 0.5, d + 10, -6, d + 12, 0, d + 17)
        top.curve(6, d + 12, a * 0.5, d + 10, a - 10, d + 17)
        top.line(a - 9, Self.floor)
        top.close()
        bodyPiece(&canvas, top, look.cloth) { canvas in
            canvas.transformed(by: geometry.body) { paintPrint(&$0, outfit) }
        }
        guard look.seed.isMultiple(of: 2) else { return }
        for side in [-1.0, 1] {
            let strap = Path(lines: [Point(side * a * 0.42, d + 14), Point(side * (look.neckWidth + 7), 3.5)], closed: false)
            canvas.stroke(strap.applying(geometry.body), look.cloth, width: 3)
        }
    }

    /// Cloth behind the neck.
    private func paintUnderNeck(_ canvas: inout Canvas, _ outfit: Outfit) {
        let n = look.neckWidth
        let roll = Path(ellipse: Point(0, -1), n + 10, 8)
        bodyPiece(&canvas, roll, style.shadow(look.clothAccent, 0.8))
    }
}
