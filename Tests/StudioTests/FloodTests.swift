import Foundation
import RainCPU
import RainPictures
import RainPose
import RainTesting
import RainWorld
import Synchronization
import Testing

@testable import RainAnimation
@testable import RainStudio

/// The way of an event through everything that could pile up, on a clock that the test turns: driver, animator, playout, viewer.
struct FloodTests {
    /// Milliseconds that the test counts.
    private final class Clock: Sendable {
        private let milliseconds = Mutex(0)
        var now: Duration { .milliseconds(milliseconds.withLock { $0 }) }
        func turn(to time: Int) { milliseconds.withLock { $0 = time } }
    }

    private struct Shown {
        var time: Int
        var latency: Double
    }

    /// A minute in which events and driving frames come ten times as fast as they can be animated, and the client stalls for five
    /// seconds, from second 20 on.
    @Test func latencyComesBackWithinOneWindow() async throws {
        let clock = Clock()
        let schedule = try StreamSchedule(framesPerGroup: 1, levels: 4)
        let animator = try Animator(
            model: TinyModel.model(), engine: CPUEngine(threads: 1), schedule: schedule, policy: .newestWins, now: { clock.now })
        try await animator.fuse(reference: TinyModel.reference)
        var iterator = animator.frames.makeAsyncIterator()
        // The stream fills up, as it does once.
        let filling = Task {
            for _ in 0..<schedule.levels {
                while !animator.isHungry { await Task.yield() }
                animator.offer(TinyModel.driving(0), timestamp: .zero)
            }
        }
        _ = try await iterator.next()
        await filling.value

        let reference = Reference(seed: 7, size: 32, world: .classic)
        var driver = Driver(seed: 7)
        var viewer = Viewer.StateMachine(window: StudioSession.frameWindow)
        var playout = Playout(framesPerGroup: 1)
        let step = 33
        let wire = 5
        var modelIsFree = 0
        var underWay: [(arrival: Int, frame: StudioFrame)] = []
        var shown: [Shown] = []
        var sequence: UInt32 = 0
        var computed: (ready: Int, frame: AnimatedFrame)?
        for time in 0..<60_000 {
            clock.turn(to: time)
            let isStalled = (20_000..<25_000).contains(time)
            // 300 events and 300 driving frames a second, where the model takes 30.
            if time % 3 == 0 {
                var controls = Controls()
                controls[.yaw] = Float(time % 1000) / 2000
                #expect(driver.take(controls, from: InputStamp(client: 1, milliseconds: Double(time)), at: clock.now) || time == 0)
                let (pose, tag) = driver.frame(at: clock.now)
                if case .puppet(let pose) = pose {
                    animator.offer(.face(reference.landmarks(pose)), timestamp: clock.now, tag: tag)
                }
            }
            #expect(animator.waitingFrames <= schedule.framesPerGroup)
            if computed == nil, time >= modelIsFree, animator.waitingFrames > 0, let frame = try await iterator.next() {
                computed = (time + step, frame)
                modelIsFree = time + step
            }
            if let (ready, frame) = computed, ready == time {
                computed = nil
                sequence += 1
                #expect(playout.due(index: frame.index, at: clock.now, period: .milliseconds(3)) == clock.now)
                viewer.offer(
                    StudioFrame(
                        sequence: sequence, picture: frame.picture, images: FrameImages(frame.picture), captured: frame.captureTimestamp,
                        finished: clock.now,
                        stamp: InputStamp(tag: frame.tag), generation: 1, framesPerSecond: 30))
            }
            while case .frame(let frame) = viewer.next() { underWay.append((time + wire, frame)) }
            #expect(underWay.count <= StudioSession.frameWindow)
            // A client that stalls takes nothing, and acknowledges nothing.
            while !isStalled, let next = underWay.first, next.arrival <= time {
                underWay.removeFirst()
                viewer.acknowledge(next.frame.sequence)
                if let stamp = next.frame.stamp { shown.append(Shown(time: time, latency: Double(time) - stamp.milliseconds)) }
            }
        }
        let before = shown.filter { (1_000..<20_000).contains($0.time) }.map(\.latency)
        let level = try #require(before.max())
        // Three steps in flight, one to compute, a driving frame that waited for a step at most, and the wire.
        #expect(level <= Double(5 * step + wire + 3), "\(level) ms")
        let window = schedule.levels * step
        let after = shown.filter { $0.time >= 25_000 + window }
        #expect(after.count > 900)
        #expect(after.allSatisfy { $0.latency <= level })
        #expect(viewer.dropped > 100, "what came while the client was away gave way")
        print("flood: \(shown.count) events answered, each within \(Int(level)) ms")
    }
}

extension Studio {
    /// The program itself, flooded by clients of which half never read.
    @Suite struct MemoryTests {
        @Test func memoryStaysFlat() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-flood-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try TinyModel.model().write(folder: folder.path + "/tiny")
            let output = folder.appendingPathComponent("output.txt")
            _ = FileManager.default.createFile(atPath: output.path, contents: nil)
            let process = Process()
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("rain")
            process.arguments = ["studio", "--model", folder.path + "/tiny", "--window", "1x4", "--port", "0", "--threads", "1"]
            process.standardOutput = FileHandle(forWritingAtPath: output.path)
            process.standardError = FileHandle.nullDevice
            try process.run()
            defer {
                process.terminate()
                process.waitUntilExit()
            }
            var port = 0
            try await until("the address") {
                let text = try String(contentsOf: output, encoding: .utf8)
                port = text.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
                return port != 0
            }
            struct List: Decodable { var sessions: [SessionState] }
            let address = port
            let list = try await Wire.run(port: address) { wire in
                try await wire.send(Array("GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
                return try Answer(await wire.readToEnd())
            }
            let id = try JSONDecoder().decode(List.self, from: Data(list.body)).sessions[0].id
            func shown() async throws -> Int {
                let answer = try await Wire.run(port: address) { wire in
                    try await wire.send(
                        Array("GET /api/v1/sessions/\(id)/stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
                    return try Answer(await wire.readToEnd())
                }
                return try JSONDecoder().decode(SessionStats.self, from: Data(answer.body)).frames
            }
            /// Until each client has sent so many messages, and the session has shown so many frames.
            func flood(messages: Int, frames: Int) async throws {
                let before = try await shown()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<6 {
                        group.addTask {
                            let socket = try await WebSocketClient.connect(port: address, path: "/api/v1/sessions/\(id)/socket")
                            for count in 1...messages {
                                try await socket.send(Sent.controls([.yaw: 0.2], time: Double(count)))
                                if client.isMultiple(of: 2) { try await socket.send(Sent.acknowledge(.max)) }
                                try await Task.sleep(for: .milliseconds(3))
                            }
                            try await until("\(frames) frames") { try await shown() >= before + frames }
                            socket.close()
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await flood(messages: 600, frames: 60)
            let early = try Self.residentKilobytes(process.processIdentifier)
            try await flood(messages: 2400, frames: 180)
            let late = try Self.residentKilobytes(process.processIdentifier)
            #expect(late - early < 8 << 10, "\(early) KiB became \(late) KiB")
            print("flood: memory \(early >> 10) MiB after 600 messages of each client, \(late >> 10) MiB after 3000")
        }

        private static func residentKilobytes(_ process: Int32) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return try #require(line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
        }
    }
}
