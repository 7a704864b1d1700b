import Foundation
import NIOHTTP1
import RainMedia
import RainPictures
import RainPose
import Testing

@testable import RainStudio

/// What has been seen in a film, without a film.
struct FilmTrackTests {
    private func pose(_ number: Int) -> DrivingPose { .person(person(number)) }
    private func person(_ number: Int) -> WholeBodyFrame { WholeBodyFrame(DrawnFilm.landmarks(number)) }

    /// Looks at a round of the drawn film, as fast as that is allowed, where a look takes a time.
    private func look(_ track: inout FilmTrack, round: Int, from start: Double, work: Double) -> (looks: [Int], end: Double) {
        var now = start
        var looks: [Int] = []
        for number in 0..<DrawnFilm.count {
            let seconds = Double(number) / DrawnFilm.framesPerSecond
            guard let index = track.wants(seconds, at: .seconds(now)) else { continue }
            now += work
            looks.append(number)
            track.saw(pose(number), in: index, work: work, at: .seconds(now))
        }
        track.ended(at: .seconds(now))
        return (looks, now)
    }

    @Test func aFastDetectorSeesAllInOneRound() {
        var track = FilmTrack()
        let (looks, end) = look(&track, round: 0, from: 0, work: 0.001)
        #expect(looks == Array(0..<DrawnFilm.count))
        #expect(track.isWhole && track.isPlaying && track.share == 1)
        // It plays at its own pace, over and over.
        var before = -1.0
        for tick in 0..<300 {
            let now = end + Double(tick) / 100
            guard let place = track.place(at: .seconds(now)) else {
                Issue.record("it does not play")
                return
            }
            #expect(place >= before || before > 1.9)
            before = place
        }
    }

    @Test func aSlowDetectorMissesNothingInTheEnd() {
        var track = FilmTrack()
        var (now, seen) = (0.0, Set<Int>())
        let first = look(&track, round: 0, from: now, work: 0.2)
        #expect(first.looks.count < 20 && !track.isWhole, "what plays before it is found is passed over: \(first.looks)")
        seen.formUnion(first.looks)
        now = first.end
        let second = look(&track, round: 1, from: now, work: 0.2)
        #expect(seen.isDisjoint(with: second.looks) && seen.count + second.looks.count == DrawnFilm.count)
        #expect(track.isWhole)
        let third = look(&track, round: 2, from: second.end, work: 0.2)
        #expect(third.looks.isEmpty)
    }

    @Test func howFarItIsIsToldOfTheWhole() {
        var track = FilmTrack()
        track.expected = 100
        for number in 0..<20 {
            guard let index = track.wants(Double(number) / 20, at: .zero) else { continue }
            track.saw(pose(number), in: index, work: 0, at: .zero)
        }
        #expect(track.share == Double(track.count) / 100)
        track.ended(at: .zero)
        #expect(track.share == 1, "what a file says is not believed when it has ended")
    }

    /// The first round never falls behind what plays.
    @Test(arguments: [0.02, 0.1, 0.25]) func lookingStaysAheadOfPlaying(work: Double) {
        var track = FilmTrack()
        var now = 0.0
        for number in 0..<400 {
            let seconds = Double(number) / DrawnFilm.framesPerSecond
            guard let index = track.wants(seconds, at: .seconds(now)) else { continue }
            now += work
            if track.isPlaying, let place = track.place(at: .seconds(now)) { #expect(seconds >= place - 1e-9, "\(seconds) at \(place)") }
            track.saw(pose(number % DrawnFilm.count), in: index, work: work, at: .seconds(now))
        }
        #expect(track.isPlaying)
    }

    @Test func posesLieBetweenWhatIsKnown() throws {
        var track = FilmTrack()
        let (_, end) = look(&track, round: 0, from: 0, work: 0)
        var steps: [Float] = []
        for tick in 0..<240 {
            let now = end + Double(tick) / 120
            let shown = track.pose(at: .seconds(now))
            let (seen, rest) = try #require(shown)
            let place = Double(tick) / 120 * DrawnFilm.framesPerSecond
            let truth = person(min(Int(place), DrawnFilm.count - 1))
            let next = person(min(Int(place) + 1, DrawnFilm.count - 1))
            let x = seen.person.face[30].x
            let range = [truth.face[30].x, next.face[30].x].sorted()
            #expect(x >= range[0] - 1e-6 && x <= range[1] + 1e-6, "\(place)")
            #expect(rest.face != nil)
            steps.append(Float(x))
        }
        #expect(zip(steps, steps.dropFirst()).allSatisfy { abs($1 - $0) < 0.02 }, "no jumps")
    }

    /// However late, and however seldom, it is asked what it shows: on a busy machine the driver at rest must not be somebody who turns.
    @Test(arguments: [0, 0.6, 1.4], [0.03, 0.3]) func theFaceAtRestIsThatOfTheFilmsBeginning(delay: Double, gap: Double) throws {
        var track = FilmTrack()
        let (_, end) = look(&track, round: 0, from: 0, work: 0.001)
        let beginning = try #require(LandmarkFrame.median(of: (0..<RestingFace.count).map { LandmarkFrame(person($0)) }))
        func isThat(_ face: LandmarkFrame?, _ wanted: LandmarkFrame) -> Bool {
            face.map { zip($0.points, wanted.points).allSatisfy { abs($0.x - $1.x) < 1e-6 && abs($0.y - $1.y) < 1e-6 } } ?? false
        }
        var shown: [LandmarkFrame] = []
        for tick in 0..<20 {
            let now = track.pose(at: .seconds(end + delay + gap * Double(tick)))
            let (posed, rest) = try #require(now)
            #expect(isThat(rest.face, beginning), "tick \(tick)")
            shown.append(posed.face)
        }
        // Whoever says that this is it is believed.
        let isCalibrated = track.calibrate()
        let last = track.pose(at: .seconds(end + delay + 20 * gap))
        #expect(try isCalibrated && isThat(last?.rest.face, #require(LandmarkFrame.median(of: shown.suffix(RestingFace.count)))))
    }

    @Test func timesThatCannotBeAreBounded() {
        var track = FilmTrack()
        for impossible in [1e9, .infinity, .nan] {
            let wanted = track.wants(impossible, at: .zero)
            #expect(wanted == nil)
        }
        for index in 0..<100_000 { _ = track.wants(Double(index) * 1e-6, at: .zero) }
        #expect(track.count < 10, "pictures that are as close as these are one")
        track.ended(at: .zero)
        #expect(!track.isPlaying && !track.isWhole)
        let shown = track.pose(at: .seconds(1))
        let isCalibrated = track.calibrate()
        #expect(shown == nil && !isCalibrated)
    }
}

extension Studio {
    /// Driving by uploaded films.
    @Suite struct FilmTests {
        /// Bytes of the drawn film as a file.
        private static let film: [UInt8] = {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).mp4")
            defer { try? FileManager.default.removeItem(at: file) }
            guard (try? DrawnFilm.write(video: file)) != nil, let data = try? Data(contentsOf: file) else { return [] }
            return [UInt8](data)
        }()

        private func upload(_ studio: TestStudio, _ bytes: [UInt8], session: String? = nil, type: String = "video/mp4") async throws
            -> Answer
        {
            let id = if let session { session } else { try await studio.session() }
            return try await studio.ask(
                .PUT, "/api/v1/sessions/\(id)/motion?name=me.mp4", headers: [("content-type", type)], body: bytes)
        }

        @Test func aFilmDrivesOverAndOver() async throws {
            let detector = DrawnFilmDetector(delay: .milliseconds(2))
            try await TestStudio.run(detector: detector) { studio in
                let answer = try await upload(studio, Self.film)
                #expect(answer.status == 200 && answer.text.contains(#""motion":"me.mp4""#), "\(answer.text.prefix(300))")
                let session = try await studio.server.store.session(SessionStore.first)
                let file = try #require(await session.input.film?.file.path)
                #expect(FileManager.default.fileExists(atPath: file) && !file.contains("me.mp4"))
                let permissions = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(permissions == 0o600)
                try await until("the film to play") { await session.mode == .motion }
                try await until("all of it to be known") { await session.input.film?.isWhole == true }
                // Once around the head turns one way and then the other.
                for round in 1...2 {
                    try await until("a turn, \(round)") { await session.pose?.face.turn ?? 0 > 0.05 }
                    try await until("a turn back, \(round)") { await session.pose?.face.turn ?? 0 < -0.05 }
                }
                #expect(Set(detector.looks) == Set(0..<DrawnFilm.count))
                #expect(detector.looks.count == DrawnFilm.count, "each picture is looked at once")
                let input = try await studio.get("/api/v1/sessions/first/input")
                #expect(try PictureReader.read(bytes: input.body, name: "input").width == 256)
                #expect(try await studio.ask(.POST, "/api/v1/sessions/first/calibration").status == 204)
                // Another motion takes its place, and its file goes.
                #expect(try await studio.ask(.PUT, "/api/v1/sessions/first/motion", json: #"{"seed":4}"#).status == 200)
                try await until("the file to go") { !FileManager.default.fileExists(atPath: file) }
                #expect(await session.input.film == nil)
            }
        }

        @Test func filesGoWithTheirSession() async throws {
            try await TestStudio.run(detector: DrawnFilmDetector(delay: .milliseconds(200))) { studio in
                let made = try await studio.ask(.POST, "/api/v1/sessions", json: "{}")
                let id = try JSONDecoder().decode(SessionState.self, from: Data(made.body)).id
                #expect(try await upload(studio, Self.film, session: id).status == 200)
                let file = try #require(await studio.server.store.session(id).input.film?.file.path)
                // A second film takes the first one's place.
                #expect(try await upload(studio, Self.film, session: id).status == 200)
                let second = try #require(await studio.server.store.session(id).input.film?.file.path)
                try await until("the first to go") { !FileManager.default.fileExists(atPath: file) }
                #expect(try await studio.ask(.DELETE, "/api/v1/sessions/\(id)").status == 204)
                #expect(!FileManager.default.fileExists(atPath: second), "at once, though it is still being looked at")
            }
        }

        @Test func aGIFIsAFilmToo() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).gif")
            defer { try? FileManager.default.removeItem(at: file) }
            let sink = try FrameSink.open(file.path, width: 192, height: 192, framesPerSecond: 10)
            for number in 0..<20 { try sink.write(DrawnFilm.picture(number)) }
            try sink.finish()
            let bytes = [UInt8](try Data(contentsOf: file))
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                #expect(try await upload(studio, bytes, type: "image/gif").status == 200)
                let session = try await studio.server.store.session(SessionStore.first)
                try await until("the film to play") { await session.mode == .motion }
            }
        }

        // MARK: Bad input

        @Test func whatIsNoFilmIsRefused() async throws {
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                for (bytes, code) in [
                    ([], "bad_video"), (Array("no film at all".utf8), "bad_video"), (Array(Self.film.prefix(200)), "bad_video"),
                    ([UInt8](repeating: 0x47, count: 100_000), "bad_video"),
                    (Array("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".utf8), "bad_video"),
                    (Array("ffconcat version 1.0\nfile /etc/passwd\n".utf8), "bad_video"),
                ] {
                    let answer = try await upload(studio, bytes)
                    #expect(answer.status == 400 && answer.code == code, "\(bytes.count) bytes: \(answer.status) \(answer.text)")
                    #expect(!answer.text.contains("/tmp") && !answer.text.contains(".upload"), "\(answer.text)")
                }
                #expect(try await studio.get("/api/v1/sessions/first/snapshot").status == 200)
                let session = try await studio.server.store.session(SessionStore.first)
                #expect(await session.input.film == nil)
            }
        }

        @Test func aFilmTooLongOrTooLarge() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).mp4")
            defer { try? FileManager.default.removeItem(at: file) }
            let sink = try FrameSink.open(file.path, width: 32, height: 32, framesPerSecond: 1)
            for _ in 0..<200 { try sink.write(Picture(width: 32, height: 32)) }
            try sink.finish()
            let long = [UInt8](try Data(contentsOf: file))
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                let answer = try await upload(studio, long)
                #expect(answer.status == 413 && answer.code == "too_large" && answer.text.contains("180 seconds"), "\(answer.text)")
                // What says that it is too large is refused before it comes.
                let id = try await studio.session()
                try await Wire.run(port: studio.port) { wire in
                    try await wire.send(
                        Array(
                            ("PUT /api/v1/sessions/\(id)/motion HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
                                + "Content-Length: \(Film.largestFile + 1)\r\n\r\nabc").utf8))
                    var text = ""
                    try await until("a refusal") {
                        text += String(decoding: await wire.take(), as: UTF8.self)
                        return text.contains("too_large")
                    }
                    #expect(text.hasPrefix("HTTP/1.1 413"))
                }
            }
        }

        @Test func aFilmInWhichNobodyIsFound() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).mp4")
            defer { try? FileManager.default.removeItem(at: file) }
            let sink = try FrameSink.open(file.path, width: 64, height: 64, framesPerSecond: 10)
            for _ in 0..<20 { try sink.write(Picture(width: 64, height: 64, red: 90)) }
            try sink.finish()
            let bytes = [UInt8](try Data(contentsOf: file))
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                let socket = try await studio.socket()
                #expect(try await upload(studio, bytes).status == 200)
                let notice = try await socket.next { message -> String? in
                    if case .text(let text) = message, text.contains("\"notice\"") { text } else { nil }
                }
                #expect(notice.contains("me.mp4") && notice.contains("face in view"), "\(notice)")
                let session = try await studio.server.store.session(SessionStore.first)
                #expect(await session.input.film == nil)
                #expect(await session.mode == .idle)
                socket.close()
            }
        }

        @Test func withoutADetectorAFilmIsRefused() async throws {
            try await TestStudio.run { studio in
                let answer = try await upload(studio, Self.film)
                #expect(answer.status == 415 && answer.code == "unsupported" && answer.text.contains("--detector"))
                #expect(try await upload(studio, Self.film, session: "absent").code == "not_found")
            }
        }

        /// Uploads that break off or never end leave nothing behind and give their room back.
        @Test func uploadsThatBreakOff() async throws {
            try await TestStudio.run(seconds: 6, detector: DrawnFilmDetector()) { studio in
                let id = try await studio.session()
                let head =
                    "PUT /api/v1/sessions/\(id)/motion HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\nContent-Length: 9000000\r\n\r\n"
                for _ in 0..<3 {
                    try await Wire.run(port: studio.port) { wire in
                        try await wire.send(Array(head.utf8) + [UInt8](repeating: 1, count: 100_000))
                        try await Task.sleep(for: .milliseconds(100))
                    }
                }
                try await until("room") { try await upload(studio, Self.film).status == 200 }
                // Two at once hold all the room there is; the third is told.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<UploadSlots.most {
                        group.addTask {
                            try await Wire.run(port: studio.port) { wire in
                                try await wire.send(Array(head.utf8) + [1, 2, 3])
                                #expect(await wire.isClosed(), "one that never ends")
                            }
                        }
                    }
                    try await until("all room to be taken") {
                        let third = try await upload(studio, Self.film)
                        #expect(third.status == 200 || third.status == 503 && third.code == "busy", "\(third.text)")
                        return third.status == 503
                    }
                    try await group.waitForAll()
                }
                try await until("room again") { try await upload(studio, Self.film).status == 200 }
            }
        }
    }
}
