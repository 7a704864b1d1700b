import Testing

@testable import RainWorld

struct IdleMotionTests {
    @Test(arguments: [0, 7, 2024, .max] as [UInt64])
    func livesQuietly(seed: UInt64) {
        let motion = IdleMotion(seed: seed)
        var blinks = 0
        var wasOpen = true
        var gazes: Set<Double> = []
        var before = motion.pose(at: 0)
        for step in 1...6000 {
            let pose = motion.pose(at: Double(step) / 50)
            // A head that idles neither jumps nor turns far.
            #expect(abs(pose.yaw - before.yaw) < 0.04 && abs(pose.pitch - before.pitch) < 0.02 && abs(pose.roll - before.roll) < 0.02)
            #expect(abs(pose.shiftX - before.shiftX) < 0.4 && abs(pose.shiftY - before.shiftY) < 0.4)
            #expect(abs(pose.yaw) < 0.3 && abs(pose.pitch) < 0.15 && (-1...1).contains(pose.gazeX) && (-1...1).contains(pose.gazeY))
            #expect((0...1).contains(pose.leftEye) && (0...1).contains(pose.rightEye))
            #expect(pose.mouthOpen == 0)
            let isOpen = min(pose.leftEye, pose.rightEye) > 0.5
            if wasOpen, !isOpen { blinks += 1 }
            wasOpen = isOpen
            gazes.insert((pose.gazeX * 10).rounded())
            before = pose
        }
        #expect((20...90).contains(blinks), "\(blinks) blinks in two minutes")
        #expect(gazes.count > 5, "it looks around")
        #expect(motion.pose(at: 12.34) == IdleMotion(seed: seed).pose(at: 12.34))
    }

    @Test func beginsAtRestAndNeverEnds() {
        let motion = IdleMotion(seed: 3)
        #expect(abs(motion.pose(at: 0).yaw) < 0.05)
        #expect(motion.pose(at: -5) == motion.pose(at: 0))
        for time in [1e9, 1e300, .infinity] { #expect(motion.pose(at: time).yaw.isFinite) }
    }
}
