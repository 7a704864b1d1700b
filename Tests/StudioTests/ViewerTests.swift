import RainPictures
import Testing

@testable import RainStudio

struct ViewerTests {
    private func frame(_ sequence: UInt32) -> StudioFrame {
        StudioFrame(
            sequence: sequence, picture: Picture(width: 1, height: 1), images: FrameImages(Picture(width: 1, height: 1)), captured: .zero,
            finished: .zero, stamp: nil, generation: 1, framesPerSecond: 30
        )
    }

    private func sequence(_ outgoing: Viewer.Outgoing?) -> UInt32? {
        if case .frame(let frame) = outgoing { frame.sequence } else { nil }
    }

    @Test func keepsTheNewestFrameAndNoMoreThanTheWindow() {
        var viewer = Viewer.StateMachine(window: 2)
        for index in 1...5 { viewer.offer(frame(UInt32(index))) }
        var next = viewer.next()
        #expect(sequence(next) == 5)
        #expect(viewer.dropped == 4)
        viewer.offer(frame(6))
        next = viewer.next()
        #expect(sequence(next) == 6)
        viewer.offer(frame(7))
        next = viewer.next()
        #expect(sequence(next) == nil, "two are under way")
        viewer.offer(frame(8))
        viewer.acknowledge(5)
        next = viewer.next()
        #expect(sequence(next) == 8)
        #expect(viewer.dropped == 5)
        #expect(viewer.unacknowledged == [6, 8])
        viewer.acknowledge(99)
        #expect(viewer.unacknowledged.isEmpty)
    }

    @Test func keepsOneTextOfAKind() {
        var viewer = Viewer.StateMachine(window: 2)
        for index in 0..<1000 {
            viewer.post(.stats, "\(index)")
            viewer.post(.state, "state \(index)")
        }
        var texts: [String] = []
        while case .text(let text) = viewer.next() { texts.append(text) }
        #expect(texts == ["state 999", "999"])
    }

    @Test func wakesTheWriter() async {
        let viewer = Viewer(number: 1, window: 3)
        let writer = Task { await viewer.next() }
        try? await Task.sleep(for: .milliseconds(20))
        viewer.offer(frame(1))
        #expect(sequence(await writer.value) == 1)
        let last = Task { await viewer.next() }
        try? await Task.sleep(for: .milliseconds(20))
        viewer.close()
        let end = await last.value
        #expect(sequence(end) == nil)
    }

    @Test func aCancelledWriterEnds() async {
        let viewer = Viewer(number: 1, window: 3)
        let writer = Task { await viewer.next() }
        writer.cancel()
        let end = await writer.value
        #expect(sequence(end) == nil)
    }

    @Test func groupsAreShownAtAnEvenPace() {
        var playout = Playout(framesPerGroup: 4)
        let period = Duration.milliseconds(40)
        for index in 0..<4 {
            let due1 = playout.due(index: index, at: .seconds(1), period: period)
            #expect(due1 == .seconds(1) + period * index)
        }
        // The next group comes a bit late: what is ready is shown at once, and the rest as evenly as it comes.
        #expect(playout.due(index: 4, at: .milliseconds(1200), period: period) == .milliseconds(1200))
        #expect(playout.due(index: 5, at: .milliseconds(1201), period: period) == .milliseconds(1250))
        var single = Playout(framesPerGroup: 1)
        #expect(single.due(index: 3, at: .seconds(2), period: period) == .seconds(2))
    }

    @Test func aRateIsKept() {
        var limit = RateLimit(rate: 10, burst: 5)
        let count2 = (0..<20).filter { _ in limit.admits(at: .zero) }.count
        #expect(count2 == 5)
        let count3 = (0..<20).filter { _ in limit.admits(at: .seconds(0.3)) }.count
        #expect(count3 == 3)
        let count4 = (0..<20).filter { _ in limit.admits(at: .seconds(100)) }.count
        #expect(count4 == 5)
    }
}
