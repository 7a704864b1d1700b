import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import RainAnimation
import RainCPU
import RainMedia
import RainPictures
import RainPose
import RainTesting
import Synchronization
import Testing

@testable import RainStudio

/// What a studio must survive. Every case ends with the studio answering others as before.
extension Studio {
    @Suite struct HostileTests {
        /// Runs a case against a studio.
        ///
        /// - Parameter patience: in seconds; few where it is tried, and elsewhere more than the slowest machine takes
        private func survive(
            patience: Int64 = 600, _ body: @Sendable (TestStudio, _ session: String) async throws -> Void
        ) async throws {
            try await TestStudio.run(seconds: patience) { studio in
                let id = try await studio.session()
                try await body(studio, "/api/v1/sessions/\(id)")
                #expect(try await studio.get("/api/v1/health").status == 200)
                #expect(try await studio.get("/api/v1/sessions/\(id)/snapshot").status == 200)
            }
        }

        // MARK: Connections

        @Test func aHeadThatDrips() async throws {
            try await survive(patience: 2) { studio, _ in
                try await Wire.run(port: studio.port) { wire in
                    try await wire.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".utf8))
                    var isOpen = true
                    for _ in 0..<600 where isOpen {
                        try? await wire.send([0x61])
                        isOpen = !(await wire.isClosed(within: 0.1))
                    }
                    #expect(!isOpen)
                }
                #expect(try await studio.get("/metrics").text.contains("rain_timeouts_total 1\n"))
            }
        }

        @Test(arguments: ["", "POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"])
        func aRequestThatNeverEnds(start: String) async throws {
            try await survive(patience: 2) { studio, _ in
                try await Wire.run(port: studio.port) { wire in
                    if !start.isEmpty { try await wire.send(Array(start.utf8)) }
                    #expect(await wire.isClosed())
                }
            }
        }

        @Test func headersWithoutMeasure() async throws {
            try await survive(patience: 2) { studio, _ in
                let long = try await studio.get("/", [("X-Long", String(repeating: "a", count: 20_000))])
                #expect((400...431).contains(long.status))
                let many = try await studio.get("/", (0..<200).map { ("X-\($0)", "a") })
                #expect((400...431).contains(many.status))
            }
        }

        @Test(arguments: [
            "nonsense\r\n\r\n", "GET", "\u{16}\u{3}\u{1}", "GET / HTTP/9.9\r\n\r\n", "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ])
        func whatIsNoRequest(text: String) async throws {
            try await survive(patience: 2) { studio, _ in
                try await Wire.run(port: studio.port) { wire in
                    try await wire.send(Array(text.utf8))
                    #expect(await wire.isClosed())
                }
            }
        }

        /// Connections, and how they fared.
        private final class Crowd: Sendable {
            let closed = Atomic(0)
            let isOver = Atomic(false)
        }

        /// More than may be: as many as may stay open, and the others are closed at once.
        @Test func manyConnectionsAtOnce() async throws {
            try await TestStudio.run(connections: 16) { studio in
                let crowd = Crowd()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<60 {
                        group.addTask {
                            // One that is closed before it is quite there is closed.
                            try? await Wire.run(port: studio.port) { wire in
                                try await until("an end") {
                                    if crowd.isOver.load(ordering: .relaxed) { return true }
                                    return await wire.isClosed(within: 0)
                                }
                            }
                            if !crowd.isOver.load(ordering: .relaxed) { crowd.closed.add(1, ordering: .relaxed) }
                        }
                    }
                    try await until("44 to be closed") { crowd.closed.load(ordering: .relaxed) >= 44 }
                    // Whoever is still there stays.
                    try await Task.sleep(for: .milliseconds(300))
                    #expect(crowd.closed.load(ordering: .relaxed) == 44)
                    crowd.isOver.store(true, ordering: .relaxed)
                    try await group.waitForAll()
                }
                // While they go, there may not be room yet.
                try await until { (try? await studio.get("/metrics"))?.text.contains("rain_connections 1\n") ?? false }
                let metrics = try await studio.get("/metrics").text
                #expect(!metrics.contains("rain_connections_refused_total 0\n"))
            }
        }

        // MARK: WebSockets

        @Test(
            arguments: [
                ([], 1007), ([9, 1, 2], 1007), ([1, 0, 0], 1007), ([2, 1], 1007), (Sent.controls([.yaw: .nan], time: 1), 1007),
                (Sent.controls([.yaw: 1], time: -.infinity), 1007), ([4] + [UInt8](repeating: 0xFF, count: 356), 1007),
                ([UInt8](repeating: 1, count: 5000), 1007), ([5, 0, 0], 1007), (Sent.picture([0xFF], time: .nan), 1007),
                (Sent.picture([0xFF], time: -1), 1007), (Sent.picture([UInt8](repeating: 1, count: 300_000), time: 1), 1009),
            ] as [([UInt8], UInt16)])
        func aMessageThatIsNone(bytes: [UInt8], code: UInt16) async throws {
            try await survive { studio, _ in
                let socket = try await studio.socket()
                try await socket.send(bytes)
                let found = try await socket.closing()
                #expect(found == code)
            }
        }

        @Test func aTextMessage() async throws {
            try await survive { studio, _ in
                let socket = try await studio.socket()
                try await socket.send(.text, ByteBuffer(string: "{}"))
                #expect(try await socket.closing() == 1003)
            }
        }

        @Test func fragmentsWithoutMeasure() async throws {
            try await survive { studio, _ in
                let socket = try await studio.socket()
                try await socket.send(.binary, ByteBuffer(repeating: 1, count: 60_000), fin: false)
                for _ in 0..<8 { try? await socket.send(.continuation, ByteBuffer(repeating: 1, count: 60_000), fin: false) }
                _ = try await socket.closing()
            }
        }

        @Test func fragmentsWithoutNumber() async throws {
            try await survive { studio, _ in
                let socket = try await studio.socket()
                try await socket.send(.binary, ByteBuffer(repeating: 5, count: 1), fin: false)
                for _ in 0..<200 { try? await socket.send(.continuation, ByteBuffer(repeating: 1, count: 1), fin: false) }
                _ = try await socket.closing()
            }
        }

        @Test func garbageAfterTheHandshake() async throws {
            try await survive { studio, session in
                try await Wire.run(port: studio.port) { wire in
                    try await wire.send(
                        Array(
                            ("GET \(session)/socket HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8))
                    var start = ""
                    try await until("a handshake") {
                        start += String(decoding: await wire.take(), as: UTF8.self)
                        return start.hasPrefix("HTTP/1.1 101 ")
                    }
                    try await wire.send([UInt8](repeating: 0xFF, count: 64))
                    #expect(await wire.isClosed())
                }
            }
        }

        /// One whose machine vanished: the connection is open and nothing comes, not even answers to pings.
        @Test func aWatcherThatFellSilent() async throws {
            try await survive(patience: 2) { studio, session in
                try await Wire.run(port: studio.port) { wire in
                    try await wire.send(
                        Array(
                            ("GET \(session)/socket HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8))
                    var start = ""
                    try await until("a handshake") {
                        start += String(decoding: await wire.take(), as: UTF8.self)
                        return start.hasPrefix("HTTP/1.1 101 ")
                    }
                    #expect(await wire.isClosed())
                }
                try await until { try await studio.get("/metrics").text.contains("rain_watchers 0\n") }
                #expect(try await studio.get("/metrics").text.contains("rain_timeouts_total 1\n"))
            }
        }

        /// One that asks for pictures without end and takes none: what is written to it must not wait for ever.
        @Test func aClientThatNeverReads() async throws {
            try await TestStudio.run(embedded: true, seconds: 2) { studio in
                let id = try await studio.session()
                let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .channelOption(.autoRead, value: false).channelOption(.socketOption(.so_rcvbuf), value: 4096)
                    .connect(host: "127.0.0.1", port: studio.port).get()
                try await channel.writeAndFlush(
                    ByteBuffer(string: "GET /api/v1/sessions/\(id)/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                try await until("a stream") {
                    try await studio.get("/metrics").text.range(of: "rain_frames_sent_total [1-9]", options: .regularExpression) != nil
                }
                try await until(seconds: 180, "it to be let go") { try await studio.get("/metrics").text.contains("rain_watchers 0\n") }
                #expect(try await studio.get("/api/v1/sessions/\(id)/snapshot").status == 200)
                try? await channel.close()
            }
        }

        @Test func aFloodOfMessages() async throws {
            try await survive { studio, _ in
                let socket = try await studio.socket()
                // As long as it is listened to: how many that are depends on how long they take.
                let flood = Task {
                    var index = 0.0
                    while !Task.isCancelled {
                        try await socket.send(Sent.controls([.yaw: 0.1], time: index))
                        index += 1
                    }
                }
                defer { flood.cancel() }
                #expect(try await socket.closing() == 1008)
            }
        }

        @Test func foreignPagesAndNames() async throws {
            try await survive { studio, _ in
                await #expect(throws: (any Error).self) { _ = try await studio.socket(origin: "http://evil.example") }
                #expect(try await studio.get("/", [("Host", "evil.example")]).code == "foreign_origin")
                #expect(
                    try await studio.ask(.POST, "/api/v1/sessions", headers: [("Origin", "http://evil.example")], json: "{}").status == 403)
                try await studio.socket(origin: "http://localhost:\(studio.port)").close()
            }
        }

        @Test func withoutTheToken() async throws {
            try await TestStudio.run(token: "secret") { studio in
                #expect(try await studio.get("/").code == "token_required")
                #expect(try await studio.get("/metrics").status == 401)
                let kept = try await studio.get("/?token=secret")
                #expect(kept.status == 303 && kept.headers["location"] == "/?token=secret&kept=1")
                let clean = try await studio.get("/?token=secret&kept=1&overlay=1", [("Cookie", "rain_studio=secret")])
                #expect(clean.status == 303 && clean.headers["location"] == "/?overlay=1")
                // Without cookies the page comes all the same, and so do its parts.
                #expect(try await studio.get("/?token=secret&kept=1").status == 200)
                #expect(try await studio.get("/main.js").status == 200)
                let cookie = try #require(kept.headers["set-cookie"])
                #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
                #expect(try await studio.get("/", [("Cookie", "rain_studio=secret")]).status == 200)
                #expect(try await studio.get("/", [("Authorization", "Bearer secret")]).status == 200)
            }
        }

        // MARK: Uploads

        @Test func whatIsNoPicture() async throws {
            try await survive { studio, session in
                for bytes in [
                    [], Array("not a picture at all".utf8), [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0], [0xFF, 0xD8, 0xFF],
                ] {
                    let answer = try await studio.ask(.PUT, "\(session)/reference", headers: [("content-type", "image/png")], body: bytes)
                    #expect(answer.status == 400 && answer.code == "bad_picture", "\(bytes.count) bytes: \(answer.text)")
                }
                let whole = try PictureWriter.png(Picture(width: 40, height: 30, red: 200))
                for query in ["x=0.9&y=0&side=1", "x=nan&y=0&side=1", "x=0&y=0&side=0", "x=0&y=0&side=1e300", "x=-1&y=0&side=0.5"] {
                    #expect(try await studio.ask(.PUT, "\(session)/reference?\(query)", body: whole).code == "bad_picture", "\(query)")
                }
                #expect(try await studio.ask(.PUT, "\(session)/reference?x=a&y=0&side=1", body: whole).code == "bad_request")
                #expect(try await studio.ask(.PUT, "\(session)/reference?x=0.1&y=0&side=0.9", body: whole).status == 200)
            }
        }

        @Test func aPictureOfAHundredMegapixels() async throws {
            try await survive { studio, session in
                let huge = try PictureWriter.png(Picture(width: 10_000, height: 10_000))
                #expect(huge.count < Router.largestUpload)
                let answer = try await studio.ask(.PUT, "\(session)/reference", body: huge)
                #expect(answer.status == 413 && answer.code == "too_large", "\(answer.status) \(answer.text)")
                #expect(answer.text.contains("10000×10000"))
            }
        }

        @Test func anUploadTooLarge() async throws {
            try await survive { studio, session in
                let answer = try await studio.ask(
                    .PUT, "\(session)/reference", body: [UInt8](repeating: 0, count: Router.largestUpload + 1))
                #expect(answer.code == "too_large")
                #expect(try await studio.ask(.POST, "/api/v1/sessions", body: [UInt8](repeating: 0x20, count: 100_000)).code == "too_large")
            }
        }

        @Test func anAnimatedGIF() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).gif")
            defer { try? FileManager.default.removeItem(at: file) }
            let sink = try FrameSink.open(file.path, width: 64, height: 48, framesPerSecond: 10)
            for shade in [10, 120, 240] as [UInt8] { try sink.write(Picture(width: 64, height: 48, red: shade, green: 60, blue: 30)) }
            try sink.finish()
            let bytes = [UInt8](try Data(contentsOf: file))
            try await survive { studio, session in
                let answer = try await studio.ask(.PUT, "\(session)/reference?name=moving.gif", body: bytes)
                #expect(answer.status == 200 && answer.text.contains("moving.gif"), "its first picture counts")
            }
        }

        @Test(
            arguments: [
                ("PATCH", "", "{", "bad_request"), ("PATCH", "", "[]", "bad_request"), ("PATCH", "", #"{"window":4}"#, "bad_request"),
                ("PATCH", "", #"{"window":"9x9"}"#, "bad_settings"), ("PATCH", "", #"{"window":"0x0"}"#, "bad_settings"),
                ("PATCH", "", #"{"window":"99999999999999999999x9"}"#, "bad_settings"), ("PATCH", "", #"{"steps":7}"#, "bad_settings"),
                ("PATCH", "", #"{"framesPerSecond":1e9}"#, "bad_settings"), ("PATCH", "", #"{"framesPerSecond":NaN}"#, "bad_request"),
                ("PATCH", "", #"{"smoothing":-1}"#, "bad_settings"), ("PATCH", "", #"{"seed":-1}"#, "bad_request"),
                ("PATCH", "", #"{"preset":"fast"}"#, "bad_request"), ("PATCH", "", #"{"gains":{"head":9}}"#, "bad_settings"),
                ("PATCH", "", String(repeating: "[", count: 60_000), "bad_request"),
                ("PUT", "/reference", #"{"character":1.5}"#, "bad_request"),
                ("PUT", "/reference", #"{"character":-1}"#, "bad_request"), ("POST", "/controls", #"{"yaw":NaN}"#, "bad_request"),
                ("POST", "/controls", #"{"tail":1}"#, "bad_request"), ("POST", "/controls", #"{"yaw":1e999}"#, "bad_request"),
                ("POST", "/landmarks", #"{"points":[]}"#, "bad_landmarks"), ("POST", "/landmarks", #"{"points":[[1]]}"#, "bad_landmarks"),
                ("POST", "/landmarks", #"{"points":[[NaN,0]]}"#, "bad_request"), ("PUT", "/motion", "{}", "bad_landmarks"),
                ("PUT", "/motion", "", "bad_landmarks"), ("DELETE", "/recording", "", "conflict"),
                ("POST", "/recording", #"{"format":"avi"}"#, "bad_request"), ("GET", "/socket", "", "bad_request"),
                ("GET", "/../../etc/passwd", "", "not_found"), ("POST", "/reference", "{}", "not_found"),
            ])
        func whatTheAPIRefuses(method: String, part: String, body: String, code: String) async throws {
            try await survive { studio, session in
                let answer = try await studio.ask(HTTPMethod(rawValue: method), session + part, json: body)
                #expect(answer.code == code, "\(answer.status) \(answer.text)")
                #expect((400..<500).contains(answer.status))
            }
        }

        @Test func landmarksThatCannotBe() async throws {
            try await survive { studio, session in
                func points(_ x: String) -> String {
                    "[" + [String](repeating: "[\(x),0.5]", count: LandmarkSet.count).joined(separator: ",") + "]"
                }
                #expect(
                    try await studio.ask(.POST, "\(session)/landmarks", json: #"{"points":\#(points("1e30"))}"#).code == "bad_landmarks")
                #expect(
                    try await studio.ask(.POST, "\(session)/landmarks", json: #"{"points":\#(points("0.5")),"time":100}"#).status == 204)
                let older = try await studio.ask(.POST, "\(session)/landmarks", json: #"{"points":\#(points("0.5")),"time":99}"#)
                #expect(older.status == 409 && older.code == "out_of_order")
            }
        }

        // MARK: Starting

        /// What is wrong with an address is said in one sentence of the studio's own.
        @Test(arguments: [
            ("nonsense.invalid", "--address: expected an address of this machine, found 'nonsense.invalid'"),
            ("192.0.2.7", "--address: expected an address of this machine, found '192.0.2.7'"),
            ("127.0.0.256", "--address: expected an address of this machine, found '127.0.0.256'"),
            ("2001:db8::7", "--address: expected an address of this machine, found '2001:db8::7'"),
        ])
        func addressesThatAreNotThisMachines(address: String, sentence: String) async throws {
            var configuration = StudioServer.Configuration(settings: SessionSettings(schedule: try StreamSchedule()))
            (configuration.address, configuration.port, configuration.token) = (address, 0, "secret")
            let error = await #expect(throws: StudioError.self) {
                _ = try await StudioServer.start(configuration, model: TinyModel.model(), engine: CPUEngine(threads: 1))
            }
            let message = error?.message ?? ""
            #expect(message.hasPrefix(sentence) && !message.contains("(") && !message.contains("Error"), "\(message)")
        }

        @Test func aPortInUse() async throws {
            try await TestStudio.run { studio in
                var configuration = studio.server.configuration
                configuration.port = studio.port
                let error = await #expect(throws: StudioError.self) {
                    _ = try await StudioServer.start(configuration, model: TinyModel.model(), engine: CPUEngine(threads: 1))
                }
                #expect(error?.message.hasPrefix("--port: expected a port that is free at 127.0.0.1, found \(studio.port)") == true)
            }
        }

        @Test func anAddressOfOthersNeedsAToken() async throws {
            let schedule = try StreamSchedule()
            var configuration = StudioServer.Configuration(settings: SessionSettings(schedule: schedule))
            configuration.address = "0.0.0.0"
            await #expect(throws: StudioError.self) {
                _ = try await StudioServer.start(configuration, model: TinyModel.model(), engine: CPUEngine(threads: 1))
            }
            configuration.address = "127.0.0.1"
            configuration.certificate = ("absent.pem", "absent.key")
            let error = await #expect(throws: StudioError.self) {
                _ = try await StudioServer.start(configuration, model: TinyModel.model(), engine: CPUEngine(threads: 1))
            }
            #expect(error?.message.contains("absent.pem") == true)
        }
    }
}
