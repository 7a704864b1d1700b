import RainPictures
import RainPose

/// Draws a character from back to front in the design space.
struct CharacterPainter {
    let geometry: Geometry
    var look: Appearance { geometry.look }
    var pose: CharacterPose { geometry.pose }

    /// Draws one layer.
    ///
    /// - Parameter alone: whether nothing of the layers behind is on the canvas. Then what hair would cover of them is drawn too, which
    ///   on a whole picture would be drawn twice.
    func paint(_ layer: CharacterLayer, _ canvas: inout Canvas, alone: Bool) {
        switch layer {
        case .background: paintBackground(&canvas)
        case .backHair: paintBackHair(&canvas)
        case .body: paintBody(&canvas)
        case .face: paintFace(&canvas)
        case .features:
            paintFeatures(&canvas)
            if alone || !browsShowThroughHair { paintBrows(&canvas) }
        case .frontHair:
            if !browsShowThroughHair { paintGlasses(&canvas) }
            paintFrontHair(&canvas)
            // Brows belong to the features. Often they and glasses are seen through the hair of drawn characters, so that their motion
            // always shows: then the hair carries the brows' picture where it is, and only there.
            if browsShowThroughHair {
                if alone { canvas.atop(paintBrows) } else { paintBrows(&canvas) }
                paintGlasses(&canvas)
            }
            if let outfit = look.outfit { paintHeadwear(&canvas, outfit) } else { paintAccessory(&canvas) }
        }
    }

    private var browsShowThroughHair: Bool { look.face.browsShowThroughHair }

    private func paintBackground(_ canvas: inout Canvas) {
        if let backdrop = look.backdrop {
            paintBackdrop(&canvas, backdrop)
            return
        }
        let side = Geometry.side
        let everything = Path(x: -1, y: -1, width: side + 2, height: side + 2)
        if look.background.top == look.background.bottom {
            canvas.fill(everything, look.background.top)
        } else {
            canvas.fill(
                everything, from: Point(0, 0), to: Point(0, side), stops: [(0, look.background.top), (1, look.background.bottom)])
        }
    }

    // MARK: Body

    private func paintBody(_ canvas: inout Canvas) {
        if let outfit = look.outfit {
            paintWideBody(&canvas, outfit)
            return
        }
        let g = geometry
        let (neck, left, right) = (g.neck, g.leftShoulder, g.rightShoulder)
        let floor = Geometry.side + 2

        var torso = Path()
        torso.move(left.x - 4, floor)
        torso.curve(left.x - 3, left.y + 6, left.x - 2, left.y - 2, left.x + 8, left.y - 3)
        torso.curve(neck.x - 18, neck.y + 3, neck.x - 13, neck.y + 2, neck.x - 11, neck.y - 2)
        torso.line(neck.x + 11, neck.y - 2)
        torso.curve(neck.x + 13, neck.y + 2, neck.x + 18, neck.y + 3, right.x - 8, right.y - 3)
        torso.curve(right.x + 2, right.y - 2, right.x + 3, right.y + 6, right.x + 4, floor)
        torso.close()
        canvas.fill(torso, look.cloth)
        if look.pattern != .plain {
            canvas.clipped(to: torso) { canvas in
                canvas.transformed(by: g.body) { paintPattern(&$0) }
            }
        }

        let skin = look.skin.scaled(by: 0.9)
        let chin = g.at(0, 0.72, 0)
        var throat = Path()
        throat.move(chin.x - 8.5, chin.y)
        throat.curve(chin.x - 8, chin.y + 8, neck.x - 9, neck.y - 8, neck.x - 10.5, neck.y - 1)
        throat.curve(neck.x - 5, neck.y + 7, neck.x + 5, neck.y + 7, neck.x + 10.5, neck.y - 1)
        throat.curve(neck.x + 9, neck.y - 8, chin.x + 8, chin.y + 8, chin.x + 8.5, chin.y)
        throat.close()
        canvas.fill(throat, skin)
        canvas.clipped(to: throat) { canvas in
            // The shadow of the chin.
            let low = g.at(0, look.faceHeight, Geometry.outlineDepth)
            canvas.fill(Path(ellipse: Point(low.x, low.y - 2), 14, 8.5), look.skin.scaled(by: 0.74))
        }
        paintCollar(&canvas)
    }

    private func paintPattern(_ canvas: inout Canvas) {
        switch look.pattern {
        case .plain: break
        case .stripes:
            for row in 0..<4 { canvas.fill(Path(x: -70, y: 6 + Double(row) * 8, width: 140, height: 3.6), look.clothAccent) }
        case .pinstripes:
            for column in -4...4 { canvas.fill(Path(x: Double(column) * 13 - 2, y: -10, width: 4, height: 60), look.clothAccent) }
        case .dots:
            for column in -4...4 {
                canvas.fill(Path(circle: Point(Double(column) * 13, 16), 3.4), look.clothAccent)
            }
        case .block: canvas.fill(Path(x: -70, y: 13, width: 140, height: 40), look.clothAccent)
        }
    }

    private func paintCollar(_ canvas: inout Canvas) {
        let body = geometry.body
        switch look.collar {
        case .round:
            var rim = Path()
            rim.move(-11, -1.5)
            rim.curve(-5.5, 7, 5.5, 7, 11, -1.5)
            canvas.stroke(rim.applying(body), look.cloth.scaled(by: 0.72), width: 2.4)
        case .open:
            let opening = Path(lines: [Point(-10.5, -1.5), Point(10.5, -1.5), Point(0, 17)]).applying(body)
            canvas.fill(opening, look.skin.scaled(by: 0.9))
            let edge = Path(lines: [Point(-10.5, -1.5), Point(0, 17), Point(10.5, -1.5)], closed: false).applying(body)
            canvas.stroke(edge, look.cloth.scaled(by: 0.72), width: 2)
        case .pointed:
            for side in [-1.0, 1] {
                let flap = Path(lines: [Point(side * 10, -4.5), Point(side * 21, 6), Point(side * 9, 16), Point(0, 5.5)]).applying(body)
                canvas.fill(flap, look.clothAccent)
            }
        case .high:
            var roll = Path(lines: [Point(-11, -8), Point(11, -8), Point(13, 3)], closed: false)
            roll.curve(6, 8, -6, 8, -13, 3)
            roll.close()
            canvas.fill(roll.applying(body), look.clothAccent)
        }
    }

    // MARK: Accessories in front

    private func paintAccessory(_ canvas: inout Canvas) {
        let g = geometry
        let color = look.accessoryColor
        switch look.accessory {
        case .none, .bare, .glasses: break
        case .ribbon:
            let knot = g.front(look.side * 0.72, -0.98, 0.1)
            let s = look.headScale * 0.36
            let turn = Transform.translation(knot.x, knot.y).after(.rotation(pose.roll + look.side * 0.35))
            for wing in [-1.0, 1] {
                canvas.fill(Self.bowWing(wing, size: s).applying(turn), color)
            }
            canvas.fill(Path(ellipse: Point(0, 0), s * 0.28, s * 0.34).applying(turn), color.scaled(by: 0.7))
        case .hat:
            let crown = [
                g.front(-1.19, -0.66, 0.1), g.front(-1.06, -1.14, 0), g.front(-0.62, -1.45, 0), g.front(0, -1.55, 0),
                g.front(0.62, -1.45, 0),
                g.front(1.06, -1.14, 0), g.front(1.19, -0.66, 0.1), g.front(0.62, -0.76, 0.6), g.front(0, -0.78, 0.7),
                g.front(-0.62, -0.76, 0.6),
            ]
            canvas.fill(Path(through: crown), color)
            let brim = [
                g.front(-1.2, -0.78, 0.1), g.front(-0.62, -0.9, 0.62), g.front(0, -0.93, 0.72), g.front(0.62, -0.9, 0.62),
                g.front(1.2, -0.78, 0.1),
                g.front(1.19, -0.5, 0.1), g.front(0.62, -0.62, 0.62), g.front(0, -0.65, 0.72), g.front(-0.62, -0.62, 0.62),
                g.front(-1.19, -0.5, 0.1),
            ]
            canvas.fill(Path(through: brim), color.scaled(by: 0.78))
        case .band:
            let band = [
                g.front(-1.12, -0.42, 0.05), g.front(-0.98, -0.8, 0.18), g.front(-0.55, -1.08, 0.3), g.front(0, -1.16, 0.34),
                g.front(0.55, -1.08, 0.3),
                g.front(0.98, -0.8, 0.18), g.front(1.12, -0.42, 0.05),
            ]
            canvas.stroke(Path(through: band, closed: false), color, width: 4.6)
        case .clip:
            let place = g.front(look.side * 0.66, -0.5, 0.6)
            canvas.fill(Path(circle: place, 0.17 * look.headScale), color)
            canvas.fill(Path(circle: place, 0.07 * look.headScale), color.mixed(with: .white, 0.7))
        }
    }
}
