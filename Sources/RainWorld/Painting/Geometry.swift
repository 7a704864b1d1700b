import Foundation
import RainPictures
import RainPose

/// Where the parts of a character lie in one pose; landmarks and drawing both come from here, so that they cannot disagree.
///
/// The design space is 128 × 128 units. Head coordinates are units of half a head's width: x to the right, y down, z towards the viewer, origin
/// in the middle of the head. Features are *cards*, flat pieces at a depth that turn with the head.
struct Geometry {
    static let side = 128.0
    static let eyeDepth = 0.74
    static let outlineDepth = 0.25

    let look: Appearance
    let pose: CharacterPose
    /// The head's middle, the neck's pit, and the shoulders.
    let head: Point
    let neck: Point
    let leftShoulder: Point
    let rightShoulder: Point
    // The two rows of the head's rotation that matter without perspective.
    private let row0: SIMD3<Double>
    private let row1: SIMD3<Double>

    init(_ look: Appearance, _ pose: CharacterPose) {
        self.look = look
        self.pose = pose
        let (cy, sy) = (cos(pose.yaw), sin(pose.yaw))
        let (cp, sp) = (cos(pose.pitch), sin(pose.pitch))
        let (cr, sr) = (cos(pose.roll), sin(pose.roll))
        // Roll after yaw after pitch.
        let turned = (SIMD3(cy, sy * sp, sy * cp), SIMD3(0, cp, -sp))
        row0 = turned.0 * cr - turned.1 * sr
        row1 = turned.0 * sr + turned.1 * cr
        neck = Point(64 + pose.lean * 5 + 0.25 * pose.shiftX, look.neckY + 0.2 * pose.shiftY)
        head = Point(64 + pose.shiftX + pose.lean * 7 + pose.roll * 24, look.headY + pose.shiftY)
        let away = look.shoulders
        if look.world == .classic {
            leftShoulder = Point(neck.x - away - pose.lean * 1.5, neck.y + 11 + pose.lean * 4)
            rightShoulder = Point(neck.x + away - pose.lean * 1.5, neck.y + 11 - pose.lean * 4)
        } else {
            // The wide world's body is rigid.
            let body = Transform.translation(neck.x, neck.y).after(.rotation(-atan2(4 * pose.lean, away)))
            leftShoulder = body(Point(-away, look.shoulderDrop))
            rightShoulder = body(Point(away, look.shoulderDrop))
        }
    }

    /// A point of the head in the design space.
    func at(_ x: Double, _ y: Double, _ z: Double) -> Point {
        let p = SIMD3(x, y, z)
        return Point(head.x + look.headScale * (row0 * p).sum(), head.y + look.headScale * (row1 * p).sum())
    }

    /// A point of what lies over the face: hair of crown and fringe, and what sits on it.
    ///
    /// - Parameter z: the depth in the classic world; in the wide one it follows from x and y.
    func front(_ x: Double, _ y: Double, _ z: Double) -> Point {
        at(x, y, look.world == .classic ? z : CharacterLayer.frontDepth(x: x, y: y))
    }

    /// The map from a card lying at a place of the head into the design space.
    func card(_ x: Double, _ y: Double, _ z: Double, widened: Double = 1) -> Transform {
        let origin = at(x, y, z)
        let s = look.headScale
        return Transform(
            xx: row0.x * s * widened, yx: row1.x * s * widened, xy: row0.y * s, yy: row1.y * s, x0: origin.x, y0: origin.y)
    }

    /// The body's own coordinates: origin at the neck's pit, leaning with the shoulders, units of the design space.
    var body: Transform {
        let lean = atan2(rightShoulder.y - leftShoulder.y, rightShoulder.x - leftShoulder.x)
        return Transform.translation(neck.x, neck.y).after(.rotation(lean))
    }

    // MARK: The face

    /// The seven points of the outline from temple to temple, in head coordinates.
    var outline: [(x: Double, y: Double)] {
        let (w, h) = (look.faceWidth, look.faceHeight)
        let (cheek, jaw) = (look.face.cheek, look.face.jaw)
        let (low, high) = look.face.cheekY.map { (look.face.jawY * h, $0 * h) } ?? (0.82, 0.42)
        return [(-w, -0.05), (-w * cheek, high), (-w * jaw, low), (0, h), (w * jaw, low), (w * cheek, high), (w, -0.05)]
    }

    /// Large eyes reach farther round the face, where it bends back.
    var eyeDepth: Double {
        look.world == .classic ? Self.eyeDepth : min(0.7, 0.7 - 0.7 * (look.eyeX + look.eyeWidth - 0.62))
    }
    /// Of mouth and nose. The wide world's faces are flatter, so that no mouth, however wide, turns out of them.
    var mouthDepth: Double { look.world == .classic ? 0.82 : 0.66 }
    var noseDepth: Double { look.world == .classic ? 0.96 : 0.8 }

    struct Eye {
        /// From the eye's coordinates (origin in its middle, x to the right) into the design space.
        var card: Transform
        var width: Double
        /// The lids' middles; equal when the eye is shut.
        var top: Double
        var bottom: Double
        var pupil: Point
        /// −1 for the left eye, 1 for the right.
        var side: Double
    }

    func eye(_ side: Double) -> Eye {
        let open = min(max(side < 0 ? pose.leftEye : pose.rightEye, 0), 1)
        // On a round face the farther eye is seen at a sharper angle than the card alone would be.
        let seen = min(max(cos(pose.yaw + side * 0.45) / cos(0.45), 0.45), 1.08)
        let h = look.eyeHeight
        let shut = 0.3 * h
        let upper = open * look.eye.rest
        return Eye(
            card: card(side * look.eyeX, look.eyeY, eyeDepth, widened: seen).after(.rotation(-look.eyeTilt * side)),
            width: look.eyeWidth, top: shut + (-h - shut) * upper, bottom: shut + (0.8 * h - shut) * open,
            pupil: Point(pose.gazeX * 0.34 * look.eyeWidth, pose.gazeY * 0.24 * h - 0.04 * h), side: side)
    }

    struct Brow {
        var card: Transform
        var inner: Point
        var outer: Point
        var arch: Double
    }

    func brow(_ side: Double) -> Brow {
        let height = look.eyeY - look.browY - 0.09 * pose.brow
        return Brow(
            card: card(side * look.eyeX, height, eyeDepth), inner: Point(-side * 0.18, 0.02),
            outer: Point(side * 0.2, -look.browTilt * 0.3), arch: -0.06)
    }

    struct Mouth {
        var card: Transform
        /// Half its width.
        var width: Double
        /// The lips' middles; equal when it is shut.
        var top: Double
        var bottom: Double
    }

    var mouth: Mouth {
        let gap = look.face.drop * min(max(pose.mouthOpen, 0), 1)
        let mood = look.mouth == .smiling ? 0.05 : look.mouth == .calm ? 0.012 : -0.03
        let bend = (look.face.bend ?? mood) + 0.02 * pose.mouthWidth
        return Mouth(
            card: card(0, look.mouthY, mouthDepth), width: look.mouthWidth * (1 + 0.35 * pose.mouthWidth), top: bend - 0.3 * gap,
            bottom: bend + gap)
    }

    var nose: (bridge: Point, tip: Point) { (at(0, look.face.noseY - 0.1, noseDepth), at(0.03, look.face.noseY, noseDepth + 0.01)) }

    // MARK: Landmarks

    /// - Parameter framing: from the design space to the design space of the picture
    func landmarks(_ framing: Transform) -> LandmarkFrame {
        var places: [Point] = []
        places.reserveCapacity(LandmarkSet.count)
        for (x, y) in outline { places.append(at(x, y, Self.outlineDepth)) }
        for side in [-1.0, 1.0] {
            let brow = brow(side)
            places += [brow.card(brow.inner), brow.card(brow.outer)]
        }
        for side in [-1.0, 1.0] {
            let eye = eye(side)
            places += [
                eye.card(Point(side * eye.width, 0)), eye.card(Point(-side * eye.width, 0)), eye.card(Point(0, eye.top)),
                eye.card(Point(0, eye.bottom)), eye.card(eye.pupil),
            ]
        }
        places.append(nose.tip)
        let mouth = mouth
        places += [
            mouth.card(Point(-mouth.width, 0)), mouth.card(Point(mouth.width, 0)), mouth.card(Point(0, mouth.top)),
            mouth.card(Point(0, mouth.bottom)),
        ]
        places += [neck, leftShoulder, rightShoulder]
        return LandmarkFrame(
            points: places.map(framing.callAsFunction).map { LandmarkPoint(x: Float($0.x / Self.side), y: Float($0.y / Self.side)) })
    }
}
