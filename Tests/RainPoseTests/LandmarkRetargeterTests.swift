import Foundation
import RainPose
import Testing

/// A schematic face: `size` is half its width, eyes and mouth as fractions of it.
private func face(
    x: Float = 0.5, y: Float = 0.45, size: Float = 0.2, tall: Float = 1.1, eye: Float = 0.22, eyeOpen: Float = 0.5, mouth: Float = 0.18,
    mouthOpen: Float = 0, shoulders: Float = 0.3, turn: Float = 0
) -> LandmarkFrame {
    var points = [LandmarkPoint](repeating: LandmarkPoint(x: 0, y: 0), count: LandmarkSet.count)
    func put(_ landmark: Landmark, _ u: Float, _ v: Float) {
        let (c, s) = (cos(turn), sin(turn))
        points[landmark.rawValue] = LandmarkPoint(x: x + size * (c * u - s * v), y: y + size * (s * u + c * v))
    }
    for index in 0..<7 {
        let angle = Float(index) / 6 * .pi
        put(Landmark(rawValue: index)!, -cos(angle), sin(angle) * tall)
    }
    let sides: [(Float, [Landmark])] = [
        (-1, [.leftBrowInner, .leftBrowOuter, .leftEyeOuter, .leftEyeInner, .leftEyeTop, .leftEyeBottom, .leftPupil]),
        (1, [.rightBrowInner, .rightBrowOuter, .rightEyeOuter, .rightEyeInner, .rightEyeTop, .rightEyeBottom, .rightPupil]),
    ]
    for (side, names) in sides {
        put(names[0], side * 0.2, -0.3)
        put(names[1], side * 0.6, -0.3)
        put(names[2], side * (0.42 + eye), 0)
        put(names[3], side * (0.42 - eye), 0)
        put(names[4], side * 0.42, -eye * eyeOpen)
        put(names[5], side * 0.42, eye * eyeOpen)
        put(names[6], side * 0.42, 0)
    }
    put(.noseTip, 0, 0.35)
    put(.mouthLeft, -mouth, 0.6)
    put(.mouthRight, mouth, 0.6)
    put(.mouthTop, 0, 0.6 - mouth * mouthOpen)
    put(.mouthBottom, 0, 0.6 + mouth * mouthOpen)
    points[Landmark.neck.rawValue] = LandmarkPoint(x: x, y: y + 0.3)
    points[Landmark.leftShoulder.rawValue] = LandmarkPoint(x: x - shoulders, y: y + 0.4)
    points[Landmark.rightShoulder.rawValue] = LandmarkPoint(x: x + shoulders, y: y + 0.4)
    return LandmarkFrame(points: points)
}

private func distance(_ frame: LandmarkFrame, _ a: Landmark, _ b: Landmark) -> Float {
    let (dx, dy) = (frame[a].x - frame[b].x, frame[a].y - frame[b].y)
    return (dx * dx + dy * dy).squareRoot()
}

private func farthest(_ a: LandmarkFrame, _ b: LandmarkFrame) -> Float {
    zip(a.points, b.points).map { max(abs($0.x - $1.x), abs($0.y - $1.y)) }.max() ?? 0
}

@Suite struct LandmarkRetargeterTests {
    private let driver = face(size: 0.15, eye: 0.18, shoulders: 0.25)
    private let hero = face(x: 0.55, y: 0.5, size: 0.24, tall: 1.3, eye: 0.3, eyeOpen: 0.9, mouth: 0.12, shoulders: 0.35)

    @Test func restBecomesRest() {
        #expect(farthest(LandmarkRetargeter(from: driver, to: hero)(driver), hero) < 1e-5)
    }

    @Test func equalFacesAreUnchanged() {
        for frame in [face(x: 0.6, turn: 0.3), face(eyeOpen: 0, mouthOpen: 0.8), face(size: 0.25), sampleFrame()] {
            #expect(farthest(LandmarkRetargeter(from: driver, to: driver)(frame), frame) < 1e-4)
        }
    }

    @Test func headMotionIsInProportion() {
        let retarget = LandmarkRetargeter(from: driver, to: hero)
        let shifted = retarget(face(x: 0.6, y: 0.45, size: 0.15, eye: 0.18, shoulders: 0.25))
        // 0.1 of a face half 0.15 wide is 0.16 of one 0.24 wide; heights differ too, so only roughly.
        let moved = shifted[.noseTip].x - hero[.noseTip].x
        #expect(abs(moved - 0.1 * 0.24 / 0.15) < 0.02)
        #expect(distance(shifted, .faceOutline0, .faceOutline6) - distance(hero, .faceOutline0, .faceOutline6) < 1e-5)
        let turned = retarget(face(size: 0.15, eye: 0.18, shoulders: 0.25, turn: 0.25))
        let line = (turned[.faceOutline6].x - turned[.faceOutline0].x, turned[.faceOutline6].y - turned[.faceOutline0].y)
        #expect(abs(atan2(line.1, line.0) - 0.25) < 1e-4)
        #expect(abs(distance(turned, .leftEyeOuter, .mouthTop) - distance(hero, .leftEyeOuter, .mouthTop)) < 1e-4)
    }

    @Test(arguments: [Float(0), 0.3, 0.6, 1.2])
    func lidsKeepTheirOpeningRatio(_ open: Float) {
        let frame = face(size: 0.15, eye: 0.18, eyeOpen: 0.5 * open, shoulders: 0.25)
        let result = LandmarkRetargeter(from: driver, to: hero)(frame)
        for (top, bottom) in [(Landmark.leftEyeTop, Landmark.leftEyeBottom), (.rightEyeTop, .rightEyeBottom)] {
            #expect(abs(distance(result, top, bottom) - open * distance(hero, top, bottom)) < 1e-4)
        }
        #expect(distance(result, .leftEyeOuter, .leftEyeInner) - distance(hero, .leftEyeOuter, .leftEyeInner) < 1e-4)
    }

    @Test(arguments: [Float(0), 0.4, 1])
    func mouthOpensRelativeToItsWidth(_ open: Float) {
        let frame = face(size: 0.15, eye: 0.18, mouthOpen: open, shoulders: 0.25, turn: 0.2)
        var laughing = hero
        laughing[.mouthBottom].y += 0.05
        for target in [hero, laughing] {
            let result = LandmarkRetargeter(from: driver, to: target)(frame)
            #expect(abs(distance(result, .mouthTop, .mouthBottom) - open * distance(target, .mouthLeft, .mouthRight)) < 1e-3)
        }
    }

    @Test func degenerateFacesStayFinite() {
        let point = LandmarkFrame(
            points: [LandmarkPoint](repeating: LandmarkPoint(x: 0.5, y: 0.5, visibility: 0.5), count: LandmarkSet.count))
        for (rest, target, frame) in [(point, hero, driver), (driver, point, driver), (driver, hero, point)] {
            let result = LandmarkRetargeter(from: rest, to: target)(frame)
            #expect(result.points.allSatisfy { abs($0.x) < 10 && abs($0.y) < 10 })
            #expect(result.points.map(\.visibility) == frame.points.map(\.visibility))
        }
    }

    @Test func aBlinkAtTheStartDoesNotCount() throws {
        let blink = face(size: 0.15, eye: 0.18, eyeOpen: 0, shoulders: 0.25)
        let track = try LandmarkTrack(framesPerSecond: 25, frames: [driver, blink, driver, driver, driver, hero])
        #expect(farthest(LandmarkRetargeter(fromStartOf: track, frames: 5, to: hero)(driver), hero) < 1e-5)
    }
}
