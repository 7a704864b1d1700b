import RainPictures

extension CharacterPainter {
    func paintGlasses(_ canvas: inout Canvas) {
        if let outfit = look.outfit {
            if outfit.eyewear != .none { paintEyewear(&canvas, outfit) }
            return
        }
        guard look.accessory == .glasses else { return }
        let ink = look.accessoryColor.scaled(by: 0.6)
        for side in [-1.0, 1] {
            let seen = geometry.eye(side).card
            let rim = Path(ellipse: Point(0, 0), 1.42 * look.eyeWidth, 0.33).applying(seen)
            canvas.stroke(rim, ink, width: 1.6)
        }
        let inner = [-1.0, 1].map { side in geometry.eye(side).card(Point(-side * 1.42 * look.eyeWidth, 0)) }
        canvas.stroke(Path(lines: inner, closed: false), ink, width: 1.6)
    }

    private func paintEyewear(_ canvas: inout Canvas, _ outfit: Outfit) {
        let g = geometry
        let color = style.isInkOnly ? style.ink : outfit.frame
        let width = (outfit.eyewear == .large ? 2.4 : 1.4) * look.lineScale
        // Lenses leave room between each other over the nose.
        let half = min(look.eyeX - 0.05, max(0.24, look.eyeWidth * 1.3))
        let high = min(half * 1.05, max(0.2, look.eyeHeight * 1.25))
        for side in [-1.0, 1] where outfit.eyewear != .monocle || side == look.side {
            let card = g.card(side * look.eyeX, look.eyeY + 0.03, min(0.86, g.eyeDepth + 0.12))
            var lens: Path
            switch outfit.eyewear {
            case .square:
                lens = Path(through: [
                    Point(-half, -high * 0.7), Point(-half * 0.7, -high * 0.85), Point(half * 0.7, -high * 0.85), Point(half, -high * 0.7),
                    Point(half * 0.92, high * 0.7), Point(half * 0.7, high * 0.85), Point(-half * 0.7, high * 0.85),
                    Point(-half * 0.92, high * 0.7),
                ])
            case .sunglasses:
                lens = Path(through: [
                    Point(-half * 1.02, -high * 0.75), Point(0, -high * 0.85), Point(half * 1.02, -high * 0.75),
                    Point(half * 0.8, high * 0.6),
                    Point(0, high), Point(-half * 0.8, high * 0.6),
                ])
            case .none, .round, .halfRim, .large, .monocle: lens = Path(ellipse: Point(0, 0), half, high)
            }
            lens = lens.applying(card)
            if outfit.lensOpacity > 0 {
                let top = outfit.eyewear == .sunglasses ? outfit.lens.scaled(by: 0.5) : outfit.lens
                canvas.fill(
                    lens, from: card(Point(0, -high)), to: card(Point(0, high)),
                    shades: [ColorStop(0, top, opacity: outfit.lensOpacity), ColorStop(1, outfit.lens, opacity: outfit.lensOpacity * 0.8)])
                canvas.clipped(to: lens) { canvas in
                    let shine = Path(lines: [
                        Point(-half * 0.6, -high), Point(-half * 0.2, -high), Point(-half * 0.7, high), Point(-half * 1.1, high),
                    ])
                    canvas.fill(shine.applying(card), look.light, opacity: 0.22)
                }
            }
            if outfit.eyewear == .halfRim {
                var rim = Path()
                rim.arc(Point(0, 0), half, high, from: .pi, to: 2 * .pi)
                canvas.stroke(rim.applying(card), color, width: width * 1.4)
            } else {
                canvas.stroke(lens, color, width: width)
            }
            let temple = Path(
                lines: [card(Point(side * half, -high * 0.35)), g.at(side * look.faceWidth * 1.02, look.eyeY - 0.02, 0.05)], closed: false)
            canvas.stroke(temple, color, width: width)
        }
        if outfit.eyewear != .monocle {
            let reach = look.eyeX - half
            let bridge = CharacterPainter.bow(Point(-reach, 0), Point(0, -0.08), Point(reach, 0))
            canvas.stroke(bridge.applying(g.card(0, look.eyeY + 0.01, min(0.9, g.eyeDepth + 0.18))), color, width: width)
        }
    }
}
