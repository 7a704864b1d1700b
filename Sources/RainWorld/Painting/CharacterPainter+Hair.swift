import Foundation
import RainPictures

extension CharacterPainter {
    /// Hair behind head and body.
    func paintBackHair(_ canvas: inout Canvas) {
        if let hair = look.hairShape {
            paintWideBackHair(&canvas, hair)
            return
        }
        let g = geometry
        let (color, s) = (look.hairShade, look.headScale)
        if look.backHair != .tousled {
            canvas.fill(Path(circle: Point(0, 0), 1.15).applying(g.card(0, -0.14, -0.35)), color)
        }
        switch look.backHair {
        case .long:
            // It hangs straight down however the head tilts.
            let (a, b) = (g.at(-1.14, -0.1, -0.35), g.at(1.14, -0.1, -0.35))
            let (drop, drift) = (look.hairLength * s, -pose.yaw * 3)
            var path = Path()
            path.move(a.x, a.y)
            path.line(b.x, b.y)
            path.curve(b.x + 2, b.y + drop * 0.3, b.x + 3 + drift, b.y + drop * 0.7, b.x + 1 + drift, b.y + drop)
            path.curve(b.x - s * 0.4 + drift, b.y + drop + 4, a.x + s * 0.4 + drift, a.y + drop + 4, a.x - 1 + drift, a.y + drop)
            path.curve(a.x - 3 + drift, a.y + drop * 0.7, a.x - 2, a.y + drop * 0.3, a.x, a.y)
            path.close()
            canvas.fill(path, color)
        case .bob:
            let shape = [
                Point(-1.16, -0.35), Point(-0.7, -1), Point(0.7, -1), Point(1.16, -0.35), Point(1.27, 0.5), Point(0.85, 0.92),
                Point(-0.85, 0.92), Point(-1.27, 0.5),
            ]
            canvas.fill(Path(through: shape).applying(g.card(0, 0, -0.3)), color)
        case .twinTails:
            for side in [-1.0, 1] {
                paintTail(&canvas, g.at(side * 1.16, -0.32, -0.2), width: 0.3, length: look.hairLength, flare: 0.14 * side)
            }
        case .ponytail:
            paintTail(&canvas, g.at(look.side * 1.05, -0.55, -0.4), width: 0.36, length: look.hairLength * 1.1, flare: 0.24 * look.side)
        case .buns:
            for side in [-1.0, 1] {
                let place = g.at(side * 0.86, -0.98, -0.3)
                canvas.fill(Path(circle: place, 0.4 * s), color)
                canvas.stroke(
                    Path(circle: place, 0.22 * s), look.hair, width: 1.6, opacity: 0.6)
            }
        case .tousled:
            var tips: [Point] = []
            for index in 0...18 {
                let angle = .pi * (0.92 + 1.16 * Double(index) / 18) + look.parting * 0.2
                let reach = index.isMultiple(of: 2) ? 1.12 : 1.4
                tips.append(Point(reach * cos(angle), reach * sin(angle)))
            }
            canvas.fill(Path(lines: tips).applying(g.card(0, -0.12, -0.25)), color)
        }
    }

    /// A bunch of hair that hangs down from a point of the head.
    private func paintTail(_ canvas: inout Canvas, _ from: Point, width: Double, length: Double, flare: Double) {
        let s = look.headScale
        let (half, drop, drift) = (width * s, length * s, -pose.yaw * 2)
        let shape = [
            Point(from.x - half * 0.8, from.y), Point(from.x, from.y - half * 0.7), Point(from.x + half * 0.8, from.y),
            Point(from.x + half + flare * s + drift, from.y + drop * 0.55),
            Point(from.x + flare * s * 0.9 + 2 * drift, from.y + drop),
            Point(from.x - half + flare * s * 0.8 + 1.5 * drift, from.y + drop * 0.55),
        ]
        canvas.fill(Path(through: shape), look.hairShade)
        canvas.fill(Path(circle: Point(from.x, from.y), 0.15 * s), look.hairShade.scaled(by: 0.7))
    }

    /// Hair over the face: crown and fringe, locks at the temples, gleam.
    func paintFrontHair(_ canvas: inout Canvas) {
        if let hair = look.hairShape {
            paintWideFrontHair(&canvas, hair)
            return
        }
        let g = geometry
        let w = look.faceWidth
        canvas.fill(fringePath, look.hair)
        if hasLocks {
            for side in [-1.0, 1] {
                let lock = [
                    g.front(side * w * 1.09, -0.4, 0.15), g.front(side * w * 1.12, 0.2, 0.12), g.front(side * w * 0.99, 0.82, 0.15),
                    g.front(side * w * 0.86, 0.3, 0.3), g.front(side * w * 0.74, -0.34, 0.4),
                ]
                canvas.fill(Path(through: lock), look.hair)
            }
        }
        if let gleam = look.hairGleam {
            var ring = Path()
            ring.arc(Point(0, 0), 0.84, 0.63, from: .pi * 1.17, to: .pi * 1.83)
            canvas.stroke(ring.applying(g.card(0, -0.36, 0.3)), gleam, width: 3)
        }
    }

    private var hasLocks: Bool {
        switch (look.fringe, look.backHair) {
        case (.straight, _), (.parted, _), (.lock, _), (_, .long), (_, .bob): true
        default: false
        }
    }

    /// Crown and fringe in one piece.
    var fringePath: Path {
        if let hair = look.hairShape { return front(strayed(FringeCut(look, hair).path)) }
        let g = geometry
        let w = look.faceWidth
        let crown = [
            (w * 1.11, -0.12), (w * 1.09, -0.62), (0.64, -1.1), (0, -1.27), (-0.64, -1.1), (-w * 1.09, -0.62), (-w * 1.11, -0.12),
        ].map { g.front($0.0, $0.1, 0.1) }
        var path = Path(lines: [g.front(w * 1.07, 0.2, 0.1)], closed: false)
        path.line(through: crown)
        let temple = g.front(-w * 1.07, 0.2, 0.1)
        path.line(temple.x, temple.y)
        let line = hairline.map { g.front($0.x, $0.y, $0.z) }
        switch look.fringe {
        case .spiky:
            for point in line { path.line(point.x, point.y) }
        case .straight, .parted, .swept, .open, .lock:
            path.line(through: line)
        }
        path.close()
        return path
    }

    /// The edge of the fringe from left to right, in head coordinates.
    private var hairline: [(x: Double, y: Double, z: Double)] {
        let (w, z, b) = (look.faceWidth, 0.62, look.parting)
        switch look.fringe {
        case .straight:
            return [
                (-w * 0.92, -0.05, 0.3), (-0.76, -0.28, z), (-0.4, -0.23, z), (b * 0.2, -0.27, z), (0.4, -0.23, z), (0.76, -0.28, z),
                (w * 0.92, -0.05, 0.3),
            ]
        case .parted:
            return [
                (-w * 0.9, -0.12, 0.3), (-0.6, -0.42, z), (-0.25 + b, -0.7, z), (b, -0.92, z), (0.25 + b, -0.7, z), (0.6, -0.42, z),
                (w * 0.9, -0.12, 0.3),
            ]
        case .spiky:
            let spikes = (0...8).map { index in
                (x: -0.8 + 1.6 * Double(index) / 8 + b * 0.15, y: index.isMultiple(of: 2) ? -0.52 : -0.17, z: z)
            }
            return [(-w * 0.92, -0.12, 0.3)] + spikes + [(w * 0.92, -0.12, 0.3)]
        case .swept:
            let sweep = [(-0.6, -0.78), (-0.1, -0.66), (0.35, -0.42), (0.78, -0.06)].map { (x: $0.0 * look.side, y: $0.1, z: z) }
            return [(-w * 0.92, -0.18, 0.3)] + (look.side > 0 ? sweep : sweep.reversed()) + [(w * 0.92, -0.18, 0.3)]
        case .open:
            return [(-w * 0.88, -0.4, 0.3), (-0.6, -0.7, z), (0, -0.82, z), (0.6, -0.7, z), (w * 0.88, -0.4, 0.3)]
        case .lock:
            return [
                (-w * 0.93, 0, 0.3), (-0.72, -0.34, z), (-0.3 + b * 0.3, -0.6, z), (b * 0.3, -0.02, 0.74), (0.26 + b * 0.3, -0.6, z),
                (0.72, -0.34, z), (w * 0.93, 0, 0.3),
            ]
        }
    }
}
