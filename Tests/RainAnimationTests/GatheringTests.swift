import Testing

@testable import RainAnimation

@Suite struct GatheringTests {
    private func time(_ milliseconds: Double) -> Duration { .microseconds(Int(milliseconds * 1000)) }

    @Test("A stream without companions never waits") func alone() {
        var gathering = Gathering()
        for turn in 0..<100 {
            let now = time(Double(turn) * 33)
            gathering.arrive(1, at: now)
            #expect(gathering.rest(at: now, most: 4) == nil)
            #expect(gathering.begin(most: 4, at: now) == [1])
            gathering.end(at: now + time(10))
        }
    }

    @Test("Streams that tick together compute together from the second tick on") func ticks() {
        var gathering = Gathering()
        gathering.arrive(1, at: time(0))
        #expect(gathering.rest(at: time(0), most: 4) == nil)
        #expect(gathering.begin(most: 4, at: time(0)) == [1])
        gathering.arrive(2, at: time(0.4))
        gathering.end(at: time(10))
        #expect(gathering.rest(at: time(10), most: 4) == Gathering.patience, "the first may be back at once")
        #expect(gathering.rest(at: time(13), most: 4) == nil)
        #expect(gathering.begin(most: 4, at: time(13)) == [2])
        gathering.end(at: time(20))
        for turn in 1..<10 {
            let now = Double(turn) * 33
            gathering.arrive(2, at: time(now))
            #expect(gathering.rest(at: time(now), most: 4) == Gathering.patience)
            gathering.arrive(1, at: time(now + 0.4))
            #expect(gathering.rest(at: time(now + 0.4), most: 4) == nil)
            #expect(gathering.begin(most: 4, at: time(now + 0.4)) == [2, 1])
            gathering.end(at: time(now + 15))
        }
    }

    @Test("Streams that are always late fall into step: whoever comes back first waits for the other") func overload() {
        var gathering = Gathering()
        gathering.arrive(1, at: time(0))
        #expect(gathering.begin(most: 4, at: time(0)) == [1])
        gathering.arrive(2, at: time(5))
        gathering.end(at: time(20))
        #expect(gathering.begin(most: 4, at: time(20)) == [2])
        gathering.arrive(1, at: time(21))
        gathering.end(at: time(40))
        #expect(gathering.rest(at: time(40), most: 4) == Gathering.patience)
        gathering.arrive(2, at: time(41))
        #expect(gathering.rest(at: time(41), most: 4) == nil)
        #expect(gathering.begin(most: 4, at: time(41)) == [1, 2])
    }

    @Test("Who takes turns and is never back at once is not waited for for ever") func turns() {
        var gathering = Gathering()
        var waits = 0
        var now = 0.0
        gathering.arrive(1, at: time(0))
        _ = gathering.begin(most: 4, at: time(0))
        gathering.arrive(2, at: time(1))
        for turn in 0..<20 {
            now += 20
            gathering.end(at: time(now))
            if gathering.rest(at: time(now), most: 4) != nil {
                waits += 1
                now += 3
            }
            _ = gathering.begin(most: 4, at: time(now))
            gathering.arrive(turn % 2 == 0 ? 1 : 2, at: time(now + 10))
        }
        #expect((1...5).contains(waits), "\(waits)")
    }

    @Test("A companion that does not come is waited for once, and no longer than patience says") func gone() {
        var gathering = Gathering()
        gathering.arrive(1, at: time(0))
        _ = gathering.begin(most: 4, at: time(0))
        gathering.arrive(2, at: time(1))
        gathering.end(at: time(10))
        _ = gathering.begin(most: 4, at: time(10))
        gathering.end(at: time(20))
        gathering.arrive(1, at: time(100))
        #expect(gathering.rest(at: time(100), most: 4) == Gathering.patience)
        #expect(gathering.rest(at: time(100) + Gathering.patience, most: 4) == nil)
        #expect(gathering.begin(most: 4, at: time(103)) == [1])
        gathering.end(at: time(110))
        gathering.arrive(1, at: time(133))
        #expect(gathering.rest(at: time(133), most: 4) == nil)
    }

    @Test("No more than there are programs for, and nobody who has left") func bounds() {
        var gathering = Gathering()
        for stream in 1...5 { gathering.arrive(stream, at: time(0)) }
        #expect(gathering.rest(at: time(0), most: 4) == nil)
        #expect(gathering.begin(most: 4, at: time(0)) == [1, 2, 3, 4])
        gathering.end(at: time(10))
        #expect(gathering.begin(most: 4, at: time(10)) == [5])
        gathering.end(at: time(12))
        for stream in 2...4 { gathering.leave(stream) }
        gathering.arrive(1, at: time(50))
        #expect(gathering.rest(at: time(50), most: 4) == nil)
        #expect(gathering.begin(most: 4, at: time(50)) == [1])
    }
}
