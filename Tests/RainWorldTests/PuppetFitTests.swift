import Foundation
import RainNumbers
import RainPose
import Testing

@testable import RainWorld

/// What is read from a person's face; here a head of simple geometry with a person's depths, turned in space and projected without perspective.
private struct Person {
    var yaw = 0.0
    var pitch = 0.0
    var roll = 0.0
    var scale = 1.0
    var lids = SIMD2(1.0, 1.0)
    var gaze = SIMD2<Double>.zero
    var mouth = 0.0
    var wide = 1.0
    var brow = 0.0
    var shift = SIMD2<Double>.zero

    /// x and y in half head widths from the head's middle, z towards the camera.
    private var points: [Landmark: SIMD3<Double>] {
        var points: [Landmark: SIMD3<Double>] = [
            .faceOutline0: [-1, 0, 0], .faceOutline1: [-0.92, 0.55, 0.07], .faceOutline2: [-0.6, 1.1, 0.62],
            .faceOutline3: [0, 1.35, 1.04],
            .faceOutline4: [0.6, 1.1, 0.62], .faceOutline5: [0.92, 0.55, 0.07], .faceOutline6: [1, 0, 0], .noseTip: [0, 0.45, 1.44],
            .mouthLeft: [-0.36 * wide, 0.8, 0.95], .mouthRight: [0.36 * wide, 0.8, 0.95], .mouthTop: [0, 0.8 - mouth * 0.1, 0.95],
            .mouthBottom: [0, 0.8 + mouth * 0.32, 0.95], .neck: [0, 1.9, 0], .leftShoulder: [-2, 2.4, 0], .rightShoulder: [2, 2.4, 0],
        ]
        for (side, outer, inner, top, bottom, pupil, browInner, browOuter, open) in [
            (
                -1.0, Landmark.leftEyeOuter, Landmark.leftEyeInner, Landmark.leftEyeTop, Landmark.leftEyeBottom, Landmark.leftPupil,
                Landmark.leftBrowInner, Landmark.leftBrowOuter, lids.x
            ),
            (1.0, .rightEyeOuter, .rightEyeInner, .rightEyeTop, .rightEyeBottom, .rightPupil, .rightBrowInner, .rightBrowOuter, lids.y),
        ] {
            points[outer] = [side * 0.62, 0, 0.72]
            points[inner] = [side * 0.24, 0, 0.81]
            points[top] = [side * 0.43, -0.07 * open, 0.8]
            points[bottom] = [side * 0.43, 0.05 * open, 0.8]
            points[pupil] = [side * 0.43 + gaze.x * 0.19, gaze.y * 0.19, 0.77]
            points[browInner] = [side * 0.2, -0.28 - brow, 0.95]
            points[browOuter] = [side * 0.7, -0.28 - brow, 0.7]
        }
        return points
    }

    var frame: LandmarkFrame {
        let (cy, sy, cp, sp, cr, sr) = (cos(yaw), sin(yaw), cos(pitch), sin(pitch), cos(roll), sin(roll))
        var frame = LandmarkFrame(points: Array(repeating: LandmarkPoint(x: 0, y: 0), count: LandmarkSet.count))
        for (landmark, p) in points {
            // The procedural world's own order: roll after yaw after pitch.
            let (y, z) = (p.y * cp - p.z * sp, p.y * sp + p.z * cp)
            let x = p.x * cy + z * sy
            let turned = SIMD2(x * cr - y * sr, x * sr + y * cr)
            let at = (SIMD2(0.5, 0.45) + (turned * 0.12 + shift)) * scale + 0.5 * (1 - scale)
            frame[landmark] = LandmarkPoint(x: Float(at.x), y: Float(at.y))
        }
        return frame
    }
}

@Suite struct PuppetFitTests {
    private let fit = PuppetFit(neutral: Person().frame)

    private func pose(_ change: (inout Person) -> Void) throws -> CharacterPose {
        var person = Person()
        change(&person)
        let fit = try #require(fit)
        let pose = fit(person.frame)
        return try #require(pose)
    }

    @Test func theNeutralFaceIsThePuppetsOwn() throws {
        let pose = try pose { _ in }
        for value in [pose.yaw, pose.pitch, pose.roll, pose.shiftX, pose.shiftY, pose.gazeX, pose.gazeY, pose.brow, pose.lean] {
            #expect(abs(value) < 0.01)
        }
        #expect(pose.leftEye == 1 && pose.rightEye == 1 && pose.mouthOpen == 0 && abs(pose.mouthWidth) < 0.01)
    }

    /// Angles come out as they went in where they are small, and never beyond the puppet's range.
    @Test(arguments: [-0.9, -0.3, -0.1, 0.1, 0.3, 0.9]) func turnsOfTheHead(_ angle: Double) throws {
        func check(_ value: Double, _ limit: Double, _ what: String) {
            #expect(value * angle > 0 && abs(value) <= limit, "\(what) \(value)")
            if abs(angle) < 0.2 { #expect(abs(value - angle) < 0.02, "\(what) \(value)") }
        }
        check(try pose { $0.yaw = angle }.yaw, 0.6, "yaw")
        check(try pose { $0.pitch = angle }.pitch, 0.35, "pitch")
        check(try pose { $0.roll = angle }.roll, 0.3, "roll")
        let turned = try pose { $0.yaw = angle }
        #expect(abs(turned.pitch) < 0.03 && abs(turned.roll) < 0.03 && turned.leftEye > 0.9)
    }

    @Test func lidsShutAndWink() throws {
        let blink = try pose { $0.lids = [0.28, 0.3] }
        #expect(blink.leftEye == 0 && blink.rightEye == 0)
        let half = try pose { $0.lids = [0.6, 0.6] }
        #expect(half.leftEye > 0.3 && half.leftEye < 0.7)
        let wink = try pose { $0.lids = [0.25, 1] }
        #expect(wink.leftEye == 0 && wink.rightEye == 1)
        // Lids that tremble open do not flicker.
        for open in [0.9, 1, 1.2, 1.5] { #expect(try pose { $0.lids = [open, open] }.leftEye == 1) }
    }

    @Test func expressions() throws {
        #expect(try pose { $0.mouth = 1 }.mouthOpen > 0.9)
        let talking = try pose { $0.mouth = 0.4 }.mouthOpen
        #expect(talking > 0.25 && talking < 0.6)
        #expect(try pose { $0.wide = 1.25 }.mouthWidth > 0.5)
        #expect(try pose { $0.wide = 0.7 }.mouthWidth < -0.5)
        #expect(try pose { $0.brow = 0.1 }.brow > 0.5)
        #expect(try pose { $0.gaze = [0.4, 0] }.gazeX > 0.6)
        #expect(try pose { $0.gaze = [0, -0.25] }.gazeY < -0.5)
        #expect(try pose { $0.shift = [0.05, 0] }.shiftX > 4)
    }

    /// Leaning in changes nothing but the scale.
    @Test(arguments: [0.6, 1.3, 1.8]) func distanceDoesNotCount(_ scale: Double) throws {
        let (near, far) = (
            try pose {
                $0.scale = scale
                $0.yaw = 0.2
                $0.mouth = 0.5
            },
            try pose {
                $0.yaw = 0.2
                $0.mouth = 0.5
            }
        )
        for (a, b) in [
            (near.yaw, far.yaw), (near.pitch, far.pitch), (near.mouthOpen, far.mouthOpen), (near.leftEye, far.leftEye),
            (near.shiftX / 10, far.shiftX / 10), (near.shiftY / 6, far.shiftY / 6),
        ] { #expect(abs(a - b) < 0.02) }
        var person = Person()
        person.scale = scale
        let fit = try #require(fit)
        let shown = fit.scale(of: person.frame)
        #expect(shown >= 0.75 && shown <= 1.3 && (shown - 1) * (scale - 1) > 0)
    }

    @Test func pointsThatSayNothing() throws {
        let flat = LandmarkFrame(points: Array(repeating: LandmarkPoint(x: 0.5, y: 0.5), count: LandmarkSet.count))
        #expect(PuppetFit(neutral: flat) == nil)
        var bad = Person().frame
        bad[.noseTip].x = .nan
        // The other points say enough.
        let without = PuppetFit(neutral: bad)
        let pose = without?(Person().frame)
        #expect(pose.map { abs($0.yaw) < 0.1 && $0.pitch.isFinite } ?? true)
        let fit = try #require(fit)
        #expect(fit(flat).map { $0.yaw.isFinite && $0.shiftX.isFinite } ?? true)
        bad[.leftEyeTop] = LandmarkPoint(x: .infinity, y: 0)
        #expect(fit(bad) == nil)
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix64(seed: seed, stream: 1)
            let wild = LandmarkFrame(
                points: (0..<LandmarkSet.count).map { _ in
                    LandmarkPoint(x: Float(random.uniform(-900, 900)), y: Float(random.uniform(-900, 900)))
                })
            let carried = FaceCarrier(.person, neutral: Person().frame, to: FaceCarrier.puppet.landmarks(CharacterPose()))(wild)
            #expect(carried.points.allSatisfy { $0.x.isFinite && $0.y.isFinite && abs($0.x) < 3000 })
        }
    }

    /// A drawn reference that is known does what is read, with its own face.
    @Test func knownCharactersAreTheirOwnPuppets() throws {
        var person = Person()
        (person.yaw, person.mouth, person.scale) = (0.3, 0.6, 1.2)
        let character = Character(seed: 11)
        let carrier = FaceCarrier(.person, neutral: Person().frame, to: character.landmarks(CharacterPose()), puppet: character)
        let fit = try #require(fit)
        let read = fit(person.frame)
        let controls = try #require(read)
        for keepsDistance in [true, false] {
            let wanted = character.landmarks(controls).scaled(by: keepsDistance ? 1 : fit.scale(of: person.frame))
            for (point, known) in zip(carrier(person.frame, keepsDistance: keepsDistance).points, wanted.points) {
                #expect(abs(point.x - known.x) < 1e-5 && abs(point.y - known.y) < 1e-5)
            }
        }
    }

    /// A drawn driver's face is carried over as before, part by part.
    @Test func drawnDriversKeepTheirWay() {
        let (driver, other) = (Character(seed: 3), Character(seed: 11))
        var pose = CharacterPose()
        (pose.yaw, pose.mouthOpen) = (0.3, 0.6)
        let (neutral, target) = (driver.landmarks(CharacterPose()), other.landmarks(CharacterPose()))
        let carried = FaceCarrier(.drawn, neutral: neutral, to: target)(driver.landmarks(pose))
        #expect(carried == LandmarkRetargeter(from: neutral, to: target)(driver.landmarks(pose)))
    }
}
