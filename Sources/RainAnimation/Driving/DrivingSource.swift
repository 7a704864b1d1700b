public import RainPictures
public import RainPose

/// What drives a character, frame by frame: the frames of a landmark file, or persons found in pictures as they come.
///
/// Detection happens in the task that takes frames, while the animator computes on a thread of its own: neither waits for the
/// other longer than the mailbox between them has room. For one consumer.
public struct DrivingSource: AsyncSequence, Sendable {
    public typealias Element = DrivingFrame
    public typealias Failure = any Error

    /// The next picture with its time in seconds, or nil at the end.
    public typealias Pictures = @Sendable () async throws -> (picture: Picture, seconds: Double)?

    /// What the source is called in messages.
    public let name: String
    /// Usual frames per second, if known.
    public let framesPerSecond: Double?
    /// How many frames there are, if known.
    public let frameCount: Int?
    /// Whether there can be bodies and hands.
    public let hasBody: Bool
    /// Whose landmarks they are.
    public let driver: DriverKind
    private let origin: Origin

    private enum Origin: Sendable {
        case file(LandmarkFile, PersonTracker.Settings, repeats: Bool)
        case pictures(Pictures, any LandmarkDetecting, PersonTracker.Settings, isLate: @Sendable (Double) -> Bool)
    }

    /// The frames of a landmark file, tracked like detected ones.
    ///
    /// - Parameter repeats: whether it starts over at its end, for ever
    public init(_ file: LandmarkFile, name: String, tracking: PersonTracker.Settings = .init(), repeats: Bool = false) {
        self.name = name
        framesPerSecond = file.framesPerSecond
        frameCount = file.frameCount
        hasBody = file[0].hasBody
        driver = file.driver
        origin = .file(file, tracking, repeats: repeats)
    }

    /// The persons in pictures: in each the one who takes most room, looked for in the largest square in the middle.
    ///
    /// Pictures before the first person are passed over. When nobody is in view later, see `PersonTracker`.
    ///
    /// - Parameters:
    ///   - isLate: whether it is too late to look at a picture of a time; for live driving, which then catches up
    public init(
        pictures: @escaping Pictures, name: String, framesPerSecond: Double?, detector: any LandmarkDetecting,
        tracking: PersonTracker.Settings = .init(), isLate: @escaping @Sendable (Double) -> Bool = { _ in false }
    ) {
        self.name = name
        self.framesPerSecond = framesPerSecond
        frameCount = nil
        hasBody = true
        driver = .person
        origin = .pictures(pictures, detector, tracking, isLate: isLate)
    }

    public func makeAsyncIterator() -> Iterator {
        switch origin {
        case .file(let file, let settings, let repeats):
            Iterator(source: .file(file, repeats: repeats), name: name, tracker: PersonTracker(settings))
        case .pictures(let pictures, let detector, let settings, let isLate):
            Iterator(source: .pictures(pictures, detector, isLate: isLate), name: name, tracker: PersonTracker(settings))
        }
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate enum Source {
            case file(LandmarkFile, repeats: Bool)
            case pictures(Pictures, any LandmarkDetecting, isLate: @Sendable (Double) -> Bool)
        }

        fileprivate let source: Source
        fileprivate let name: String
        fileprivate var tracker: PersonTracker
        private var memory = TrackingMemory()
        private var count = 0
        private var hasPerson = false

        fileprivate init(source: Source, name: String, tracker: PersonTracker) {
            self.source = source
            self.name = name
            self.tracker = tracker
        }

        /// - Throws: `AnimationError.driving` if nobody was in view from beginning to end; what reading pictures and detecting throw
        public mutating func next() async throws -> DrivingFrame? {
            switch source {
            case .file(let file, let repeats):
                while repeats || count < file.frameCount {
                    // Endless only if there is anybody at all.
                    guard hasPerson || count < file.frameCount else { break }
                    let index = count % file.frameCount
                    let seconds = Double(count) / file.framesPerSecond
                    count += 1
                    if let frame = frame(file[index], at: seconds) { return frame }
                }
            case .pictures(let pictures, let detector, let isLate):
                while !Task.isCancelled, let (picture, seconds) = try await pictures() {
                    count += 1
                    let arrival = ContinuousClock.now
                    // The first person is waited for, however long it takes to find.
                    if hasPerson, isLate(seconds) { continue }
                    let (pose, next) = try await detector.detect(picture.middleSquare(), memory: memory)
                    memory = next
                    guard let tracked = tracker.update(pose, at: seconds) else { continue }
                    hasPerson = true
                    return DrivingFrame(pose: tracked, seconds: seconds, delay: ContinuousClock.now - arrival)
                }
            }
            guard hasPerson || Task.isCancelled else {
                throw AnimationError(
                    .driving,
                    "\(name): expected a person's face in view, found none in \(count) \(count == 1 ? "picture" : "pictures"); "
                        + "come closer, with more light")
            }
            return nil
        }

        private mutating func frame(_ pose: DrivingPose, at seconds: Double) -> DrivingFrame? {
            guard let steady = tracker.update(pose, at: seconds) else { return nil }
            hasPerson = true
            return DrivingFrame(pose: steady, seconds: seconds)
        }
    }
}

extension Picture {
    /// The largest square in the middle.
    package func middleSquare() -> Picture {
        guard width != height else { return self }
        let side = min(width, height)
        return part(left: (width - side) / 2, top: (height - side) / 2, width: side, height: side)
    }
}
