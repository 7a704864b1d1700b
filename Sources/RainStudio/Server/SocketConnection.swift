import NIOCore
import NIOWebSocket
import RainMedia
import RainPictures
import Synchronization

/// A connection that speaks WebSocket: frames and news go out, driving comes in.
struct SocketConnection: Sendable {
    typealias Channel = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    let session: StudioSession
    let metrics: StudioMetrics
    let time: Timekeeper

    /// After what silence a client is taken for gone; it is asked meanwhile.
    let patience: Duration
    /// Into how many intervals silence is divided, in each of which a client is asked.
    private static let pings = 3
    /// What the client can decode, best first; pictures if nothing.
    let video: [PacketEncoder.Codec]
    /// Whether the client gets the character alone, with transparency.
    let isCut: Bool
    /// Messages a second that are listened to, and how many beyond that end the connection.
    private static let rate = 400.0
    /// Pictures of a camera a second that are listened to.
    private static let pictureRate = 60.0
    private static let mostRefused = 20_000

    private struct Ended: Error {
        var code: WebSocketErrorCode
        var reason: String
    }

    func serve(_ channel: Channel) async throws {
        try await channel.executeThenClose { inbound, outbound in
            let viewer: Viewer
            do {
                viewer = try await session.watch()
            } catch {
                return await close(outbound, Ended(code: .unknown(1013), reason: "\(error)"))
            }
            let heard = Heard()
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await read(inbound, outbound, viewer, heard) }
                    group.addTask { try await write(outbound, viewer, channel.channel.allocator) }
                    group.addTask { try await watch(outbound, heard) }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } catch let ended as Ended {
                await session.leave(viewer)
                return await close(outbound, ended)
            } catch {
                await session.leave(viewer)
                throw error
            }
            await session.leave(viewer)
            await close(outbound, Ended(code: .goingAway, reason: "the session ended"))
        }
    }

    // MARK: The three tasks

    private func write(_ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ viewer: Viewer, _ allocator: ByteBufferAllocator)
        async throws
    {
        let wanted = isCut ? [] : video.filter(\.isAvailable)
        let mayEncode = wanted.isEmpty ? false : await session.mayEncode(viewer)
        var video = VideoOfViewer(wanted: mayEncode ? wanted : [])
        while let next = await viewer.next() {
            switch next {
            case .text(let text): try await outbound.write(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text)))
            case .pong(let page):
                let bytes = FrameMessage.pong(page: page, now: time.now(), allocator: allocator)
                try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: bytes))
            case .answer(let answer):
                let bytes = answer.message(allocator: allocator)
                try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: bytes))
            case .frame(let frame):
                let payload = try isCut ? (.png, frame.images.cutPNG(), true) : video.packet(frame) ?? (.jpeg, frame.images.jpeg(), true)
                let bytes = FrameMessage.frame(
                    frame, payload: payload, for: viewer.number, dropped: viewer.dropped, now: time.now(), allocator: allocator)
                try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: bytes))
                metrics.frameSent()
            }
        }
    }

    /// Asks now and then whether the client is there; a connection whose other end vanished would stay for ever.
    ///
    /// Silent intervals in a row are counted, not time since the last word: where the studio itself was held up, because the machine slept or
    /// had no time, what clients said meanwhile is still to be read.
    private func watch(_ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ heard: Heard) async throws {
        var silent = 0
        while !Task.isCancelled {
            try await outbound.write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
            try await Task.sleep(for: patience / Self.pings)
            silent = heard.take() ? 0 : silent + 1
            guard silent < Self.pings else {
                metrics.timedOut()
                throw Ended(code: .goingAway, reason: "nothing was heard for \(patience.components.seconds) seconds")
            }
        }
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>,
        _ viewer: Viewer, _ heard: Heard
    ) async throws {
        var budget = RateLimit(rate: Self.rate, burst: 2 * Self.rate)
        var pictures = RateLimit(rate: Self.pictureRate, burst: Self.pictureRate)
        var refused = 0
        for try await frame in inbound {
            let now = time.now()
            heard.note()
            switch frame.opcode {
            case .connectionClose: throw Ended(code: .normalClosure, reason: "")
            case .ping:
                guard budget.admits(at: now) else { continue }
                try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
            case .pong: continue
            case .binary:
                guard budget.admits(at: now) else {
                    refused += 1
                    metrics.messageRefused()
                    guard refused < Self.mostRefused else {
                        throw Ended(code: .policyViolation, reason: "expected at most \(Int(Self.rate)) messages a second")
                    }
                    continue
                }
                do {
                    let message = try ClientMessage(frame.unmaskedData)
                    if case .picture = message, !pictures.admits(at: now) { continue }
                    try await take(message, viewer)
                    metrics.messageTaken()
                } catch {
                    metrics.messageRefused()
                    throw Ended(code: .dataInconsistentWithMessage, reason: "\(error)")
                }
            default: throw Ended(code: .unacceptableData, reason: "expected binary messages, see Docs/StudioProtocol.md")
            }
        }
    }

    private func take(_ message: ClientMessage, _ viewer: Viewer) async throws(StudioError) {
        func stamp(_ time: Double) throws(StudioError) -> InputStamp? {
            if time.isNaN { return nil }
            guard time >= 0, time < 1e13 else { throw StudioError(.badRequest, "the time: expected milliseconds or NaN, found \(time)") }
            return InputStamp(client: viewer.number, milliseconds: time)
        }
        switch message {
        // What is older than something already said is passed over.
        case .controls(let controls, let time): _ = await session.drive(controls, from: try stamp(time))
        case .landmarks(let frame, let time): _ = await session.drive(frame, from: try stamp(time))
        case .picture(let bytes, let time):
            guard let stamp = try stamp(time) else { throw StudioError(.badRequest, "a picture: expected its time, found NaN") }
            await session.look(at: bytes, from: stamp, for: viewer)
        case .acknowledge(let sequence): viewer.acknowledge(sequence)
        case .ping(let time): viewer.pong(time)
        }
    }

    private func close(_ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ ended: Ended) async {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: ended.code)
        // A control frame has at most 125 bytes.
        data.writeString(String(decoding: ended.reason.utf8.prefix(120), as: UTF8.self))
        if data.readableBytes > 125 { data.moveWriterIndex(to: 125) }
        try? await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
    }
}

/// The video of one viewer: only what is sent is encoded, so that nothing that follows is missing what it builds on.
private struct VideoOfViewer {
    private var wanted: [PacketEncoder.Codec]
    private var encoder: PacketEncoder?
    /// For which the encoder was made.
    private var rate = 0.0

    init(wanted: [PacketEncoder.Codec]) { self.wanted = wanted }

    /// - Returns: `nil` where the client gets pictures
    mutating func packet(_ frame: StudioFrame) -> (codec: FrameMessage.Codec, bytes: [UInt8], isKey: Bool)? {
        while let codec = wanted.first {
            do {
                var isFirst = false
                let (picture, rate) = (frame.picture, frame.framesPerSecond)
                if encoder?.width != picture.width || encoder?.height != picture.height || self.rate != rate {
                    encoder = try PacketEncoder(codec, width: picture.width, height: picture.height, framesPerSecond: rate)
                    self.rate = rate
                    isFirst = true
                }
                if let packet = try encoder?.encode(frame.picture, key: isFirst) {
                    return (.init(codec), packet.bytes, packet.isKey)
                }
                return nil
            } catch {
                // One that cannot do this size, or fails, is not asked again.
                wanted.removeFirst()
                encoder = nil
            }
        }
        return nil
    }
}

/// How often something may happen: so much a second, and a bit more at once. Pure.
struct RateLimit: Sendable {
    private let rate: Double
    private let burst: Double
    private var left: Double
    private var last: Duration?

    init(rate: Double, burst: Double) {
        (self.rate, self.burst, left) = (rate, burst, burst)
    }

    mutating func admits(at now: Duration) -> Bool {
        left = min(burst, left + max(0, last.map { (now - $0).seconds } ?? 0) * rate)
        last = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}

/// Whether a client was heard of.
private final class Heard: Sendable {
    private let isNew = Atomic(false)

    func note() { isNew.store(true, ordering: .relaxed) }

    /// Whether it was since this was last asked.
    func take() -> Bool { isNew.exchange(false, ordering: .relaxed) }
}
