public import RainGraph
public import RainPictures
public import RainPose

/// A picture of the stream.
public struct AnimatedFrame: Sendable {
    public let picture: Picture
    /// Number of the frame among those that entered the batch, from 0; without gaps.
    public let index: Int
    /// When the driving frame was captured, as its giver said, on the animator's clock.
    public let captureTimestamp: Duration
    /// When the picture was handed over, on the animator's clock.
    public let deliveryTimestamp: Duration
    /// What the giver of the driving frame attached to it; 0 if nothing.
    public let tag: UInt64
    /// How long the computation took that completed it: a step of all frames then in flight, and decoding its group.
    public let computation: Duration
    /// How many streams that computation was of.
    public let streams: Int

    /// End to end: from capture to delivery.
    public var latency: Duration { deliveryTimestamp - captureTimestamp }
}

/// Animates a character without end: fuse a reference picture, push driving frames, and take pictures.
///
/// Frames are computed when the one consumer of `frames` asks for them, so nothing piles up anywhere: at most one group waits to
/// enter, `schedule.frames` are in flight, and one group waits to be taken. When driving frames come faster than they can be
/// animated, `InputPolicy` decides; a frame that has entered the batch is always delivered, in order.
///
/// A step runs from its first to its last kernel without suspension, on a thread of the animator's own, so that it never blocks
/// the threads that other tasks share. The same seed and frames give the same pictures.
public actor Animator {
    private let batch: StreamBatch
    /// The clock of all timestamps.
    public nonisolated let now: @Sendable () -> Duration
    private nonisolated let mailbox: FrameMailbox
    private nonisolated let executor = QueueExecutor(label: "rain.animator")

    public nonisolated let configuration: ModelConfiguration
    public nonisolated let schedule: StreamSchedule

    /// When a frame in flight was captured, and what is attached to it.
    private typealias Capture = (timestamp: Duration, tag: UInt64)
    /// Those of the frames in flight, oldest first; nil for frames that only fill up the last group.
    private var captures: [Capture?] = []
    private var ready: [(picture: Picture, capture: Capture)] = []
    private var nextReady = 0
    /// How long it took to make what is ready.
    private var computation: (time: Duration, streams: Int) = (.zero, 1)
    private var delivered = 0
    private var isTaking = false

    /// - Parameters:
    ///   - schedule: `nil` for the window the model was trained for
    ///   - seed: of all noise
    ///   - guidance: for models with a guidance embedding; `nil` for their usual one
    ///   - poseStyle: how driving frames are drawn for the model; `nil` for its usual way
    ///   - common: of the same model, engine and schedule, for animators that compute together where they can
    ///   - now: the clock of all timestamps; by default the time since the animator was made
    /// - Throws: `AnimationError` for a schedule or setting the model cannot have; what the engine and the model's parameters throw
    public init(
        model: AnimationModel, engine: any Engine, schedule: StreamSchedule? = nil, seed: UInt64 = 0, guidance: Float? = nil,
        poseStyle: PoseStyle? = nil, policy: InputPolicy = .backPressure, common: CommonStep? = nil,
        now: (@Sendable () -> Duration)? = nil
    ) throws {
        batch = try StreamBatch(
            model: model, engine: engine, schedule: schedule, seed: seed, guidance: guidance, poseStyle: poseStyle, common: common)
        configuration = batch.configuration
        self.schedule = batch.schedule
        let start = ContinuousClock.now
        self.now = now ?? { ContinuousClock.now - start }
        mailbox = FrameMailbox(groupSize: batch.schedule.framesPerGroup, policy: policy)
        captures.reserveCapacity(batch.schedule.frames)
        ready.reserveCapacity(batch.schedule.framesPerGroup)
    }

    // Safe: the actor owns its executor.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Makes a picture the reference; it replaces the former one at the next boundary between groups, also for frames in flight.
    ///
    /// - Parameters:
    ///   - reference: fitted to the model's size by cropping, if it has another
    ///   - landmarks: of the reference picture; `nil` for `LandmarkFrame.neutral`
    public func fuse(reference: Picture, landmarks: LandmarkFrame? = nil) throws {
        try batch.fuse(reference: reference, landmarks: landmarks)
    }

    /// The same for a character in layers.
    public func fuse(_ reference: CharacterArt, landmarks: LandmarkFrame?) throws { try batch.fuse(reference, landmarks: landmarks) }

    /// Hands over the next driving frame. Waits for room with `.backPressure`; never waits with `.newestWins`.
    ///
    /// - Parameter timestamp: when it was captured, on the animator's clock
    public nonisolated func push(_ pose: DrivingPose, timestamp: Duration) async {
        await mailbox.give(CapturedFrame(pose: pose, timestamp: timestamp))
    }

    /// Hands over the next driving frame, as landmarks of a drawn face.
    public nonisolated func push(_ frame: LandmarkFrame, timestamp: Duration) async { await push(.face(frame), timestamp: timestamp) }

    /// Hands over the newest driving frame without waiting; the oldest one not yet in the batch gives way if there is no room.
    ///
    /// - Parameters:
    ///   - timestamp: when it was captured, on the animator's clock
    ///   - tag: comes back with the picture of this frame
    public nonisolated func offer(_ pose: DrivingPose, timestamp: Duration, tag: UInt64 = 0) {
        mailbox.offer(CapturedFrame(pose: pose, timestamp: timestamp, tag: tag))
    }

    /// Hands over the newest driving frame, as landmarks of a drawn face.
    public nonisolated func offer(_ frame: LandmarkFrame, timestamp: Duration) { offer(.face(frame), timestamp: timestamp) }

    /// Says that no more driving frames will come: the frames in flight are delivered, and `frames` ends.
    public nonisolated func finish() { mailbox.finish() }

    /// Driving frames that gave way to newer ones before they entered the batch.
    public nonisolated var droppedFrames: Int { mailbox.dropped }

    /// Steps begun so far, those at the end of the stream included; of the first `schedule.levels` only the last gives frames.
    public nonisolated var startedSteps: Int { mailbox.takes }

    /// Driving frames that wait to enter the batch; at most one group.
    public nonisolated var waitingFrames: Int { mailbox.waiting }

    /// Whether whoever takes frames waits for driving frames, all earlier ones having been worked on.
    nonisolated var isHungry: Bool { mailbox.isHungry }

    /// The pictures, in order. For one consumer; whoever asks for the next picture makes the animator compute it.
    public nonisolated var frames: Frames { Frames(animator: self) }

    /// See `Animator.frames`.
    public struct Frames: AsyncSequence, Sendable {
        public typealias Element = AnimatedFrame
        public typealias Failure = any Error

        let animator: Animator

        public func makeAsyncIterator() -> Iterator { Iterator(animator: animator) }

        public struct Iterator: AsyncIteratorProtocol {
            let animator: Animator

            /// - Throws: `AnimationError.usage` without a reference, `.numbers` if a result is not finite; what the engine throws
            public mutating func next() async throws -> AnimatedFrame? { try await animator.next() }

            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> AnimatedFrame? {
                try await animator.next()
            }
        }
    }

    private func next() async throws -> AnimatedFrame? {
        precondition(!isTaking, "one task takes frames at a time")
        isTaking = true
        defer { isTaking = false }
        while nextReady == ready.count {
            if let group = await mailbox.take() {
                try push(group)
            } else if Task.isCancelled {
                return nil
            } else {
                guard let pictures = try batch.drain() else { return nil }
                keep(pictures)
            }
        }
        defer { nextReady += 1 }
        let frame = ready[nextReady]
        delivered += 1
        return AnimatedFrame(
            picture: frame.picture, index: delivered - 1, captureTimestamp: frame.capture.timestamp, deliveryTimestamp: now(),
            tag: frame.capture.tag, computation: computation.time, streams: computation.streams)
    }

    private func push(_ group: [CapturedFrame]) throws {
        var poses = group.map(\.pose)
        captures += group.map { ($0.timestamp, $0.tag) }
        // The last group of a stream may be short; its last frame fills it up, and what comes of that is not delivered.
        while poses.count < schedule.framesPerGroup {
            poses.append(poses[poses.count - 1])
            captures.append(nil)
        }
        keep(try batch.push(poses))
    }

    private func keep(_ pictures: [Picture]) {
        guard !pictures.isEmpty else { return }
        computation = batch.computation
        ready.removeAll(keepingCapacity: true)
        nextReady = 0
        for (picture, capture) in zip(pictures, captures) {
            if let capture { ready.append((picture, capture)) }
        }
        captures.removeFirst(pictures.count)
    }
}
