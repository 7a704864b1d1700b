import Foundation
import RainPose
import Testing

/// A rigid head: where its landmarks are in space, in half head widths; y down, z towards the camera.
///
/// Its depths are not quite those that the fit takes for granted.
private let head: [Landmark: SIMD3<Double>] = [
    .faceOutline0: SIMD3(-1, -0.1, 0.1), .faceOutline1: SIMD3(-0.93, 0.45, 0.2), .faceOutline2: SIMD3(-0.6, 0.95, 0.4),
    .faceOutline3: SIMD3(0, 1.2, 0.6), .faceOutline4: SIMD3(0.6, 0.95, 0.4), .faceOutline5: SIMD3(0.93, 0.45, 0.2),
    .faceOutline6: SIMD3(1, -0.1, 0.1), .leftBrowInner: SIMD3(-0.2, -0.45, 0.9), .leftBrowOuter: SIMD3(-0.65, -0.4, 0.7),
    .rightBrowInner: SIMD3(0.2, -0.45, 0.9), .rightBrowOuter: SIMD3(0.65, -0.4, 0.7), .leftEyeOuter: SIMD3(-0.62, 0, 0.68),
    .leftEyeInner: SIMD3(-0.22, 0.03, 0.78), .leftEyeTop: SIMD3(-0.42, -0.1, 0.8), .leftEyeBottom: SIMD3(-0.42, 0.1, 0.78),
    .leftPupil: SIMD3(-0.42, 0, 0.78), .rightEyeOuter: SIMD3(0.62, 0, 0.68), .rightEyeInner: SIMD3(0.22, 0.03, 0.78),
    .rightEyeTop: SIMD3(0.42, -0.1, 0.8), .rightEyeBottom: SIMD3(0.42, 0.1, 0.78), .rightPupil: SIMD3(0.42, 0, 0.78),
    .noseTip: SIMD3(0, 0.42, 1.12), .mouthLeft: SIMD3(-0.28, 0.75, 0.82), .mouthRight: SIMD3(0.28, 0.75, 0.82),
    .mouthTop: SIMD3(0, 0.7, 0.95), .mouthBottom: SIMD3(0, 0.8, 0.93), .neck: SIMD3(0, 1.6, -0.2), .leftShoulder: SIMD3(-1.6, 2, -0.3),
    .rightShoulder: SIMD3(1.6, 2, -0.3),
]

/// The head as a camera far away sees it.
///
/// - Parameters:
///   - size: half its width, in fractions of the picture
///   - place: of its middle, in fractions of the picture
private func seen(
    yaw: Double = 0, pitch: Double = 0, roll: Double = 0, size: Double = 0.12, place: SIMD2<Double> = SIMD2(0.5, 0.45), visible: Float = 1
) -> LandmarkFrame {
    var frame = LandmarkFrame(points: [LandmarkPoint](repeating: LandmarkPoint(x: 0, y: 0), count: LandmarkSet.count))
    for (landmark, point) in head {
        let turned = SIMD3(cos(yaw) * point.x + sin(yaw) * point.z, point.y, cos(yaw) * point.z - sin(yaw) * point.x)
        let nodded = SIMD2(turned.x, cos(pitch) * turned.y - sin(pitch) * turned.z)
        let tilted = SIMD2(cos(roll) * nodded.x - sin(roll) * nodded.y, sin(roll) * nodded.x + cos(roll) * nodded.y)
        frame[landmark] = LandmarkPoint(x: Float(place.x + size * tilted.x), y: Float(place.y + size * tilted.y), visibility: visible)
    }
    return frame
}

private func width(_ frame: LandmarkFrame) -> Double { Double(frame[.faceOutline6].x - frame[.faceOutline0].x) }

private func farthest(_ a: LandmarkFrame, _ b: LandmarkFrame) -> Float {
    zip(a.points, b.points).map { max(abs($0.x - $1.x), abs($0.y - $1.y)) }.max() ?? 0
}

/// A frame of which every coordinate is the same.
private func collapsed(_ value: Float) -> LandmarkFrame {
    LandmarkFrame(points: [LandmarkPoint](repeating: LandmarkPoint(x: value, y: value), count: LandmarkSet.count))
}

@Suite struct HeadFitTests {
    @Test func theNeutralFaceFitsItself() throws {
        let fit = try #require(HeadFit(from: seen(), to: seen()))
        #expect(abs(fit.scale - 1) < 1e-6)
        #expect(abs(fit.depth.x) < 1e-6 && abs(fit.depth.y) < 1e-6)
    }

    @Test func turningDoesNotChangeTheScale() throws {
        var worst = 0.0
        for yaw in stride(from: -0.6, through: 0.6, by: 0.2) {
            for pitch in stride(from: -0.35, through: 0.35, by: 0.175) {
                for roll in [-0.3, 0, 0.3] {
                    for size in [0.25, 0.5, 1, 1.6, 3] {
                        let frame = seen(yaw: yaw, pitch: pitch, roll: roll, size: 0.12 * size, place: SIMD2(0.3, 0.7))
                        let scale = try #require(HeadFit(from: seen(), to: frame)).scale
                        worst = max(worst, abs(scale / size - 1))
                    }
                }
            }
        }
        print("head fit: scale of a turned head is off by at most \(worst)")
        #expect(worst < 0.03)
    }

    @Test func aShiftIsTold() throws {
        let fit = try #require(HeadFit(from: seen(), to: seen(size: 0.2, place: SIMD2(0.7, 0.3))))
        #expect(abs(fit.scale - 0.2 / 0.12) < 1e-2)
        let center = fit.shift - SIMD2(0.7, 0.3)
        #expect(abs(center.x) < 1e-3 && center.y > 0 && center.y < 0.2, "the points' middle lies below the eyes: \(center)")
    }

    @Test(arguments: [Float.nan, .infinity, 0, 1e30])
    func pointsThatSayNothing(value: Float) {
        #expect(HeadFit(from: seen(), to: collapsed(value)) == nil)
        #expect(HeadFit(from: collapsed(value), to: seen()) == nil)
        var few = seen()
        for landmark in [Landmark.faceOutline0, .faceOutline1, .faceOutline2, .noseTip, .mouthLeft] { few[landmark].visibility = 0.1 }
        #expect(HeadFit(from: seen(), to: few) == nil)
        var one = seen()
        one[.noseTip] = LandmarkPoint(x: value, y: value)
        if let fit = HeadFit(from: seen(), to: one) { #expect(fit.scale.isFinite && fit.scale > 0) }
    }

    @Test func pointsThatAreNotSeenDoNotCount() throws {
        var frame = seen(yaw: 0.4, size: 0.18)
        frame[.faceOutline6] = LandmarkPoint(x: 9, y: -9, visibility: 0)
        let scale = try #require(HeadFit(from: seen(), to: frame)).scale
        #expect(abs(scale / 1.5 - 1) < 0.04)
    }
}

@Suite struct DistanceKeeperTests {
    /// Leans in or out over some seconds and stays there.
    ///
    /// - Returns: how much the head's size changed at most on the way, and at the end, in shares of its size
    private func lean(to last: Double, within seconds: Double, rate: Double = 30) throws -> (worst: Double, end: Double) {
        var keeper = DistanceKeeper()
        let neutral = seen()
        var (worst, end) = (0.0, 0.0)
        for index in 0..<Int((seconds + 1) * rate) {
            let time = Double(index) / rate
            let share = min(time / seconds, 1)
            let scale = exp(log(last) * share)
            // What comes nearer also moves away from the middle.
            let frame = seen(size: 0.12 * scale, place: SIMD2(0.5, 0.5) + SIMD2(0.06, -0.05) * scale)
            let kept = keeper(.face(frame), neutral: neutral, at: time).face
            let size = width(kept) / width(neutral) - 1
            (worst, end) = (max(worst, abs(size)), size)
            if share == 1, time > seconds + 0.8 {
                #expect(abs(kept[.noseTip].x - 0.56) < 0.005, "the head stays where it is: \(kept[.noseTip].x)")
            }
        }
        return (worst, end)
    }

    @Test(arguments: [1.6, 0.6])
    func leaningDoesNotChangeTheSize(scale: Double) throws {
        let slow = try lean(to: scale, within: 1.5)
        print("keep distance: leaning to \(scale) within 1.5 s changes the size by at most \(slow.worst)")
        #expect(slow.worst < 0.03 && abs(slow.end) < 0.01)
        let fast = try lean(to: scale, within: 0.5)
        print("keep distance: within 0.5 s by at most \(fast.worst)")
        #expect(fast.worst < 0.08 && abs(fast.end) < 0.01)
    }

    @Test func turningIsUntouched() {
        var keeper = DistanceKeeper()
        let neutral = seen()
        for index in 0..<200 {
            let time = Double(index) / 30
            let frame = seen(yaw: 0.6 * sin(time * 3), pitch: 0.35 * sin(time * 2.2), roll: 0.3 * sin(time * 1.7))
            let kept = keeper(.face(frame), neutral: neutral, at: time).face
            #expect(abs(width(kept) / width(frame) - 1) < 0.03)
            #expect(farthest(kept, frame) < 0.03 * 0.5)
        }
    }

    @Test func wholePersonsToo() throws {
        let (neutral, near) = (seen(), seen(size: 0.18, place: SIMD2(0.55, 0.5)))
        var keeper = DistanceKeeper()
        var person = WholeBodyFrame(near)
        person[WholeBody.leftHand.lowerBound] = Keypoint(x: 0.8, y: 0.2, score: 0.9)
        guard case .person(let kept) = keeper(.person(person), neutral: neutral, at: 0) else {
            Issue.record("another set of points")
            return
        }
        #expect(abs(keeper.scale - 1.5) < 0.02)
        let hand = kept[WholeBody.leftHand.lowerBound]
        #expect(abs(hand.x - 0.7) < 0.01 && abs(hand.y - 0.3) < 0.01 && hand.score == 0.9)
        #expect(kept[WholeBody.rightHand.lowerBound] == person[WholeBody.rightHand.lowerBound], "what is nowhere stays there")
        #expect(abs(width(LandmarkFrame(kept)) / width(neutral) - 1) < 0.02)
    }

    @Test func noiseIsSmoothed() {
        var keeper = DistanceKeeper()
        var (low, high) = (Double.infinity, 0.0)
        for index in 0..<300 {
            let scale = index.isMultiple(of: 2) ? 1.02 : 0.98
            _ = keeper(.face(seen(size: 0.12 * scale)), neutral: seen(), at: Double(index) / 30)
            if index > 60 { (low, high) = (min(low, keeper.scale), max(high, keeper.scale)) }
        }
        #expect(high - low < 0.015, "\(low)…\(high) of 0.98…1.02")
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 0, 1e30])
    func degeneratePointsDoNothing(value: Float) {
        var keeper = DistanceKeeper()
        for frame in [collapsed(value), seen(visible: 0)] {
            let pose = keeper(.face(frame), neutral: seen(), at: 0).face
            #expect(zip(pose.points, frame.points).allSatisfy { $0.x == $1.x || ($0.x.isNaN && $1.x.isNaN) })
        }
        #expect(keeper.scale == 1)
        // What is known of the distance holds on.
        _ = keeper(.face(seen(size: 0.18)), neutral: seen(), at: 1)
        let before = keeper.scale
        _ = keeper(.face(collapsed(value)), neutral: seen(), at: 1.1)
        _ = keeper(.face(seen()), neutral: collapsed(value), at: 1.2)
        #expect(keeper.scale == before)
        #expect(keeper(.face(seen()), neutral: seen(), at: .nan).face.points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
        keeper.reset()
        #expect(keeper.scale == 1)
    }

    @Test func timesThatStandStillOrJump() {
        var keeper = DistanceKeeper()
        for time in [5, 5, 4, 5.0001, 1e9, -1, .infinity, 1e9 + 1] {
            let kept = keeper(.face(seen(size: 0.3)), neutral: seen(), at: time).face
            #expect(kept.points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
            #expect(DistanceKeeper.limits.contains(keeper.scale))
        }
        _ = keeper(.face(seen(size: 0.0012)), neutral: seen(), at: 2e9)
        #expect(keeper.scale >= 0.25)
    }
}
