import Foundation
import NIOHTTP1
import RainCPU
import RainGraph
import RainMedia
import RainPictures
import RainTesting
import Testing

@testable import RainAnimation
@testable import RainStudio

extension Studio {
    @Suite struct LoadTests {
        /// Many watchers of one session, each of whom acknowledges: all get its frames, and none is left out.
        @Test func fiftyWatchOneSession() async throws {
            try await TestStudio.run { studio in
                let id = try await studio.session()
                let rates = try await withThrowingTaskGroup(of: Double.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            let socket = try await studio.socket(id)
                            let start = ContinuousClock.now
                            var before: UInt32 = 0
                            for _ in 0..<100 {
                                let frame = try await socket.next { ReceivedFrame($0) }
                                #expect(frame.sequence > before || before == 0)
                                before = frame.sequence
                                try await socket.send(Sent.acknowledge(frame.sequence))
                            }
                            socket.close()
                            return 100 / ((ContinuousClock.now - start) / .seconds(1))
                        }
                    }
                    return try await group.reduce(into: [Double]()) { $0.append($1) }
                }
                #expect(rates.count == 50)
                print(
                    "load: 50 watchers, 100 frames each, \(Int(rates.reduce(0, +))) frames/s in all, "
                        + "\(Int(rates.min() ?? 0))…\(Int(rates.max() ?? 0)) each")
            }
        }

        /// What a group costs with others beside it: pose guider, step and decoder for one stream, two and four, in turn. How long that takes
        /// is told; that it is no more work than in turn is so on every machine.
        @Test(arguments: ["1x4", "4x4"])
        func whatAGroupCosts(window: String) throws {
            let model = try TinyModel.model()
            let engine = CPUEngine()
            let schedule = try StreamSchedule(window: window)
            let programs = ModelPrograms(model.configuration)
            let counts = [1, 2, 4]
            let groups = try counts.map { count in
                let frames = count * schedule.framesPerGroup
                return try [
                    programs.pose(frames: frames),
                    programs.denoisingStep.program(frames: schedule.frames, passes: schedule.jump, characters: count),
                    programs.decoder(frames: frames),
                ]
            }
            for (count, group) in zip(counts, groups) {
                for (program, alone) in zip(group, groups[0]) {
                    let work = program.multiplyAdds(in: .step)
                    #expect(work > 0 && work <= count * alone.multiplyAdds(in: .step), "\(count) streams")
                }
            }
            let executables = try groups.map { group in
                try group.map { program in
                    let executable = try engine.compile(program)
                    try executable.load(model.parameters)
                    try executable.run(.reference)
                    return executable
                }
            }
            var times = counts.map { _ in [Double]() }
            for round in 0..<12 {
                for (index, group) in executables.enumerated() {
                    let start = ContinuousClock.now
                    for executable in group { try executable.run(.step) }
                    if round > 1 { times[index].append((ContinuousClock.now - start).milliseconds) }
                }
            }
            let medians = times.map { $0.sorted()[$0.count / 2] }
            for (count, median) in zip(counts, medians) {
                let gain = Double(count) * medians[0] / median
                print(
                    "load: \(window), a group of \(count) streams \(Int(median * 10)) tenths of a ms, "
                        + "\(Int(gain * 100)) % of the speed in turn")
            }
        }

        /// Two sessions on the engine: both go on, and steps are common where that is allowed, and only there.
        @Test(arguments: [false, true])
        func twoSessionsShareTheEngine(isCommon: Bool) async throws {
            // Sessions of the embedded model, whose layers are a session's own, compute in turn.
            try await TestStudio.run(embedded: !isCommon, window: "4x4", isCommon: isCommon) { studio in
                let one = try await studio.session()
                _ = try await studio.ask(.PATCH, "/api/v1/sessions/\(one)", json: #"{"framesPerSecond":12}"#)
                try await studio.frames(one, more: 24)
                let alone = try await studio.stats(one)
                let made = try await studio.ask(.POST, "/api/v1/sessions", json: #"{"settings":{"framesPerSecond":12}}"#)
                #expect(made.status == 201, "\(made.text)")
                let two = try JSONDecoder().decode(SessionState.self, from: Data(made.body)).id
                // Neither goes on at the other's cost.
                try await studio.frames(one, two, one, more: 24)
                let both = try await (studio.stats(one), studio.stats(two))
                func isNever() async throws -> Bool { try await studio.get("/metrics").text.contains("rain_steps_common_total 0\n") }
                if isCommon {
                    // Where the machine has other things to do, it may take a while until both are ready at once.
                    try await until(seconds: 180, "a common step") { try await !isNever() }
                } else {
                    #expect(try await isNever())
                }
                let how = isCommon ? "together" : "in turn"
                let together = both.0.framesPerSecond + both.1.framesPerSecond
                let delays = [alone, both.0, both.1].map { "\(Int($0.modelMilliseconds))" }
                print(
                    "load: one session \(alone.framesPerSecond) frames/s, two \(how) \(together); model \(delays) ms, "
                        + "load \(Int((both.0.load + both.1.load) * 100)) %")
            }
        }

        /// A machine that has no time for another session says so, with what was measured.
        @Test func aSessionTooManyIsRefused() async throws {
            try await TestStudio.run(load: 0) { studio in
                // As long as nothing has been computed, nothing is known.
                try await studio.frames(studio.session(), more: 1)
                let refused = try await studio.ask(.POST, "/api/v1/sessions", json: "{}")
                #expect(refused.status == 503 && refused.code == "busy", "\(refused.text)")
                #expect(refused.text.contains("% of the time") && refused.text.contains("as was tried"), "\(refused.text)")
                #expect(try await studio.get("/metrics").text.contains("rain_sessions 1\n"))
            }
        }

        /// Encoders cost time that the model needs: the first few get video, the others pictures that are encoded once.
        @Test func videoIsForTheFirstFew() async throws {
            try #require(PacketEncoder.Codec.vp8.isAvailable)
            try await TestStudio.run { studio in
                let id = try await studio.session()
                func watch() async throws -> WebSocketClient {
                    try await WebSocketClient.connect(port: studio.port, path: "/api/v1/sessions/\(id)/socket?video=vp8")
                }
                func codec(_ socket: WebSocketClient) async throws -> UInt8 {
                    let frame = try await socket.next { ReceivedFrame($0) }
                    try await socket.send(Sent.acknowledge(frame.sequence))
                    return frame.codec
                }
                var sockets: [WebSocketClient] = []
                for index in 0..<StudioSession.mostEncoders + 2 {
                    sockets.append(try await watch())
                    #expect(try await codec(sockets[index]) == (index < StudioSession.mostEncoders ? 2 : 0))
                }
                sockets[1].close()
                try await until {
                    let next = try await watch()
                    defer { next.close() }
                    return try await codec(next) == 2
                }
                for socket in sockets { socket.close() }
            }
        }

        /// Pictures are encoded for those who take them, and for nobody else.
        @Test func picturesAreEncodedOnDemand() async throws {
            try await TestStudio.run { studio in
                let session = try await studio.server.store.session(studio.session())
                let video = try await WebSocketClient.connect(
                    port: studio.port, path: "/api/v1/sessions/\(session.id)/socket?video=vp8")
                func take(_ socket: WebSocketClient, _ codec: UInt8) async throws {
                    for _ in 0..<10 {
                        let frame = try await socket.next { ReceivedFrame($0) }
                        #expect(frame.codec == codec)
                        if codec == 3 { #expect(frame.picture.starts(with: [0x89, 0x50, 0x4E, 0x47])) }
                        try await socket.send(Sent.acknowledge(frame.sequence))
                    }
                }
                try #require(PacketEncoder.Codec.vp8.isAvailable)
                try await take(video, 2)
                #expect(await session.newest?.images.isMade.jpeg == false)
                #expect(await session.newest?.images.isMade.png == false)
                let pictures = try await studio.socket(session.id)
                try await take(pictures, 0)
                video.close()
                pictures.close()
                let path = "/api/v1/sessions/\(session.id)/socket"
                let cut = try await WebSocketClient.connect(port: studio.port, path: path + "?alpha=1&video=vp8")
                try await take(cut, 3)
                cut.close()
            }
        }

        @Test(arguments: PacketEncoder.Codec.allCases)
        func videoComesAsPackets(codec: PacketEncoder.Codec) async throws {
            try #require(codec.isAvailable)
            try await TestStudio.run { studio in
                let id = try await studio.session()
                let socket = try await WebSocketClient.connect(
                    port: studio.port, path: "/api/v1/sessions/\(id)/socket?video=nonsense,\(codec.rawValue)")
                var keys = 0
                for index in 0..<20 {
                    let frame = try await socket.next { ReceivedFrame($0) }
                    #expect(frame.codec == (codec == .h264 ? 1 : 2))
                    #expect(index > 0 || frame.flags & 2 != 0, "decoding begins with the first")
                    if frame.flags & 2 != 0 { keys += 1 }
                    if codec == .h264 { #expect(frame.picture.starts(with: [0, 0, 0, 1]) || frame.picture.starts(with: [0, 0, 1])) }
                    try await socket.send(Sent.acknowledge(frame.sequence))
                }
                #expect(keys < 20)
                socket.close()
            }
        }
    }
}
