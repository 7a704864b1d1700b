import Testing

@testable import RainAnimation

@Suite struct StreamScheduleTests {
    @Test(
        "Windows as people write them",
        arguments: [
            ("4x4", nil as Int?, 16, 1), ("1x4", nil, 4, 1), ("4x4", 8, 16, 2), ("16x1", 4, 16, 4), ("8×4", nil, 32, 1),
        ])
    func windows(_ window: String, steps: Int?, frames: Int, jump: Int) throws {
        let schedule = try StreamSchedule(window: window, steps: steps)
        #expect(schedule.frames == frames && schedule.jump == jump)
    }

    @Test(
        "Impossible windows are refused with a reason",
        arguments: [
            ("0x4", nil as Int?, "at least one"), ("4x0", nil, "at least one"), ("-1x4", nil, "at least one"), ("33x1", nil, "32"),
            ("4", nil, "4x4"),
            ("4x4x4", nil, "4x4"), ("axb", nil, "4x4"), ("", nil, "4x4"), ("4x4", 6, "multiple"), ("4x4", 0, "steps"), ("4x4", -4, "steps"),
            ("4x4", 128, "steps"), ("9223372036854775807x2", nil, "32"), ("11x3", nil, "33"),
        ])
    func impossible(_ window: String, steps: Int?, reason: String) {
        let error = #expect(throws: AnimationError.self) { try StreamSchedule(window: window, steps: steps) }
        #expect(error?.code == .schedule && error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("Passes at a level come before those of the next") func steps() throws {
        let schedule = try StreamSchedule(framesPerGroup: 1, levels: 4, steps: 8)
        let order = (0..<4).reversed().flatMap { level in (0..<2).map { schedule.step(level: level, pass: $0) } }
        #expect(order == Array(0..<8))
    }
}
