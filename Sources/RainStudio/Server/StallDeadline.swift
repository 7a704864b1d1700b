import NIOCore

/// Closes connections whose client does not read: what is written to them would wait for ever.
final class StallDeadline: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let patience: TimeAmount
    private let metrics: StudioMetrics
    private var scheduled: Scheduled<Void>?

    init(patience: TimeAmount, metrics: StudioMetrics) {
        self.patience = patience
        self.metrics = metrics
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        scheduled?.cancel()
        scheduled = nil
        if !context.channel.isWritable {
            let (channel, metrics) = (context.channel, metrics)
            scheduled = context.eventLoop.scheduleTask(in: patience) {
                metrics.timedOut()
                channel.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func handlerRemoved(context: ChannelHandlerContext) { scheduled?.cancel() }
}
