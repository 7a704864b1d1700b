import RainAnimation
import RainGraph
import RainMedia
import RainPictures
import RainPose

/// The camera of a client: its pictures come in as they come, and the newest is looked at whenever the detector is free.
///
/// Bounded by construction: one picture waits, one is looked at. Decoding is done on a queue of its own, detecting on the detector's.
actor CameraInput {
    /// A picture as it came.
    struct Sent: Sendable {
        var bytes: [UInt8]
        var stamp: InputStamp
    }

    /// What was seen in a picture.
    struct Seen: Sendable {
        var stamp: InputStamp
        /// As the detector saw it; `nil` for nobody.
        var pose: DrivingPose?
        /// The steady pose, as long as one drives.
        var tracked: DrivingPose?
        /// How long decoding and detecting took.
        var work: Duration
    }

    /// The largest picture: as many bytes as one message takes.
    static let largestBytes = 256 << 10
    /// As many pixels as a camera's usual picture has.
    static let mostPixels = 1920 * 1088
    /// How long nobody may be in view before the character is let go, in seconds: held, then eased to rest.
    static let patience = 2.5

    /// Whose camera it is.
    nonisolated let client: UInt16
    private nonisolated let box = NewestWins<Sent>()
    private let desk: DetectorDesk
    private let time: Timekeeper
    private var tracker: PersonTracker
    private var memory = TrackingMemory()
    private var lastInView: Double?
    private let executor = QueueExecutor(label: "rain.studio.camera")

    init(client: UInt16, desk: DetectorDesk, time: Timekeeper) {
        self.client = client
        self.desk = desk
        self.time = time
        var settings = PersonTracker.Settings()
        settings.smoothing = desk.smoothing
        tracker = PersonTracker(settings)
    }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// - Returns: whether an earlier picture gave way
    nonisolated func offer(_ picture: Sent) -> Bool { box.offer(picture) != nil }

    nonisolated func finish() { box.finish() }

    /// Looks at pictures until `finish()`, or until nobody wants to hear any more.
    ///
    /// - Parameter tell: false to end
    func run(_ tell: @Sendable (Result<Seen, StudioError>) async -> Bool) async {
        for await _ in box.bell {
            let result: Result<Seen, StudioError>
            do {
                guard let seen = try await desk.turn({ detector in try await self.look(with: detector) }) else { continue }
                result = .success(seen)
            } catch {
                result = .failure(error as? StudioError ?? StudioError(.failed, "\(error)"))
            }
            guard await tell(result) else { return }
        }
    }

    /// - Returns: `nil` if there was no picture after all
    private func look(with detector: any LandmarkDetecting) async throws -> Seen? {
        guard let sent = box.take() else { return nil }
        let start = time.now()
        let picture = try Self.decode(sent.bytes)
        let (pose, next) = try await detector.detect(picture.middleSquare(), memory: memory)
        memory = next
        return follow(pose, sent.stamp, work: time.now() - start)
    }

    /// Makes a steady person of what was seen.
    private func follow(_ pose: DrivingPose?, _ stamp: InputStamp, work: Duration) -> Seen {
        let seconds = stamp.milliseconds / 1000
        let tracked = tracker.update(pose, at: seconds)
        if pose?.showsFace == true { lastInView = seconds }
        let drives = lastInView.map { seconds - $0 < Self.patience } ?? false
        return Seen(stamp: stamp, pose: pose, tracked: drives ? tracked : nil, work: work)
    }

    /// - Throws: `StudioError` of code `badPicture` or `tooLarge`
    private static func decode(_ bytes: [UInt8]) throws(StudioError) -> Picture {
        do {
            return try PictureReader.read(bytes: bytes, name: "the camera's picture", maximumPixels: mostPixels, ignoresProfile: true)
        } catch let error as MediaError {
            throw StudioError(error.code == .tooLarge ? .tooLarge : .badPicture, "\(error)")
        } catch {
            throw StudioError(.badPicture, "\(error)")
        }
    }
}
