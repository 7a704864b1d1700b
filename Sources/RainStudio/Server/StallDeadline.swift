import NIOCore

/// Closes connections whose client does not read: what is written to them would wait for ever.
///
/// A client that reads slowly is another thing: as long as the system takes more of what is written, however little, it has its time.
final class StallDeadline: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// How many times within its patience a connection is looked at.
    private static let looks = 4

    private let patience: TimeAmount
    private let metrics: StudioMetrics
    /// Bytes that were handed to the channel, and how many of them the system had taken when last looked at.
    private var written = 0
    private var taken = 0
    /// Looks in a row at which it had taken nothing.
    private var idle = 0
    private var scheduled: Scheduled<Void>?

    init(patience: TimeAmount, metrics: StudioMetrics) {
        self.patience = patience
        self.metrics = metrics
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
        guard scheduled == nil else { return }
        idle = 0
        schedule(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { scheduled?.cancel() }

    private func schedule(_ context: ChannelHandlerContext) {
        scheduled = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(patience.nanoseconds / Int64(Self.looks))) { [self] in
            scheduled = nil
            look(context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        guard let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes), waiting > 0 else { return }
        idle = written - waiting > taken ? 0 : idle + 1
        taken = written - waiting
        guard idle < Self.looks else {
            metrics.timedOut()
            return context.channel.close(promise: nil)
        }
        schedule(context)
    }
}
