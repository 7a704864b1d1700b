import RainAnimation
import RainMedia

/// Takes an animator's pictures as they are finished and shows them when their time has come. Nothing piles up: the animator
/// computes only what is asked for, and of what waits to be shown the oldest gives way.
struct LiveStream: Sendable {
    let id: Int
    let animator: Animator
    let time: Timekeeper

    private struct Waiting: Sendable {
        var frame: AnimatedFrame
        var jpeg: [UInt8]
        var due: Duration
    }

    func run(showing session: StudioSession?) async {
        guard let session else { return }
        let weak = WeakSession(session: session)
        let (waiting, continuation) = AsyncStream<Waiting>.makeStream(
            bufferingPolicy: .bufferingNewest(2 * animator.schedule.framesPerGroup))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await next in waiting {
                    await time.wait(next.due)
                    guard !Task.isCancelled, let session = weak.session else { return }
                    await session.show(next.frame, jpeg: next.jpeg, stream: id)
                }
            }
            group.addTask {
                defer { continuation.finish() }
                do {
                    var playout = Playout(framesPerGroup: animator.schedule.framesPerGroup)
                    for try await frame in animator.frames {
                        guard let session = weak.session else { return }
                        let period = Duration.seconds(1 / (await session.settings.framesPerSecond))
                        let due = playout.due(index: frame.index, at: time.now(), period: period)
                        continuation.yield(Waiting(frame: frame, jpeg: try PictureWriter.jpeg(frame.picture), due: due))
                    }
                } catch {
                    await weak.session?.failed(error, stream: id)
                }
            }
        }
    }
}

/// Lets a session go while its stream still runs.
private struct WeakSession: Sendable {
    weak let session: StudioSession?
}
