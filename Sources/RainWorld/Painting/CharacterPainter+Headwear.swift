import Foundation
import RainPictures

/// What the wide world's characters wear on their heads, in head coordinates mapped to the front hair's depths.
extension CharacterPainter {
    func headPiece(
        _ canvas: inout Canvas, _ path: Path, _ color: Color, line: Double = 1, inside: ((inout Canvas) -> Void)? = nil
    ) {
        // Trinkets show no texture.
        if line < 1 {
            shape(&canvas, front(path), color, line: line)
            return
        }
        shape(&canvas, front(strayed(path)), color, frame: headFrame(0.3), line: line, inside: inside)
    }

    func paintHeadwear(_ canvas: inout Canvas, _ outfit: Outfit) {
        let (color, accent) = (outfit.headColor, outfit.headAccent)
        let v = look.hairShape?.volume ?? 0.1
        let top = -1.42 - v
        let s = look.side
        // As broad as the hair it sits on; drawn for a head of the usual width.
        let broad = Transform.scale(look.faceWidth * (1.07 + 0.6 * v) / 1.1, 1)
        func piece(
            _ canvas: inout Canvas, _ path: Path, _ color: Color, line: Double = 1, inside: ((inout Canvas) -> Void)? = nil
        ) {
            headPiece(&canvas, path.applying(broad), color, line: line, inside: inside)
        }
        func dome(_ low: Double, _ wide: Double = 1.2) -> Path {
            Path(through: [
                Point(-wide, low + 0.06), Point(-wide * 0.95, -0.98), Point(-wide * 0.56, top + 0.06), Point(0, top),
                Point(wide * 0.56, top + 0.06),
                Point(wide * 0.95, -0.98), Point(wide, low + 0.06), Point(wide * 0.55, low - 0.06), Point(0, low - 0.1),
                Point(-wide * 0.55, low - 0.06),
            ])
        }
        func belt(_ low: Double, _ high: Double, _ wide: Double = 1.2) -> Path {
            var path = CharacterPainter.bow(Point(-wide, low), Point(0, low - 0.24), Point(wide, low))
            path.line(wide * 0.98, low - high)
            path.curve(wide * 0.4, low - high - 0.16, -wide * 0.4, low - high - 0.16, -wide * 0.98, low - high)
            path.close()
            return path
        }
        func shade(_ canvas: inout Canvas, _ tone: Color) {
            let l = style.light
            if style.cel > 0 {
                let side = Path(lines: [Point(-l * 0.6, -3), Point(-l * 0.8, -0.3), Point(-l * 2.4, -0.3), Point(-l * 2.4, -3)])
                canvas.fill(front(side), style.shadow(tone), opacity: style.cel * 0.8)
            }
            if style.soft > 0 {
                canvas.fill(
                    front(Path(x: -2.6, y: -3.4, width: 5.2, height: 3.6)), around: geometry.front(l * 0.4, -1.2, 0.1),
                    radius: 1.5 * look.headScale,
                    shades: [
                        ColorStop(0, .white, opacity: 0.22 * style.soft), ColorStop(0.5, style.shadow(tone), opacity: 0),
                        ColorStop(1, style.shadow(tone), opacity: 0.9 * style.soft),
                    ])
            }
        }
        switch outfit.headwear {
        case .none: break
        case .beanie:
            piece(&canvas, dome(-0.55), color) { canvas in
                shade(&canvas, color)
                for x in stride(from: -0.9, through: 0.9, by: 0.3) {
                    crease(
                        &canvas, front(CharacterPainter.bow(Point(x, -0.6), Point(x * 1.05, -1.1), Point(x * 0.3, top))), color,
                        opacity: 0.5)
                }
            }
            piece(&canvas, belt(-0.48, 0.24), accent)
            if look.seed.isMultiple(of: 2) { piece(&canvas, Path(circle: Point(0, top - 0.1), 0.26), accent) }
        case .cap:
            piece(&canvas, dome(-0.55), color) { canvas in
                shade(&canvas, color)
                for x in [-0.45, 0, 0.45] {
                    crease(
                        &canvas, front(CharacterPainter.bow(Point(x * 1.3, -0.6), Point(x * 1.3, -1.2), Point(0, top))), color, opacity: 0.6
                    )
                }
            }
            var visor = CharacterPainter.bow(Point(-0.92, -0.62), Point(0, -0.86), Point(0.92, -0.62))
            visor.curve(0.8, -0.3, 0.4, -0.22, 0, -0.22)
            visor.curve(-0.4, -0.22, -0.8, -0.3, -0.92, -0.62)
            visor.close()
            piece(&canvas, visor, accent)
            canvas.fill(front(Path(circle: Point(0, -1.02), 0.16)), accent)
        case .topHat, .witch:
            let isWitch = outfit.headwear == .witch
            let crown =
                isWitch
                ? Path(lines: [Point(-0.92, -0.86), Point(-0.42, -1.6), Point(s * 0.25, -2.35), Point(0.5, -1.6), Point(0.92, -0.86)])
                : Path(lines: [Point(-0.84, -0.86), Point(-0.9, -1.9), Point(0, -1.98), Point(0.9, -1.9), Point(0.84, -0.86)])
            piece(&canvas, crown, color) { shade(&$0, color) }
            piece(&canvas, belt(-0.9, 0.24, 0.94), accent)
            let reach = isWitch ? 1.75 : 1.35
            let brim = Path(through: [
                Point(-reach, -0.72), Point(-0.8, -0.98), Point(0, -1.06), Point(0.8, -0.98), Point(reach, -0.72), Point(0.8, -0.64),
                Point(0, -0.62),
                Point(-0.8, -0.64),
            ])
            piece(&canvas, brim, color.scaled(by: 0.9))
        case .beret:
            let cloth = Path(through: [
                Point(-1.2, -0.72), Point(-1.34 + s * 0.1, -1.12), Point(-0.7 + s * 0.2, -1.62), Point(s * 0.3, -1.72),
                Point(0.8 + s * 0.2, -1.58),
                Point(1.34 + s * 0.1, -1.12), Point(1.2, -0.72), Point(0.5, -0.9), Point(-0.5, -0.9),
            ])
            piece(&canvas, cloth, color) { shade(&$0, color) }
            piece(&canvas, belt(-0.66, 0.1, 1.16), color.scaled(by: 0.8))
        case .straw:
            piece(&canvas, dome(-0.8, 1.02), color) { shade(&$0, color) }
            piece(&canvas, belt(-0.72, 0.2, 1.06), accent)
            let brim = Path(through: [
                Point(-1.85, -0.5), Point(-1, -0.86), Point(0, -0.95), Point(1, -0.86), Point(1.85, -0.5), Point(0.95, -0.5),
                Point(0, -0.46),
                Point(-0.95, -0.5),
            ])
            piece(&canvas, brim, color) { canvas in
                for y in [-0.58, -0.7] {
                    crease(
                        &canvas, front(CharacterPainter.bow(Point(-1.8, -0.5), Point(0, y * 2 + 0.5), Point(1.8, -0.5))), color,
                        opacity: 0.5)
                }
            }
        case .crown:
            let tips: [Point] = (0...8).map { index in
                let x = -0.8 + 0.2 * Double(index)
                return Point(x, index.isMultiple(of: 2) ? -1.62 - v : -1.28 - v)
            }
            piece(&canvas, Path(lines: tips + [Point(0.74, -0.92), Point(0, -0.98), Point(-0.74, -0.92)]), outfit.metal) {
                shade(&$0, outfit.metal)
            }
            for x in [-0.45, 0, 0.45] { canvas.fill(front(Path(circle: Point(x, -1.1), 0.08)), accent) }
        case .hood: paintHood(&canvas, color)
        case .helmet:
            piece(&canvas, dome(-0.42, 1.26), outfit.metal) { shade(&$0, outfit.metal) }
            piece(&canvas, belt(-0.4, 0.22, 1.27), outfit.metal.scaled(by: 0.75))
            piece(
                &canvas, Path(lines: [Point(-0.12, -0.6), Point(-0.1, top - 0.04), Point(0.1, top - 0.04), Point(0.12, -0.6)]), accent)
        case .headband, .bandana:
            piece(&canvas, outfit.headwear == .bandana ? dome(-0.6) : belt(-0.42, 0.2, 1.12), color) { canvas in
                if outfit.headwear == .bandana {
                    shade(&canvas, color)
                    for (x, y) in [(-0.6, -0.95), (0, -1.1), (0.6, -0.95), (-0.3, -1.3), (0.3, -1.3)] {
                        canvas.fill(front(Path(circle: Point(x, y), 0.09)), accent)
                    }
                }
            }
        case .band, .maid:
            let band = Path(
                through: [
                    Point(-1.14 - v * 0.5, -0.42), Point(-0.98 - v * 0.5, -0.82), Point(-0.55, -1.08 - v * 0.6), Point(0, -1.16 - v * 0.6),
                    Point(0.55, -1.08 - v * 0.6), Point(0.98 + v * 0.5, -0.82), Point(1.14 + v * 0.5, -0.42),
                ], closed: false)
            if outfit.headwear == .maid {
                for index in 0...6 {
                    let angle = .pi * (1.18 + 0.64 * Double(index) / 6)
                    piece(&canvas, Path(circle: Point(1.02 * cos(angle), -0.1 + (1.12 + v) * sin(angle)), 0.2), look.light, line: 0.9)
                }
            }
            canvas.stroke(front(band), outfit.headwear == .maid ? look.light.scaled(by: 0.92) : color, width: 4.4 * look.lineScale)
        case .headphones:
            let band = Path(
                through: [
                    Point(-1.2 - v, 0.0), Point(-1.1 - v, -0.8), Point(-0.55, -1.28 - v), Point(0, -1.38 - v), Point(0.55, -1.28 - v),
                    Point(1.1 + v, -0.8), Point(1.2 + v, 0.0),
                ], closed: false)
            canvas.stroke(front(band), color.scaled(by: 0.8), width: 3.6 * look.lineScale)
            for side in [-1.0, 1] {
                piece(&canvas, Path(ellipse: Point(side * (1.18 + v * 0.5), 0.08), 0.22, 0.34), color)
                piece(&canvas, Path(ellipse: Point(side * (1.24 + v * 0.5), 0.08), 0.12, 0.24), accent)
            }
        case .bow, .ribbon:
            paintBow(&canvas, Point(outfit.headwear == .bow ? 0.1 * s : s * 0.78, outfit.headwear == .bow ? -1.14 - v : -0.9), color)
        case .twinBows: for side in [-1.0, 1] { paintBow(&canvas, Point(side * 0.92, -0.82), color, size: 0.75) }
        case .flowers:
            for (index, x) in [-0.75, -0.4, 0, 0.4, 0.75].enumerated() where look.seed.isMultiple(of: 2) || x * s > 0.2 {
                let middle = Point(x, -1.12 - v * 0.5 + 0.42 * x * x)
                for petal in 0..<5 {
                    let angle = Double(petal) * 2 * .pi / 5
                    piece(
                        &canvas, Path(circle: Point(middle.x + 0.12 * cos(angle), middle.y + 0.12 * sin(angle)), 0.1),
                        index.isMultiple(of: 2) ? color : accent, line: 0.6)
                }
                canvas.fill(front(Path(circle: middle, 0.07)), Color(1, 0.85, 0.3))
            }
        case .clip:
            for (index, y) in [-0.55, -0.42].enumerated() {
                let bar = Path(lines: [
                    Point(s * 0.5, y), Point(s * 0.92, y + 0.08), Point(s * 0.92, y + 0.16), Point(s * 0.5, y + 0.08),
                ])
                piece(&canvas, bar, index == 0 ? color : accent)
            }
        case .goggles:
            piece(&canvas, belt(-0.62, 0.16, 1.12), color.scaled(by: 0.6))
            for x in [-0.42, 0.42] {
                piece(&canvas, Path(circle: Point(x, -0.82), 0.3), color)
                piece(&canvas, Path(circle: Point(x, -0.82), 0.2), outfit.lens, line: 0.6)
                canvas.fill(front(Path(ellipse: Point(x - 0.06, -0.88), 0.07, 0.04)), look.light, opacity: 0.8)
            }
        }
        paintEarrings(&canvas, outfit)
    }

    private func paintHood(_ canvas: inout Canvas, _ color: Color) {
        let w = look.faceWidth
        // A rim around the face, open below.
        var rim = Path()
        rim.move(-1.34, 1.0)
        rim.curve(-1.5, 0.2, -1.4, -0.8, -0.8, -1.4)
        rim.curve(-0.4, -1.72, 0.4, -1.72, 0.8, -1.4)
        rim.curve(1.4, -0.8, 1.5, 0.2, 1.34, 1.0)
        rim.line(w * 1.02, 0.95)
        rim.curve(w * 1.3, 0.2, w * 1.12, -0.6, w * 0.7, -0.92)
        rim.curve(w * 0.3, -1.12, -w * 0.3, -1.12, -w * 0.7, -0.92)
        rim.curve(-w * 1.12, -0.6, -w * 1.3, 0.2, -w * 1.02, 0.95)
        rim.close()
        headPiece(&canvas, rim, color) { canvas in
            let inner = Path(
                through: [
                    Point(-w * 1.1, 1), Point(-w * 1.22, 0.1), Point(-w * 0.86, -0.9), Point(0, -1.2), Point(w * 0.86, -0.9),
                    Point(w * 1.22, 0.1), Point(w * 1.1, 1),
                ], closed: false)
            canvas.stroke(front(inner), style.shadow(color), width: 2.4 * look.lineScale)
        }
    }

    /// One wing of a bow whose knot is the origin.
    ///
    /// - Parameters:
    ///   - wing: -1 to the left, 1 to the right
    ///   - s: of the wing, nearly
    static func bowWing(_ wing: Double, size s: Double) -> Path {
        var bow = Path()
        bow.move(0, 0)
        bow.curve(wing * s * 0.4, -s * 0.5, wing * s * 0.9, -s * 0.95, wing * s * 1.1, -s * 0.6)
        bow.curve(wing * s * 1.25, -s * 0.2, wing * s * 1.25, s * 0.3, wing * s * 1.05, s * 0.6)
        bow.curve(wing * s * 0.85, s * 0.8, wing * s * 0.4, s * 0.4, 0, 0)
        bow.close()
        return bow
    }

    private func paintBow(_ canvas: inout Canvas, _ at: Point, _ color: Color, size: Double = 1) {
        let s = 0.36 * size
        for wing in [-1.0, 1] {
            headPiece(&canvas, Self.bowWing(wing, size: s).applying(.translation(at.x, at.y)), color) { canvas in
                let fold = CharacterPainter.blade(
                    Point(at.x, at.y), Point(at.x + wing * s * 0.4, at.y), Point(at.x + wing * s * 0.8, at.y + s * 0.1), 0.04)
                canvas.fill(front(fold), style.shadow(color, 1.2))
            }
        }
        headPiece(&canvas, Path(ellipse: at, s * 0.28, s * 0.34), color.scaled(by: 0.8))
    }

    private func paintEarrings(_ canvas: inout Canvas, _ outfit: Outfit) {
        let w = look.faceWidth
        for side in [-1.0, 1] where outfit.headwear != .hood && outfit.headwear != .headphones && look.muzzleFur == nil {
            let at = Point(side * w * 1.02, look.eyeY + 0.34)
            switch outfit.earring {
            case .none: break
            case .stud: headPiece(&canvas, Path(circle: at, 0.06), outfit.metal, line: 0.6)
            case .hoop: canvas.stroke(front(Path(circle: Point(at.x, at.y + 0.14), 0.14)), outfit.metal, width: 1.3 * look.lineScale)
            case .drop:
                headPiece(
                    &canvas, CharacterPainter.blade(at, Point(at.x, at.y + 0.16), Point(at.x, at.y + 0.34), 0.09), outfit.metal, line: 0.6)
            }
        }
    }
}
