import Foundation
import RainPictures

extension CharacterPainter {
    /// A line from corner to corner of something `half` wide whose middle lies at `middle`.
    ///
    /// - Parameters:
    ///   - bend: how far out the bends lie, as a part of `half`
    ///   - slant: how much farther it bulges to the right
    func arch(_ half: Double, _ middle: Double, bend: Double = 0.6, slant: Double = 0) -> Path {
        var path = Path()
        path.move(-half, 0)
        path.curve(-half * bend, middle * 4 / 3 - slant, half * bend, middle * 4 / 3 + slant, half, 0)
        return path
    }

    /// The area between an upper and a lower line with common corners.
    func lens(_ half: Double, _ top: Double, _ bottom: Double, bend: Double = 0.6, slants: (Double, Double) = (0, 0)) -> Path {
        var path = arch(half, top, bend: bend, slant: slants.0)
        path.curve(half * bend, bottom * 4 / 3 + slants.1, -half * bend, bottom * 4 / 3 - slants.1, -half, 0)
        path.close()
        return path
    }

    func paintEye(_ canvas: inout Canvas, _ eye: Geometry.Eye) {
        let (w, h) = (eye.width, look.eyeHeight)
        let form = look.eye
        // Lids that meet lie on one line.
        let opening = min(1, (eye.bottom - eye.top) / (1.8 * h))
        let upperSlant = form.upperSlant * eye.side * eye.top
        let lowerSlant = form.lowerSlant * eye.side * eye.bottom * opening + form.upperSlant * eye.side * eye.top * (1 - opening)
        if let shadow = form.shadow {
            let lid = lens(w * 1.12, eye.top - 0.45 * h, eye.top, bend: form.squareness, slants: (upperSlant, upperSlant))
            canvas.fill(lid.applying(eye.card), shadow, opacity: 0.5)
        }
        if eye.bottom - eye.top > 0.02 {
            let open = lens(w, eye.top, eye.bottom, bend: form.squareness, slants: (upperSlant, lowerSlant)).applying(eye.card)
            canvas.clipped(to: open) { canvas in
                let white = Path(x: -2 * w, y: -2 * h, width: 4 * w, height: 4 * h).applying(eye.card)
                canvas.fill(white, form.white)
                paintIris(&canvas, eye)
                if form.lidShadow > 0 {
                    let shade = lens(w * 1.05, eye.top - 0.2 * h, eye.top + 0.42 * h, bend: form.squareness).applying(eye.card)
                    canvas.fill(shade, Color(0.1, 0.06, 0.18), opacity: form.lidShadow)
                }
            }
        }
        if form.lowerOpacity > 0, form.lowerLash > 0 {
            let lower = arch(w * 0.9, eye.bottom, bend: form.squareness, slant: lowerSlant)
            canvas.stroke(lower.applying(eye.card), look.lash, width: form.lowerLash * look.lineScale, opacity: form.lowerOpacity)
        }
        if form.crease > 0 {
            let above = 0.08 + 0.22 * h
            var fold = arch(w * 0.92, eye.top - above, bend: form.squareness, slant: upperSlant)
            fold = fold.applying(.translation(0, -0.03))
            canvas.stroke(fold.applying(eye.card), style.lineColor(look.skin), width: 0.7 * look.lineScale, opacity: form.crease)
        }
        paintLashes(&canvas, eye, upperSlant)
    }

    private func paintLashes(_ canvas: inout Canvas, _ eye: Geometry.Eye, _ slant: Double) {
        let (w, form) = (eye.width, look.eye)
        let width = form.lashWidth * look.lineScale
        if form.isHeavy {
            let thick = width / look.headScale * 1.5
            let (from, to) = (w * 1.05, -w * 1.05)
            // Along the lid's rim, and back along an edge that is farther up in the middle and at the outer corner.
            var lash = arch(w * 1.05, eye.top + thick * 0.2, bend: form.squareness, slant: slant)
            lash.line(from + (eye.side > 0 ? 0.3 * thick : 0), -thick * (eye.side > 0 ? 0.9 : 0.2))
            lash.curve(
                from * form.squareness, (eye.top - thick) * 4 / 3 + slant, to * form.squareness, (eye.top - thick) * 4 / 3 - slant,
                to - (eye.side < 0 ? 0.3 * thick : 0), -thick * (eye.side < 0 ? 0.9 : 0.2))
            lash.close()
            canvas.fill(lash.applying(eye.card), look.lash)
        } else {
            var lash = arch(w * 1.06, eye.top, bend: form.squareness, slant: slant)
            if look.world == .classic {
                lash.move(eye.side * w * 1.06, 0)
                lash.line(eye.side * w * 1.22, -0.07)
            }
            canvas.stroke(lash.applying(eye.card), look.lash, width: width)
        }
        guard look.world == .wide else { return }
        if form.flick > 0 {
            let (a, b) = (Point(eye.side * w * 0.8, eye.top * 0.35), Point(eye.side * w * (1.06 + 0.28 * form.flick), -0.09 * form.flick))
            let flick = CharacterPainter.blade(a, Point(eye.side * w * 1.1, 0.02), b, 0.6 * width / look.headScale)
            canvas.fill(flick.applying(eye.card), look.lash)
        }
        for index in 0..<form.lashes {
            let t = 0.45 + 0.2 * Double(index)
            let from = Point(eye.side * w * t, eye.top * (1 - t * t) * 1.05)
            let to = Point(from.x + eye.side * 0.1, from.y - 0.1)
            canvas.fill(
                CharacterPainter.blade(from, Point(from.x + eye.side * 0.07, from.y - 0.03), to, 0.02).applying(eye.card), look.lash)
        }
    }

    private func paintIris(_ canvas: inout Canvas, _ eye: Geometry.Eye) {
        let (w, h) = (eye.width, look.eyeHeight)
        let (form, pupil) = (look.eye, eye.pupil)
        let iris = Path(ellipse: pupil, w * form.irisWidth, h * form.irisHeight).applying(eye.card)
        canvas.fill(
            iris, from: eye.card(Point(pupil.x, pupil.y - h * 0.8)), to: eye.card(Point(pupil.x, pupil.y + h * 0.8)),
            stops: [
                (0, look.iris.scaled(by: form.irisDepth)), (0.55, look.iris), (1, look.iris.mixed(with: look.light, form.irisLight)),
            ])
        if form.rim > 0 {
            canvas.stroke(iris, look.iris.scaled(by: 0.25), width: 0.05 * look.headScale * min(1, h * 5), opacity: form.rim)
        }
        let dark = look.iris.scaled(by: 0.22)
        // Pupils are as wide as high where irises are.
        let (pw, ph) = (w * form.irisWidth * 0.5 * form.pupilSize, h * form.irisHeight * 0.42 / 0.82 * form.pupilSize)
        switch form.pupil {
        case .none: break
        case .round where look.world == .classic: canvas.fill(Path(ellipse: pupil, w * 0.32, h * 0.42).applying(eye.card), dark)
        case .round: canvas.fill(Path(ellipse: pupil, pw, ph).applying(eye.card), dark)
        case .slit:
            let (a, b) = (Point(pupil.x, pupil.y - ph * 1.5), Point(pupil.x, pupil.y + ph * 1.5))
            canvas.fill(CharacterPainter.blade(a, pupil, b, pw * 0.7).applying(eye.card), dark)
        case .ring: canvas.stroke(Path(ellipse: pupil, pw, ph).applying(eye.card), dark, width: 0.05 * look.headScale * min(1, h * 4))
        case .star:
            let points = (0..<10).map { index in
                let (angle, reach) = (Double(index) * .pi / 5 - .pi / 2, index.isMultiple(of: 2) ? 1.2 : 0.5)
                return Point(pupil.x + pw * reach * cos(angle), pupil.y + ph * reach * sin(angle))
            }
            canvas.fill(Path(lines: points).applying(eye.card), look.iris.mixed(with: look.light, 0.8))
        }
        // Light falls from the same side on both eyes.
        for gleam in form.gleams {
            let middle = Point(pupil.x + w * gleam.x, pupil.y + h * gleam.y)
            canvas.fill(
                Path(ellipse: middle, w * gleam.width, h * gleam.height).applying(eye.card), look.light, opacity: gleam.opacity)
        }
    }

    /// In the classic world drawn over the hair, as is usual in drawn characters, so that their motion is always seen.
    func paintBrows(_ canvas: inout Canvas) {
        for side in [-1.0, 1] {
            let brow = geometry.brow(side)
            let (inner, outer) = (brow.inner, brow.outer)
            var path = Path()
            path.move(inner.x, inner.y)
            path.curve(-side * 0.05, brow.arch, side * 0.1, brow.arch, outer.x, outer.y)
            let thick = look.browThickness
            switch look.face.brow {
            case .stroke: canvas.stroke(path.applying(brow.card), look.brow, width: max(1.4, thick * look.headScale))
            case .block: canvas.stroke(path.applying(brow.card), look.brow, width: max(1.8, thick * 1.3 * look.headScale), cap: .butt)
            case .blade:
                let t = max(0.035, thick * 0.9)
                path.curve(side * 0.1, brow.arch - t * 0.8, -side * 0.05, brow.arch - t * 1.6, inner.x - side * 0.02, inner.y - t * 0.9)
                path.close()
                canvas.fill(path.applying(brow.card), look.brow)
                canvas.stroke(path.applying(brow.card), look.brow, width: 0.7)
            case .short:
                let middle = Point((inner.x * 1.3 + outer.x * 0.7) / 2, (inner.y + outer.y) / 2 + brow.arch * 0.6)
                canvas.fill(Path(ellipse: middle, 0.1, max(0.04, thick * 0.7)).applying(brow.card), look.brow)
                canvas.stroke(path.applying(brow.card), look.brow, width: 0.8)
            case .hairs:
                for index in 0...7 {
                    let t = Double(index) / 7
                    let x = inner.x + (outer.x - inner.x) * t
                    let y = inner.y + (outer.y - inner.y) * t + brow.arch * 3 * t * (1 - t)
                    let hair = CharacterPainter.blade(
                        Point(x, y + thick * 0.4), Point(x + side * 0.03, y - thick * 0.3),
                        Point(x + side * 0.08, y - thick * (0.9 - 0.7 * t)), 0.022)
                    canvas.fill(hair.applying(brow.card), look.brow)
                }
                canvas.stroke(path.applying(brow.card), look.brow, width: max(0.8, thick * 0.5 * look.headScale))
            }
        }
    }
}
