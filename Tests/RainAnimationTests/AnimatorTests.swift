import RainCPU
import RainPictures
import RainPose
import RainTesting
import Synchronization
import Testing

@testable import RainAnimation

/// A clock that stands still until it is told otherwise.
final class ManualClock: Sendable {
    private let time = Mutex(Duration.zero)
    var now: Duration { time.withLock { $0 } }
    func advance(to time: Duration) { self.time.withLock { $0 = time } }
}

@Suite struct AnimatorTests {
    static func animator(_ window: String = "4x4", _ policy: InputPolicy = .backPressure, clock: ManualClock = ManualClock()) async throws
        -> Animator
    {
        let animator = try Animator(
            model: TinyModel.model(), engine: CPUEngine(threads: 1), schedule: StreamSchedule(window: window), policy: policy,
            now: { clock.now })
        try await animator.fuse(reference: TinyModel.reference)
        return animator
    }

    @Test("All frames of a file come out in order, with their times", arguments: [1, 3, 4, 15, 16, 17, 30])
    func file(_ count: Int) async throws {
        let animator = try await Self.animator()
        async let giving: Void = {
            for index in 0..<count { await animator.push(TinyModel.driving(index), timestamp: .milliseconds(40 * index)) }
            animator.finish()
        }()
        var captures: [Duration] = []
        for try await frame in animator.frames {
            #expect(frame.index == captures.count)
            captures.append(frame.captureTimestamp)
        }
        await giving
        #expect(captures == (0..<count).map { .milliseconds(40 * $0) })
        #expect(animator.droppedFrames == 0)
    }

    @Test("The pictures are those of the plain batch") func pictures() async throws {
        let expected = try StreamBatchTests.run(StreamBatchTests.batch(seed: 0), groups: 5)
        let animator = try await Self.animator()
        async let giving: Void = {
            for index in 0..<20 { await animator.push(TinyModel.driving(index), timestamp: .zero) }
            animator.finish()
        }()
        var found: [AnimatedFrame] = []
        for try await frame in animator.frames { found.append(frame) }
        await giving
        #expect(found.map(\.picture) == expected)
    }

    @Test(
        "With input at a steady pace, latency is what the schedule says and does not grow", .timeLimit(.minutes(60)),
        arguments: ["4x4", "1x4", "2x3"])
    func latency(_ window: String) async throws {
        let clock = ManualClock()
        let animator = try await Self.animator(window, .newestWins, clock: clock)
        let schedule = animator.schedule
        let interval = Duration.milliseconds(40)
        async let taking = {
            var latencies: [Duration] = []
            for try await frame in animator.frames { latencies.append(frame.latency) }
            return latencies
        }()
        let count = schedule.framesPerGroup * 40
        for index in 0..<count {
            // Time stands still while a step is computed.
            while index % schedule.framesPerGroup == 0, !animator.isHungry { await Task.yield() }
            clock.advance(to: interval * index)
            animator.offer(TinyModel.driving(index), timestamp: clock.now)
        }
        animator.finish()
        let latencies = try await taking
        #expect(latencies.count == count && animator.droppedFrames == 0)
        for (index, latency) in latencies.enumerated() where index < count - schedule.frames {
            #expect(latency == interval * (schedule.latencyInFrames - index % schedule.framesPerGroup))
        }
    }

    @Test("Live input that comes too fast loses its oldest frames, counted, before the batch") func newestWins() async throws {
        let animator = try await Self.animator("2x2", .newestWins)
        for index in 0..<100 { animator.offer(TinyModel.driving(index), timestamp: .milliseconds(index)) }
        #expect(animator.droppedFrames == 98)
        animator.finish()
        var captures: [Duration] = []
        for try await frame in animator.frames { captures.append(frame.captureTimestamp) }
        #expect(captures == [.milliseconds(98), .milliseconds(99)])
    }

    @Test("A file that comes too fast waits") func backPressure() async throws {
        let animator = try await Self.animator("2x2")
        let accepted = Atomic<Int>(0)
        let giver = Task {
            for index in 0..<50 {
                await animator.push(TinyModel.driving(index), timestamp: .zero)
                accepted.add(1, ordering: .relaxed)
            }
            animator.finish()
        }
        var taken = 0
        for try await _ in animator.frames {
            taken += 1
            // In the batch, taken, waiting to be taken, and one group in the mailbox.
            #expect(accepted.load(ordering: .relaxed) <= taken + 4 + 2 + 2)
        }
        await giver.value
        #expect(taken == 50)
    }

    @Test("A reference can change while frames are in flight") func refuse() async throws {
        func pictures(fusingAt change: Int?) async throws -> [[UInt8]] {
            let animator = try await Self.animator("1x2")
            async let giving: Void = {
                for _ in 0..<8 { await animator.push(TinyModel.driving(0), timestamp: .zero) }
                animator.finish()
            }()
            var pictures: [[UInt8]] = []
            for try await frame in animator.frames {
                pictures.append(frame.picture.bytes)
                if pictures.count == change {
                    try await animator.fuse(reference: Picture(width: 9, height: 9, red: 1, green: 250, blue: 3))
                }
            }
            await giving
            return pictures
        }
        let (plain, changed) = (try await pictures(fusingAt: nil), try await pictures(fusingAt: 4))
        #expect(plain.count == 8 && changed.count == 8)
        #expect(Array(plain[..<4]) == Array(changed[..<4]))
        #expect(zip(plain[4...], changed[4...]).allSatisfy { $0 != $1 })
    }

    @Test("Cancelled tasks end: whoever takes gets the end, whoever gives comes back") func cancellation() async throws {
        let animator = try await Self.animator("2x2")
        let taker = Task {
            var count = 0
            for try await _ in animator.frames { count += 1 }
            return count
        }
        taker.cancel()
        #expect(try await taker.value == 0)
        let giver = Task {
            for index in 0..<10 { await animator.push(TinyModel.driving(index), timestamp: .zero) }
        }
        giver.cancel()
        await giver.value
    }

    @Test("Frames without a reference are an error") func unfused() async throws {
        let animator = try Animator(model: TinyModel.model(), engine: CPUEngine(threads: 1))
        for index in 0..<4 { await animator.push(TinyModel.driving(index), timestamp: .zero) }
        await #expect(throws: AnimationError.self) { for try await _ in animator.frames {} }
    }
}

@Suite struct FrameMailboxTests {
    typealias Machine = FrameMailbox.StateMachine<String, Int>
    static func frame(_ index: Int) -> CapturedFrame { CapturedFrame(pose: .face(.neutral), timestamp: .milliseconds(index)) }

    @Test("Givers wait their turn and are served in order") func order() {
        var machine = Machine(groupSize: 2, policy: .backPressure)
        #expect(machine.give(Self.frame(0), id: 0, 0).givers == [0])
        #expect(machine.give(Self.frame(1), id: 1, 1).givers == [1])
        #expect(machine.give(Self.frame(2), id: 2, 2).givers == [])
        #expect(machine.give(Self.frame(3), id: 3, 3).givers == [])
        #expect(machine.cancelGiver(2).givers == [2])
        let actions = machine.take("t")
        #expect(actions.taker?.1?.map(\.timestamp) == [.milliseconds(0), .milliseconds(1)])
        #expect(actions.givers == [3])
        #expect(machine.take("t").taker == nil)
        let end = machine.finish()
        #expect(end.taker?.1?.map(\.timestamp) == [.milliseconds(3)])
        #expect(machine.take("t").taker?.1 == nil)
        #expect(machine.give(Self.frame(9), id: 9, 9).givers == [9])
    }

    @Test("A waiting taker gets the group as soon as it is whole") func waiting() {
        var machine = Machine(groupSize: 2, policy: .newestWins)
        #expect(machine.take("t").taker == nil)
        #expect(machine.give(Self.frame(0), id: 0, nil).taker == nil)
        #expect(machine.give(Self.frame(1), id: 0, nil).taker?.1?.count == 2)
        #expect(machine.take("t").taker == nil)
        #expect(machine.cancelTaker().taker?.0 == "t")
        #expect(machine.cancelTaker().taker == nil)
    }
}
