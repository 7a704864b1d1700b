import Foundation
import NIOHTTP1
import RainAnimation
import RainCPU
import RainMedia
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
            return SessionStore(
                host: host, time: clock.time, limits: limits, settings: settings, metrics: StudioMetrics(),
                kept: try StudioState(folder: nil))
        }

        @Test func whoIsLeftAloneIsParkedAndThenFreed() async throws {
            let clock = Clock()
            let store = try store(clock)
            let session = try await store.make(nil, character: "1")
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
            let other = try await store.make(nil, character: "2")
            clock.turn(to: 20_000)
            await store.sweep()
            // The oldest waits for its user.
            let left = await store.all.map(\.id)
            #expect(left == [session.id])
            #expect(store.kept.sessions.map(\.id) == left)
            await #expect(throws: StudioError.self) { _ = try await store.session(other.id) }
        }

        @Test func watchersAreCountedAndRefused() async throws {
            let session = try await store(Clock()).make(nil, character: "1")
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
            let session = try await store(Clock()).make(nil, character: "1")
            try await session.wake()
            let before = await session.state.settings
            await #expect(throws: StudioError.self) {
                try await session.change(StudioJSON.decode(SettingsChange.self, from: Array(#"{"window":"9x9"}"#.utf8)))
            }
            #expect(await session.state.settings == before)
            try await session.change(StudioJSON.decode(SettingsChange.self, from: Array(#"{"preset":"smooth","gains":{"mouth":2}}"#.utf8)))
            let after = await session.state.settings
            #expect(after.preset == .smooth && after.window == "4x4" && after.gains.mouth == 2 && after.gains.head == 1)
            await session.close()
        }

        /// A recording whose encoder is held up holds up nobody else, and its film goes on after.
        @Test func aRecordingNeverSlowsItsSession() async throws {
            try await TestStudio.run { studio in
                let id = try await studio.session()
                #expect(try await studio.ask(.POST, "/api/v1/sessions/\(id)/recording", json: #"{"format":"webm"}"#).status == 201)
                let recording = try #require(await studio.server.store.session(id).recording)
                let latch = DispatchSemaphore(value: 0)
                let holding = Task { await recording.hold(latch) }
                let isFree = (try? await studio.frames(id, more: 30)) != nil
                #expect(isFree)
                latch.signal()
                await holding.value
                try await studio.frames(id, more: 5)
                let told = try await studio.stats(id).recording
                #expect(told.map { $0.frames > 0 && $0.seconds > 0.5 } == true, "\(String(describing: told))")
                let film = try await studio.ask(.DELETE, "/api/v1/sessions/\(id)/recording")
                let counted = recording.state
                #expect(film.status == 200)
                let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).webm")
                defer { try? FileManager.default.removeItem(at: file) }
                try Data(film.body).write(to: file)
                let source = try PictureSource(path: file.path)
                var times: [Double] = []
                while let picture = try source.next() { times.append(picture.seconds) }
                // What gave way is missing; what is there is where it was, and the film is as long as it took.
                #expect(times.count >= 8 && times.count == counted.frames, "\(times.count) frames, \(counted)")
                #expect(abs((times.last ?? 0) - counted.seconds) < 0.01 && counted.seconds > 0.5, "\(times), \(counted)")
            }
        }

        /// The reference is cut into layers, or bent as a whole; a model that cuts nothing says so.
        @Test func aPictureIsCut() async throws {
            try await TestStudio.run(layered: true) { studio in
                let id = try await studio.session()
                try await studio.frames(id, more: 6)
                let before = try await studio.ask(.GET, "/api/v1/sessions/\(id)")
                #expect(before.text.contains(#""cut":false"#), "\(before.text)")
                let changed = try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"cut":true}"#)
                #expect(changed.status == 200 && changed.text.contains(#""cut":true"#), "\(changed.text)")
                #expect(changed.text.contains(#""generation":2"#), "\(changed.text)")
                try await studio.frames(id, more: 6)
            }
            try await TestStudio.run { studio in
                let refused = try await studio.ask(.PATCH, "/api/v1/sessions/first", json: #"{"cut":true}"#)
                #expect(refused.status == 400 && refused.text.contains("cut: tiny cuts no layers"), "\(refused.text)")
                #expect(try await !studio.ask(.GET, "/api/v1/sessions/first").text.contains(#""cut""#))
            }
        }

        /// A new character, and a new window, while a watcher looks: frames go on. For how long it sees nothing new is told.
        @Test func changesDoNotStallTheStream() async throws {
            let engine = HeldEngine()
            defer { engine.letGo() }
            try await TestStudio.run(embedded: true, engine: engine) { studio in
                let id = try await studio.session()
                let socket = try await studio.socket(id)
                /// The longest pause in milliseconds until so many frames have come for which something holds.
                func take(_ frames: Int, where isCounted: (ReceivedFrame) -> Bool = { _ in true }) async throws -> Double {
                    var last: ContinuousClock.Instant?
                    var longest = 0.0
                    var rest = frames
                    while rest > 0 {
                        let frame = try await socket.next { ReceivedFrame($0) }
                        try await socket.send(Sent.acknowledge(frame.sequence))
                        let now = ContinuousClock.now
                        if let last { longest = max(longest, (now - last) / .milliseconds(1)) }
                        last = now
                        if isCounted(frame) { rest -= 1 }
                    }
                    return longest
                }
                _ = try await take(20)
                let quiet = try await take(60)

                // Of another character the reference is looked at, and cut, and nothing is prepared: the stream is the same.
                let before = engine.counts
                async let shown = studio.ask(.PUT, "/api/v1/sessions/\(id)/reference", json: #"{"character":99}"#)
                let swap = try await take(15) { $0.generation > 1 }
                #expect(try await shown.status == 200)
                #expect(engine.counts.prepared == before.prepared && engine.counts.evaluated > before.evaluated)

                // Another window is prepared beside the stream, however long that takes.
                engine.hold()
                async let changed = studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"window":"1x2"}"#)
                let isPrepared = (try? await until("another stream to be prepared") { engine.isWaitedFor }) != nil
                let goesOn = (try? await take(20)) != nil
                #expect(isPrepared && goesOn && engine.isWaitedFor)
                engine.letGo()
                let window = try await take(60)
                #expect(try await changed.status == 200)
                #expect(engine.counts.prepared > before.prepared)
                #expect(try await studio.stats(id).inFlight == 2)
                _ = try await take(20)
                print(
                    "studio: longest pause between frames \(Int(quiet)) ms at rest, \(Int(swap)) ms around another character, "
                        + "\(Int(window)) ms around another window")
                socket.close()
            }
        }
    }
}

extension Recording {
    /// Holds up its thread until somebody signals, or a minute or two have passed.
    fileprivate func hold(_ latch: DispatchSemaphore) { _ = latch.wait(timeout: .now() + 150) }
}
