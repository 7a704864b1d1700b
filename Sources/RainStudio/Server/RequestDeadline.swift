import NIOCore
import NIOHTTP1

/// Closes connections on which too little comes: a request's head and its body each have their time, however slowly they drip. A body that
/// comes as fast as a slow line carries it may take as long as it takes, and so may an answer: the time of the next head begins when the
/// system has taken all of it.
final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let head: TimeAmount
    private let body: TimeAmount
    private let metrics: StudioMetrics
    /// Bytes of a body since its time was last counted anew, and how many it takes to have it counted anew.
    private var arrived = 0
    private static let worthOneBody = 4 << 20
    /// Requests so far.
    private var requests = 0
    private var scheduled: Scheduled<Void>?

    init(head: TimeAmount, body: TimeAmount, metrics: StudioMetrics) {
        self.head = head
        self.body = body
        self.metrics = metrics
    }

    func handlerAdded(context: ChannelHandlerContext) { restart(head, context) }

    func handlerRemoved(context: ChannelHandlerContext) { scheduled?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        scheduled?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            arrived = 0
            requests += 1
            restart(body, context)
        case .body(let buffer):
            arrived += buffer.readableBytes
            guard arrived >= Self.worthOneBody else { break }
            arrived = 0
            restart(body, context)
        case .end: scheduled?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        let written = promise ?? context.eventLoop.makePromise()
        let answered = requests
        written.futureResult.assumeIsolated().whenSuccess { [self] in
            // The next request may be here already, and its time is counted.
            if requests == answered { restart(head, context) }
        }
        context.write(data, promise: written)
    }

    private func restart(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        scheduled?.cancel()
        let (channel, metrics) = (context.channel, metrics)
        scheduled = context.eventLoop.scheduleTask(in: time) {
            metrics.timedOut()
            channel.close(promise: nil)
        }
    }
}
