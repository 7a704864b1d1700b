import Foundation
import RainPose

/// Reads from a person's landmarks what a drawn character does: how the head turns, where the eyes look, how far lids and lips are open.
///
/// A person's face has other proportions, and does more, than a drawn one; carried over point by point, a jaw that drops or a brow that
/// rises leads to faces no drawing has. So the face is described by the puppet's own controls, each measured against the person's neutral
/// face and within the puppet's range, and the puppet's landmarks drive. Distance to the camera does not count. A pure function.
struct PuppetFit: Sendable {
    private let neutral: LandmarkFrame
    /// Of the neutral face, in its own half head widths.
    private let measures: Measures
    /// Half the neutral head's width in fractions of the picture.
    private let unit: Double

    /// - Parameter neutral: the person's neutral face
    /// - Returns: nil where its points say nothing: not finite, or without extent
    init?(neutral: LandmarkFrame) {
        let unit = Self.distance(neutral, .faceOutline0, .faceOutline6) / 2
        guard unit.isFinite, unit > 1e-3, let measures = Measures(neutral, unit: unit) else { return nil }
        self.neutral = neutral
        self.unit = unit
        self.measures = measures
    }

    /// Lids that are less apart than this part of the neutral face's are shut, and more than this open: trackers see shut lids apart.
    private static let lids = (shut: 0.32, open: 0.85)
    /// Half head widths that lips are apart in a wide open mouth, and that a brow rises at most.
    private static let (wideMouth, highBrow) = (0.42, 0.14)
    /// Parts of half an eye's width that a pupil moves to the side, and down, at most.
    private static let gaze = SIMD2(0.42, 0.28)
    /// Design units of the procedural world that half a head is wide.
    private static let headUnits = 27.0

    /// What the puppet does; nil where the frame's points say nothing.
    func callAsFunction(_ frame: LandmarkFrame) -> CharacterPose? {
        guard let head = HeadFit(from: neutral, to: frame, depths: .human), let now = Measures(frame, unit: unit * head.scale) else {
            return nil
        }
        var pose = CharacterPose()
        // B is the head's rotation without its third row and column, w the third column.
        let roll = atan2(head.right.y, head.right.x)
        let (c, s) = (cos(roll), sin(roll))
        let (x, y) = (head.depth.x / head.scale, head.depth.y / head.scale)
        pose.pitch = Self.limited(-asin(min(max(y * c - x * s, -1), 1)), 0.35)
        pose.yaw = Self.limited(asin(min(max(x * c + y * s, -1), 1)), 0.6)
        pose.roll = Self.limited(roll, 0.3)

        func open(_ ratio: Double) -> Double { min(max((ratio - Self.lids.shut) / (Self.lids.open - Self.lids.shut), 0), 1) }
        // A nodding head foreshortens its eyes, and shows the far one narrower, which is no blink.
        pose.leftEye = open(now.lids.x / max(measures.lids.x, 1e-3))
        pose.rightEye = open(now.lids.y / max(measures.lids.y, 1e-3))
        // People blink with both eyes; a wink is much more shut than the other.
        let both = (pose.leftEye + pose.rightEye) / 2
        if abs(pose.leftEye - pose.rightEye) < 0.5 { (pose.leftEye, pose.rightEye) = (both, both) }
        if both > 0.3 {
            let look = (now.gaze - measures.gaze) / Self.gaze
            pose.gazeX = Self.limited(look.x, 1)
            pose.gazeY = Self.limited(look.y, 1)
        }
        pose.brow = Self.limited((now.brow - measures.brow) / Self.highBrow, 1)
        pose.mouthOpen = min(max((now.mouthOpen - min(measures.mouthOpen, 0.1) - 0.015) / Self.wideMouth, 0), 1)
        // An open mouth gets narrower by itself.
        let width = now.mouthWidth / max(measures.mouthWidth, 1e-3) - 1 + 0.25 * pose.mouthOpen
        pose.mouthWidth = Self.limited(width / 0.3, 1)

        let shoulders = [frame, neutral].map { ($0[.leftShoulder], $0[.rightShoulder]) }
        if shoulders.allSatisfy({ min($0.0.visibility, $0.1.visibility) >= Float(WholeBodyFrame.leastScore) }) {
            let slopes = shoulders.map { atan2(Double($0.1.y - $0.0.y), Double($0.1.x - $0.0.x)) }
            // The right shoulder goes up as the body leans to the left.
            pose.lean = Self.limited((slopes[1] - slopes[0]) / 0.12, 1)
        }
        // Where the head is besides what tilting and leaning make of it; moving towards the camera also moves it from the middle.
        let middle = (Self.middle(frame) - 0.5) / head.scale - (Self.middle(neutral) - 0.5)
        let shift = middle / unit * Self.headUnits
        pose.shiftX = Self.limited(shift.x - pose.roll * 24 - pose.lean * 7, 10)
        pose.shiftY = Self.limited(shift.y, 6)
        return pose
    }

    /// How many times as large as the neutral face a face is shown that leans in or out; within what drawn characters bear.
    func scale(of frame: LandmarkFrame) -> Double {
        min(max(HeadFit(from: neutral, to: frame, depths: .human)?.scale ?? 1, 0.75), 1.3)
    }

    /// Nearly the value itself as long as it is small, and never beyond the limit.
    private static func limited(_ value: Double, _ limit: Double) -> Double {
        guard value.isFinite else { return 0 }
        return limit * tanh(value / limit)
    }

    // MARK: Measures

    /// What moves in a face, in half head widths where it is a length.
    private struct Measures {
        /// How far the lids are apart, left and right.
        var lids: SIMD2<Double>
        /// Pupils from the middle of the eyes' corners, across and down the eyes, in half eye widths.
        var gaze: SIMD2<Double>
        /// Brows above the eyes.
        var brow: Double
        var mouthOpen: Double
        var mouthWidth: Double

        init?(_ frame: LandmarkFrame, unit: Double) {
            lids = SIMD2(distance(frame, .leftEyeTop, .leftEyeBottom), distance(frame, .rightEyeTop, .rightEyeBottom)) / unit
            let across = point(frame, .rightEyeOuter) - point(frame, .leftEyeOuter)
            let length = (across * across).sum().squareRoot()
            guard unit > 1e-6, length > 1e-6 else { return nil }
            let right = across / length
            let down = SIMD2(-right.y, right.x)
            gaze = .zero
            brow = 0
            for (outer, inner, pupil, brows) in [
                (Landmark.leftEyeOuter, Landmark.leftEyeInner, Landmark.leftPupil, [Landmark.leftBrowInner, .leftBrowOuter]),
                (.rightEyeOuter, .rightEyeInner, .rightPupil, [.rightBrowInner, .rightBrowOuter]),
            ] {
                let middle = (point(frame, outer) + point(frame, inner)) / 2
                let half = max(distance(frame, outer, inner) / 2, 1e-6)
                let away = point(frame, pupil) - middle
                gaze += SIMD2((away * right).sum(), (away * down).sum()) / half / 2
                let height = (brows.reduce(.zero) { $0 + point(frame, $1) } / 2 - middle) * down
                brow -= height.sum() / unit / 2
            }
            mouthOpen = distance(frame, .mouthTop, .mouthBottom) / unit
            mouthWidth = distance(frame, .mouthLeft, .mouthRight) / unit
            guard [lids.x, lids.y, gaze.x, gaze.y, brow, mouthOpen, mouthWidth].allSatisfy(\.isFinite) else { return nil }
        }
    }

    private static func middle(_ frame: LandmarkFrame) -> SIMD2<Double> {
        let stable: [Landmark] = [
            .faceOutline0, .faceOutline6, .leftEyeOuter, .leftEyeInner, .rightEyeInner, .rightEyeOuter, .faceOutline1, .faceOutline5,
        ]
        return stable.reduce(.zero) { $0 + point(frame, $1) } / Double(stable.count)
    }

    private static func point(_ frame: LandmarkFrame, _ landmark: Landmark) -> SIMD2<Double> {
        SIMD2(Double(frame[landmark].x), Double(frame[landmark].y))
    }

    private static func distance(_ frame: LandmarkFrame, _ a: Landmark, _ b: Landmark) -> Double {
        let way = point(frame, b) - point(frame, a)
        return (way * way).sum().squareRoot()
    }
}

extension LandmarkFrame {
    /// Larger or smaller about the picture's middle.
    func scaled(by factor: Double) -> LandmarkFrame {
        LandmarkFrame(
            points: points.map { point in
                LandmarkPoint(
                    x: 0.5 + (point.x - 0.5) * Float(factor), y: 0.5 + (point.y - 0.5) * Float(factor), visibility: point.visibility)
            })
    }
}
