import NIOHTTP1
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import RainWorld

/// Answers requests: the page, and version 1 of the API that `openapi.json` describes.
struct Router: Sendable {
    let store: SessionStore
    let host: ModelHost
    let metrics: StudioMetrics
    /// `nil` where there is no detector.
    let faces: FaceFinder?
    let uploads = UploadSlots()
    /// The address that is listened on, the token, and whether HTTPS is spoken.
    private let place: Place
    private let extraPages: [String: [UInt8]]

    struct Place: Sendable {
        var address: String
        var token: String?
        var isSecure: Bool
    }

    /// The largest body of an upload, and of any other request.
    static let largestUpload = 16 << 20
    static let largestBody = 64 << 10

    init(
        store: SessionStore, host: ModelHost, metrics: StudioMetrics, faces: FaceFinder?, place: Place, extraPages: [String: [UInt8]] = [:]
    ) {
        self.place = place
        self.store = store
        self.host = host
        self.metrics = metrics
        self.faces = faces
        self.extraPages = extraPages
    }

    func respond(_ request: StudioRequest) async -> StudioResponse {
        do {
            return try await answer(request)
        } catch let error as StudioError {
            return StudioResponse(error)
        } catch let error as MediaError {
            return StudioResponse(StudioError(.failed, "\(error)"))
        } catch {
            return StudioResponse(StudioError(.failed, "\(error)"))
        }
    }

    /// How many bytes the body of a request may have.
    static func largestBody(_ request: StudioRequest) -> Int {
        let isUpload = request.method == .PUT && request.path.count == 5 && ["reference", "motion"].contains(request.path[4])
        return isUpload || request.method == .POST && request.path == facesPath ? largestUpload : largestBody
    }

    private static let facesPath = ["api", "v1", "faces"]

    /// Whether a request brings a film.
    static func isFilm(_ request: StudioRequest) -> Bool {
        request.method == .PUT && request.path.count == 5 && request.path[4] == "motion"
            && (request.contentType.hasPrefix("video/") || request.contentType == "image/gif")
    }

    /// Refuses a film before it is sent, where it would be refused anyway.
    func admitFilm(_ request: StudioRequest) async throws(StudioError) {
        guard Array(request.path[0...2]) == ["api", "v1", "sessions"] else { throw StudioError(.notFound, "there is no such page") }
        _ = try await store.session(request.path[3])
        guard store.desk != nil else { throw StudioSession.noDetector }
        if let length = request.headers.first(name: "content-length").flatMap({ Int($0) }), length > Film.largestFile {
            throw StudioError(.tooLarge, "the film: expected at most \(Film.largestFile >> 20) MiB, found \(length >> 20); cut it shorter")
        }
    }

    private func answer(_ request: StudioRequest) async throws -> StudioResponse {
        let method = request.method == .HEAD ? .GET : request.method
        func allow(_ methods: HTTPMethod...) throws(StudioError) {
            guard methods.contains(method) else {
                let names = methods.map(\.rawValue).joined(separator: ", ")
                throw StudioError(.methodNotAllowed, "/\(request.path.joined(separator: "/")): expected \(names), found \(method.rawValue)")
            }
        }
        switch request.path {
        case ["metrics"]:
            try allow(.GET)
            return await metricsText()
        case ["api", "v1", "openapi.json"]:
            try allow(.GET)
            return page("openapi.json")
        case ["api", "v1", "health"]:
            try allow(.GET)
            return StudioResponse(json: Health(status: "ok", model: host.model.configuration.name, sessions: await store.all.count))
        case ["api", "v1", "links"]:
            try allow(.GET)
            return StudioResponse(json: links(request))
        case ["api", "v1", "sessions"]:
            try allow(.GET, .POST)
            guard method == .POST else { return StudioResponse(json: SessionList(sessions: await states())) }
            let wanted = request.body.isEmpty ? NewSession() : try StudioJSON.decode(NewSession.self, from: request.body)
            let session = try await store.make(wanted.settings, character: wanted.character?.id)
            try await session.wake()
            return StudioResponse(json: await session.state, status: 201)
        case Self.facesPath:
            try allow(.POST)
            return try await face(request)
        case ["api", "v1", "characters"]:
            try allow(.GET)
            return StudioResponse(json: CharacterList(characters: store.kept.characters.map(CharacterList.Entry.init)))
        case let path where path.count == 4 && path[0...2] == ["api", "v1", "characters"]:
            try allow(.GET, .DELETE)
            guard method == .GET else {
                try store.kept.remove(path[3])
                return .done
            }
            return StudioResponse(type: "image/png", try await host.png(store.character(path[3]).reference.picture))
        case let path where path.count >= 4 && path[0...2] == ["api", "v1", "sessions"]:
            return try await answer(request, method, session: store.session(path[3]), part: Array(path[4...]))
        default:
            let name = request.path.joined(separator: "/")
            if let bytes = extraPages[name] { return StudioResponse(type: "application/octet-stream", bytes) }
            guard PageFiles.table[name] != nil, request.path.count <= 1 else {
                throw StudioError(.notFound, "/\(name.prefix(80)): there is no such page; the API is described by /api/v1/openapi.json")
            }
            try allow(.GET)
            return page(name)
        }
    }

    private func page(_ name: String) -> StudioResponse {
        guard let file = PageFiles.table[name] else { return StudioResponse(StudioError(.notFound, name)) }
        return StudioResponse(type: file.type, file.bytes)
    }

    /// Under which addresses others reach the studio.
    private func links(_ request: StudioRequest) -> Links {
        let isLocal = StudioServer.isLoopback(place.address)
        // The port is the one by which the request came: it may be another than is listened on.
        let host = request.headers.first(name: "host") ?? ""
        let port = host.firstMatch(of: /:[0-9]+$/).map { String($0.output) } ?? ""
        let names = isLocal ? ["localhost"] : NetworkAddresses.names(of: place.address)
        return Links(
            isLocal: isLocal, addresses: names.map { "\(place.isSecure ? "https" : "http")://\($0)\(port)/" }, token: place.token)
    }

    private func states() async -> [SessionState] {
        var states: [SessionState] = []
        for session in await store.all { states.append(await session.state) }
        return states
    }

    private func metricsText() async -> StudioResponse {
        let sessions = await store.all
        var (running, watchers, dropped) = (0, 0, 0)
        for session in sessions {
            if await session.isRunning { running += 1 }
            watchers += await session.viewers.count
            dropped += await session.stats.droppedInput
        }
        let text = metrics.text(
            sessions: sessions.count, running: running, watchers: watchers, droppedInput: dropped, steps: await host.counts,
            outputs: store.outputs.map(\.state))
        return StudioResponse(type: "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
    }

    // MARK: One session

    private func answer(
        _ request: StudioRequest, _ method: HTTPMethod, session: StudioSession, part: [String]
    ) async throws -> StudioResponse {
        let key = ([method.rawValue] + part).joined(separator: " ")
        switch key {
        case "GET": return StudioResponse(json: await session.state)
        case "PATCH":
            try await session.change(StudioJSON.decode(SettingsChange.self, from: request.body))
            return StudioResponse(json: await session.state)
        case "DELETE":
            try await store.remove(session.id)
            return .done
        case "GET stats": return StudioResponse(json: await session.stats)
        case "PUT reference":
            let (reference, look) = try await reference(request)
            try await session.show(reference, look: look)
            return StudioResponse(json: await session.state)
        case "PUT reference points":
            let landmarks = try StudioJSON.decode(GivenLandmarks.self, from: request.body).frame().checkedAsReference()
            try await session.place(landmarks)
            return StudioResponse(json: await session.state)
        case "GET reference":
            let reference = await session.reference
            guard request.query["original"] == "1" else { return StudioResponse(type: "image/png", try await host.png(reference.picture)) }
            return StudioResponse(type: "application/octet-stream", try store.kept.upload(of: reference.id))
        case "GET pose": return StudioResponse(type: "image/png", try PictureWriter.png(await session.posePicture(side: 128)))
        case "GET snapshot": return try await snapshot(session, isCut: request.query["alpha"] == "1")
        case "GET stream":
            return StudioResponse(frames: try await session.watch(), of: session)
        case "POST controls":
            let given = try StudioJSON.decode([String: Float].self, from: request.body)
            try await session.wake()
            _ = await session.drive(try controls(given), from: nil)
            return .done
        case "POST landmarks":
            let given = try StudioJSON.decode(GivenLandmarks.self, from: request.body)
            let frame = try given.frame()
            try await session.wake()
            let stamp = given.time.map { InputStamp(client: InputStamp.outsider, milliseconds: $0) }
            guard await session.drive(frame, from: stamp) else {
                throw StudioError(.outOfOrder, "time: expected no earlier than the landmarks before, found \(given.time ?? 0)")
            }
            return .done
        case "GET input": return StudioResponse(type: "image/jpeg", try await session.inputPicture(side: 256))
        case "POST calibration":
            try await session.calibrate()
            return .done
        case "PUT motion":
            let name = String((request.query["name"] ?? "a motion").prefix(80))
            if let upload = request.upload {
                try await session.play(upload, name: name)
                return StudioResponse(json: await session.state)
            }
            if let world = try? StudioJSON.decode(Seed.self, from: request.body) {
                await session.play(PlayedMotion(seed: world.seed))
                return StudioResponse(json: await session.state)
            }
            let file: LandmarkFile
            do {
                file = try LandmarkFile(json: request.body)
            } catch {
                throw StudioError(.badLandmarks, "\(error)")
            }
            await session.play(PlayedMotion(file, name: name))
            return StudioResponse(json: await session.state)
        case "DELETE motion":
            await session.play(nil)
            return StudioResponse(json: await session.state)
        case "POST recording":
            let wanted = request.body.isEmpty ? NewRecording() : try StudioJSON.decode(NewRecording.self, from: request.body)
            try await session.startRecording(wanted.format ?? .mp4)
            return StudioResponse(json: await session.state, status: 201)
        case "DELETE recording":
            let (format, bytes) = try await session.finishRecording()
            return StudioResponse(type: format.contentType, bytes)
        case "GET socket": throw StudioError(.badRequest, "this address speaks WebSocket: expected an upgrade, found a plain request")
        default:
            throw StudioError(.notFound, "\(key.prefix(80)): a session has no such part; the API is described by /api/v1/openapi.json")
        }
    }

    /// The character that a request brings or names, and the settings that go with it.
    private func reference(_ request: StudioRequest) async throws -> (Reference, look: SettingsChange?) {
        if request.contentType == "application/json" {
            return try await store.character(try StudioJSON.decode(NamedCharacter.self, from: request.body).character.id)
        }
        let (crop, given) = (try request.crop(), try request.points())
        let name = String((request.query["name"] ?? "the picture").prefix(80))
        let picture = try await host.picture(request.body, name: name)
        // What is given is not looked for.
        let landmarks = if let given { given } else { try await faces?.face(in: picture)?.landmarks }
        let reference = try await host.reference(
            picture, name: name, id: StudioState.id(of: request.body), crop: crop, landmarks: landmarks)
        try await host.keep(reference, in: store.kept, upload: request.body, name: name)
        return (reference, nil)
    }

    /// Where the face is in a picture.
    private func face(_ request: StudioRequest) async throws(StudioError) -> StudioResponse {
        guard let faces else { throw StudioSession.noDetector }
        let picture = try await host.picture(request.body, name: "the picture")
        let face = try await faces.face(in: picture).map { found in
            FoundFace.Face(
                crop: Crop(found.placement),
                points: found.landmarks.points.map { [rounded(Double($0.x)), rounded(Double($0.y)), rounded(Double($0.visibility))] })
        }
        return StudioResponse(json: FoundFace(width: picture.width, height: picture.height, face: face))
    }

    private func snapshot(_ session: StudioSession, isCut: Bool) async throws -> StudioResponse {
        try await session.wake()
        for _ in 0..<100 {
            if let frame = await session.newest {
                let isCut = if isCut { true } else { await session.settings.background == .transparent }
                return StudioResponse(type: "image/png", try isCut ? frame.images.cutPNG() : PictureWriter.png(frame.picture))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw StudioError(.busy, "there is no frame yet; ask again in a moment")
    }

    private func controls(_ given: [String: Float]) throws(StudioError) -> Controls {
        var controls = Controls()
        for (name, value) in given {
            guard let field = Controls.Field.allCases.first(where: { $0.name == name }) else {
                let names = Controls.Field.allCases.map(\.name).joined(separator: ", ")
                throw StudioError(.badRequest, "'\(name.prefix(40))': expected one of \(names)")
            }
            guard value.isFinite else { throw StudioError(.badRequest, "\(name): expected a finite number") }
            controls[field] = value
        }
        return controls
    }
}
