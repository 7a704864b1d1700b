import Foundation
import Glibc
import NIOHTTP1
import RainMedia
import RainPictures
import Synchronization
import Testing

@testable import RainStudio

extension Studio {
    @Suite struct OutputTests {
        /// A clock that the test sets.
        private final class Clock: Sendable {
            private let milliseconds = Mutex(0)
            func turn(by time: Int) { milliseconds.withLock { $0 += time } }
            var time: Timekeeper { Timekeeper(now: { .milliseconds(self.milliseconds.withLock { $0 }) }, wait: { _ in }) }
        }

        private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-output-\(UUID().uuidString)")

        private func withFolder(_ body: (String) async throws -> Void) async throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try await body(folder.path)
        }

        @Test func timeInAFileIsTheClocks() async throws {
            try await withFolder { folder in
                let clock = Clock()
                let output = StudioOutput(.init(path: folder + "/film.mp4", framesPerSecond: 20, side: 64), time: clock.time)
                let running = Task { await output.run() }
                // Ten pictures a second for two seconds, into twenty frames a second.
                for index in 0..<20 {
                    output.offer(Picture(width: 32, height: 32, red: UInt8(index * 10)))
                    try await until { output.state.frames == index * 2 + 1 }
                    clock.turn(by: 100)
                }
                output.end()
                await running.value
                let source = try PictureSource(path: folder + "/film.mp4")
                var count = 0
                while let frame = try source.next() {
                    #expect(frame.picture.width == 64)
                    count += 1
                }
                #expect(count == 39)
                #expect(output.state.dropped == 0 && output.state.failures == 0)
            }
        }

        /// Nobody listens: everything is counted.
        @Test func aServerThatIsAwayIsLookedForAgain() async throws {
            let clock = Clock()
            let told = Mutex<[String]>([])
            let output = StudioOutput(
                .init(path: "rtmp://127.0.0.1:9/live/secret", framesPerSecond: 25, side: nil), time: clock.time,
                told: { text in told.withLock { $0.append(text) } })
            let running = Task { await output.run() }
            for _ in 0..<1000 { output.offer(Picture(width: 32, height: 32)) }
            try await until { output.state.failures == 1 }
            #expect(output.state.status == .failed && output.state.error?.contains("refused") == true)
            try await until { output.state.dropped >= 998 }
            output.offer(Picture(width: 32, height: 32))
            try await until { output.state.dropped >= 999 }
            #expect(output.state.failures == 1, "not before its time")
            for (retry, pause) in StudioOutput.retries.enumerated() {
                clock.turn(by: Int(pause.milliseconds) + 1)
                output.offer(Picture(width: 32, height: 32))
                try await until { output.state.failures == retry + 2 }
            }
            #expect(told.withLock { $0.count } == 1, "told of once")
            #expect(!told.withLock { $0.joined() }.contains("secret") && !StudioJSON.text(output.state).contains("secret"))
            output.end()
            await running.value
        }

        /// A pipe whose reader goes away, and comes back.
        @Test func aReaderComesBack() async throws {
            signal(SIGPIPE, SIG_IGN)
            try await withFolder { folder in
                let path = folder + "/frames"
                try #require(mkfifo(path, 0o600) == 0)
                let clock = Clock()
                let output = StudioOutput(.init(path: path, framesPerSecond: 25, side: nil), time: clock.time)
                let running = Task { await output.run() }
                func show() {
                    clock.turn(by: 40)
                    output.offer(Picture(width: 8, height: 8))
                }
                show()
                try await until { output.state.failures == 1 }
                for round in 1...2 {
                    let reader = open(path, O_RDONLY | O_NONBLOCK)
                    clock.turn(by: 20_000)
                    let before = output.state.frames
                    show()
                    try await until { output.state.status == .writing && output.state.frames == before + 1 }
                    show()
                    try await until { output.state.frames == before + 2 }
                    close(reader)
                    show()
                    try await until { output.state.failures == round + 1 }
                }
                output.end()
                await running.value
            }
        }

        /// A reader that stops reading holds up its own output alone: the one who shows never waits.
        @Test func aReaderThatStallsSlowsNobody() async throws {
            try await withFolder { folder in
                let path = folder + "/frames"
                try #require(mkfifo(path, 0o600) == 0)
                let reader = open(path, O_RDONLY | O_NONBLOCK)
                let clock = Clock()
                let output = StudioOutput(.init(path: path, framesPerSecond: 1000, side: nil), time: clock.time)
                let running = Task { await output.run() }
                let shown = Atomic(0)
                let showing = Task {
                    for _ in 0..<3000 {
                        clock.turn(by: 1)
                        output.offer(Picture(width: 64, height: 64))
                        shown.add(1, ordering: .relaxed)
                    }
                }
                let isShown = (try? await until("all to be shown") { shown.load(ordering: .relaxed) == 3000 }) != nil
                #expect(isShown)
                let isDropped = (try? await until("most to be dropped") { output.state.dropped > 2900 }) != nil
                #expect(isDropped)
                #expect(output.state.frames < 90, "what the system keeps, and no more")
                // Whoever waits in a write is let go with the reader.
                signal(SIGPIPE, SIG_IGN)
                close(reader)
                output.end()
                await showing.value
                await running.value
            }
        }

        @Test func theFirstSessionGoesOutUnwatched() async throws {
            try await withFolder { folder in
                let path = folder + "/film.webm"
                try await TestStudio.run(outputs: [path]) { studio in
                    try await until { try await studio.get("/metrics").text.contains("rain_outputs_writing 1\n") }
                    let id = try await studio.session()
                    let stats = try JSONDecoder().decode(
                        SessionStats.self, from: Data(try await studio.get("/api/v1/sessions/\(id)/stats").body))
                    #expect(stats.outputs?.first?.status == .writing && stats.outputs?.first?.target == path)
                    // It goes on when its session is deleted, with the next one.
                    let made = try await studio.ask(.POST, "/api/v1/sessions", json: "")
                    #expect(made.status == 201)
                    #expect(try await studio.ask(.DELETE, "/api/v1/sessions/\(id)").status == 204)
                    let before = studio.server.store.outputs[0].state.frames
                    try await until { studio.server.store.outputs[0].state.frames > before + 5 }
                }
                let source = try PictureSource(path: path)
                #expect(try source.next()?.picture.width == 512)
            }
        }

        @Test func paceKeepsTheClocksTime() {
            var pace = OutputPace(framesPerSecond: 25)
            func times(_ milliseconds: Int) -> Int { pace.times(at: .milliseconds(milliseconds)) }
            #expect(times(1000) == 1)
            #expect(times(1010) == 0, "before its turn")
            #expect(times(1040) == 1)
            #expect(times(1200) == 4, "a late one stands longer")
            #expect(times(9000) == 1, "what was missed long ago is not made up for")
            #expect(times(9040) == 1)
        }

        @Test func beatsOfOneRateFallTogether() {
            var (a, b) = (Beat(), Beat())
            let period = Duration.seconds(1) / 30
            _ = a.next(after: .milliseconds(10), period: period)
            for _ in 0..<100 { _ = a.next(after: .milliseconds(10), period: period) }
            let now = Duration.milliseconds(3450)
            let first = b.next(after: now, period: period)
            #expect(first > now && first - now <= period)
            var ofA = a.next(after: now, period: period)
            while ofA < first { ofA = a.next(after: now, period: period) }
            #expect(ofA == first && a.count == b.count)
            #expect(b.begins(group: 1) && (a.begins(group: 4) == (a.count % 4 == 0)))
            // Far behind, or at another rate, it starts over.
            let late = b.next(after: .seconds(60), period: period)
            #expect(late > .seconds(60) && late <= .seconds(60) + period)
            #expect(b.next(after: .seconds(60), period: .milliseconds(40)) == .milliseconds(60_040))
        }

        /// Plays a camera beside a beat.
        ///
        /// - Returns: how long poses of the second half wait for their tick, on average, and the shortest and longest time between ticks, all
        ///   in periods
        private func follow(camera interval: Duration, jitter: Double, seconds: Int = 20) -> (wait: Double, least: Double, most: Double) {
            var (beat, poses) = (Beat(), 0.0)
            let period = Duration.seconds(1) / 30
            var (now, pose) = (Duration.milliseconds(1), Duration.milliseconds(3))
            var (waits, steps) = ([Double](), [Double]())
            while now < .seconds(seconds) {
                let due = beat.next(after: now, period: period)
                while pose < due {
                    beat.follow(pose)
                    if now > .seconds(seconds / 2) { waits.append((due - pose) / period) }
                    poses += 1
                    pose += interval * (1 + jitter * sin(poses * poses))
                }
                if now > .milliseconds(1) { steps.append((due - now) / period) }
                now = due
            }
            return (waits.reduce(0, +) / Double(waits.count), steps.min() ?? 0, steps.max() ?? 0)
        }

        @Test func beatsFollowACameraOfTheirRate() {
            for interval in [Duration.seconds(1) / 30, .seconds(1001) / 30_000] {
                let even = follow(camera: interval, jitter: 0)
                #expect(even.wait < 0.13, "\(even)")
                #expect(even.least > 0.95 && even.most < 1.05, "\(even)")
            }
            // A pose that comes a little later than its tick waits for a whole period.
            let uneven = follow(camera: .seconds(1) / 30, jitter: 0.05)
            #expect(uneven.wait < 0.35 && uneven.least > 0.95 && uneven.most < 1.05, "\(uneven)")
            // Where the rate is another, there is nothing to follow.
            for rate in [24, 25, 50] {
                let other = follow(camera: .seconds(1) / rate, jitter: 0.02)
                #expect(other.least > 0.999 && other.most < 1.001, "\(rate): \(other)")
            }
        }

        @Test func aBeatWithoutItsCameraGoesBackToTheStudios() {
            let period = Duration.milliseconds(40)
            var beat = Beat()
            var now = Duration.milliseconds(1)
            for _ in 0..<200 {
                beat.follow(now + .milliseconds(17))
                now = beat.next(after: now, period: period)
            }
            #expect(!(now / period).rounded().isEqual(to: now / period), "it follows")
            beat.release()
            now = beat.next(after: now, period: period)
            #expect((now / period).rounded().isEqual(to: now / period))
        }
    }
}
