import RainPose

/// The landmark detector of a studio, which looks at one picture at a time: who wants it waits for its turn, first come, first served.
///
/// No more can wait than there are inputs, of which a session has two, and `FaceFinder.mostWaiting` pictures that stand alone.
actor DetectorDesk {
    private let detector: any LandmarkDetecting
    /// How a camera's landmarks are smoothed; nil for not at all.
    nonisolated let smoothing: PersonTracker.Smoothing?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ detector: any LandmarkDetecting, smoothing: PersonTracker.Smoothing? = .init()) {
        self.detector = detector
        self.smoothing = smoothing
    }

    /// Has the detector for oneself. What is newest is best taken in `body`, when the turn has come.
    func turn<Result: Sendable>(
        _ body: @Sendable (any LandmarkDetecting) async throws -> Result
    ) async rethrows -> Result {
        if isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
        defer {
            // Handed on without a gap, so that nobody who comes meanwhile gets in between.
            if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
        }
        return try await body(detector)
    }
}
