import RainAnimation
import RainPose
import RainWorld

/// Gives an animator its driving frames, as fast as it takes them or as fast as they come, until there are enough or the user
/// interrupts.
struct DrivingFeeder: Sendable {
    let animator: Animator
    let source: DrivingSource
    /// The face of the reference, to which faces are carried over; `nil` for models that carry over by themselves.
    let face: LandmarkFrame?
    /// `nil` for as many as there are.
    let count: Int?
    let framesPerSecond: Double
    /// Whether frames that the animator has no room for are dropped.
    let isLive: Bool
    /// Started with the first frame, for a pace that a file does not have by itself; `nil` for none.
    let clock: PlaybackClock?
    /// Whether the driver's distance to the camera does not count.
    var keepsDistance = true

    /// How many frames at the start show the driver at rest.
    private static let restFrames = 8

    /// - Returns: what ended the driving before its time, if anything did
    func run() async -> (any Error)? {
        defer { animator.finish() }
        do {
            try await feed()
            return nil
        } catch {
            return error
        }
    }

    private func feed() async throws {
        var frames = source.makeAsyncIterator()
        var head: [DrivingFrame] = []
        while head.count < Self.restFrames, !Interrupt.requested, let frame = try await frames.next() { head.append(frame) }
        let neutral = LandmarkFrame.median(of: head.map(\.pose.face))
        let carry = face.flatMap { face in
            neutral.map { FaceCarrier(source.driver, neutral: $0, to: face) }
        }
        var keeper = DistanceKeeper()
        /// A whole person at the distance of the beginning.
        func kept(_ pose: DrivingPose, _ index: Int) -> DrivingPose {
            guard keepsDistance, source.driver == .person, let neutral else { return pose }
            return keeper(pose, neutral: neutral, at: Double(index) / framesPerSecond)
        }
        var even = EvenFrames(framesPerSecond: framesPerSecond, drivingRate: source.framesPerSecond)
        var given = 0
        let start = ContinuousClock.now
        clock?.start()
        var waiting = head[...]
        while true {
            let frame: DrivingFrame?
            if let first = waiting.popFirst() { frame = first } else { frame = try await frames.next() }
            if let frame { even.push(frame) } else { even.finish() }
            while let pose = even.next() {
                guard count.map({ given < $0 }) ?? true, !Interrupt.requested, !Task.isCancelled else { return }
                if clock != nil {
                    guard await Pace.wait(until: start + .seconds(Double(given) / framesPerSecond)) else { return }
                }
                let carried = carry.map { .face($0(pose.face, keepsDistance: keepsDistance)) } ?? kept(pose, given)
                let timestamp = animator.now() - (frame?.delay ?? .zero)
                if isLive {
                    animator.offer(carried, timestamp: timestamp)
                } else {
                    await animator.push(carried, timestamp: timestamp)
                }
                given += 1
            }
            guard frame != nil, count.map({ given < $0 }) ?? true, !Interrupt.requested, !Task.isCancelled else { return }
        }
    }
}
