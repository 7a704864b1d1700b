import Foundation
import RainNumbers
import RainPictures

/// The style's hand: every shape of a character is filled, shaded and outlined here.
extension CharacterPainter {
    var style: Style { look.style }

    /// A shape of one colour with its outline, if the style has outlines.
    ///
    /// - Parameter line: times the style's width; 0 for none
    func shape(_ canvas: inout Canvas, _ path: Path, _ color: Color, line: Double = 1) {
        weigh(&canvas, path, color, line)
        canvas.fill(path, color)
        outline(&canvas, path, color, line)
    }

    /// A shape with something in it: light, folds, strands. Texture comes over it, the outline last.
    ///
    /// - Parameters:
    ///   - frame: from coordinates that move with the shape, in half head widths, into the design space
    ///   - inside: draws within the shape
    func shape(
        _ canvas: inout Canvas, _ path: Path, _ color: Color, frame: Transform, line: Double = 1,
        inside: ((inout Canvas) -> Void)? = nil
    ) {
        guard inside != nil || style.isTextured else {
            shape(&canvas, path, color, line: line)
            return
        }
        if look.world == .classic {
            canvas.fill(path, color)
            canvas.clipped(to: path) { inside?(&$0) }
            return
        }
        weigh(&canvas, path, color, line)
        canvas.fill(path, color) { canvas in
            inside?(&canvas)
            if style.rim > 0 {
                let away = 0.9 * look.lineScale
                canvas.stroke(
                    path.applying(.translation(-style.light * away, away)), Color(1, 0.98, 0.92), width: 2.4 * look.lineScale,
                    opacity: style.rim)
            }
            if style.isTextured { canvas.transformed(by: frame) { texture(&$0) } }
        }
        outline(&canvas, path, color, line)
    }

    func outline(_ canvas: inout Canvas, _ path: Path, _ color: Color, _ scale: Double = 1) {
        let width = style.line * scale * look.lineScale
        if width > 0 { canvas.stroke(path, style.lineColor(color), width: width) }
    }

    /// What makes an outline heavier on the side away from the light: the shape's own shadow, before the shape.
    private func weigh(_ canvas: inout Canvas, _ path: Path, _ color: Color, _ scale: Double) {
        let away = style.line * style.weight * scale * look.lineScale * 0.8
        if away > 0.05 { canvas.fill(path.applying(.translation(-style.light * away, away)), style.lineColor(color)) }
    }

    /// An inner line: a crease, a fold, the edge of a strand.
    func crease(_ canvas: inout Canvas, _ path: Path, _ color: Color, width: Double = 1, opacity: Double = 1) {
        if style.line > 0 {
            canvas.stroke(path, style.lineColor(color), width: max(0.35, style.line * 0.7 * look.lineScale) * width, opacity: opacity)
        } else {
            canvas.stroke(path, style.shadow(color, 1.2), width: 0.8 * width, opacity: opacity * 0.8)
        }
    }

    /// Brush, pencil and paper, over whatever the clip lets through; coordinates in half head widths.
    private func texture(_ canvas: inout Canvas) {
        let everywhere = Path(x: -4, y: -3, width: 8, height: 9)
        if style.blotches > 0.02 {
            canvas.fill(everywhere, tile: Texture.blotch, placed: .scale(2.4 / 128, 2.4 / 128), opacity: 0.4 * style.blotches)
        }
        if style.strokes > 0.02 {
            let turn = Transform.rotation(-0.9 * style.light)
            canvas.fill(everywhere, tile: Texture.bristle, placed: turn.after(.scale(1.5 / 128, 1.2 / 128)), opacity: 0.26 * style.strokes)
        }
        if style.strokes > 0.25 {
            // A wide brush, lighter and darker.
            var random = SplitMix64(seed: look.seed, stream: 23)
            for tone in [Color.white, .black] {
                var dabs = Path()
                for _ in 0..<26 {
                    let (x, y) = (random.uniform(-1.7, 1.7), random.uniform(-1.4, 2.2))
                    let (dx, dy) = (random.uniform(-0.3, 0.3) - 0.15 * style.light, random.uniform(0.15, 0.5))
                    dabs = dabs.joined(
                        with: CharacterPainter.blade(
                            Point(x, y), Point(x + dx * 0.3, y + dy * 0.6), Point(x + dx, y + dy), random.uniform(0.03, 0.11)))
                }
                canvas.fill(dabs, tone, opacity: 0.11 * style.strokes)
            }
        }
        if style.hatching > 0.02 {
            let turn = Transform.rotation(style.light * 0.7)
            canvas.fill(everywhere, tile: Texture.hatch, placed: turn.after(.scale(0.85 / 128, 0.85 / 128)), opacity: 0.42 * style.hatching)
        }
        if style.halftone > 0.02 {
            let turn = Transform.rotation(0.5)
            canvas.fill(
                everywhere, tile: Texture.halftone, placed: turn.after(.scale(0.9 / 128, 0.9 / 128)), opacity: 0.22 * style.halftone)
        }
        if style.grain > 0.02 {
            canvas.fill(everywhere, tile: Texture.grain, placed: .scale(1.6 / 128, 1.6 / 128), opacity: 0.3 * style.grain)
        }
    }

    /// The frame of a layer of the head: flat at a depth.
    func headFrame(_ z: Double) -> Transform { geometry.card(0, 0, z) }

    /// A strand of hair, a crease, a lash: pointed at both ends, bent towards `control`.
    static func blade(_ from: Point, _ control: Point, _ to: Point, _ width: Double) -> Path {
        let (dx, dy) = (to.x - from.x, to.y - from.y)
        let length = max((dx * dx + dy * dy).squareRoot(), 1e-6)
        let (nx, ny) = (-dy / length * width, dx / length * width)
        func bend(_ path: inout Path, _ a: Point, _ c: Point, _ b: Point) {
            path.curve(
                a.x + (c.x - a.x) * 2 / 3, a.y + (c.y - a.y) * 2 / 3, b.x + (c.x - b.x) * 2 / 3, b.y + (c.y - b.y) * 2 / 3, b.x, b.y)
        }
        var path = Path()
        path.move(from.x, from.y)
        bend(&path, from, Point(control.x + nx, control.y + ny), to)
        bend(&path, to, Point(control.x - nx, control.y - ny), from)
        path.close()
        return path
    }

    /// A curve from one point to another, bent towards `control`.
    static func bow(_ a: Point, _ c: Point, _ b: Point) -> Path {
        var path = Path()
        path.move(a.x, a.y)
        path.curve(a.x + (c.x - a.x) * 2 / 3, a.y + (c.y - a.y) * 2 / 3, b.x + (c.x - b.x) * 2 / 3, b.y + (c.y - b.y) * 2 / 3, b.x, b.y)
        return path
    }

    /// Head coordinates onto the front hair.
    func front(_ path: Path) -> Path { path.mapped { geometry.front($0.x, $0.y, 0.1) } }

    /// Head coordinates, moved as a hand strays; a smooth field, so that neighbouring lines stay neighbours.
    func strayed(_ path: Path) -> Path {
        guard style.wobble > 0 else { return path }
        let a = style.wobble
        return path.mapped { p in
            Point(
                p.x + a * (sin(p.y * 9 + 1.3) + sin(p.x * 15 + p.y * 4)), p.y + a * (sin(p.x * 8 + 0.4) + sin(p.y * 14 - p.x * 5)))
        }
    }
}
