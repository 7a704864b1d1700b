import RainPictures

extension CharacterPainter {
    /// The face without features: ears and skin.
    func paintFace(_ canvas: inout Canvas) {
        let g = geometry
        let w = look.faceWidth
        for side in [-1.0, 1] {
            canvas.fill(Path(ellipse: Point(0, 0), 0.15, 0.2).applying(g.card(side * w, 0.18, -0.02)), look.skin.scaled(by: 0.9))
        }
        let skull = facePath
        canvas.fill(skull, look.skin)
        canvas.clipped(to: skull) { canvas in
            // What the fringe throws on the forehead.
            canvas.fill(fringePath.applying(.translation(0, 2.2)), look.skin.scaled(by: 0.84))
        }
    }

    /// Cheeks, nose, mouth and eyes.
    func paintFeatures(_ canvas: inout Canvas) {
        let g = geometry
        if look.blush > 0 {
            for side in [-1.0, 1] {
                let cheek = Path(ellipse: Point(0, 0), 0.19, 0.1).applying(g.card(side * 0.54, 0.44, 0.68))
                canvas.fill(cheek, Color(0.95, 0.35, 0.35), opacity: look.blush)
            }
        }
        let nose = g.nose
        canvas.stroke(Path(lines: [nose.bridge, nose.tip], closed: false), look.skin.scaled(by: 0.72), width: 1.4)
        paintMouth(&canvas)
        paintEye(&canvas, g.eye(-1))
        paintEye(&canvas, g.eye(1))
    }

    var facePath: Path {
        let g = geometry
        let (w, h, z) = (look.faceWidth, look.faceHeight, Geometry.outlineDepth)
        var points = g.outline
        // The landmark at the chin is its middle; the outline is flat there.
        points.replaceSubrange(3...3, with: [(-look.chin * 0.45, h * 0.985), (look.chin * 0.45, h * 0.985)])
        points += [(w * 0.8, -0.7), (0, -0.95), (-w * 0.8, -0.7)]
        return Path(through: points.map { g.at($0.x, $0.y, z) })
    }

    /// A line from corner to corner of something `half` wide whose middle lies at `middle`.
    private func arch(_ half: Double, _ middle: Double) -> Path {
        var path = Path()
        path.move(-half, 0)
        path.curve(-half * 0.6, middle * 4 / 3, half * 0.6, middle * 4 / 3, half, 0)
        return path
    }

    /// The area between an upper and a lower line with common corners.
    private func lens(_ half: Double, _ top: Double, _ bottom: Double) -> Path {
        var path = arch(half, top)
        path.curve(half * 0.6, bottom * 4 / 3, -half * 0.6, bottom * 4 / 3, -half, 0)
        path.close()
        return path
    }

    private func paintMouth(_ canvas: inout Canvas) {
        let mouth = geometry.mouth
        let gap = mouth.bottom - mouth.top
        let inside = lens(mouth.width, mouth.top, mouth.bottom).applying(mouth.card)
        canvas.fill(inside, look.mouthColor.scaled(by: 0.72))
        if gap > 0.05 {
            // The tongue lies on the lower lip and stays within the corners.
            let tongue = Path(ellipse: Point(0, mouth.bottom - gap * 0.2), mouth.width * 0.5, gap * 0.26).applying(mouth.card)
            canvas.clipped(to: inside) { $0.fill(tongue, look.mouthColor.mixed(with: Color(1, 0.55, 0.55), 0.5)) }
        }
        let lips = look.mouthColor.scaled(by: 0.8)
        canvas.stroke(arch(mouth.width, mouth.top).applying(mouth.card), lips, width: 1.6)
        if gap > 0.01 { canvas.stroke(arch(mouth.width, mouth.bottom).applying(mouth.card), lips, width: 1.1) }
    }

    private func paintEye(_ canvas: inout Canvas, _ eye: Geometry.Eye) {
        let (w, h) = (eye.width, look.eyeHeight)
        if eye.bottom - eye.top > 0.02 {
            canvas.clipped(to: lens(w, eye.top, eye.bottom).applying(eye.card)) { canvas in
                let white = Path(x: -2 * w, y: -2 * h, width: 4 * w, height: 4 * h).applying(eye.card)
                canvas.fill(white, Color(0.99, 0.98, 0.98))
                let pupil = eye.pupil
                let iris = Path(ellipse: pupil, w * 0.64, h * 0.82).applying(eye.card)
                canvas.fill(
                    iris, from: eye.card(Point(pupil.x, pupil.y - h * 0.8)), to: eye.card(Point(pupil.x, pupil.y + h * 0.8)),
                    stops: [(0, look.iris.scaled(by: 0.45)), (0.55, look.iris), (1, look.iris.mixed(with: .white, 0.35))])
                canvas.fill(Path(ellipse: pupil, w * 0.32, h * 0.42).applying(eye.card), look.iris.scaled(by: 0.22))
                // Light falls from the upper left on both eyes.
                canvas.fill(Path(ellipse: Point(pupil.x - w * 0.24, pupil.y - h * 0.34), w * 0.2, h * 0.2).applying(eye.card), .white)
            }
        }
        canvas.stroke(arch(w * 0.9, eye.bottom).applying(eye.card), look.lash, width: 0.9, opacity: 0.45)
        var lash = arch(w * 1.06, eye.top)
        lash.move(eye.side * w * 1.06, 0)
        lash.line(eye.side * w * 1.22, -0.07)
        canvas.stroke(lash.applying(eye.card), look.lash, width: 2.5)
    }

    /// Drawn over the hair, as is usual in drawn characters, so that their motion is always seen.
    func paintBrows(_ canvas: inout Canvas) {
        for side in [-1.0, 1] {
            let brow = geometry.brow(side)
            var path = Path()
            path.move(brow.inner.x, brow.inner.y)
            path.curve(-side * 0.05, brow.arch, side * 0.1, brow.arch, brow.outer.x, brow.outer.y)
            canvas.stroke(path.applying(brow.card), look.brow, width: max(1.4, look.browThickness * look.headScale))
        }
    }
}
