import Testing

@testable import RainWorld

@Suite struct MotionTests {
    @Test func isAFunctionOfTime() {
        let motion = Motion(seed: 9)
        let poses = motion.poses(frameCount: 50, framesPerSecond: 25, from: 2)
        #expect(poses[10] == Motion(seed: 9).pose(at: 2.4))
        #expect(poses[10] != Motion(seed: 10).pose(at: 2.4))
        #expect(poses == motion.poses(frameCount: 50, framesPerSecond: 25, from: 2))
        #expect(motion.poses(frameCount: 0, framesPerSecond: 25).isEmpty)
    }

    /// Times come out of command lines; none may be more than a motion can bear.
    @Test(arguments: [1e15, 1e30, .greatestFiniteMagnitude, .infinity, .nan, -1, -.infinity])
    func anyTimeHasAPose(_ time: Double) {
        for seed in UInt64(0)..<4 {
            let pose = Motion(seed: seed, startsAtRest: true).pose(at: time)
            #expect(abs(pose.yaw) <= 0.6 && abs(pose.pitch) <= 0.35 && abs(pose.roll) <= 0.3)
            #expect(pose.shiftX.isFinite && pose.shiftY.isFinite)
            #expect((0...1).contains(pose.leftEye) && (0...1).contains(pose.rightEye) && (0...1).contains(pose.mouthOpen))
        }
    }

    @Test(arguments: [UInt64(0), 1, 2, 3, 77])
    func staysInRangeAndSmooth(_ seed: UInt64) {
        let poses = Motion(seed: seed).poses(frameCount: 4000, framesPerSecond: 100)
        for (before, pose) in zip(poses, poses.dropFirst()) {
            #expect(abs(pose.yaw) <= 0.6 && abs(pose.pitch) <= 0.35 && abs(pose.roll) <= 0.3)
            #expect((0...1).contains(pose.leftEye) && (0...1).contains(pose.rightEye) && (0...1).contains(pose.mouthOpen))
            #expect(max(abs(pose.gazeX), abs(pose.gazeY), abs(pose.brow), abs(pose.mouthWidth), abs(pose.lean)) <= 1)
            #expect(abs(pose.yaw - before.yaw) < 0.05 && abs(pose.shiftX - before.shiftX) < 1)
            #expect(abs(pose.leftEye - before.leftEye) < 0.2, "a lid takes at least some hundredths of a second")
        }
    }

    @Test func blinksAndTalks() {
        let all = (0..<20).flatMap { Motion(seed: $0).poses(frameCount: 750, framesPerSecond: 25) }
        let shut = Double(all.count { $0.leftEye < 0.15 && $0.rightEye < 0.15 }) / Double(all.count)
        let winks = all.count { $0.leftEye < 0.15 && $0.rightEye > 0.7 }
        let open = Double(all.count { $0.mouthOpen > 0.5 }) / Double(all.count)
        #expect(shut > 0.02 && shut < 0.2)
        #expect(winks > 20)
        #expect(open > 0.05 && open < 0.5)
        #expect(all.contains { $0.yaw > 0.4 } && all.contains { $0.yaw < -0.4 })
    }

    @Test func mayStartAtRest() {
        let motion = Motion(seed: 4, startsAtRest: true)
        #expect(motion.pose(at: 0) == CharacterPose())
        #expect(motion.pose(at: 0.6) == Motion(seed: 4).pose(at: 0.6))
        // An hour later it still moves.
        #expect(motion.pose(at: 3600) != motion.pose(at: 3600.5))
    }

    @Test func neutralPosesShowTheCharacter() {
        for seed in 0..<200 {
            let pose = CharacterPose.neutral(variation: UInt64(seed))
            #expect(abs(pose.yaw) < 0.21 && pose.leftEye > 0.87 && pose.rightEye == pose.leftEye && pose.mouthOpen == 0)
            #expect(pose == .neutral(variation: UInt64(seed)))
        }
        #expect(CharacterPose.neutral(variation: 1) != .neutral(variation: 2))
        #expect(CharacterPose.neutral(variation: 1, amount: 0) == CharacterPose())
    }
}
