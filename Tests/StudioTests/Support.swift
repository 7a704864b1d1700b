import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import RainAnimation
import RainCPU
import RainGraph
import RainPose
import RainTesting
import Synchronization

@testable import RainStudio

/// A studio on a port of its own, stopped at the end.
struct TestStudio: Sendable {
    let server: StudioServer
    var port: Int { server.port }

    /// - Parameters:
    ///   - embedded: whether characters are alive, or a tiny model makes noise fast
    ///   - layered: whether the tiny model cuts its reference into layers
    ///   - style: what the tiny model is shown of drivers
    ///   - seconds: for a request's head, for its body, and of silence; few only where a client's patience is what is tried
    ///   - load: beyond which sessions are refused; by default none is, since that depends on how fast the machine is
    ///   - engine: `nil` for one of its own
    static func run<Result: Sendable>(
        embedded: Bool = false, layered: Bool = false, style: ModelConfiguration.PosePicture.Style = .face, sessions: Int = 4,
        connections: Int = 256,
        seconds: Int64 = 600, load: Double = .infinity,
        token: String? = nil, certificate: (String, String)? = nil, detector: (any LandmarkDetecting)? = nil, outputs: [String] = [],
        window: String = "1x4", state: String? = nil, given: SettingsChange = SettingsChange(), character: UInt64? = 7,
        isCommon: Bool = true, engine: (any Engine)? = nil, extraPages: [String: [UInt8]] = [:],
        _ body: @Sendable (TestStudio) async throws -> Result
    ) async throws -> Result {
        let model =
            try embedded
            ? AnimationModel.embedded() : layered ? AnimationModel.random(TinyModel.layered, seed: 1) : TinyModel.model(style: style)
        var configuration = StudioServer.Configuration(
            settings: SessionSettings(schedule: try StreamSchedule(window: window), framesPerSecond: 30))
        configuration.outputs = outputs
        configuration.isCommon = isCommon
        configuration.extraPages = extraPages
        configuration.port = 0
        configuration.character = character
        (configuration.stateFolder, configuration.given, configuration.mustKeep) = (state, given, true)
        configuration.sessions = sessions
        configuration.connections = connections
        configuration.limits.load = load
        // Who is left alone is parked in tests of just that, where time is handed in.
        configuration.limits.park = .seconds(36_000)
        (configuration.headSeconds, configuration.bodySeconds, configuration.silenceSeconds) = (seconds, seconds, seconds)
        configuration.token = token
        configuration.detector = detector
        // What a drawn film's detector sees is exact.
        configuration.cameraSmoothing = nil
        if let certificate { configuration.certificate = certificate }
        let server = try await StudioServer.start(
            configuration, model: model, engine: engine ?? CPUEngine(threads: embedded ? nil : 1))
        let serving = Task { try await server.run() }
        do {
            let result = try await body(TestStudio(server: server))
            serving.cancel()
            try await serving.value
            return result
        } catch {
            serving.cancel()
            try? await serving.value
            throw error
        }
    }

    /// The first session's id.
    func session() async throws -> String {
        struct List: Decodable { var sessions: [SessionState] }
        return try JSONDecoder().decode(List.self, from: Data(try await get("/api/v1/sessions").body)).sessions[0].id
    }

    func stats(_ session: String) async throws -> SessionStats {
        try JSONDecoder().decode(SessionStats.self, from: Data(try await get("/api/v1/sessions/\(session)/stats").body))
    }

    /// Waits until sessions have shown so many frames more.
    func frames(_ sessions: String..., more count: Int) async throws {
        for session in sessions {
            let before = try await stats(session).frames
            try await until("\(count) frames") { try await stats(session).frames >= before + count }
        }
    }

    func get(_ path: String, _ headers: [(String, String)] = []) async throws -> Answer { try await ask(.GET, path, headers: headers) }

    func ask(_ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], json: String) async throws -> Answer {
        try await ask(method, path, headers: headers + [("content-type", "application/json")], body: Array(json.utf8))
    }

    /// One request on a connection of its own.
    func ask(
        _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) async throws -> Answer {
        var text = "\(method.rawValue) \(path) HTTP/1.1\r\nConnection: close\r\n"
        if !headers.contains(where: { $0.0.lowercased() == "host" }) { text += "Host: localhost:\(port)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if !body.isEmpty || method != .GET { text += "Content-Length: \(body.count)\r\n" }
        let bytes = Array((text + "\r\n").utf8) + body
        return try await Wire.run(port: port) { wire in
            try await wire.send(bytes)
            return try Answer(await wire.readToEnd())
        }
    }

    func socket(_ session: String? = nil, origin: String? = nil) async throws -> WebSocketClient {
        let session = if let session { session } else { try await self.session() }
        return try await WebSocketClient.connect(port: port, path: "/api/v1/sessions/\(session)/socket", origin: origin)
    }
}

/// A response taken apart.
struct Answer: Sendable {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
    /// The code of a refusal.
    var code: String? {
        struct Refusal: Decodable {
            struct Words: Decodable { var code: String }
            var error: Words
        }
        return try? JSONDecoder().decode(Refusal.self, from: Data(body)).error.code
    }

    init(_ bytes: [UInt8]) throws {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw WireError(text: "no response in \(bytes.count) bytes") }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        status = Int(lines[0].split(separator: " ")[1]) ?? 0
        headers = [:]
        for line in lines.dropFirst() {
            let sides = line.split(separator: ":", maxSplits: 1)
            headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
        }
        body = Array(bytes[end.upperBound...])
    }
}

struct WireError: Error { var text: String }

/// A plain connection.
struct Wire: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let received = Received()

    private actor Received {
        var bytes: [UInt8] = []
        var isAtEnd = false
        func add(_ more: [UInt8]) { bytes += more }
        func end() { isAtEnd = true }
        func take() -> [UInt8] {
            defer { bytes = [] }
            return bytes
        }
    }

    static func run<Result: Sendable>(port: Int, _ body: @Sendable (Wire) async throws -> Result) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let wire = Wire(outbound: outbound)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        for try await buffer in inbound { await wire.received.add(Array(buffer.readableBytesView)) }
                    } catch {}
                    await wire.received.end()
                }
                defer { group.cancelAll() }
                return try await body(wire)
            }
        }
    }

    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// What has come since it was last asked for.
    func take() async -> [UInt8] { await received.take() }

    /// Everything until the other end closes; fails after a while.
    func readToEnd() async throws -> [UInt8] {
        try await until("the connection's end") { await received.isAtEnd }
        return await received.take()
    }

    /// Whether the other end closes; without a time, whether it does at all.
    func isClosed(within seconds: Double = 60) async -> Bool {
        (try? await until(seconds: seconds) { await received.isAtEnd }) != nil
    }
}

/// Asks again and again until something holds.
///
/// The limit only ends tests of what never comes. It says nothing about speed: where the tests themselves hardly get a turn, because all
/// processors are busy, as many questions are asked as a machine at rest has time for, however long they take.
func until(seconds: Double = 60, _ what: String = "something", _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    var asked = 0.0
    while try await !condition() {
        asked += 1
        guard ContinuousClock.now < end || asked < 10 * seconds else { throw WireError(text: "waited \(seconds) s for \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
