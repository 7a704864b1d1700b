import RainPictures

/// What the wide world's characters wear around the neck, in the body's coordinates.
extension CharacterPainter {
    func paintNeckwear(_ canvas: inout Canvas, _ outfit: Outfit) {
        let n = look.neckWidth
        let color = outfit.neckColor
        func bow(_ y: Double) -> Path { CharacterPainter.bow(Point(-n - 2, -1), Point(0, y * 2), Point(n + 2, -1)) }
        switch outfit.neckwear {
        case .none: break
        case .scarf:
            bodyPiece(
                &canvas,
                Path(lines: [Point(look.side * 4, 6), Point(look.side * 14, 5), Point(look.side * 17, 52), Point(look.side * 5, 54)]),
                color.scaled(by: 0.88))
            bodyPiece(
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
            bodyPiece(&canvas, Path(lines: [Point(-3, 6), Point(3, 6), Point(6.5, 60), Point(0, 70), Point(-6.5, 60)]), color)
            bodyPiece(&canvas, Path(lines: [Point(-4.5, 3), Point(4.5, 3), Point(3, 11), Point(-3, 11)]), color.scaled(by: 0.85))
        case .bowTie, .ribbon:
            let tall = outfit.neckwear == .ribbon ? 1.5 : 1.0
            for side in [-1.0, 1] {
                bodyPiece(
                    &canvas,
                    Path(through: [Point(0, 7), Point(side * 9 * tall, 2), Point(side * 12 * tall, 8), Point(side * 9 * tall, 13)]), color)
                if tall > 1 {
                    bodyPiece(&canvas, Path(lines: [Point(0, 8), Point(side * 9, 30), Point(side * 3, 28)]), color.scaled(by: 0.85))
                }
            }
            bodyPiece(&canvas, Path(ellipse: Point(0, 7.5), 3, 3.4), color.scaled(by: 0.8))
        case .necklace, .beads:
            let chain = bow(outfit.neckwear == .beads ? 10 : 15).applying(geometry.body)
            if outfit.neckwear == .beads {
                for index in 0...8 {
                    let t = Double(index) / 8 * 2 - 1
                    bodyPiece(
                        &canvas, Path(circle: Point(t * (n + 3), 11 - 11 * t * t), 2.3), index.isMultiple(of: 2) ? color : outfit.metal,
                        line: 0.6)
                }
            } else {
                canvas.stroke(chain, outfit.metal, width: 1.1)
                bodyPiece(&canvas, Path(lines: [Point(-3, 15), Point(0, 11), Point(3, 15), Point(0, 21)]), color, line: 0.7)
            }
        case .choker, .bell:
            var band = CharacterPainter.bow(Point(-n * 0.96, -6), Point(0, 2), Point(n * 0.96, -6))
            band.line(n * 1.0, -2)
            band.curve(n * 0.5, 3.6, -n * 0.5, 3.6, -n * 1.0, -2)
            band.close()
            bodyPiece(&canvas, band, color)
            if outfit.neckwear == .bell { bodyPiece(&canvas, Path(circle: Point(0, 4), 3.6), outfit.metal) }
        }
    }
}
