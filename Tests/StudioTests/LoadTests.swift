import Foundation
import NIOHTTP1
import RainCPU
import RainGraph
import RainMedia
import RainPictures
import Testing

@testable import RainAnimation
@testable import RainStudio

extension Studio {
    @Suite struct LoadTests {
        /// What many watchers of one session get, each of whom acknowledges.
        @Test func fiftyWatchOneSession() async throws {
            try await TestStudio.run { studio in
                let id = try await studio.session()
                let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            let socket = try await studio.socket(id)
                            let end = ContinuousClock.now + .seconds(4)
                            var count = 0
                            while ContinuousClock.now < end {
                                let frame = try await socket.next { ReceivedFrame($0) }
                                try await socket.send(Sent.acknowledge(frame.sequence))
                                count += 1
                            }
                            socket.close()
                            return count
                        }
                    }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(counts.count == 50)
                #expect(counts.allSatisfy { $0 > 5 }, "\(counts)")
                print(
                    "load: 50 watchers, \(counts.reduce(0, +) / 4) frames/s in all, \(counts.min() ?? 0)…\(counts.max() ?? 0) each in 4 s")
            }
        }

        /// What a group costs with others beside it: pose guider, step and decoder for one stream, two and four, in turn.
        @Test(arguments: ["1x4", "4x4"])
        func whatAGroupCosts(window: String) throws {
            let model = try AnimationModel.embedded()
            let engine = CPUEngine()
            let schedule = try StreamSchedule(window: window)
            let programs = ModelPrograms(model.configuration)
            let counts = [1, 2, 4]
            let executables = try counts.map { count in
                let frames = count * schedule.framesPerGroup
                return try [
                    programs.pose(frames: frames),
                    programs.denoisingStep.program(frames: schedule.frames, passes: schedule.jump, characters: count),
                    programs.decoder(frames: frames),
                ].map { program in
                    let executable = try engine.prepare(program)
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
                // Other work on the machine may fall on either.
                #expect(gain > 0.5)
            }
        }

        /// Two sessions on the engine, each at a rate that it can keep.
        @Test(arguments: [false, true])
        func twoSessionsShareTheEngine(isCommon: Bool) async throws {
            try await TestStudio.run(embedded: true, window: "4x4", isCommon: isCommon) { studio in
                func stats(_ id: String) async throws -> SessionStats {
                    let answer = try await studio.get("/api/v1/sessions/\(id)/stats")
                    return try JSONDecoder().decode(SessionStats.self, from: Data(answer.body))
                }
                let one = try await studio.session()
                _ = try await studio.ask(.PATCH, "/api/v1/sessions/\(one)", json: #"{"framesPerSecond":12}"#)
                try await Task.sleep(for: .seconds(3))
                let alone = try await stats(one)
                let made = try await studio.ask(.POST, "/api/v1/sessions", json: #"{"settings":{"framesPerSecond":12}}"#)
                // A machine with no time for a second one says so, which is as good an answer.
                guard made.status == 201 else {
                    #expect(made.code == "busy" && made.text.contains("% of the time") && made.text.contains("ms"), "\(made.text)")
                    return
                }
                let two = try JSONDecoder().decode(SessionState.self, from: Data(made.body)).id
                try await Task.sleep(for: .seconds(4))
                let both = try await (stats(one), stats(two))
                let together = both.0.framesPerSecond + both.1.framesPerSecond
                #expect(together > alone.framesPerSecond * 0.8)
                let metrics = try await studio.get("/metrics").text
                #expect(metrics.contains("rain_steps_common_total 0\n") == !isCommon, "\(metrics)")
                let how = isCommon ? "together" : "in turn"
                let delays = [alone, both.0, both.1].map { "\(Int($0.modelMilliseconds))" }
                print(
                    "load: one session \(alone.framesPerSecond) frames/s, two \(how) \(together); model \(delays) ms, "
                        + "load \(Int((both.0.load + both.1.load) * 100)) %")
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
