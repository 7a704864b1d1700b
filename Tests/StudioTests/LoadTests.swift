import Foundation
import NIOHTTP1
import RainMedia
import RainPictures
import Testing

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

        /// Two sessions share the engine, one step at a time.
        @Test func twoSessionsShareTheEngine() async throws {
            try await TestStudio.run(embedded: true) { studio in
                func rate(_ ids: [String]) async throws -> Double {
                    var rates = 0.0
                    for id in ids {
                        let stats = try await studio.get("/api/v1/sessions/\(id)/stats")
                        rates += try JSONDecoder().decode(SessionStats.self, from: Data(stats.body)).framesPerSecond
                    }
                    return rates
                }
                let one = try await studio.session()
                _ = try await studio.ask(.PATCH, "/api/v1/sessions/\(one)", json: #"{"window":"4x4","framesPerSecond":12}"#)
                try await Task.sleep(for: .seconds(4))
                let alone = try await rate([one])
                let made = try await studio.ask(.POST, "/api/v1/sessions", json: #"{"settings":{"window":"4x4","framesPerSecond":12}}"#)
                // A machine with no time for a second one says so, which is as good an answer.
                guard made.status == 201 else {
                    #expect(made.code == "busy")
                    return
                }
                let two = try JSONDecoder().decode(SessionState.self, from: Data(made.body)).id
                try await Task.sleep(for: .seconds(4))
                let together = try await rate([one, two])
                #expect(together > alone * 0.8)
                print("load: one session \(alone) frames/s, two together \(together)")
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
