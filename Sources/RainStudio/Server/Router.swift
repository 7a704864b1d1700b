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
    private let extraPages: [String: [UInt8]]

    /// The largest body of an upload, and of any other request.
    static let largestUpload = 16 << 20
    static let largestBody = 64 << 10

    init(store: SessionStore, host: ModelHost, metrics: StudioMetrics, faces: FaceFinder?, extraPages: [String: [UInt8]] = [:]) {
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
        case ["api", "v1", "sessions"]:
            try allow(.GET, .POST)
            guard method == .POST else { return StudioResponse(json: SessionList(sessions: await states())) }
            let wanted = request.body.isEmpty ? NewSession() : try StudioJSON.decode(NewSession.self, from: request.body)
            let session = try await store.make(wanted.settings, character: wanted.character)
            try await session.wake()
            return StudioResponse(json: await session.state, status: 201)
        case Self.facesPath:
            try allow(.POST)
            return try await face(request)
        case let path where path.count == 4 && path[0...2] == ["api", "v1", "characters"]:
            try allow(.GET)
            guard let seed = UInt64(path[3]) else { throw StudioError(.badRequest, "a character: expected a whole number from 0 on") }
            return StudioResponse(type: "image/png", try PictureWriter.png(await host.character(seed).picture))
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
            try await session.show(reference(request))
            return StudioResponse(json: await session.state)
        case "PUT reference points":
            let landmarks = try StudioJSON.decode(GivenLandmarks.self, from: request.body).frame().checkedAsReference()
            try await session.place(landmarks)
            return StudioResponse(json: await session.state)
        case "GET reference": return StudioResponse(type: "image/png", try PictureWriter.png(await session.reference.picture))
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
            let format = try StudioJSON.decode([String: Recording.Format].self, from: request.body)["format"] ?? .mp4
            try await session.startRecording(format)
            return StudioResponse(json: await session.state, status: 201)
        case "DELETE recording":
            let (format, bytes) = try await session.finishRecording()
            return StudioResponse(type: format.contentType, bytes)
        case "GET socket": throw StudioError(.badRequest, "this address speaks WebSocket: expected an upgrade, found a plain request")
        default:
            throw StudioError(.notFound, "\(key.prefix(80)): a session has no such part; the API is described by /api/v1/openapi.json")
        }
    }

    private func reference(_ request: StudioRequest) async throws -> Reference {
        if request.contentType == "application/json" {
            return await host.character(try StudioJSON.decode(Seed.self, from: request.body).seed)
        }
        let (crop, given) = (try request.crop(), try request.points())
        let name = String((request.query["name"] ?? "the picture").prefix(80))
        let picture = try await host.picture(request.body, name: name)
        // What is given is not looked for.
        let landmarks = if let given { given } else { try await faces?.face(in: picture)?.landmarks }
        return try await host.reference(picture, name: name, crop: crop, landmarks: landmarks)
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

extension InputStamp {
    /// The client of those who send landmarks by POST.
    static let outsider: UInt16 = 0
}

private struct Health: Encodable {
    var status: String
    var model: String
    var sessions: Int
}

private struct SessionList: Encodable { var sessions: [SessionState] }

private struct NewSession: Decodable {
    var settings: SettingsChange?
    var character: UInt64?
}

/// What `POST /api/v1/faces` answers.
private struct FoundFace: Encodable {
    struct Face: Encodable {
        var crop: Crop
        var points: [[Double]]
    }
    var width: Int
    var height: Int
    var face: Face?

    private enum Key: CodingKey { case width, height, face }

    /// No face is told as null.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(width, forKey: .width)
        try container.encode(height, forKey: .height)
        try container.encode(face, forKey: .face)
    }
}

extension StudioRequest {
    /// The square of the query's `x`, `y` and `side`; `nil` without any of them.
    ///
    /// - Throws: `StudioError` of code `badRequest`
    fileprivate func crop() throws(StudioError) -> Crop? {
        let (x, y, side) = (try number("x", Double.self), try number("y", Double.self), try number("side", Double.self))
        if let x, let y, let side { return Crop(x: x, y: y, side: side) }
        guard x == nil, y == nil, side == nil else {
            throw StudioError(.badRequest, "crop: expected all of x, y and side, or none of them")
        }
        return nil
    }

    /// The landmarks of the query's `points`; `nil` without.
    ///
    /// - Throws: `StudioError` of code `badRequest` or `badLandmarks`
    fileprivate func points() throws(StudioError) -> LandmarkFrame? {
        guard let text = query["points"] else { return nil }
        var numbers: [Float] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Float(part), number.isFinite else {
                throw StudioError(.badRequest, "points: expected finite numbers and commas, found '\(part.prefix(40))'")
            }
            numbers.append(number)
        }
        guard numbers.count == 2 * LandmarkSet.count else {
            throw StudioError(
                .badLandmarks,
                "points: expected \(2 * LandmarkSet.count) numbers, x and y of \(LandmarkSet.count) landmarks, found \(numbers.count)")
        }
        return try LandmarkFrame(checking: (0..<LandmarkSet.count).map { LandmarkPoint(x: numbers[2 * $0], y: numbers[2 * $0 + 1]) })
    }
}

private struct Seed: Decodable { var seed: UInt64 }

private struct GivenLandmarks: Decodable {
    /// `[x, y]` or `[x, y, visibility]` each, in the order of `LandmarkSet`.
    var points: [[Float]]
    /// In milliseconds on the sender's clock; later landmarks must not have an earlier one.
    var time: Double?

    func frame() throws(StudioError) -> LandmarkFrame {
        var frame: [LandmarkPoint] = []
        for (index, point) in points.prefix(LandmarkSet.count + 1).enumerated() {
            guard point.count == 2 || point.count == 3 else {
                throw StudioError(.badLandmarks, "points.\(index): expected x, y and perhaps visibility, found \(point.count) numbers")
            }
            frame.append(LandmarkPoint(x: point[0], y: point[1], visibility: point.count == 3 ? point[2] : 1))
        }
        return try LandmarkFrame(checking: frame)
    }
}
