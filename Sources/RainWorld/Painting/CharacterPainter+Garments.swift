import Foundation
import RainNumbers
import RainPictures

/// What the wide world's characters wear over the torso, in the body's coordinates.
extension CharacterPainter {
    func paintGarment(_ canvas: inout Canvas, _ outfit: Outfit) {
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
            bodyPiece(&canvas, roll, cloth.mixed(with: accent, 0.2))
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
                bodyPiece(&canvas, panel, cloth) { canvas in
                    canvas.transformed(by: body) { paintPrint(&$0, outfit) }
                    shadeTorso(&canvas, cloth)
                }
                bodyPiece(
                    &canvas, mirrored([(n - 0.5, -3.5), (n + 8, 4), (n + 7, 17), (n + 10, 19), (7, 42)], side), cloth.scaled(by: 0.82))
            }
            for side in [-1.0, 1] {
                bodyPiece(&canvas, mirrored([(n - 0.5, -4), (n + 4, 4), (4.5, 13), (0, 6)], side), look.light.scaled(by: 0.96))
            }
        case .hoodie:
            for side in [-1.0, 1] {
                var roll = Path()
                roll.move(side * (n + 3), -8)
                roll.curve(side * (n + 13), -2, side * (n + 8), 12, side * 1, 17)
                roll.curve(side * -0.5, 12, side * (n - 3), 9, side * (n - 1), -2)
                roll.close()
                bodyPiece(&canvas, roll, accent)
                let string = CharacterPainter.bow(Point(side * 5, 14), Point(side * 6, 24), Point(side * 5, 34)).applying(body)
                canvas.stroke(string, look.light.apart(from: cloth, by: 0.1), width: 1.3)
            }
        case .sailor:
            for side in [-1.0, 1] {
                let flap = mirrored([(n - 1, -4), (n + 14, 4), (n + 15, 18), (2, 32), (0, 26)], side)
                bodyPiece(&canvas, flap, accent)
                let stripe = Path(lines: [Point(side * (n + 12), 6), Point(side * (n + 12), 17), Point(side * 3, 28)], closed: false)
                canvas.stroke(stripe.applying(body), look.light.apart(from: accent, by: 0.15), width: 1.2)
            }
            for side in [-1.0, 1] {
                bodyPiece(&canvas, mirrored([(0, 26), (9, 24), (10, 34)], side), outfit.neckColor)
                bodyPiece(&canvas, mirrored([(0, 28), (6, 46), (1, 44)], side), outfit.neckColor.scaled(by: 0.85))
            }
            bodyPiece(&canvas, Path(ellipse: Point(0, 28), 3.4, 3.2), outfit.neckColor)
        case .kimono:
            for side in [-look.side, look.side] {
                let panel = mirrored([(n - 1, -5), (n + 6, 0), (-2, f), (-14, f), (-12, 48)], side)
                bodyPiece(&canvas, panel, accent)
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
            bodyPiece(&canvas, chest, outfit.metal) { shadeTorso(&$0, outfit.metal) }
            crease(&canvas, Path(lines: [Point(0, 9), Point(0, 72)], closed: false).applying(body), outfit.metal)
            for side in [-1.0, 1] {
                bodyPiece(&canvas, Path(ellipse: Point(side * (a - 4), d + 6), 13, 14), outfit.metal.scaled(by: 0.86))
                bodyPiece(&canvas, Path(ellipse: Point(side * (a - 5), d + 1), 11, 9), outfit.metal)
                for y in [18.0, 30, 42] { canvas.fill(Path(circle: Point(side * (a - 21), y), 1.2).applying(body), accent) }
            }
            rim(&canvas, accent, n, 5)
        case .uniform:
            bodyPiece(&canvas, Path(lines: [Point(-n - 1, -6), Point(n + 1, -6), Point(n + 2, 2), Point(0, 7), Point(-n - 2, 2)]), accent)
            crease(&canvas, Path(lines: [Point(0, 7), Point(0, f)], closed: false).applying(body), cloth)
            for index in 0..<6 { bodyPiece(&canvas, Path(circle: Point(3.5, 13 + Double(index) * 10), 1.7), outfit.metal, line: 0.5) }
            for side in [-1.0, 1] {
                bodyPiece(&canvas, mirrored([(a - 16, d - 7), (a - 1, d - 2), (a, d + 3), (a - 16, d)], side), outfit.metal, line: 0.7)
            }
        case .dress:
            let frill = (0...10).map { index in
                let angle = .pi * Double(index) / 10
                return Point((n + 11) * cos(angle), 1 + 14 * sin(angle))
            }
            for point in frill { bodyPiece(&canvas, Path(circle: point, 4.2), look.light.apart(from: cloth, by: 0.08), line: 0.7) }
            for side in [-1.0, 1] {
                bodyPiece(&canvas, Path(ellipse: Point(side * (a - 4), d + 9), 12, 13), cloth.mixed(with: .white, 0.08))
            }
        case .cloak:
            for side in [-1.0, 1] {
                var drape = Path()
                drape.move(side * (n + 1), -5)
                drape.curve(side * (n + 18), 0, side * (a + 4), d, side * (a + 9), f)
                drape.line(side * 9, f)
                drape.curve(side * 9, 50, side * 6, 22, side * (n - 3), 4)
                drape.close()
                bodyPiece(&canvas, drape, accent) { shadeTorso(&$0, accent) }
                for x in [0.4, 0.7] {
                    let fold = CharacterPainter.blade(Point(side * (n + 6), 6), Point(side * a * x, 26), Point(side * (a * x + 4), f), 1.6)
                    canvas.fill(fold.applying(body), style.shadow(accent, 1.1), opacity: 0.8)
                }
            }
            bodyPiece(&canvas, Path(circle: Point(0, 8), 4), outfit.metal)
        case .fur:
            var random = SplitMix64(seed: look.seed, stream: 31)
            let tufts = (0...22).map { index in
                let (angle, out) = (.pi * (Double(index) / 22 * 1.3 - 0.15), index.isMultiple(of: 2) ? 4.0 : 0)
                let reach = out + random.uniform(-1, 1)
                return Point((n + 9 + reach) * cos(angle), -4 + (15 + reach) * sin(angle))
            }
            let inner = (0...6).map { index in
                let angle = .pi * (1.05 - Double(index) / 6 * 1.1)
                return Point((n - 1) * cos(angle), -3 + 8 * sin(angle))
            }
            let fur = accent.mixed(with: .white, 0.2)
            bodyPiece(&canvas, Path(through: tufts + inner), fur) { canvas in
                for index in 3..<20 where index % 3 == 0 {
                    let (from, to) = (tufts[index], Point(tufts[index].x * 0.62, tufts[index].y * 0.62))
                    let hair = CharacterPainter.blade(from, Point(from.x * 0.85, from.y * 0.75), to, 0.9)
                    canvas.fill(hair.applying(body), style.shadow(fur, 1.2), opacity: 0.6)
                }
            }
        case .overall:
            rim(&canvas, cloth.scaled(by: 0.8), n, 2.4)
            bodyPiece(&canvas, Path(lines: [Point(-a * 0.5, 34), Point(a * 0.5, 34), Point(a * 0.62, f), Point(-a * 0.62, f)]), accent)
            for side in [-1.0, 1] {
                bodyPiece(&canvas, mirrored([(a * 0.34, 37), (a * 0.48, 37), (n + 11, 2.5), (n + 6.5, 1)], side), accent.scaled(by: 0.94))
                bodyPiece(&canvas, Path(circle: Point(side * a * 0.41, 38), 2.2), outfit.metal, line: 0.6)
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
        bodyPiece(&canvas, path, color)
    }

    private func paintWideCollar(_ canvas: inout Canvas) {
        let (n, accent) = (look.neckWidth, look.clothAccent)
        switch look.collar {
        case .round: rim(&canvas, look.cloth.scaled(by: 0.75), n, 2.2)
        case .open:
            let opening = Path(lines: [Point(-n + 0.3, -1.5), Point(n - 0.3, -1.5), Point(0, 18)])
            bodyPiece(&canvas, opening, style.isInkOnly ? look.skin : style.shadow(look.skin, 0.3), line: 0.4)
            for side in [-1.0, 1] {
                bodyPiece(
                    &canvas, Path(lines: [Point(side * n, -4), Point(side * (n + 8), 5), Point(side * 8, 16), Point(0, 18)]),
                    look.cloth.scaled(by: 0.86))
            }
        case .pointed:
            for side in [-1.0, 1] {
                bodyPiece(
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
            bodyPiece(&canvas, roll, accent)
        }
    }
}
