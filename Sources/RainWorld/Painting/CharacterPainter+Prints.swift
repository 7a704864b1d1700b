import Foundation
import RainNumbers
import RainPictures

/// Patterns of cloth, in the body's coordinates: they move with it as one piece.
extension CharacterPainter {
    func paintPrint(_ canvas: inout Canvas, _ outfit: Outfit) {
        let s = outfit.printScale
        let accent = look.clothAccent
        var random = SplitMix64(seed: look.seed, stream: 32)
        let (left, right, bottom) = (-74.0, 74.0, 120.0)
        switch outfit.print {
        case .plain: break
        case .stripes:
            for y in stride(from: 4.0, to: bottom, by: 10 * s) { canvas.fill(Path(x: left, y: y, width: 148, height: 4.4 * s), accent) }
        case .pinstripes:
            for x in stride(from: left, to: right, by: 8 * s) { canvas.fill(Path(x: x, y: -10, width: 1.7 * s, height: 140), accent) }
        case .dots:
            for (row, y) in stride(from: 4.0, to: bottom, by: 9 * s).enumerated() {
                for x in stride(from: left + (row.isMultiple(of: 2) ? 0 : 5.5 * s), to: right, by: 11 * s) {
                    canvas.fill(Path(circle: Point(x, y), 2.6 * s), accent)
                }
            }
        case .block: canvas.fill(Path(x: left, y: 13 + 10 * s, width: 148, height: 130), accent)
        case .checks:
            for x in stride(from: left, to: right, by: 12 * s) {
                canvas.fill(Path(x: x, y: -10, width: 6 * s, height: 140), accent, opacity: 0.55)
            }
            for y in stride(from: -4.0, to: bottom, by: 12 * s) {
                canvas.fill(Path(x: left, y: y, width: 148, height: 6 * s), accent, opacity: 0.55)
            }
        case .diagonal:
            canvas.transformed(by: .rotation(0.7 * look.side)) { canvas in
                for x in stride(from: -130.0, to: 130, by: 11 * s) { canvas.fill(Path(x: x, y: -130, width: 4.5 * s, height: 280), accent) }
            }
        case .print:
            let middle = Point(0, 36)
            switch Int(random.unit() * 4) {
            case 0:
                let star = (0..<10).map { index in
                    let (angle, reach) = (Double(index) * .pi / 5 - .pi / 2, index.isMultiple(of: 2) ? 14.0 : 6)
                    return Point(middle.x + reach * cos(angle), middle.y + reach * sin(angle))
                }
                canvas.fill(Path(lines: star), accent)
            case 1:
                var heart = Path()
                heart.move(0, 48)
                heart.curve(-24, 32, -14, 18, 0, 28)
                heart.curve(14, 18, 24, 32, 0, 48)
                canvas.fill(heart, accent)
            case 2:
                canvas.fill(Path(circle: middle, 13), accent)
                canvas.fill(Path(circle: middle, 8), look.cloth)
            default:
                canvas.fill(
                    Path(lines: [Point(-10, 24), Point(6, 24), Point(-1, 35), Point(10, 35), Point(-8, 54), Point(-3, 40), Point(-12, 40)]),
                    accent)
            }
        case .text:
            for row in 0..<3 {
                var x = -18.0 + random.uniform(0, 6)
                let y = 26 + Double(row) * 10
                while x < 18 {
                    var glyph = Path()
                    glyph.move(x, y + random.uniform(0, 6))
                    for _ in 0..<Int(random.uniform(1, 4)) { glyph.line(x + random.uniform(0, 5), y + random.uniform(0, 7)) }
                    canvas.stroke(glyph, accent, width: 1.5)
                    x += random.uniform(5, 8)
                }
            }
        case .lace:
            for y in stride(from: 8.0, to: bottom, by: 12 * s) {
                for x in stride(from: left, to: right, by: 9 * s) {
                    canvas.stroke(Path(circle: Point(x, y), 4.2 * s), accent, width: 1)
                    canvas.fill(Path(circle: Point(x + 4.5 * s, y + 5 * s), 1.3 * s), accent)
                }
            }
        case .argyle:
            for (row, y) in stride(from: 2.0, to: bottom, by: 13 * s).enumerated() {
                for x in stride(from: left + (row.isMultiple(of: 2) ? 0 : 9 * s), to: right, by: 18 * s) {
                    canvas.fill(
                        Path(lines: [Point(x, y - 12 * s), Point(x + 8 * s, y), Point(x, y + 12 * s), Point(x - 8 * s, y)]), accent,
                        opacity: 0.8)
                }
            }
        case .blobs:
            for index in 0..<26 {
                let at = Point(random.uniform(left, right), random.uniform(0, bottom))
                let blob = (0..<6).map { corner in
                    let (angle, reach) = (Double(corner) * .pi / 3, random.uniform(4, 12) * s)
                    return Point(at.x + reach * cos(angle), at.y + reach * sin(angle) * 0.7)
                }
                canvas.fill(Path(through: blob), index.isMultiple(of: 3) ? look.cloth.scaled(by: 0.6) : accent)
            }
        case .scales:
            for (row, y) in stride(from: 0.0, to: bottom, by: 6 * s).enumerated() {
                for x in stride(from: left + (row.isMultiple(of: 2) ? 0 : 5 * s), to: right, by: 10 * s) {
                    canvas.stroke(CharacterPainter.bow(Point(x - 5 * s, y), Point(x, y + 10 * s), Point(x + 5 * s, y)), accent, width: 1.1)
                }
            }
        }
    }
}
