import Foundation
import RainNumbers
import RainPictures

extension CharacterPainter {
    func paintBackdrop(_ canvas: inout Canvas, _ backdrop: Backdrop) {
        let side = Geometry.side
        let everything = Path(x: -1, y: -1, width: side + 2, height: side + 2)
        var random = SplitMix64(seed: look.seed, stream: 30)
        func color(_ index: Int) -> Color { backdrop.colors[index % backdrop.colors.count] }
        func uniform(_ low: Double, _ high: Double) -> Double { random.uniform(low, high) }
        canvas.fill(everything, color(0))
        switch backdrop.kind {
        case .plain: break
        case .white: canvas.fill(everything, .white)
        case .black: canvas.fill(everything, Color(0.02, 0.02, 0.03))
        case .gradient:
            let to = Point(uniform(0, side), side)
            canvas.fill(everything, from: Point(side - to.x, 0), to: to, shades: [ColorStop(0, color(0)), ColorStop(1, color(1))])
        case .radial:
            canvas.fill(
                everything, around: Point(uniform(30, 98), uniform(20, 90)), radius: uniform(60, 120),
                shades: [ColorStop(0, color(1)), ColorStop(1, color(0))])
        case .checker:
            // As programs show what is transparent.
            let (size, grey) = (uniform(4, 10), random.chance(0.6))
            var squares = Path()
            for row in 0...Int(side / size) {
                for column in 0...Int(side / size) where (row + column).isMultiple(of: 2) {
                    squares = squares.joined(with: Path(x: Double(column) * size, y: Double(row) * size, width: size, height: size))
                }
            }
            canvas.fill(everything, grey ? .white : color(0))
            canvas.fill(squares, grey ? Color(0.8, 0.8, 0.8) : color(1))
        case .room:
            let floor = uniform(70, 120)
            canvas.fill(Path(x: -1, y: floor, width: side + 2, height: side), color(1))
            for index in 0..<Int(uniform(5, 14)) {
                let (w, h) = (uniform(8, 44), uniform(8, 60))
                let box = Path(x: uniform(-10, side), y: uniform(-10, floor), width: w, height: h)
                canvas.fill(box, color(index + 2))
                if random.chance(0.5) { canvas.stroke(box, color(index).scaled(by: 0.5), width: uniform(0.5, 1.5)) }
            }
        case .foliage:
            for index in 0..<30 {
                var leaves = Path()
                for _ in 0..<6 {
                    let place = Point(uniform(-5, 133), uniform(-5, 133))
                    leaves = leaves.joined(
                        with: CharacterPainter.blade(
                            place, Point(place.x + uniform(-8, 8), place.y + uniform(-8, 8)),
                            Point(place.x + uniform(-18, 18), place.y + uniform(-18, 18)), uniform(2, 7)))
                }
                canvas.fill(leaves, color(index).scaled(by: uniform(0.6, 1.1)), opacity: uniform(0.5, 1))
            }
        case .bokeh:
            for index in 0..<26 {
                let spot = Path(circle: Point(uniform(0, side), uniform(0, side)), uniform(3, 17))
                canvas.fill(spot, color(index), opacity: uniform(0.15, 0.6))
            }
        case .stripes:
            let (gap, turn) = (uniform(5, 20), uniform(0, .pi))
            canvas.transformed(by: Transform.translation(64, 64).after(.rotation(turn))) { canvas in
                for index in -20...20 {
                    canvas.fill(Path(x: Double(index) * gap, y: -150, width: gap / 2, height: 300), color(1 + abs(index) % 2))
                }
            }
        case .city:
            canvas.fill(everything, from: Point(0, 0), to: Point(0, side), shades: [ColorStop(0, color(0)), ColorStop(1, color(1))])
            for layer in 0..<3 {
                var x = -5.0
                while x < side {
                    let (w, top) = (uniform(8, 24), uniform(20, 80) + Double(layer) * 16)
                    canvas.fill(Path(x: x, y: top, width: w, height: side), color(layer + 2).scaled(by: 1 - 0.2 * Double(layer)))
                    var windows = Path()
                    for row in 0..<8 where layer == 2 {
                        for column in 0..<3 where random.chance(0.6) {
                            let at = Point(x + 2 + Double(column) * w / 3.4, top + 3 + Double(row) * 7)
                            windows = windows.joined(with: Path(x: at.x, y: at.y, width: 2, height: 3))
                        }
                    }
                    canvas.fill(windows, Color(1, 0.9, 0.6), opacity: 0.8)
                    x += w
                }
            }
        case .hills:
            canvas.fill(everything, from: Point(0, 0), to: Point(0, side), shades: [ColorStop(0, color(0)), ColorStop(1, color(1))])
            if random.chance(0.6) {
                canvas.fill(Path(circle: Point(uniform(10, 118), uniform(5, 50)), uniform(6, 16)), .white, opacity: 0.8)
            }
            for layer in 0..<4 {
                let base = 50 + Double(layer) * 20
                let points = (0...7).map { Point(Double($0) * 20 - 6, base + uniform(-14, 14)) }
                var hill = Path(through: points, closed: false)
                hill.line(140, 140)
                hill.line(-10, 140)
                hill.close()
                canvas.fill(hill, color(layer + 2).scaled(by: 1 - 0.14 * Double(layer)))
            }
        case .clouds:
            for index in 0..<4 {
                let size = uniform(0.4, 3)
                let turn = Transform.rotation(uniform(0, 6)).after(.scale(size, size))
                canvas.clipped(to: everything) { canvas in
                    canvas.fill(everything, tile: Texture.clouds, placed: turn, opacity: uniform(0.3, 0.9))
                    canvas.fill(everything, color(index + 1), opacity: 0.3)
                }
            }
            canvas.fill(everything, tile: Texture.clouds, placed: .scale(1.7, 1.7), opacity: 0.6)
        case .rays:
            let (middle, many) = (Point(uniform(40, 88), uniform(20, 90)), Int(uniform(8, 30)))
            for index in 0..<many {
                let (a, b) = (Double(index) * 2 * .pi / Double(many), (Double(index) + 0.5) * 2 * .pi / Double(many))
                canvas.fill(
                    Path(lines: [
                        middle, Point(middle.x + 200 * cos(a), middle.y + 200 * sin(a)),
                        Point(middle.x + 200 * cos(b), middle.y + 200 * sin(b)),
                    ]), color(1))
            }
        case .dots:
            let gap = uniform(7, 22)
            var spots = Path()
            for row in 0...Int(side / gap) {
                for column in 0...Int(side / gap) {
                    let x = (Double(column) + (row.isMultiple(of: 2) ? 0.5 : 0)) * gap
                    spots = spots.joined(with: Path(circle: Point(x, Double(row) * gap), gap * 0.26))
                }
            }
            canvas.fill(spots, color(1))
        case .paper: canvas.fill(everything, tile: Texture.blotch, placed: .scale(1.1, 1.1), opacity: 0.12)
        case .shapes:
            for index in 0..<12 {
                let place = Point(uniform(0, side), uniform(0, side))
                let points = (0..<Int(uniform(3, 7))).map { _ in Point(place.x + uniform(-30, 30), place.y + uniform(-30, 30)) }
                canvas.fill(random.chance(0.5) ? Path(lines: points) : Path(through: points), color(index), opacity: uniform(0.5, 1))
            }
        }
        if backdrop.noise > 0 {
            canvas.fill(everything, tile: Texture.grain, placed: .scale(0.35, 0.35), opacity: backdrop.noise)
            canvas.fill(everything, tile: Texture.clouds, placed: .scale(1.3, 1.3), opacity: backdrop.noise * 0.6)
        }
        if backdrop.vignette > 0 {
            canvas.fill(
                everything, around: Point(64, 64), radius: 92,
                shades: [
                    ColorStop(0, .black, opacity: 0), ColorStop(0.55, .black, opacity: 0), ColorStop(1, .black, opacity: backdrop.vignette),
                ])
        }
    }
}
