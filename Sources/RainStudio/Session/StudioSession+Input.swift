import RainAnimation
import RainMedia
import RainPictures
import RainPose

/// What drives a session by pictures.
struct PictureInput: Sendable {
    var camera: CameraInput?
    /// When its last picture came.
    var cameraHeard = Duration.zero
    /// The time of its last picture, on its client's clock.
    var cameraTime = -Double.infinity
    /// Its driver at rest.
    var rest = RestingFace()
    /// The driver's neutral face as a user has calibrated it; it holds for every camera from then on.
    var given: LandmarkFrame?
    /// Takes the driver's distance from the camera out of whole persons; the puppet, which drives drawn models, knows none.
    var distance = DistanceKeeper()
    var film: Film?
    fileprivate var filmTask: Task<Void, Never>?
    /// The points that drive, where they were found.
    var points: [SIMD3<Float>] = []
    fileprivate var looked = FrameRate()
    fileprivate var work = Duration.zero
    fileprivate var dropped = 0
    fileprivate var inView = false
}

/// Driving by pictures: the camera of a client, or a film.
extension StudioSession {
    /// What is said where a landmark detector would be needed.
    static let noDetector = StudioError(
        .unsupported,
        "pictures need a face tracker, which this studio was started without: install the one that comes along with 'rain tracker install' and "
            + "restart the studio, or, for whole persons, put yolox_l.onnx and dw-ll_ucoco_384.onnx from huggingface.co/yzd-v/DWPose into a "
            + "folder and start 'rain studio --detector FOLDER'; mouse, keyboard, sliders, microphone and landmark files work without")

    /// After what silence another client's camera may take over.
    private static let cameraHold = Duration.seconds(2)

    // MARK: Camera

    /// A picture of a client's camera; an empty one says that the camera is off. What is wrong is told to the client.
    func look(at picture: [UInt8], from stamp: InputStamp, for viewer: Viewer) {
        do throws(StudioError) {
            guard !picture.isEmpty else {
                if input.camera?.client == viewer.number { stopCamera() }
                return
            }
            let camera = try camera(of: viewer)
            viewer.answer(.received(time: stamp.milliseconds))
            // Pictures that come out of order are passed over.
            guard stamp.milliseconds > input.cameraTime else { return }
            input.cameraTime = stamp.milliseconds
            input.cameraHeard = time.now()
            if camera.offer(CameraInput.Sent(bytes: picture, stamp: stamp)) { input.dropped += 1 }
        } catch {
            refuse(error, to: viewer)
        }
    }

    private func refuse(_ error: StudioError, to viewer: Viewer) {
        viewer.post(.refusal, StudioJSON.text(Told(type: "notice", message: error.message, code: error.code.rawValue)))
    }

    /// The camera that drives, which is made if need be.
    private func camera(of viewer: Viewer) throws(StudioError) -> CameraInput {
        guard let desk else { throw Self.noDetector }
        if let camera = input.camera {
            if camera.client == viewer.number { return camera }
            guard time.now() - input.cameraHeard > Self.cameraHold else {
                throw StudioError(
                    .conflict, "somebody else's camera drives this character just now; wait until it is off, then switch yours on")
            }
            stopCamera()
        }
        let camera = CameraInput(client: viewer.number, desk: desk, time: time)
        input.camera = camera
        (input.rest, input.distance, input.cameraTime, input.dropped, input.looked) = (
            RestingFace(input.given), DistanceKeeper(), -.infinity, 0, FrameRate()
        )
        let tell: @Sendable (Result<CameraInput.Seen, StudioError>) async -> Bool = { [weak self, weak viewer] result in
            guard let self, let viewer else { return false }
            return await self.saw(result, by: camera, for: viewer)
        }
        Task { await camera.run(tell) }
        return camera
    }

    /// - Returns: whether the camera goes on
    private func saw(_ result: Result<CameraInput.Seen, StudioError>, by camera: CameraInput, for viewer: Viewer) -> Bool {
        guard input.camera === camera else { return false }
        switch result {
        case .failure(let error):
            refuse(error, to: viewer)
            stopCamera()
            return false
        case .success(let seen):
            let points = seen.pose?.shownPoints ?? []
            viewer.answer(.seen(time: seen.stamp.milliseconds, milliseconds: seen.work.milliseconds, points: points))
            note(work: seen.work, inView: seen.pose?.showsFace ?? false)
            input.points = points
            guard let tracked = seen.tracked else { return true }
            if seen.pose?.showsFace == true { input.rest.take(tracked.face) }
            let near = wantsPersons ? kept(tracked, at: seen.stamp.milliseconds / 1000) : tracked
            let carried = input.rest.carried(
                near, of: .person, to: reference, asPerson: wantsPersons, keepsDistance: settings.keepDistance)
            if let carried { drive(adjusted(carried), seenIn: seen.stamp) }
            return true
        }
    }

    /// A person at the distance of the neutral face, if the session keeps it.
    private func kept(_ pose: DrivingPose, at seconds: Double) -> DrivingPose {
        guard settings.keepDistance, let neutral = input.rest.face else {
            input.distance.reset()
            return pose
        }
        return input.distance(pose, neutral: neutral, at: seconds)
    }

    func stopCamera() {
        input.camera?.finish()
        input.camera = nil
    }

    private func note(work: Duration, inView: Bool) {
        input.looked.add(time.now())
        input.work = work
        input.inView = inView
    }

    // MARK: Film

    /// Plays an uploaded film over and over, as soon as enough of it has been looked at.
    ///
    /// - Throws: `StudioError` of code `unsupported` without a detector, `badVideo` or `tooLarge` for what cannot be played
    func play(_ file: UploadedFile, name: String) async throws(StudioError) {
        guard let desk else { throw Self.noDetector }
        let film = Film(file, name: name, desk: desk, time: time)
        try await film.check()
        guard !isClosed else { throw StudioError(.notFound, "the session ended") }
        play(nil)
        input.film = film
        input.filmTask = Task { [weak self] in
            do {
                try await film.look()
            } catch {
                await self?.end(film, error)
            }
        }
        Task { [weak self] in await self?.start(film) }
        announce()
    }

    /// Waits until enough of it is known.
    private func start(_ film: Film) async {
        while !film.isPlaying, input.film === film { await time.wait(time.now() + .milliseconds(50)) }
        guard input.film === film else { return }
        play(PlayedMotion(film))
    }

    private func end(_ film: Film, _ error: any Error) {
        guard input.film === film else { return }
        play(nil)
        notice("\(error)")
    }

    /// Lets the film go, and its file with it.
    func stopFilm() {
        input.filmTask?.cancel()
        // Whoever still looks at it lets go a little later, which the end of the program would not wait for.
        input.film?.file.remove()
        (input.filmTask, input.film) = (nil, nil)
    }

    // MARK: What drives

    /// Whether the model is shown whole persons, and carries their faces over by itself.
    private var wantsPersons: Bool { host.model.configuration.posePicture.style == .person }

    /// A pose with the session's gains.
    private func adjusted(_ pose: DrivingPose) -> DrivingPose {
        guard case .face(let face) = pose else { return pose }
        return .face(settings.gains(face, at: reference.face))
    }

    /// The frame of the motion that plays.
    func played(_ index: Int, at now: Duration) -> DrivingPose {
        let moment = motion?.pose(index, at: now, on: reference, asPerson: wantsPersons, keepsDistance: settings.keepDistance)
        guard let (pose, points) = moment else { return .face(reference.face) }
        input.points = points
        return adjusted(pose)
    }

    /// Takes the driver's face of now for the driver at rest.
    ///
    /// - Throws: `StudioError` of code `conflict` where no face has been seen
    func calibrate() throws(StudioError) {
        let isDone = input.camera != nil ? input.rest.calibrate() : input.film?.calibrate() ?? false
        guard isDone else {
            throw StudioError(.conflict, "expected a face in the camera or a film that plays; switch the camera on and look ahead")
        }
        input.distance.reset()
        if input.camera != nil { input.given = input.rest.face }
        keep()
    }

    /// What drives just now as a JPEG: a film's picture with what is seen in it, or the points alone. A camera's picture is its client's own.
    ///
    /// - Throws: `StudioError` of code `notFound` where neither pictures nor landmarks drive
    func inputPicture(side: Int) throws -> [UInt8] {
        if mode != .camera, let picture = input.film?.picture(at: time.now()) { return picture }
        guard [.camera, .landmarks, .motion].contains(mode) else {
            throw StudioError(.notFound, "neither pictures nor landmarks drive this session, so there is no input picture")
        }
        return try PictureWriter.jpeg(InputPicture.draw(input.points, side: side))
    }

    var inputStats: InputStats? {
        guard input.camera != nil || input.film != nil else { return nil }
        let film = input.film
        return InputStats(
            picturesPerSecond: input.camera == nil ? 0 : input.looked.rate(at: time.now()), lookMilliseconds: input.work.milliseconds,
            dropped: input.dropped, inView: input.camera == nil ? film?.isPlaying ?? false : input.inView,
            film: input.camera == nil ? film?.share : nil)
    }
}
