public import RainGraph
public import RainPictures
public import RainPose

/// Finds the landmarks of the person in view, on a thread of its own.
///
/// Of several people the one who takes most room counts. Where nobody is found, the whole picture is looked at, as the published programs
/// do, which also finds faces too near for the person detector. What is seen is told as it is: `PersonTracker` makes it steady.
public actor LandmarkDetector: LandmarkDetecting {
    public struct Settings: Sendable, Equatable {
        public var thresholds = PersonDetections.Thresholds()
        /// Whether the whole picture is looked at where no person is found; otherwise nothing is.
        public var looksEverywhere = true

        public init() {}
    }

    /// What was seen in one picture.
    public struct Observation: Sendable, Equatable {
        /// The person, in pixels of the picture; `nil` where none was found.
        public var person: BoundingBox?
        /// The points, in fractions of the picture; `nil` where none is seen.
        public var points: WholeBodyFrame?
    }

    private let detector: PersonDetector
    private let estimator: WholeBodyEstimator
    private let settings: Settings
    private let executor = QueueExecutor(label: "rain.detector")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Reads and plans both networks.
    ///
    /// - Parameters:
    ///   - engine: runs them; one of its own, so that neither detection nor the stream waits for the other
    /// - Throws: `NetworkError` or `DetectionError` for files that are not such networks, and what the engine throws
    public init(_ files: DetectorFiles, engine: any Engine, settings: Settings = .init()) throws {
        detector = try PersonDetector(path: files.detector, engine: engine, thresholds: settings.thresholds)
        estimator = try WholeBodyEstimator(path: files.estimator, engine: engine)
        self.settings = settings
    }

    /// Looks at a picture of any size.
    public func observe(_ picture: Picture) throws -> Observation {
        let person = try detector(picture).largestPerson()?.box
        guard person != nil || settings.looksEverywhere else { return Observation() }
        let box = person ?? BoundingBox(pictureWidth: picture.width, height: picture.height)
        let points = try WholeBody.ordered(estimator.keypoints(of: box, in: picture))
        let isSeen = points.contains { $0.score >= WholeBodyFrame.leastScore }
        let frame = isSeen ? try WholeBodyFrame(pixels: points, width: picture.width, height: picture.height) : nil
        return Observation(person: person, points: frame)
    }

    public func detect(_ picture: Picture) throws -> DrivingPose? { try observe(picture).points.map { .person($0) } }
}
