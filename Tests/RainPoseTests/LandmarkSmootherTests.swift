import RainPose
import Testing

@Suite struct LandmarkSmootherTests {
    /// All points at a place, the first `unseen` of them not seen.
    private func frame(_ x: Float, unseen: Int = 0) -> LandmarkFrame {
        LandmarkFrame(
            points: (0..<LandmarkSet.count).map { LandmarkPoint(x: x, y: 1 - x, visibility: $0 < unseen ? 0 : 0.5) })
    }

    @Test func tremblingIsCalmedAndMotionFollowed() {
        var smoother = LandmarkSmoother()
        var range: (least: Float, most: Float) = (1, 0)
        for index in 0..<50 {
            let smooth = smoother(frame(0.5 + (index % 2 == 0 ? 0.004 : -0.004)), at: Double(index) / 25)
            if index >= 25 { for point in smooth.points { range = (min(range.least, point.x), max(range.most, point.x)) } }
        }
        #expect(range.most - range.least < 0.004 && abs(range.most - 0.5) < 0.004)
        // Across the picture within half a second: at most a few frames behind.
        for index in 50..<75 {
            let x = 0.5 + 0.4 * Float(min(index - 49, 12)) / 12
            let smooth = smoother(frame(x), at: Double(index) / 25)
            for point in smooth.points { #expect(abs(point.x - x) < 0.11 && abs(point.y - (1 - x)) < 0.11) }
            if index == 74 { for point in smooth.points { #expect(abs(point.x - x) < 0.01) } }
        }
    }

    @Test func whatIsNotSeenIsLeftAndBeginsAnew() {
        var smoother = LandmarkSmoother()
        _ = smoother(frame(0.2), at: 0)
        let hidden = smoother(frame(0.9, unseen: 3), at: 0.04)
        #expect(hidden.points[0] == frame(0.9, unseen: 3).points[0])
        #expect(hidden.points[3].x < 0.9 && hidden.points[3].visibility == 0.5)
        // Seen again elsewhere it is there at once.
        let again = smoother(frame(0.6), at: 0.08)
        #expect(again.points[0].x == 0.6 && again.points[3].x != 0.6)
    }

    @Test func timeThatStandsStillDoesNoHarm() {
        var smoother = LandmarkSmoother()
        let first = smoother(frame(0.3), at: 1)
        #expect(smoother(frame(0.7), at: 1) == first)
        #expect(smoother(frame(0.7), at: 0.5) == first)
        #expect(smoother(frame(0.7), at: 1.04).points.allSatisfy { $0.x > 0.3 && $0.x < 0.7 })
    }
}
