import Foundation
import RainPictures

/// The wide world's bodies, in the body's coordinates (origin at the neck's pit, units of the design space); all of it is rigid.
extension CharacterPainter {
    private static let floor = 120.0
    /// The body's coordinates in units of a usual half head, for textures.
    private var bodyFrame: Transform { geometry.body.after(.scale(28, 28)) }

    /// - Parameter line: below 1 for small things
    private func piece(
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
        piece(&canvas, torso, base) { canvas in
            if !isBare, outfit.garment != .armour { canvas.transformed(by: geometry.body) { paintPrint(&$0, outfit) } }
            shadeTorso(&canvas, base)
        }
        if isBare { paintStrapless(&canvas, outfit) }
        if outfit.garment == .cloak || outfit.garment == .hoodie { paintUnderNeck(&canvas, outfit) }
        paintThroat(&canvas)
        paintGarment(&canvas, outfit)
        paintNeckwear(&canvas, outfit)
    }

    private func shadeTorso(_ canvas: inout Canvas, _ color: Color) {
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
        piece(&canvas, top, look.cloth) { canvas in
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
        piece(&canvas, roll, style.shadow(look.clothAccent, 0.8))
    }

    private func paintGarment(_ canvas: inout Canvas, _ outfit: Outfit) {
        let (a, d, n) = (look.shoulders, look.shoulderDrop, look.neckWidth)
        let f = Self.floor
        let (cloth, accent) = (look.cloth, look.clothAccent)
        let body = geometry.body
        func mirrored(_ points: [(Double, Double)], _ side: Double) -> Path { Path(lines: points.map { Point(side * $0.0, $0.1) }) }
        switch outfit.garment {
        case .shirt: paintWideCollar(&canvas)
        case .bare: break
        case .tee: rim(&canvas, accent, n, 2.6)
        case .sweater:
            rim(&canvas, accent, n, 5.5)
            for x in [-20.0, -10, 10, 20] {
                crease(&canvas, Path(lines: [Point(x, 10), Point(x * 1.05, f)], closed: false).applying(body), cloth, opacity: 0.5)
            }
        case .turtleneck:
            var roll = Path(lines: [Point(-n - 1, -10), Point(n + 1, -10), Point(n + 3, 3)], closed: false)
            roll.curve(n * 0.5, 8, -n * 0.5, 8, -n - 3, 3)
            roll.close()
            piece(&canvas, roll, cloth.mixed(with: accent, 0.2))
            crease(&canvas, CharacterPainter.bow(Point(-n - 2, -4), Point(0, 2), Point(n + 2, -4)).applying(body), cloth, opacity: 0.6)
        case .jacket:
            for side in [-1.0, 1] {
                var panel = Path()
                panel.move(side * (n + 0.5), -2.5)
                panel.line(side * 7, 40)
                panel.line(side * 4, f)
                panel.line(side * (a + 5), f)
                panel.curve(side * (a + 3.5), d + 18, side * (a + 3), d - 1, side * (a - 8), d - 3.5)
                panel.curve(side * (n + 7.5), 3, side * (n + 2.5), 2, side * (n + 0.5), -2.5)
                panel.close()
                piece(&canvas, panel, cloth) { canvas in
                    canvas.transformed(by: body) { paintPrint(&$0, outfit) }
                    shadeTorso(&canvas, cloth)
                }
                piece(&canvas, mirrored([(n - 0.5, -3.5), (n + 8, 4), (n + 7, 17), (n + 10, 19), (7, 42)], side), cloth.scaled(by: 0.82))
            }
            for side in [-1.0, 1] {
                piece(&canvas, mirrored([(n - 0.5, -4), (n + 4, 4), (4.5, 13), (0, 6)], side), look.light.scaled(by: 0.96))
            }
        case .hoodie:
            for side in [-1.0, 1] {
                var roll = Path()
                roll.move(side * (n + 3), -8)
                roll.curve(side * (n + 13), -2, side * (n + 8), 12, side * 1, 17)
                roll.curve(side * -0.5, 12, side * (n - 3), 9, side * (n - 1), -2)
                roll.close()
                piece(&canvas, roll, accent)
                let string = CharacterPainter.bow(Point(side * 5, 14), Point(side * 6, 24), Point(side * 5, 34)).applying(body)
                canvas.stroke(string, look.light.apart(from: cloth, by: 0.1), width: 1.3)
            }
        case .sailor:
            for side in [-1.0, 1] {
                let flap = mirrored([(n - 1, -4), (n + 14, 4), (n + 15, 18), (2, 32), (0, 26)], side)
                piece(&canvas, flap, accent)
                let stripe = Path(lines: [Point(side * (n + 12), 6), Point(side * (n + 12), 17), Point(side * 3, 28)], closed: false)
                canvas.stroke(stripe.applying(body), look.light.apart(from: accent, by: 0.15), width: 1.2)
            }
            for side in [-1.0, 1] {
                piece(&canvas, mirrored([(0, 26), (9, 24), (10, 34)], side), outfit.neckColor)
                piece(&canvas, mirrored([(0, 28), (6, 46), (1, 44)], side), outfit.neckColor.scaled(by: 0.85))
            }
            piece(&canvas, Path(ellipse: Point(0, 28), 3.4, 3.2), outfit.neckColor)
        case .kimono:
            for side in [-look.side, look.side] {
                let panel = mirrored([(n - 1, -5), (n + 6, 0), (-2, f), (-14, f), (-12, 48)], side)
                piece(&canvas, panel, accent)
                let trim = Path(lines: [Point(side * (n + 1.5), -2), Point(side * -9, f)], closed: false)
                canvas.stroke(trim.applying(body), cloth.apart(from: accent, by: 0.12), width: 1.6)
            }
        case .armour:
            var chest = Path()
            chest.move(0, 8)
            chest.curve(12, 8, a - 22, 10, a - 14, 14)
            chest.curve(a - 14, 40, a - 20, 60, 0, 72)
            chest.curve(-a + 20, 60, -a + 14, 40, -a + 14, 14)
            chest.curve(-a + 22, 10, -12, 8, 0, 8)
            chest.close()
            piece(&canvas, chest, outfit.metal) { shadeTorso(&$0, outfit.metal) }
            crease(&canvas, Path(lines: [Point(0, 9), Point(0, 72)], closed: false).applying(body), outfit.metal)
            for side in [-1.0, 1] {
                piece(&canvas, Path(ellipse: Point(side * (a - 4), d + 6), 13, 14), outfit.metal.scaled(by: 0.86))
                piece(&canvas, Path(ellipse: Point(side * (a - 5), d + 1), 11, 9), outfit.metal)
                for y in [18.0, 30, 42] { canvas.fill(Path(circle: Point(side * (a - 21), y), 1.2).applying(body), accent) }
            }
            rim(&canvas, accent, n, 5)
        case .uniform:
            piece(&canvas, Path(lines: [Point(-n - 1, -6), Point(n + 1, -6), Point(n + 2, 2), Point(0, 7), Point(-n - 2, 2)]), accent)
            crease(&canvas, Path(lines: [Point(0, 7), Point(0, f)], closed: false).applying(body), cloth)
            for index in 0..<6 { piece(&canvas, Path(circle: Point(3.5, 13 + Double(index) * 10), 1.7), outfit.metal, line: 0.5) }
            for side in [-1.0, 1] {
                piece(&canvas, mirrored([(a - 16, d - 7), (a - 1, d - 2), (a, d + 3), (a - 16, d)], side), outfit.metal, line: 0.7)
            }
        case .dress:
            let frill = (0...10).map { index in
                let angle = .pi * Double(index) / 10
                return Point((n + 11) * cos(angle), 1 + 14 * sin(angle))
            }
            for point in frill { piece(&canvas, Path(circle: point, 4.2), look.light.apart(from: cloth, by: 0.08), line: 0.7) }
            for side in [-1.0, 1] { piece(&canvas, Path(ellipse: Point(side * (a - 4), d + 9), 12, 13), cloth.mixed(with: .white, 0.08)) }
        case .cloak:
            for side in [-1.0, 1] {
                var drape = Path()
                drape.move(side * (n + 1), -5)
                drape.curve(side * (n + 18), 0, side * (a + 4), d, side * (a + 9), f)
                drape.line(side * 9, f)
                drape.curve(side * 9, 50, side * 6, 22, side * (n - 3), 4)
                drape.close()
                piece(&canvas, drape, accent) { shadeTorso(&$0, accent) }
                for x in [0.4, 0.7] {
                    let fold = CharacterPainter.blade(Point(side * (n + 6), 6), Point(side * a * x, 26), Point(side * (a * x + 4), f), 1.6)
                    canvas.fill(fold.applying(body), style.shadow(accent, 1.1), opacity: 0.8)
                }
            }
            piece(&canvas, Path(circle: Point(0, 8), 4), outfit.metal)
        case .fur:
            var random = SplitMix64(seed: look.seed, stream: 31)
            for index in 0...16 {
                let angle = .pi * (Double(index) / 16 * 1.3 - 0.15)
                let at = Point((n + 7) * cos(angle), -3 + 15 * sin(angle))
                piece(&canvas, Path(circle: at, 5 + random.uniform(0, 2)), accent.mixed(with: .white, 0.2), line: 0.7)
            }
        case .overall:
            rim(&canvas, cloth.scaled(by: 0.8), n, 2.4)
            piece(&canvas, Path(lines: [Point(-a * 0.5, 34), Point(a * 0.5, 34), Point(a * 0.62, f), Point(-a * 0.62, f)]), accent)
            for side in [-1.0, 1] {
                piece(&canvas, mirrored([(a * 0.34, 37), (a * 0.48, 37), (n + 11, 2.5), (n + 6.5, 1)], side), accent.scaled(by: 0.94))
                piece(&canvas, Path(circle: Point(side * a * 0.41, 38), 2.2), outfit.metal, line: 0.6)
            }
        }
    }

    /// A round neckline.
    private func rim(_ canvas: inout Canvas, _ color: Color, _ n: Double, _ width: Double) {
        var path = Path()
        path.move(-n - 0.6 - width * 0.4, -2 - width * 0.2)
        path.curve(-n * 0.5, 8 + width * 0.8, n * 0.5, 8 + width * 0.8, n + 0.6 + width * 0.4, -2 - width * 0.2)
        path.line(n - 0.4, -3)
        path.curve(n * 0.5, 6 - width * 0.1, -n * 0.5, 6 - width * 0.1, -n + 0.4, -3)
        path.close()
        piece(&canvas, path, color)
    }

    private func paintWideCollar(_ canvas: inout Canvas) {
        let (n, accent) = (look.neckWidth, look.clothAccent)
        switch look.collar {
        case .round: rim(&canvas, look.cloth.scaled(by: 0.75), n, 2.2)
        case .open:
            let opening = Path(lines: [Point(-n + 0.3, -1.5), Point(n - 0.3, -1.5), Point(0, 18)])
            piece(&canvas, opening, style.isInkOnly ? look.skin : style.shadow(look.skin, 0.3), line: 0.4)
            for side in [-1.0, 1] {
                piece(
                    &canvas, Path(lines: [Point(side * n, -4), Point(side * (n + 8), 5), Point(side * 8, 16), Point(0, 18)]),
                    look.cloth.scaled(by: 0.86))
            }
        case .pointed:
            for side in [-1.0, 1] {
                piece(
                    &canvas, Path(lines: [Point(side * (n - 0.5), -4.5), Point(side * (n + 10), 6), Point(side * 9, 16), Point(0, 5.5)]),
                    accent)
            }
            for y in [14.0, 26, 38, 50] {
                canvas.fill(Path(circle: Point(0, y), 1.3).applying(geometry.body), accent.apart(from: look.cloth, by: 0.2))
            }
        case .high:
            var roll = Path(lines: [Point(-n - 0.5, -8), Point(n + 0.5, -8), Point(n + 2.5, 3)], closed: false)
            roll.curve(n * 0.5, 8, -n * 0.5, 8, -n - 2.5, 3)
            roll.close()
            piece(&canvas, roll, accent)
        }
    }

    private func paintNeckwear(_ canvas: inout Canvas, _ outfit: Outfit) {
        let n = look.neckWidth
        let color = outfit.neckColor
        func bow(_ y: Double) -> Path { CharacterPainter.bow(Point(-n - 2, -1), Point(0, y * 2), Point(n + 2, -1)) }
        switch outfit.neckwear {
        case .none: break
        case .scarf:
            piece(
                &canvas,
                Path(lines: [Point(look.side * 4, 6), Point(look.side * 14, 5), Point(look.side * 17, 52), Point(look.side * 5, 54)]),
                color.scaled(by: 0.88))
            piece(
                &canvas,
                Path(through: [
                    Point(-n - 7, -6), Point(-n, -10), Point(0, -5), Point(n, -10), Point(n + 7, -6), Point(n + 8, 5), Point(0, 14),
                    Point(-n - 8, 5),
                ]), color
            ) { canvas in
                let fold = CharacterPainter.bow(Point(-n - 6, 0), Point(0, 12), Point(n + 6, -2)).applying(geometry.body)
                crease(&canvas, fold, color)
            }
        case .tie:
            piece(&canvas, Path(lines: [Point(-3, 6), Point(3, 6), Point(6.5, 60), Point(0, 70), Point(-6.5, 60)]), color)
            piece(&canvas, Path(lines: [Point(-4.5, 3), Point(4.5, 3), Point(3, 11), Point(-3, 11)]), color.scaled(by: 0.85))
        case .bowTie, .ribbon:
            let tall = outfit.neckwear == .ribbon ? 1.5 : 1.0
            for side in [-1.0, 1] {
                piece(
                    &canvas,
                    Path(through: [Point(0, 7), Point(side * 9 * tall, 2), Point(side * 12 * tall, 8), Point(side * 9 * tall, 13)]), color)
                if tall > 1 {
                    piece(&canvas, Path(lines: [Point(0, 8), Point(side * 9, 30), Point(side * 3, 28)]), color.scaled(by: 0.85))
                }
            }
            piece(&canvas, Path(ellipse: Point(0, 7.5), 3, 3.4), color.scaled(by: 0.8))
        case .necklace, .beads:
            let chain = bow(outfit.neckwear == .beads ? 10 : 15).applying(geometry.body)
            if outfit.neckwear == .beads {
                for index in 0...8 {
                    let t = Double(index) / 8 * 2 - 1
                    piece(
                        &canvas, Path(circle: Point(t * (n + 3), 11 - 11 * t * t), 2.3), index.isMultiple(of: 2) ? color : outfit.metal,
                        line: 0.6)
                }
            } else {
                canvas.stroke(chain, outfit.metal, width: 1.1)
                piece(&canvas, Path(lines: [Point(-3, 15), Point(0, 11), Point(3, 15), Point(0, 21)]), color, line: 0.7)
            }
        case .choker, .bell:
            var band = CharacterPainter.bow(Point(-n * 0.96, -6), Point(0, 2), Point(n * 0.96, -6))
            band.line(n * 1.0, -2)
            band.curve(n * 0.5, 3.6, -n * 0.5, 3.6, -n * 1.0, -2)
            band.close()
            piece(&canvas, band, color)
            if outfit.neckwear == .bell { piece(&canvas, Path(circle: Point(0, 4), 3.6), outfit.metal) }
        }
    }
}
