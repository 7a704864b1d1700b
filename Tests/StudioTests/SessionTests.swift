import Foundation
import NIOHTTP1
import RainAnimation
import RainCPU
import RainTesting
import Synchronization
import Testing

@testable import RainStudio

extension Studio {
    @Suite struct SessionTests {
        /// A clock whose now is set; waiting takes no longer than a moment.
        private final class Clock: Sendable {
            private let seconds = Mutex(0.0)
            func turn(to time: Double) { seconds.withLock { $0 = time } }

            var time: Timekeeper {
                Timekeeper(
                    now: { .seconds(self.seconds.withLock { $0 }) },
                    wait: { _ in try? await Task.sleep(for: .milliseconds(5)) })
            }
        }

        private func store(_ clock: Clock, limits: SessionStore.Limits = .init()) throws -> SessionStore {
            let host = ModelHost(model: try TinyModel.model(), engine: CPUEngine(threads: 1), time: clock.time)
            let settings = SessionSettings(schedule: try StreamSchedule(framesPerGroup: 1, levels: 4))
            return SessionStore(host: host, time: clock.time, limits: limits, settings: settings, metrics: StudioMetrics())
        }

        @Test func whoIsLeftAloneIsParkedAndThenFreed() async throws {
            let clock = Clock()
            let store = try store(clock)
            let session = try await store.make(nil, character: 1)
            let viewer = try await session.watch()
            clock.turn(to: 10_000)
            await store.sweep()
            #expect(await session.isRunning, "one who is watched goes on")
            await session.leave(viewer)
            clock.turn(to: 10_010)
            await store.sweep()
            #expect(await session.isRunning)
            clock.turn(to: 10_020)
            await store.sweep()
            #expect(await !session.isRunning)
            #expect(await session.state.status == "parked")

            let again = try await session.watch()
            #expect(await session.isRunning, "whoever watches wakes it")
            var isShown = false
            for _ in 0..<50 where !isShown {
                if case .frame(let frame) = await again.next() { isShown = !frame.isOld }
            }
            #expect(isShown)
            await session.leave(again)
            clock.turn(to: 20_000)
            await store.sweep()
            #expect(await store.all.isEmpty)
            await #expect(throws: StudioError.self) { _ = try await store.session(session.id) }
        }

        @Test func watchersAreCountedAndRefused() async throws {
            let session = try await store(Clock()).make(nil, character: 1)
            var viewers: [Viewer] = []
            for _ in 0..<StudioSession.mostViewers { viewers.append(try await session.watch()) }
            let error = await #expect(throws: StudioError.self) { _ = try await session.watch() }
            #expect(error?.code == .tooMany)
            #expect(Set(viewers.map(\.number)).count == viewers.count)
            await session.leave(viewers[3])
            _ = try await session.watch()
            await session.close()
        }

        @Test func settingsThatCannotBeLeaveThingsAsTheyWere() async throws {
            let session = try await store(Clock()).make(nil, character: 1)
            try await session.wake()
            let before = await session.state.settings
            await #expect(throws: StudioError.self) { try await session.change(SettingsChange(window: "9x9")) }
            #expect(await session.state.settings == before)
            try await session.change(SettingsChange(preset: .smooth, gains: .init(mouth: 2)))
            let after = await session.state.settings
            #expect(after.preset == .smooth && after.window == "4x4" && after.gains.mouth == 2 && after.gains.head == 1)
            await session.close()
        }

        /// A new character, and a new window, while a watcher looks: how long it sees nothing new.
        @Test func changesDoNotStallTheStream() async throws {
            try await TestStudio.run(embedded: true) { studio in
                let id = try await studio.session()
                let socket = try await studio.socket(id)
                func longestPause(_ frames: Int, until isDone: (ReceivedFrame) -> Bool) async throws -> Double {
                    var last: ContinuousClock.Instant?
                    var longest = 0.0
                    var rest = frames
                    while rest > 0 {
                        let frame = try await socket.next { ReceivedFrame($0) }
                        try await socket.send(Sent.acknowledge(frame.sequence))
                        let now = ContinuousClock.now
                        if let last { longest = max(longest, (now - last) / .milliseconds(1)) }
                        last = now
                        if isDone(frame) { rest -= 1 }
                    }
                    return longest
                }
                _ = try await longestPause(20) { _ in true }
                let quiet = try await longestPause(60) { _ in true }
                async let shown = studio.ask(.PUT, "/api/v1/sessions/\(id)/reference", json: #"{"seed":99}"#)
                let swap = try await longestPause(15) { $0.generation > 1 }
                #expect(try await shown.status == 200)
                async let changed = studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"window":"1x2"}"#)
                let window = try await longestPause(60) { _ in true }
                #expect(try await changed.status == 200)
                print(
                    "studio: longest pause between frames \(Int(quiet)) ms at rest, \(Int(swap)) ms around another character, "
                        + "\(Int(window)) ms around another window")
                #expect(swap < max(600, 6 * quiet))
                #expect(window < max(1500, 12 * quiet))
                socket.close()
            }
        }
    }
}
