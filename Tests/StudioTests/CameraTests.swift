import Foundation
import NIOHTTP1
import RainMedia
import RainPictures
import RainPose
import RainTesting
import RainWorld
import Testing

@testable import RainStudio

extension Studio {
    /// Driving by the pictures of a client's camera.
    @Suite struct CameraTests {
        private struct Notice: Decodable {
            var type: String
            var code: String?
            var message: String?
        }

        /// The notice that concerns the client.
        private func refusal(_ socket: WebSocketClient) async throws -> Notice {
            try await socket.next { message in
                guard case .text(let text) = message, text.contains("\"notice\"") else { return nil }
                return try JSONDecoder().decode(Notice.self, from: Data(text.utf8))
            }
        }

        private func answer(_ socket: WebSocketClient, from time: Double, seen: Bool = true) async throws -> PictureAnswer {
            try await socket.next { message in
                guard let answer = PictureAnswer(message), answer.time >= time else { return nil }
                if case .seen = answer { return seen ? answer : nil }
                return seen ? nil : answer
            }
        }

        @Test func aFaceInPicturesDrives() async throws {
            let detector = DrawnFilmDetector()
            try await TestStudio.run(detector: detector) { studio in
                let id = try await studio.session()
                let session = try await studio.server.store.session(id)
                #expect(try await studio.get("/api/v1/sessions/\(id)").text.contains(#""detector":true"#))
                let socket = try await studio.socket()
                var furthest: [Float] = []
                for number in 0..<DrawnFilm.count {
                    let time = 1000 + Double(number) * 40
                    let picture = try DrawnFilm.jpeg(number)
                    try await socket.send(Sent.picture(picture, time: time))
                    guard case .seen(time, let milliseconds, let points) = try await answer(socket, from: time) else {
                        Issue.record("no answer to picture \(number)")
                        return
                    }
                    #expect(milliseconds >= 5)
                    let truth = WholeBodyFrame(DrawnFilm.landmarks(number)).shownPoints
                    #expect(zip(points, truth).allSatisfy { abs($0.x - $1.x) < 1e-5 && abs($0.y - $1.y) < 1e-5 })
                    #expect(points.count == truth.count)
                    // The driver at rest is the median of the first eight: here the first of all.
                    let carry = await session.reference.carrier(.person, neutral: DrawnFilm.seen(0))
                    let expected = carry(DrawnFilm.seen(number)).points
                    if number >= 15 {
                        var again = 0.0
                        try await until("picture \(number) to drive") {
                            let face = await session.pose?.face
                            // A camera goes on, so that what it shows does not get old.
                            again += 1
                            if again.truncatingRemainder(dividingBy: 10) == 0 {
                                try await socket.send(Sent.picture(picture, time: time + 39 * again / (again + 100)))
                            }
                            return face.map {
                                zip($0.points, expected).allSatisfy { abs($0.x - $1.x) < 1e-3 && abs($0.y - $1.y) < 1e-3 }
                            }
                                ?? false
                        }
                    }
                    furthest.append(await session.pose?.face.turn ?? 0)
                }
                #expect(try await studio.get("/api/v1/sessions/\(id)").text.contains(#""mode":"camera""#))
                #expect((furthest.max() ?? 0) > 0.05 && (furthest.min() ?? 0) < -0.05, "the head turned both ways")
                // Frames answer pictures with the pictures' own times.
                var answered: Double?
                for number in 0..<600 where answered == nil {
                    try await socket.send(Sent.acknowledge(.max))
                    try await socket.send(Sent.picture(try DrawnFilm.jpeg(number % DrawnFilm.count), time: 5000 + Double(number)))
                    let frame = try await socket.next { ReceivedFrame($0) }
                    if !frame.input.isNaN { answered = frame.input }
                }
                #expect((1000..<5600).contains(try #require(answered)))
                let input = try await studio.get("/api/v1/sessions/\(id)/input")
                #expect(input.status == 200 && input.headers["content-type"] == "image/jpeg")
                #expect(try PictureReader.read(bytes: input.body, name: "input").width == 256)
                #expect(try await studio.ask(.POST, "/api/v1/sessions/\(id)/calibration").status == 204)
                // Off: the character comes back to life by itself.
                try await socket.send(Sent.picture([], time: 9000))
                try await until("idling") { await session.mode == .idle }
                #expect(try await studio.ask(.POST, "/api/v1/sessions/\(id)/calibration").code == "conflict")
                #expect(try await studio.get("/api/v1/sessions/\(id)/input").code == "not_found")
                socket.close()
            }
        }

        /// A camera that is far faster than the detector: one picture waits, the newest; all are told to have arrived.
        @Test func theNewestIsLookedAt() async throws {
            let detector = DrawnFilmDetector()
            defer { detector.letGo() }
            try await TestStudio.run(detector: detector) { studio in
                let socket = try await studio.socket()
                detector.hold()
                try await socket.send(Sent.picture(try DrawnFilm.jpeg(0), time: 0))
                try await until("the first to be looked at") { detector.looks == [0] }
                for number in 1..<40 {
                    try await socket.send(Sent.picture(try DrawnFilm.jpeg(number), time: Double(number)))
                    _ = try await answer(socket, from: Double(number), seen: false)
                }
                detector.letGo()
                _ = try await answer(socket, from: 39)
                #expect(detector.looks == [0, 39])
                let stats = try await studio.stats(studio.session())
                #expect(stats.input?.dropped == 38)
                #expect(stats.input?.inView == true)
                socket.close()
            }
        }

        @Test func picturesOutOfOrderArePassedOver() async throws {
            let detector = DrawnFilmDetector()
            try await TestStudio.run(detector: detector) { studio in
                let socket = try await studio.socket()
                for (number, time) in [(1, 100.0), (2, 50), (3, 100), (4, 101)] {
                    try await socket.send(Sent.picture(try DrawnFilm.jpeg(number), time: time))
                    _ = try await answer(socket, from: time, seen: false)
                    // What is not passed over is looked at before the next one comes, which would take its place.
                    if number == 1 { _ = try await answer(socket, from: time) }
                }
                _ = try await answer(socket, from: 101)
                #expect(detector.looks == [1, 4])
                socket.close()
            }
        }

        @Test func withoutADetectorItIsSaidWhatToDo() async throws {
            try await TestStudio.run { studio in
                let id = try await studio.session()
                #expect(try await studio.get("/api/v1/sessions/\(id)").text.contains(#""detector":false"#))
                let socket = try await studio.socket()
                try await socket.send(Sent.picture(try DrawnFilm.jpeg(0), time: 1))
                let notice = try await refusal(socket)
                #expect(notice.code == "unsupported" && notice.message?.contains("rain tracker install") == true)
                // The rest goes on.
                try await socket.send(Sent.ping(5))
                _ = try await socket.next { if case .binary(let bytes) = $0, bytes[0] == 3 { bytes } else { nil } }
                socket.close()
            }
        }

        @Test func whatIsNoPictureEndsTheCameraOnly() async throws {
            let huge = try PictureWriter.png(Picture(width: 4000, height: 4000))
            #expect(huge.count < CameraInput.largestBytes)
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                let socket = try await studio.socket()
                var time = 1.0
                for (bytes, code) in [
                    (Array("no picture".utf8), "bad_picture"), ([0xFF, 0xD8, 0xFF, 0xE0, 0, 1], "bad_picture"),
                    (Array(try DrawnFilm.jpeg(0).prefix(400)), "bad_picture"), (huge, "too_large"),
                ] {
                    try await socket.send(Sent.picture(bytes, time: time))
                    #expect(try await refusal(socket).code == code, "\(bytes.count) bytes")
                    time += 1
                    try await socket.send(Sent.picture(try DrawnFilm.jpeg(3), time: time))
                    guard case .seen(_, _, let points) = try await answer(socket, from: time) else { return }
                    #expect(!points.isEmpty)
                    time += 1
                }
                socket.close()
            }
        }

        @Test func oneCameraDrivesAtATime() async throws {
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                let (first, second) = (try await studio.socket(), try await studio.socket())
                let session = try await studio.server.store.session(SessionStore.first)
                func isOff() async -> Bool { await session.input.camera == nil }
                var (isRefused, time) = (false, 0.0)
                // Where nothing came of the first for two seconds, because the machine had no time, the second is right to take over.
                while !isRefused, time < 20 {
                    time += 1
                    try await first.send(Sent.picture(try DrawnFilm.jpeg(0), time: time))
                    _ = try await answer(first, from: time)
                    try await second.send(Sent.picture(try DrawnFilm.jpeg(0), time: time))
                    isRefused = try await second.next { message in
                        if case .text(let text) = message { return text.contains("\"conflict\"") ? true : nil }
                        return PictureAnswer(message).flatMap { $0.time >= time ? false : nil }
                    }
                    if !isRefused {
                        try await second.send(Sent.picture([], time: time))
                        try await until("the second to be off") { await isOff() }
                    }
                }
                #expect(isRefused)
                try await first.send(Sent.picture([], time: time + 1))
                try await until("the first to be off") { await isOff() }
                try await second.send(Sent.picture(try DrawnFilm.jpeg(1), time: time + 1))
                _ = try await answer(second, from: time + 1)
                // One who goes away takes the camera along.
                second.close()
                try await until { await session.input.camera == nil }
                first.close()
            }
        }

        @Test func whoIsNotInViewDoesNotDrive() async throws {
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                let socket = try await studio.socket()
                let empty = try PictureWriter.jpeg(Picture(width: 64, height: 48, red: 40))
                for index in 0..<10 {
                    try await socket.send(Sent.picture(empty, time: Double(index)))
                    let seen = try await answer(socket, from: Double(index))
                    if case .seen(_, _, let points) = seen { #expect(points.isEmpty) }
                }
                let session = try await studio.server.store.session(SessionStore.first)
                #expect(await session.mode == .idle)
                #expect(await session.inputStats?.inView == false)
                socket.close()
            }
        }

        @Test func sessionsTakeTurnsWithTheDetector() async throws {
            let detector = DrawnFilmDetector(delay: .milliseconds(20))
            try await TestStudio.run(detector: detector) { studio in
                let made = try await studio.ask(.POST, "/api/v1/sessions", json: "{}")
                let other = try JSONDecoder().decode(SessionState.self, from: Data(made.body)).id
                let sockets = [try await studio.socket(), try await studio.socket(other)]
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for socket in sockets {
                        group.addTask {
                            for number in 0..<20 {
                                try await socket.send(Sent.picture(try DrawnFilm.jpeg(number), time: Double(number)))
                                _ = try await answer(socket, from: Double(number))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(detector.looks.count == 40 && detector.overlaps == 0)
                for socket in sockets { socket.close() }
            }
        }

        /// Pictures at six times the rate that is listened to, each as large as may be.
        @Test func aFloodOfPictures() async throws {
            let detector = DrawnFilmDetector()
            defer { detector.letGo() }
            try await TestStudio.run(detector: detector) { studio in
                let socket = try await studio.socket()
                // However many come meanwhile, one is looked at and one waits.
                detector.hold()
                let picture = try DrawnFilm.jpeg(0)
                let padded = picture + [UInt8](repeating: 0, count: CameraInput.largestBytes - picture.count)
                for index in 0..<360 { try await socket.send(Sent.picture(padded, time: Double(index))) }
                try await socket.send(Sent.ping(5))
                _ = try await socket.next { if case .binary(let bytes) = $0, bytes[0] == 3 { bytes } else { nil } }
                try await until("one to be looked at") { !detector.looks.isEmpty }
                #expect(detector.looks == [0])
                detector.letGo()
                try await until("the one that waits") { detector.looks == [0, 0] }
                #expect(try await studio.get("/api/v1/sessions/first/snapshot").status == 200)
                socket.close()
            }
        }
    }
}
