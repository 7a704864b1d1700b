import RainAnimation
import RainPictures

/// Takes an animator's pictures as they are finished and shows them when their time has come. Nothing piles up: the animator
/// computes only what is asked for, and of what waits to be shown the oldest gives way.
struct LiveStream: Sendable {
    let id: Int
    let animator: Animator
    let time: Timekeeper

    private struct Waiting: Sendable {
        var frame: AnimatedFrame
        var shown: ShownPicture
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
                    await session.show(next.frame, as: next.shown, stream: id)
                }
            }
            group.addTask {
                defer { continuation.finish() }
                do {
                    var playout = Playout(framesPerGroup: animator.schedule.framesPerGroup)
                    for try await frame in animator.frames {
                        guard let session = weak.session else { return }
                        let look = await session.look
                        let due = playout.due(index: frame.index, at: time.now(), period: look.period)
                        continuation.yield(Waiting(frame: frame, shown: ShownPicture(frame.picture, look), due: due))
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

/// How a session's frames are shown.
struct Look: Sendable {
    var period: Duration
    var background: Background
    var matte: Matte
}

/// A picture of the model before the session's background.
struct ShownPicture: Sendable {
    let picture: Picture
    let images: FrameImages

    init(_ source: Picture, _ look: Look) {
        // What cannot be transparent is green.
        let background = look.background == .transparent ? .green : look.background
        guard case .color(let red, let green, let blue) = background else {
            picture = source
            images = FrameImages(source, source: (source, look.matte))
            return
        }
        let cut = look.matte.cut(source)
        picture = cut.over(red: red, green: green, blue: blue)
        images = FrameImages(picture, cut: cut)
    }
}
