import RainPose
import Testing

@testable import RainWorld

/// One character's landmarks drive another: retargeted, they must come closer to what the driven one would really do.
@Suite struct DrivingTests {
    private func meanDistance(_ a: LandmarkFrame, _ b: LandmarkFrame) -> Double {
        var sum = 0.0
        for (p, q) in zip(a.points, b.points) { sum += Double(((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y)).squareRoot()) }
        return sum / Double(a.points.count)
    }

    @Test func retargetingComesCloserToTheTruth() throws {
        var (plain, retargeted) = (0.0, 0.0)
        for seed in 0..<30 {
            let (driver, hero) = (Character(seed: UInt64(seed)), Character(seed: UInt64(1000 + seed)))
            let poses = Motion(seed: UInt64(seed), startsAtRest: true).poses(frameCount: 100, framesPerSecond: 25)
            let track = try driver.track(poses, framesPerSecond: 25)
            let retarget = LandmarkRetargeter(fromStartOf: track, frames: 1, to: hero.landmarks(CharacterPose()))
            for (pose, frame) in zip(poses, track.frames) {
                let truth = hero.landmarks(pose)
                plain += meanDistance(frame, truth) / 3000
                retargeted += meanDistance(retarget(frame), truth) / 3000
            }
        }
        // In units of the picture; a pixel of 128 is 0.0078.
        #expect(retargeted < 0.35 * plain, "plain \(plain), retargeted \(retargeted)")
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func retargetedEyesAndMouthsShut(_ seed: UInt64) {
        let (driver, hero) = (Character(seed: seed), Character(seed: seed + 50))
        let retarget = LandmarkRetargeter(from: driver.landmarks(CharacterPose()), to: hero.landmarks(CharacterPose()))
        var pose = Motion(seed: seed).pose(at: 2)
        (pose.leftEye, pose.rightEye, pose.mouthOpen) = (0, 1, 0)
        let frame = retarget(driver.landmarks(pose))
        let rest = hero.landmarks(CharacterPose())
        #expect(abs(frame[.leftEyeTop].y - frame[.leftEyeBottom].y) < 0.002)
        #expect(abs(frame[.mouthTop].y - frame[.mouthBottom].y) < 0.002)
        let open = (frame[.rightEyeBottom].y - frame[.rightEyeTop].y) / (rest[.rightEyeBottom].y - rest[.rightEyeTop].y)
        #expect(open > 0.8 && open < 1.2)
    }
}
