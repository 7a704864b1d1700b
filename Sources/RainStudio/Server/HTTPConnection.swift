import NIOCore
import NIOHTTP1

/// Converts what we write to what the HTTP encoder takes.
final class ResponsePartHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: HTTPServerResponsePart =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(head)
            case .body(let buffer): .body(.byteBuffer(buffer))
            case .end(let trailers): .end(trailers)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}

/// A connection that speaks HTTP: one request after the other.
struct HTTPConnection: Sendable {
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>
    typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPPart<HTTPResponseHead, ByteBuffer>>

    let router: Router
    let gate: Gate
    let metrics: StudioMetrics
    let time: Timekeeper

    func serve(_ channel: Channel) async throws {
        try await channel.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            var failure: HTTPParserError?
            do {
                while let part = try await parts.next(isolation: #isolation) {
                    guard case .head(let head) = part, try await answer(head, &parts, outbound, channel.channel) else { break }
                }
            } catch let error as HTTPParserError {
                // The pipeline has refused what is no request.
                failure = error
            }
            outbound.finish()
            try await linger(&parts, channel.channel)
            if let failure { throw failure }
        }
    }

    /// Reads what a client still sends, after the last answer, until it closes its side or its time is over.
    ///
    /// A socket that is closed while something on it is unread is reset, and what the client has not yet read of the answer is lost.
    private func linger(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator, _ channel: any NIOCore.Channel
    ) async throws {
        var count = 0
        do {
            while count <= 2 * Router.largestUpload, let part = try await parts.next(isolation: #isolation) {
                if case .body(let buffer) = part { count += buffer.readableBytes }
            }
            guard count <= 2 * Router.largestUpload else { return }
        } catch {
            // What is no request any more is read without being handed on.
        }
        try await channel.closeFuture.orCancelled(closing: channel)
    }

    /// - Returns: whether the connection stays open
    private func answer(
        _ head: HTTPRequestHead, _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator, _ outbound: Outbound,
        _ channel: any NIOCore.Channel
    ) async throws -> Bool {
        var response: StudioResponse
        var isWhole = false
        do {
            var request = try StudioRequest(head: head)
            switch gate.answer(request.method, path: request.path, query: request.query, request.headers) {
            case .refuse(let error): throw error
            case .keep(let token):
                response = Self.redirect(request, "token=\(token)", "kept=1")
                response.headers.append(
                    ("set-cookie", "\(Gate.cookie)=\(token); Path=/; HttpOnly; SameSite=Strict" + (gate.isSecure ? "; Secure" : "")))
                isWhole = try await discard(&parts, limit: Router.largestBody)
            case .kept:
                response = Self.redirect(request)
                isWhole = try await discard(&parts, limit: Router.largestBody)
            case .preflight:
                response = .done
                response.headers = [
                    ("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
                    ("access-control-allow-headers", "authorization, content-type"), ("access-control-max-age", "600"),
                ]
                isWhole = try await discard(&parts, limit: Router.largestBody)
            case .welcome:
                if Router.isFilm(request) {
                    try await router.admitFilm(request)
                    request.upload = try await upload(&parts, &isWhole)
                } else {
                    request.body = try await body(&parts, limit: Router.largestBody(request))
                }
                isWhole = true
                response = await router.respond(request)
            }
        } catch let error as StudioError {
            response = StudioResponse(error)
        }
        let stays = isWhole && head.isKeepAlive
        metrics.responded(response.status)
        try await write(response, to: head, stays: stays, outbound, channel)
        return stays
    }

    /// Sends a browser to the page, with so much in its address.
    private static func redirect(_ request: StudioRequest, _ query: String...) -> StudioResponse {
        var response = StudioResponse(303, type: "text/plain", [])
        // An overlay stays one.
        let all = (request.query["overlay"] == nil ? [] : ["overlay=1"]) + query
        response.headers.append(("location", "/" + (all.isEmpty ? "" : "?" + all.joined(separator: "&"))))
        return response
    }

    private func body(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator, limit: Int
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try await parts.next(isolation: #isolation) {
            switch part {
            case .head: break
            case .body(let buffer):
                guard bytes.count + buffer.readableBytes <= limit else {
                    throw StudioError(.tooLarge, "the body: expected at most \(limit) bytes, found more; send something smaller")
                }
                bytes += buffer.readableBytesView
            case .end: return bytes
            }
        }
        throw StudioError(.badRequest, "the body: expected more, found the connection's end")
    }

    /// A body that goes to the disk as it comes.
    ///
    /// - Parameter isWhole: becomes true with the body's end, also where what came is nothing to be kept
    private func upload(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator, _ isWhole: inout Bool
    ) async throws -> UploadedFile {
        try router.uploads.take()
        defer { router.uploads.giveBack() }
        let writer = UploadWriter(limit: Film.largestFile)
        while let part = try await parts.next(isolation: #isolation) {
            switch part {
            case .head: break
            case .body(let buffer): try await writer.write(buffer)
            case .end:
                isWhole = true
                return try await writer.finish()
            }
        }
        throw StudioError(.badRequest, "the body: expected more, found the connection's end")
    }

    /// - Returns: whether the request's end was reached
    private func discard(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator, limit: Int
    ) async throws -> Bool {
        var count = 0
        while count <= limit, let part = try await parts.next(isolation: #isolation) {
            switch part {
            case .head: return false
            case .body(let buffer): count += buffer.readableBytes
            case .end: return true
            }
        }
        return false
    }

    // MARK: Answering

    /// What every response says: nothing is kept or guessed.
    private static let usualHeaders: [(String, String)] = [
        ("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("cross-origin-opener-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
    ]

    /// Where the page's parts may come from, and whose pages may hold it.
    private var contentPolicy: (String, String) {
        let holders = gate.origins.isEmpty ? "'none'" : gate.origins.sorted().joined(separator: " ")
        return (
            "content-security-policy",
            "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; frame-ancestors \(holders); base-uri 'none'"
        )
    }

    /// Returns when the system has taken all of the answer: closing a connection drops what it has not.
    private func write(
        _ response: StudioResponse, to request: HTTPRequestHead, stays: Bool, _ outbound: Outbound, _ channel: any NIOCore.Channel
    ) async throws {
        var head = HTTPResponseHead(version: request.version, status: HTTPResponseStatus(statusCode: response.status))
        for (name, value) in Self.usualHeaders + [contentPolicy] + gate.sharing(with: request.headers) + response.headers {
            head.headers.add(name: name, value: value)
        }
        switch response.body {
        case .bytes(let bytes):
            if response.status != 204 { head.headers.add(name: "content-length", value: "\(bytes.count)") }
            head.headers.add(name: "connection", value: stays ? "keep-alive" : "close")
            try await outbound.write(.head(head))
            if request.method != .HEAD, !bytes.isEmpty { try await outbound.write(.body(ByteBuffer(bytes: bytes))) }
            try await end(channel)
        case .frames(let viewer, let session):
            head.headers.add(name: "connection", value: "close")
            do {
                try await outbound.write(.head(head))
                if request.method != .HEAD { try await write(framesOf: viewer, outbound) }
                try await end(channel)
            } catch {
                await session.leave(viewer)
                throw error
            }
            await session.leave(viewer)
        }
    }

    /// Ends an answer, and waits until the system has taken all of it.
    ///
    /// This goes past the writer, which does not tell when that is; what was written before is before it on the event loop too.
    private func end(_ channel: any NIOCore.Channel) async throws {
        let end: HTTPPart<HTTPResponseHead, ByteBuffer> = .end(nil)
        try await channel.writeAndFlush(end).orCancelled(closing: channel)
    }

    /// Pictures as they come. The connection itself holds back a client that is slow: then newer pictures replace older ones.
    private func write(framesOf viewer: Viewer, _ outbound: Outbound) async throws {
        while let next = await viewer.next() {
            guard case .frame(let frame) = next else { continue }
            let jpeg = try frame.images.jpeg()
            var part = ByteBuffer(string: "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: \(jpeg.count)\r\n\r\n")
            part.writeBytes(jpeg)
            part.writeString("\r\n")
            try await outbound.write(.body(part))
            viewer.acknowledge(frame.sequence)
            metrics.frameSent()
        }
    }
}

extension EventLoopFuture<Void> {
    /// Waits for what happens at the latest when a channel is closed; cancelling the task closes it.
    fileprivate func orCancelled(closing channel: any NIOCore.Channel) async throws {
        try await withTaskCancellationHandler {
            try await get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}
