import NIOCore
import NIOHTTP1

/// Closes connections on which too little comes: a request's head and its body each have their time, however slowly they drip. A body that
/// comes as fast as a slow line carries it may take as long as it takes.
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
        if case .end = unwrapOutboundIn(data) { restart(head, context) }
        context.write(data, promise: promise)
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
