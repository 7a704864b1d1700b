import RainAnimation
import RainMedia
import RainPictures
import RainPose

/// One character on stage: its reference, its drivers, its stream, and those who watch.
///
/// A ticker makes driving frames at the session's rate and offers them to the animator, which keeps the newest; another task takes
/// pictures as they are finished; a third shows them at an even pace. Changes that need another stream start it beside the old one,
/// which goes on until the new one has its first frame.
actor StudioSession {
    nonisolated let id: String
    let host: ModelHost
    nonisolated let time: Timekeeper
    let metrics: StudioMetrics

    private(set) var settings: SessionSettings
    private(set) var reference: Reference
    private var matte: Matte
    private var generation: UInt32 = 1
    private var driver: Driver
    private(set) var motion: PlayedMotion?
    private var handover = Handover()
    private(set) var pose: DrivingPose?
    /// What drives by pictures.
    var input = PictureInput()

    var viewers: [UInt16: Viewer] = [:]
    private var lastViewer: UInt16 = 0
    /// Those with encoders of their own.
    private var encoding: Set<UInt16> = []
    /// When somebody last watched, drove or asked.
    private(set) var lastUse: Duration
    var recording: Recording?
    /// Where frames go besides; a session with outputs goes on when nobody watches.
    var outputs: [StudioOutput] = []

    /// Whether anybody takes what is shown.
    var isWanted: Bool { !viewers.isEmpty || !outputs.isEmpty }

    func send(to outputs: [StudioOutput]) { self.outputs = outputs }

    /// What runs: an animator and the tasks that take and show its frames.
    private struct Stream {
        var id: Int
        var animator: Animator
        var task: Task<Void, Never>
        /// Whether it has got a driving frame.
        var hasBegun = false

        /// Hands over a driving frame; the first one when a group begins for all sessions.
        mutating func offer(_ pose: DrivingPose, at now: Duration, tag: UInt64, _ beat: Beat) {
            guard hasBegun || beat.begins(group: animator.schedule.framesPerGroup) else { return }
            hasBegun = true
            animator.offer(pose, timestamp: now, tag: tag)
        }
    }
    private var current: Stream?
    /// The one that is to follow.
    private var coming: Stream?
    private var nextStream = 0
    private var ticker: Task<Void, Never>?
    private var beat = Beat()
    private var starting: Task<Void, any Error>?

    private var sequence: UInt32 = 0
    private(set) var newest: StudioFrame?
    private var rate = FrameRate()
    private var step = Duration.zero
    /// How many sessions the newest step was of.
    private var streams = 1
    private var droppedBefore = 0
    private var lastStats = Duration.zero
    private(set) var isClosed = false

    /// Finds people in pictures, if there is a detector.
    let desk: DetectorDesk?
    /// Where it is kept.
    private nonisolated let kept: StudioState

    /// - Parameter restingFace: the driver's neutral face, as calibrated before
    init(
        id: String, settings: SessionSettings, reference: Reference, restingFace: LandmarkFrame? = nil, host: ModelHost,
        desk: DetectorDesk?, time: Timekeeper, metrics: StudioMetrics, kept: StudioState
    ) {
        self.id = id
        self.kept = kept
        input.given = restingFace
        self.settings = settings
        self.reference = reference
        matte = Matte(reference: reference.picture, side: host.model.configuration.imageSize)
        self.host = host
        self.time = time
        self.metrics = metrics
        self.desk = desk
        driver = Driver(seed: reference.seed ?? 1)
        driver.smoothing = settings.smoothing
        driver.gains = settings.gains
        lastUse = time.now()
    }

    // MARK: Life

    /// Whether frames are made.
    var isRunning: Bool { current != nil || starting != nil }

    /// Starts the stream unless it runs.
    func wake() async throws {
        lastUse = time.now()
        guard !isClosed, current == nil else { return }
        if let starting { return try await starting.value }
        let task = Task { try await start() }
        starting = task
        defer { starting = nil }
        try await task.value
    }

    private func start() async throws {
        let stream = try await makeStream()
        guard !isClosed else { return stream.task.cancel() }
        current = stream
        input.film?.pause(false)
        ticker = Task { [weak self, time] in
            while !Task.isCancelled {
                guard let due = await self?.nextTick() else { return }
                await time.wait(due)
                guard !Task.isCancelled else { return }
                await self?.tick()
            }
        }
        announce()
    }

    /// Stops making frames and frees the stream's memory; the next one who watches wakes it.
    func park() {
        ticker?.cancel()
        ticker = nil
        for stream in [current, coming].compactMap({ $0 }) { retire(stream) }
        (current, coming) = (nil, nil)
        input.film?.pause(true)
        announce()
    }

    /// Ends the session.
    func close() {
        isClosed = true
        park()
        for viewer in viewers.values { viewer.close() }
        viewers = [:]
        recording?.end()
        recording = nil
        stopCamera()
        stopFilm()
    }

    private func retire(_ stream: Stream) {
        stream.task.cancel()
        droppedBefore += stream.animator.droppedFrames
    }

    private func makeStream() async throws -> Stream {
        let animator = try await host.animator(settings)
        let (reference, generation) = (reference, generation)
        try await animator.fuse(reference.art(isCut: settings.cut), landmarks: reference.drawn)
        // The reference may have changed while the model looked at it.
        if generation != self.generation {
            try await animator.fuse(self.reference.art(isCut: settings.cut), landmarks: self.reference.drawn)
        }
        nextStream += 1
        let id = nextStream
        let task = Task { [weak self, time] in await LiveStream(id: id, animator: animator, time: time).run(showing: self) }
        return Stream(id: id, animator: animator, task: task)
    }

    // MARK: Driving

    private func nextTick() -> Duration {
        if input.camera == nil { beat.release() }
        return beat.next(after: time.now(), period: period)
    }

    /// Makes the driving frame of now.
    private func tick() {
        let now = time.now()
        let (pose, tag) = driver.frame(at: now)
        let asked =
            switch pose {
            case .puppet(let pose): DrivingPose.face(reference.landmarks(pose))
            case .landmarks(let pose): pose
            case .motion(let index): played(index, at: now)
            }
        let driving = handover(asked, mode: driver.mode, at: now)
        self.pose = driving
        current?.offer(driving, at: now, tag: tag, beat)
        coming?.offer(driving, at: now, tag: tag, beat)
        if now - lastStats >= .milliseconds(500) {
            lastStats = now
            tellStats()
        }
    }

    /// How frames are shown.
    var look: Look { Look(period: period, background: settings.background, matte: matte) }

    private var period: Duration { .seconds(1 / settings.framesPerSecond) }

    /// - Returns: false if the client has already said something newer
    func drive(_ controls: Controls, from stamp: InputStamp?) -> Bool {
        lastUse = time.now()
        return driver.take(controls, from: stamp, at: lastUse)
    }

    /// - Returns: false if the client has already said something newer
    func drive(_ landmarks: LandmarkFrame, from stamp: InputStamp?) -> Bool {
        lastUse = time.now()
        let isNew = driver.take(.face(landmarks), from: stamp, at: lastUse)
        if isNew { input.points = landmarks.shownPoints }
        return isNew
    }

    /// What a camera's picture showed, on the reference's face.
    func drive(_ pose: DrivingPose, seenIn picture: InputStamp) {
        lastUse = time.now()
        driver.take(pose, seenIn: picture, at: lastUse)
        beat.follow(lastUse)
    }

    /// The mode of the newest driving frame.
    var mode: Driver.Mode { driver.mode }

    /// Plays a motion over and over, on whoever is on stage; `nil` to stop.
    func play(_ motion: PlayedMotion?) {
        lastUse = time.now()
        if motion?.isFilm != true { stopFilm() }
        self.motion = motion
        driver.play(frames: motion?.count, rate: motion?.framesPerSecond ?? 1, at: lastUse)
        announce()
    }

    // MARK: Changes

    /// Keeps how things are.
    func keep() {
        let session = KeptSession(
            id: id, character: reference.id, settings: SettingsChange(settings),
            restingFace: input.given?.points.map { SIMD2($0.x, $0.y) })
        kept.note(session, reference, look: SettingsChange(lookOf: settings))
    }

    /// Puts another character on stage; it takes over at the next boundary between groups.
    ///
    /// - Parameter look: settings that go with it
    func show(_ reference: Reference, look: SettingsChange? = nil) async throws {
        lastUse = time.now()
        // A look may be of another model.
        if let look, let changed = try? host.checked(look.applied(to: settings)) {
            settings = changed
            driver.gains = settings.gains
        }
        generation += 1
        let mine = generation
        self.reference = reference
        matte = Matte(reference: reference.picture, side: host.model.configuration.imageSize)
        for stream in [current, coming].compactMap({ $0 }) {
            guard mine == generation else { return }
            try await stream.animator.fuse(reference.art(isCut: settings.cut), landmarks: reference.drawn)
        }
        keep()
        announce()
    }

    /// Moves the landmarks of the picture on stage.
    ///
    /// - Throws: `StudioError` of code `conflict` for a drawn character
    func place(_ landmarks: LandmarkFrame) async throws {
        let moved = try reference.moved(to: landmarks)
        try kept.keep(moved)
        try await show(moved)
    }

    /// - Throws: `StudioError` of code `badSettings`; then everything stays as it was
    func change(_ change: SettingsChange) async throws {
        lastUse = time.now()
        let before = settings
        settings = try host.checked(change.applied(to: settings))
        driver.smoothing = settings.smoothing
        driver.gains = settings.gains
        // What moves differently is looked at anew.
        if settings.cut != before.cut { try await show(reference) }
        if settings.streamKey != before.streamKey, current != nil {
            let wanted = settings
            do {
                let stream = try await makeStream()
                // A newer change, or the session's end, has overtaken this one.
                guard wanted.streamKey == settings.streamKey, current != nil else { return retire(stream) }
                if let coming { retire(coming) }
                coming = stream
            } catch {
                if settings == wanted { settings = before }
                throw error
            }
        }
        keep()
        announce()
    }

    // MARK: Showing

    /// A frame's time has come.
    func show(_ frame: AnimatedFrame, as shown: ShownPicture, stream id: Int) {
        if let coming, coming.id == id {
            if let current { retire(current) }
            (current, self.coming) = (coming, nil)
        }
        guard current?.id == id else { return }
        sequence &+= 1
        (step, streams) = (frame.computation, frame.streams)
        let now = time.now()
        rate.add(now)
        metrics.frameShown(step: frame.computation, latency: frame.deliveryTimestamp - frame.captureTimestamp)
        let next = StudioFrame(
            sequence: sequence, picture: shown.picture, images: shown.images, captured: frame.captureTimestamp,
            finished: frame.deliveryTimestamp,
            stamp: InputStamp(tag: frame.tag), generation: generation, framesPerSecond: settings.framesPerSecond)
        newest = next
        for viewer in viewers.values { viewer.offer(next) }
        for output in outputs { output.offer(shown.picture) }
        recording?.offer(shown.picture, shown.images, at: now)
    }

    /// The stream cannot go on.
    func failed(_ error: any Error, stream id: Int) {
        guard current?.id == id || coming?.id == id else { return }
        notice("\(error)")
        if coming?.id == id { coming = nil } else { park() }
    }

    // MARK: Watching

    /// How many may watch one session.
    static let mostViewers = 64
    /// How many of them get video, for which each has an encoder of its own; the others get pictures, which are encoded once for all.
    static let mostEncoders = 4
    /// Frames under way to a client that it has not acknowledged.
    static let frameWindow = 3

    /// - Throws: `StudioError` of code `tooMany`
    func watch() async throws -> Viewer {
        guard viewers.count < Self.mostViewers else {
            throw StudioError(.tooMany, "session \(id): expected at most \(Self.mostViewers) watchers; wait until one leaves")
        }
        repeat { lastViewer = lastViewer == .max ? 1 : lastViewer + 1 } while viewers[lastViewer] != nil
        let viewer = Viewer(number: lastViewer, window: Self.frameWindow)
        viewers[viewer.number] = viewer
        viewer.post(.hello, StudioJSON.text(Hello(client: viewer.number, window: Self.frameWindow, session: state)))
        if var newest {
            newest.isOld = true
            viewer.offer(newest)
        }
        do {
            try await wake()
        } catch {
            leave(viewer)
            throw error
        }
        announce()
        return viewer
    }

    /// Whether a viewer may have an encoder of its own.
    func mayEncode(_ viewer: Viewer) -> Bool {
        guard viewers[viewer.number] != nil, encoding.count < Self.mostEncoders else { return false }
        encoding.insert(viewer.number)
        return true
    }

    func leave(_ viewer: Viewer) {
        encoding.remove(viewer.number)
        viewer.close()
        viewers[viewer.number] = nil
        driver.forget(client: viewer.number)
        if input.camera?.client == viewer.number { stopCamera() }
        lastUse = time.now()
        announce()
    }

    // MARK: Telling

    var state: SessionState {
        let interval = 1000 / settings.framesPerSecond
        return SessionState(
            id: id, status: isRunning ? "running" : "parked", mode: driver.mode.rawValue,
            reference: .init(
                name: reference.name, character: reference.id, isPicture: reference.seed == nil,
                file: reference.seed == nil && !kept.isTemporary ? kept.square(reference.id) : nil, crop: reference.crop,
                generation: generation,
                points: reference.face.points.map { [rounded(Double($0.x)), rounded(Double($0.y))] }),
            settings: .init(
                preset: settings.preset, window: "\(settings.schedule.framesPerGroup)x\(settings.schedule.levels)",
                steps: settings.schedule.steps, framesPerSecond: settings.framesPerSecond, seed: settings.seed,
                smoothing: settings.smoothing, gains: settings.gains,
                guidance: host.model.configuration.hasGuidance ? settings.guidance ?? host.model.configuration.usualGuidance : nil,
                background: settings.background.text, keepDistance: settings.keepDistance,
                cut: host.model.configuration.isLayered ? settings.cut : nil),
            windowMilliseconds: Double(settings.schedule.latencyInFrames) * interval, size: host.model.configuration.imageSize,
            model: host.model.configuration.name, watchers: viewers.count,
            motion: input.film?.name ?? motion?.name,
            recording: recording?.state, detector: desk != nil,
            hasGuidance: host.model.configuration.hasGuidance, hasPlainBackground: matte.isPlain, modelOptions: host.modelOptions)
    }

    var stats: SessionStats {
        SessionStats(
            framesPerSecond: rate.rate(at: time.now()), stepMilliseconds: step.milliseconds,
            load: min(1, step.seconds / Double(streams) * rate.rate(at: time.now()) / Double(settings.schedule.framesPerGroup)),
            stepSessions: streams,
            modelMilliseconds: newest.map { ($0.finished - $0.captured).milliseconds } ?? 0,
            waiting: current?.animator.waitingFrames ?? 0, inFlight: current == nil ? 0 : settings.schedule.frames,
            droppedInput: droppedBefore + (current?.animator.droppedFrames ?? 0), frames: Int(sequence), watchers: viewers.count,
            mode: driver.mode.rawValue, input: inputStats, outputs: outputs.isEmpty ? nil : outputs.map(\.state),
            recording: recording?.state)
    }

    /// The share of the time in which the model computes for this session; of a step of several sessions, its part.
    var load: Double {
        guard current != nil else { return 0 }
        return step.seconds / Double(streams) * settings.framesPerSecond / Double(settings.schedule.framesPerGroup)
    }

    /// What drives just now, as the model is shown it.
    func posePicture(side: Int) -> Picture {
        let face = pose?.face ?? reference.face
        return PosePainter(width: side, height: side).picture(face)
    }

    private func tellStats() {
        guard !viewers.isEmpty else { return }
        var stats = stats
        for viewer in viewers.values {
            stats.unacknowledged = viewer.unacknowledged
            stats.droppedOutput = viewer.dropped
            viewer.post(.stats, StudioJSON.text(Told(type: "stats", stats: stats)))
        }
    }

    /// Tells all watchers how the session stands.
    func announce() {
        guard !viewers.isEmpty else { return }
        let text = StudioJSON.text(Told(type: "state", session: state))
        for viewer in viewers.values { viewer.post(.state, text) }
    }

    func notice(_ text: String) {
        let text = StudioJSON.text(Told(type: "notice", message: text))
        for viewer in viewers.values { viewer.post(.notice, text) }
    }
}

/// The first text a client gets.
private struct Hello: Encodable {
    var type = "hello"
    var protocolVersion = 1
    var client: UInt16
    var window: Int
    var session: SessionState
}

/// Any other text.
struct Told: Encodable {
    var type: String
    var session: SessionState?
    var stats: SessionStats?
    var message: String?
    /// Of a notice to the one whom it concerns.
    var code: String?
}
