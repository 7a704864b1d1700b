import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

@testable import RainStudio

/// A small WebSocket client.
actor WebSocketClient {
    enum Message: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
        case closed(UInt16)
    }

    private nonisolated let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    private nonisolated let channel: any Channel
    private var messages: [Message] = []
    private var taken = 0
    private var reading: Task<Void, Never>?
    /// Whether frames are read at all.
    private(set) var binaryCount = 0

    private init(outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, channel: any Channel) {
        self.outbound = outbound
        self.channel = channel
    }

    /// - Throws: `WireError` if the other end does not speak WebSocket with us
    static func connect(port: Int, path: String, origin: String? = nil, host: String? = nil) async throws -> WebSocketClient {
        typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>
        let result = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketClientUpgrader<Frames?>(
                        maxFrameSize: 1 << 26,
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture { try Frames(wrappingChannelSynchronously: channel) }
                        })
                    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path)
                    head.headers.add(name: "Host", value: host ?? "localhost:\(port)")
                    head.headers.add(name: "Content-Length", value: "0")
                    if let origin { head.headers.add(name: "Origin", value: origin) }
                    let configuration = NIOTypedHTTPClientUpgradeConfiguration<Frames?>(
                        upgradeRequestHead: head, upgraders: [upgrader],
                        notUpgradingCompletionHandler: { channel in
                            channel.close(promise: nil)
                            return channel.eventLoop.makeSucceededFuture(nil)
                        })
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                        configuration: .init(upgradeConfiguration: configuration))
                }
            }
        guard let channel = try await result.get() else { throw WireError(text: "no WebSocket at \(path)") }
        return await withCheckedContinuation { continuation in
            Task {
                try? await channel.executeThenClose { inbound, outbound in
                    let client = WebSocketClient(outbound: outbound, channel: channel.channel)
                    continuation.resume(returning: client)
                    do {
                        for try await frame in inbound { await client.take(frame) }
                    } catch {}
                    await client.end()
                }
            }
        }
    }

    private func take(_ frame: WebSocketFrame) async {
        switch frame.opcode {
        case .text: messages.append(.text(String(buffer: frame.unmaskedData)))
        case .binary:
            binaryCount += 1
            messages.append(.binary(Array(frame.unmaskedData.readableBytesView)))
        case .ping: try? await send(.pong, frame.unmaskedData)
        case .connectionClose:
            var data = frame.unmaskedData
            messages.append(.closed(data.readInteger() ?? 1005))
        default: break
        }
    }

    private func end() { messages.append(.closed(1006)) }

    nonisolated func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, fin: Bool = true) async throws {
        try await outbound.write(WebSocketFrame(fin: fin, opcode: opcode, maskKey: .random(), data: data))
    }

    nonisolated func send(_ bytes: [UInt8]) async throws { try await send(.binary, ByteBuffer(bytes: bytes)) }

    nonisolated func close() { channel.close(promise: nil) }

    /// The next message; waits for it.
    func next() async throws -> Message {
        try await until("a message") { taken < messages.count }
        taken += 1
        return messages[taken - 1]
    }

    /// The next message that something holds for; others are passed over.
    func next<Value>(where choose: (Message) throws -> Value?) async throws -> Value {
        let end = ContinuousClock.now + .seconds(60)
        var passed = 0
        // Frames and figures go on coming where what is waited for does not.
        while ContinuousClock.now < end || passed < 200 {
            passed += 1
            let message = try await next()
            if let value = try choose(message) { return value }
            if case .closed(let code) = message { throw WireError(text: "closed with \(code)") }
        }
        throw WireError(text: "nothing like that in \(passed) messages")
    }

    /// The code with which the other end closes.
    func closing() async throws -> UInt16 {
        try await next { if case .closed(let code) = $0 { code } else { nil } }
    }
}

/// A frame as the protocol has it.
struct ReceivedFrame: Sendable {
    var codec: UInt8
    var flags: UInt16
    var sequence: UInt32
    var captured: Double
    var sent: Double
    var input: Double
    var generation: UInt32
    var dropped: UInt32
    var picture: [UInt8]

    init?(_ message: WebSocketClient.Message) {
        guard case .binary(let bytes) = message, bytes.count > 40, bytes[0] == 1 else { return nil }
        func number<Number: FixedWidthInteger>(_ place: Int, _ type: Number.Type = Number.self) -> Number {
            (0..<MemoryLayout<Number>.size).reduce(0) { $0 | Number(truncatingIfNeeded: bytes[place + $1]) << Number($1 * 8) }
        }
        codec = bytes[1]
        flags = number(2)
        sequence = number(4)
        captured = Double(bitPattern: number(8))
        sent = Double(bitPattern: number(16))
        input = Double(bitPattern: number(24))
        generation = number(32)
        dropped = number(36)
        picture = Array(bytes[40...])
    }
}

extension PictureAnswer {
    /// As the protocol has it.
    init?(_ message: WebSocketClient.Message) {
        guard case .binary(let bytes) = message, bytes.count >= 9 else { return nil }
        func number<Number: FixedWidthInteger>(_ place: Int, _ type: Number.Type = Number.self) -> Number {
            (0..<MemoryLayout<Number>.size).reduce(0) { $0 | Number(truncatingIfNeeded: bytes[place + $1]) << Number($1 * 8) }
        }
        func float(_ place: Int) -> Float { Float(bitPattern: number(place)) }
        let time = Double(bitPattern: number(1))
        switch bytes[0] {
        case 4 where bytes.count == 9: self = .received(time: time)
        case 5 where bytes.count >= 15 && bytes.count == 15 + 12 * Int(number(13, UInt16.self)):
            let points = stride(from: 15, to: bytes.count, by: 12).map { SIMD3(float($0), float($0 + 4), float($0 + 8)) }
            self = .seen(time: time, milliseconds: Double(float(9)), points: points)
        default: return nil
        }
    }

    var time: Double {
        switch self {
        case .received(let time), .seen(let time, _, _): time
        }
    }
}

/// What clients send.
enum Sent {
    static func controls(_ values: [Controls.Field: Float], time: Double) -> [UInt8] {
        var mask: UInt16 = 0
        for field in values.keys { mask |= 1 << UInt16(field.rawValue) }
        var message: [UInt8] = [1]
        message += bytes(mask)
        message += bytes(time.bitPattern)
        for field in Controls.Field.allCases { message += bytes((values[field] ?? 0).bitPattern) }
        return message
    }

    static func acknowledge(_ sequence: UInt32) -> [UInt8] { [2] + bytes(sequence) }
    static func picture(_ picture: [UInt8], time: Double) -> [UInt8] { [5] + bytes(time.bitPattern) + picture }
    static func ping(_ time: Double) -> [UInt8] { [3] + bytes(time.bitPattern) }

    static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<MemoryLayout<Number>.size).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    }
}
