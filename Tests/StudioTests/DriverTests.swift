import RainPose
import RainWorld
import Testing

@testable import RainStudio

struct DriverTests {
    private func puppet(_ pose: Driver.Pose) throws -> CharacterPose {
        guard case .puppet(let pose) = pose else { throw WireError(text: "not a puppet's pose") }
        return pose
    }

    /// Poses over a time, in steps of 20 ms.
    private func run(_ driver: inout Driver, from start: Duration, seconds: Double) throws -> [CharacterPose] {
        try (1...Int(seconds * 50)).map { try puppet(driver.frame(at: start + .milliseconds(20 * $0)).pose) }
    }

    @Test func idlesUntilDriven() throws {
        var driver = Driver(seed: 7)
        let idle = IdleMotion(seed: 7)
        for (index, pose) in try run(&driver, from: .zero, seconds: 8).enumerated() {
            #expect(pose == idle.pose(at: Duration.milliseconds(20 * (index + 1)) / .seconds(1)))
        }
        #expect(driver.mode == .idle)
    }

    @Test func followsControlsAndComesBackToLife() throws {
        var driver = Driver(seed: 7)
        _ = try run(&driver, from: .zero, seconds: 1)
        var controls = Controls()
        controls[.yaw] = 0.5
        let taken1 = driver.take(controls, from: nil, at: .seconds(1))
        #expect(taken1)
        let driven = try run(&driver, from: .seconds(1), seconds: 0.2)
        #expect(abs(driven[9].yaw - 0.5) < 0.01)
        #expect(driver.mode == .controls)
        let idle = IdleMotion(seed: 7)
        #expect(driven[9].leftEye == idle.pose(at: 1.2).leftEye, "what is not driven goes on idling")
        let later = try run(&driver, from: .seconds(1.2), seconds: 5)
        #expect(abs((later.last?.yaw ?? 9) - idle.pose(at: 6.2).yaw) < 0.01)
        #expect(driver.mode == .idle)
    }

    @Test func tagsOnlyTheFirstFrameThatAnswers() throws {
        var driver = Driver(seed: 1)
        var controls = Controls()
        controls[.mouthOpen] = 1
        let stamp = InputStamp(client: 3, milliseconds: 1234.5)
        let taken2 = driver.take(controls, from: stamp, at: .zero)
        #expect(taken2)
        let tag = driver.frame(at: .milliseconds(10)).tag
        #expect(InputStamp(tag: tag) == stamp)
        let second = driver.frame(at: .milliseconds(20)).tag
        #expect(second == 0)
    }

    @Test func passesOverWhatIsOlder() throws {
        var driver = Driver(seed: 1)
        var controls = Controls()
        controls[.yaw] = 0.4
        let taken3 = driver.take(controls, from: InputStamp(client: 1, milliseconds: 50), at: .zero)
        #expect(taken3)
        controls[.yaw] = -0.4
        let taken4 = driver.take(controls, from: InputStamp(client: 1, milliseconds: 40), at: .zero)
        #expect(!taken4)
        let taken5 = driver.take(controls, from: InputStamp(client: 2, milliseconds: 40), at: .zero)
        #expect(taken5, "clocks of clients are their own")
        driver.forget(client: 1)
        let taken6 = driver.take(controls, from: InputStamp(client: 1, milliseconds: 0), at: .zero)
        #expect(taken6)
    }

    @Test func playsAMotionOverAndOver() {
        var driver = Driver(seed: 1)
        driver.play(frames: 4, rate: 10, at: .zero)
        var seen: [Int] = []
        for tenth in 0..<9 {
            if case .motion(let index) = driver.frame(at: .milliseconds(100 * tenth + 50)).pose { seen.append(index) }
        }
        #expect(seen == [0, 1, 2, 3, 0, 1, 2, 3, 0])
    }

    @Test func controlsRefuseWhatIsNoNumber() {
        #expect(Controls(values: SIMD16(repeating: .nan), mask: 1) == nil)
        #expect(Controls(values: .zero, mask: 1 << 13) == nil)
        #expect(Controls(values: SIMD16(repeating: 1e30), mask: 1)?[.yaw] == 0.6)
        #expect(Controls(values: SIMD16(repeating: .nan), mask: 0)?.mask == 0)
    }

    @Test func gainsStayWithinWhatIsDrawn() {
        var pose = CharacterPose()
        pose.yaw = 0.5
        pose.leftEye = 0.2
        let more = Driver.Gains(head: 2, eyes: 2)(pose)
        #expect(more.yaw == Double(Float(0.6)))
        #expect(more.leftEye == 0)
        #expect(Driver.Gains(head: 0)(pose).yaw == 0)
    }
}
