import RainPictures

/// What grows on the heads of animals and others.
extension CharacterPainter {
    /// Ears and horns of animals and others; the hair lies over their roots.
    func paintCreature(_ canvas: inout Canvas, _ outfit: Outfit) {
        let isBald = look.hairShape?.fringe == .bald
        let fur = look.muzzleFur != nil || isBald ? look.skin : look.hair
        let inner = style.isInkOnly ? look.light : look.face.blushColor.mixed(with: look.skin, 0.45)
        for side in [-1.0, 1] {
            func path(_ points: [(Double, Double)], _ scale: Double = 1, about: (Double, Double) = (0, 0)) -> Path {
                Path(through: points.map { Point(side * (about.0 + ($0.0 - about.0) * scale), about.1 + ($0.1 - about.1) * scale) })
            }
            switch outfit.creature {
            case .none: break
            case .cat, .fox:
                let tall = outfit.creature == .fox ? 0.3 : 0.0
                var ear = Path()
                ear.move(side * 0.34, -1.0)
                ear.curve(side * 0.42, -1.35, side * 0.66, -1.6 - tall, side * (0.94 + tall * 0.2), -1.72 - tall)
                ear.curve(side * 1.06, -1.4, side * 1.1, -1.0, side * 1.02, -0.6)
                ear.close()
                headPiece(&canvas, ear, fur) { canvas in
                    canvas.fill(front(ear.applying(Transform(xx: 0.6, yy: 0.66, x0: side * 0.3, y0: -0.34))), inner)
                    if tall > 0 {
                        canvas.fill(front(Path(x: side * 0.9 - 0.4, y: -2.2, width: 0.8, height: 0.5)), look.hairShade.scaled(by: 0.5))
                    }
                }
            case .rabbit:
                let ear = path([(0.3, -0.9), (0.2, -1.5), (0.32, -2.1), (0.52, -2.3), (0.7, -2.05), (0.68, -1.5), (0.6, -0.9)])
                headPiece(&canvas, ear, fur) { canvas in
                    canvas.fill(front(Path(ellipse: Point(side * 0.47, -1.6), 0.11, 0.56)), inner)
                }
            case .bear, .mouse:
                let size = outfit.creature == .bear ? 0.34 : 0.5
                let at = Point(side * 0.8, -1.02 - size * 0.3)
                headPiece(&canvas, Path(circle: at, size), fur)
                canvas.fill(front(Path(circle: at, size * 0.6)), inner)
            case .horns:
                let horn = CharacterPainter.blade(
                    Point(side * 0.5, -0.98), Point(side * 0.98, -1.3), Point(side * 0.8, -1.85), 0.16)
                headPiece(&canvas, horn, outfit.headAccent)
            case .ramHorns:
                var spiral = Path()
                spiral.move(side * 0.6, -0.95)
                spiral.curve(side * 1.1, -1.5, side * 1.8, -0.9, side * 1.45, -0.4)
                spiral.curve(side * 1.3, -0.2, side * 1.05, -0.35, side * 1.15, -0.6)
                let horn = front(spiral)
                if style.line > 0 {
                    canvas.stroke(horn, style.lineColor(outfit.headAccent), width: 0.26 * look.headScale + 2 * style.line * look.lineScale)
                }
                canvas.stroke(horn, outfit.headAccent, width: 0.26 * look.headScale)
            case .antennae:
                let stalk = CharacterPainter.bow(Point(side * 0.25, -1.1), Point(side * 0.3, -1.6), Point(side * 0.6, -1.8))
                canvas.stroke(front(stalk), outfit.headAccent.scaled(by: 0.6), width: 1.6 * look.lineScale)
                headPiece(&canvas, Path(circle: Point(side * 0.62, -1.82), 0.13), outfit.headAccent)
            }
        }
    }
}
