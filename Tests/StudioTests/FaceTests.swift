import Foundation
import NIOHTTP1
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import RainWorld
import Synchronization
import Testing

@testable import RainStudio

/// A detector that says the same of every picture.
final class StubbornDetector: LandmarkDetecting {
    struct Failure: Error, CustomStringConvertible { var description: String { "the network is gone" } }

    private struct State {
        var pose: DrivingPose?
        var fails = false
        var isHeld = false
        var sizes: [SIMD2<Int>] = []
    }
    private let state: Mutex<State>

    init(_ pose: DrivingPose?) { state = Mutex(State(pose: pose)) }

    func say(_ pose: DrivingPose?) { state.withLock { $0.pose = pose } }
    func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }
    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }
    /// Width and height of the pictures it was shown.
    var sizes: [SIMD2<Int>] { state.withLock(\.sizes) }

    func detect(_ picture: Picture) async throws -> DrivingPose? {
        state.withLock { $0.sizes.append(SIMD2(picture.width, picture.height)) }
        while state.withLock(\.isHeld) { try? await Task.sleep(for: .milliseconds(5)) }
        if state.withLock(\.fails) { throw Failure() }
        return state.withLock(\.pose)
    }
}

/// The landmarks of a drawn character that is pasted into a wide picture.
enum PastedFace {
    static let (width, height, left, top, side) = (800, 600, 260, 40, 480)
    static let character = RainWorld.Character(seed: 21)

    static let landmarks = LandmarkFrame(
        points: character.landmarks(.neutral(variation: 21)).points.map { point in
            LandmarkPoint(
                x: (Float(left) + Float(side) * point.x) / Float(width), y: (Float(top) + Float(side) * point.y) / Float(height),
                visibility: 0.9)
        })

    static func picture() -> Picture {
        var picture = Picture(width: width, height: height, red: 70, green: 110, blue: 90)
        let square = character.render(.neutral(variation: 21), size: side)
        for row in 0..<side {
            let to = ((top + row) * width + left) * 3
            picture.bytes.replaceSubrange(to..<to + side * 3, with: square.bytes[row * side * 3..<(row + 1) * side * 3])
        }
        return picture
    }
}

extension Studio {
    /// Faces in uploaded pictures: where they are found, how they are placed, and that their landmarks stay with the reference.
    @Suite struct FaceTests {
        private struct Found: Decodable {
            struct Face: Decodable {
                var crop: Crop
                var points: [[Double]]
            }
            var width: Int
            var height: Int
            var face: Face?
        }

        private func find(_ studio: TestStudio, _ bytes: [UInt8]) async throws -> Found {
            let answer = try await studio.ask(.POST, "/api/v1/faces", body: bytes)
            #expect(answer.status == 200, "\(answer.text.prefix(300))")
            return try JSONDecoder().decode(Found.self, from: Data(answer.body))
        }

        private func state(_ answer: Answer) throws -> SessionState {
            #expect(answer.status == 200, "\(answer.text.prefix(300))")
            return try JSONDecoder().decode(SessionState.self, from: Data(answer.body))
        }

        /// The code of a refusal that says what is wrong in one sentence.
        private func refusal(_ answer: Answer) throws -> String {
            struct Refusal: Decodable {
                struct Words: Decodable {
                    var code: String
                    var message: String
                }
                var error: Words
            }
            let words = try JSONDecoder().decode(Refusal.self, from: Data(answer.body)).error
            #expect(!words.message.isEmpty && !words.message.contains("\n") && !words.message.hasSuffix("."), "\(words.message)")
            #expect(words.message.count < 500 && !words.message.contains("Optional("), "\(words.message)")
            return words.code
        }

        private func query(_ points: [[Double]]) -> String { points.map { "\($0[0]),\($0[1])" }.joined(separator: ",") }
        private func body(_ points: [[Double]]) -> String {
            #"{"points":[\#(points.map { "[\($0[0]),\($0[1])]" }.joined(separator: ","))]}"#
        }
        private func distance(_ a: [[Double]], _ b: [[Double]]) -> Double {
            zip(a, b).map { max(abs($0[0] - $1[0]), abs($0[1] - $1[1])) }.max() ?? .infinity
        }
        private let neutral = LandmarkFrame.neutral.points.map { [Double($0.x), Double($0.y)] }

        // MARK: What is found

        @Test func aFaceIsFoundPlacedAndKept() async throws {
            let picture = try PictureWriter.png(PastedFace.picture())
            let detector = StubbornDetector(.face(PastedFace.landmarks))
            try await TestStudio.run(detector: detector) { studio in
                let id = try await studio.session()
                let found = try await find(studio, picture)
                #expect((found.width, found.height) == (800, 600) && detector.sizes == [SIMD2(800, 600)])
                let face = try #require(found.face)
                #expect(face.points.count == 29 && face.points.allSatisfy { $0.count == 3 && $0[2] == 0.9 })
                #expect(distance(face.points, PastedFace.landmarks.points.map { [Double($0.x), Double($0.y)] }) < 1e-4)
                // Drawn faces lie about where the neutral one does, so the square is about the one that was pasted.
                #expect(abs(face.crop.side * 600 - 480) < 80 && abs(face.crop.x * 800 - 260) < 60 && abs(face.crop.y * 600 - 40) < 60)

                // With the points given, nothing is looked for.
                let address = "/api/v1/sessions/\(id)/reference"
                let crop = "x=\(face.crop.x)&y=\(face.crop.y)&side=\(face.crop.side)"
                let placed = try state(try await studio.ask(.PUT, "\(address)?\(crop)&points=\(query(face.points))", body: picture))
                #expect(detector.sizes.count == 1)
                #expect(placed.reference.points.count == 29 && distance(placed.reference.points, neutral) < 0.08)
                #expect(placed.reference.isPicture)
                let session = try await studio.server.store.session(id)
                let kept = await session.reference.face.points
                #expect(kept.allSatisfy { $0.visibility == 1 })
                #expect(distance(kept.map { [Double($0.x), Double($0.y)] }, placed.reference.points) < 1e-4)
                // The puppet's neutral pose is the reference's own face.
                let puppet = await session.reference.landmarks(CharacterPose())
                for landmark in Landmark.allCases where landmark != .mouthTop && landmark != .mouthBottom {
                    #expect(abs(puppet[landmark].x - kept[landmark.rawValue].x) < 1e-3, "\(landmark)")
                    #expect(abs(puppet[landmark].y - kept[landmark.rawValue].y) < 1e-3, "\(landmark)")
                }

                // Without points and crop it is found here, and the square follows from it.
                let found2 = try state(try await studio.ask(.PUT, address, body: picture))
                #expect(distance(found2.reference.points, placed.reference.points) < 0.01 && detector.sizes.count == 2)
                #expect(found2.reference.generation == placed.reference.generation + 1)
                // With a crop of one's own the landmarks go along.
                let wide = try state(try await studio.ask(.PUT, "\(address)?x=-0.25&y=-0.5&side=1.5", body: picture))
                let wanted = PastedFace.landmarks.points.map { [(Double($0.x) * 800 + 200) / 900, (Double($0.y) * 600 + 300) / 900] }
                #expect(distance(wide.reference.points, wanted) < 1e-3)
                let shown = try PictureReader.read(bytes: try await studio.get(address).body, name: "reference")
                #expect(shown.width == 900 && shown.bytes[0] == 70 && shown.bytes[(310 * 900 + 210) * 3] == 70, "its edges go on outside")
            }
        }

        @Test func largePicturesAreShownSmall() async throws {
            let detector = StubbornDetector(.person(WholeBodyFrame(LandmarkFrame.neutral)))
            try await TestStudio.run(detector: detector) { studio in
                let found = try await find(studio, PictureWriter.png(Picture(width: 5000, height: 2500, red: 90)))
                #expect((found.width, found.height) == (5000, 2500) && detector.sizes == [SIMD2(2048, 1024)])
                #expect(found.face != nil)
                #expect(
                    try refusal(try await studio.ask(.POST, "/api/v1/faces", body: PictureWriter.png(Picture(width: 8000, height: 8000))))
                        == "too_large")
                #expect(detector.sizes.count == 1)
            }
        }

        @Test func withoutAFaceItIsTheNeutralOne() async throws {
            let detector = StubbornDetector(nil)
            let picture = try PictureWriter.png(Picture(width: 60, height: 40, red: 90))
            try await TestStudio.run(detector: detector) { studio in
                let address = "/api/v1/sessions/\(try await studio.session())/reference"
                func collapsed(_ value: Float) -> LandmarkFrame {
                    LandmarkFrame(points: [LandmarkPoint](repeating: LandmarkPoint(x: value, y: value), count: LandmarkSet.count))
                }
                var broken = LandmarkFrame.neutral
                broken[.neck].x = .nan
                let useless: [LandmarkFrame?] = [nil, collapsed(0.5), collapsed(.nan), collapsed(1e30), broken]
                for (index, frame) in useless.enumerated() {
                    detector.say(frame.map { .face($0) })
                    #expect(try await find(studio, picture).face == nil, "face \(index)")
                    let shown = try state(try await studio.ask(.PUT, address, body: picture))
                    #expect(distance(shown.reference.points, neutral) < 1e-4)
                }
                detector.say(.face(.neutral))
                _ = try await find(studio, PictureWriter.png(Picture(width: 1, height: 1)))
                #expect(try await studio.ask(.PUT, address, body: PictureWriter.png(Picture(width: 1, height: 1))).status == 200)
                #expect(try await studio.get("/api/v1/sessions/first/snapshot").status == 200)
            }
        }

        @Test func withoutADetectorItSaysHowToGetOne() async throws {
            try await TestStudio.run { studio in
                let picture = try PictureWriter.png(Picture(width: 60, height: 40, red: 90))
                let answer = try await studio.ask(.POST, "/api/v1/faces", body: picture)
                #expect(answer.status == 415 && answer.text.contains("rain tracker install"))
                #expect(try refusal(answer) == "unsupported")
                let shown = try state(try await studio.ask(.PUT, "/api/v1/sessions/first/reference", body: picture))
                #expect(distance(shown.reference.points, neutral) < 1e-4)
                #expect(try await studio.get("/api/v1/faces").code == "method_not_allowed")
            }
        }

        @Test func aDetectorThatFails() async throws {
            let detector = StubbornDetector(.face(.neutral))
            let picture = try PictureWriter.png(Picture(width: 60, height: 40, red: 90))
            try await TestStudio.run(detector: detector) { studio in
                let address = "/api/v1/sessions/\(try await studio.session())/reference"
                detector.fail(true)
                #expect(try refusal(try await studio.ask(.POST, "/api/v1/faces", body: picture)) == "failed")
                let answer = try await studio.ask(.PUT, address, body: picture)
                #expect(try refusal(answer) == "failed" && answer.text.contains("the network is gone"))
                // With points given it is not asked.
                #expect(try await studio.ask(.PUT, "\(address)?points=\(query(neutral))", body: picture).status == 200)
                detector.fail(false)
                #expect(try await find(studio, picture).face != nil)
            }
        }

        @Test func noMorePicturesWaitThanThereIsRoomFor() async throws {
            let detector = StubbornDetector(nil)
            defer { detector.hold(false) }
            let picture = try PictureWriter.png(Picture(width: 60, height: 40, red: 90))
            try await TestStudio.run(detector: detector) { studio in
                detector.hold(true)
                try await withThrowingTaskGroup(of: Answer.self) { group in
                    for _ in 0..<7 { group.addTask { try await studio.ask(.POST, "/api/v1/faces", body: picture) } }
                    var refused = 0
                    for try await answer in group {
                        if answer.status == 503 { refused += 1 } else { #expect(answer.status == 200) }
                        if refused == 7 - FaceFinder.mostWaiting { detector.hold(false) }
                    }
                    #expect(refused == 7 - FaceFinder.mostWaiting)
                }
                #expect(try await studio.ask(.POST, "/api/v1/faces", body: picture).status == 200)
            }
        }

        // MARK: What is given

        @Test func thePictureOnStageGetsOtherPoints() async throws {
            try await TestStudio.run { studio in
                let address = "/api/v1/sessions/\(try await studio.session())/reference"
                let drawn = try await studio.ask(.PUT, "\(address)/points", json: body(neutral))
                #expect(drawn.status == 409)
                #expect(try refusal(drawn) == "conflict")
                let before = try state(
                    try await studio.ask(.PUT, "\(address)?name=me.png", body: PictureWriter.png(Picture(width: 60, height: 40, red: 90))))
                let moved = neutral.map { [$0[0] * 0.9 + 0.1, $0[1] - 0.05] }
                let after = try state(try await studio.ask(.PUT, "\(address)/points", json: body(moved)))
                #expect(distance(after.reference.points, moved) < 1e-4)
                #expect(after.reference.generation == before.reference.generation + 1 && after.reference.name == "me.png")
                let session = try await studio.server.store.session(SessionStore.first)
                let face = await session.reference.landmarks(CharacterPose())
                #expect(abs(Double(face[.leftShoulder].x) - moved[27][0]) < 1e-3)
                // Back to a drawn character, whose points are told too.
                let seed = try state(try await studio.ask(.PUT, address, json: #"{"character":4}"#))
                #expect(seed.reference.points.count == 29 && seed.reference.character == "4")
            }
        }

        @Test func pointsThatCannotBe() async throws {
            try await TestStudio.run(detector: StubbornDetector(.face(.neutral))) { studio in
                let address = "/api/v1/sessions/\(try await studio.session())/reference"
                let picture = try PictureWriter.png(Picture(width: 60, height: 40, red: 90))
                _ = try state(try await studio.ask(.PUT, address, body: picture))
                let before = try await studio.get("/api/v1/sessions/first").text
                func numbers(_ count: Int, _ value: String = "0.5") -> String {
                    [String](repeating: value, count: count).joined(separator: ",")
                }
                var far = neutral
                far[21] = [9, 0.5]
                for (points, code) in [
                    ("", "bad_request"), ("1", "bad_landmarks"), (numbers(57), "bad_landmarks"), (numbers(59), "bad_landmarks"),
                    (numbers(500, "1"), "bad_landmarks"), (numbers(58), "bad_landmarks"), (numbers(58, "nan"), "bad_request"),
                    (numbers(58, "inf"), "bad_request"), (numbers(58, "1e30"), "bad_landmarks"), (numbers(58, "x"), "bad_request"),
                    (numbers(57) + ",", "bad_request"), (query(far), "bad_landmarks"),
                ] {
                    let answer = try await studio.ask(.PUT, "\(address)?points=\(points)", body: picture)
                    #expect(answer.status == 400, "\(points.prefix(40)): \(answer.text)")
                    #expect(try refusal(answer) == code, "\(points.prefix(40)): \(answer.text)")
                }
                for (json, code) in [
                    ("{}", "bad_request"), (#"{"points":[]}"#, "bad_landmarks"), (#"{"points":[[1]]}"#, "bad_landmarks"),
                    (#"{"points":[[NaN,0]]}"#, "bad_request"), (body(neutral + [[0.5, 0.5]]), "bad_landmarks"),
                    (body(neutral.map { _ in [0.5, 0.5] }), "bad_landmarks"), (body(far), "bad_landmarks"),
                    (body(neutral.map { [$0[0] * 1e30, 0] }), "bad_landmarks"), (#"{"points":3}"#, "bad_request"), ("", "bad_request"),
                ] {
                    let answer = try await studio.ask(.PUT, "\(address)/points", json: json)
                    #expect(try refusal(answer) == code, "\(json.prefix(40)): \(answer.text)")
                }
                #expect(try await studio.ask(.POST, "\(address)/points", json: body(neutral)).code == "not_found")
                #expect(try await studio.get("/api/v1/sessions/first").text == before, "what is refused changes nothing")
            }
        }

        @Test func cropsThatCannotBe() async throws {
            try await TestStudio.run { studio in
                let address = "/api/v1/sessions/\(try await studio.session())/reference"
                let picture = try PictureWriter.png(Picture(width: 60, height: 40, red: 90))
                for (crop, code) in [
                    ("x=0&y=0", "bad_request"), ("side=1", "bad_request"), ("x=a&y=0&side=1", "bad_request"),
                    ("x=nan&y=0&side=1", "bad_picture"), ("x=0&y=0&side=inf", "bad_picture"), ("x=0&y=0&side=7", "bad_picture"),
                    ("x=-3&y=0&side=1", "bad_picture"), ("x=0.9&y=0&side=1", "bad_picture"), ("x=0&y=0&side=-1", "bad_picture"),
                ] { #expect(try refusal(try await studio.ask(.PUT, "\(address)?\(crop)", body: picture)) == code, "\(crop)") }
                for crop in ["x=-0.3&y=-0.5&side=2", "x=0&y=0&side=1", "x=0.5&y=0.5&side=0.9", "x=-1.5&y=-2.5&side=6"] {
                    #expect(try await studio.ask(.PUT, "\(address)?\(crop)", body: picture).status == 200, "\(crop)")
                }
            }
        }

        @Test func whatIsNoPicture() async throws {
            try await TestStudio.run(detector: StubbornDetector(.face(.neutral))) { studio in
                for bytes in [[], Array("not a picture".utf8), [0xFF, 0xD8, 0xFF]] {
                    #expect(try refusal(try await studio.ask(.POST, "/api/v1/faces", body: bytes)) == "bad_picture")
                }
                let answer = try await studio.ask(.POST, "/api/v1/faces", body: [UInt8](repeating: 0, count: Router.largestUpload + 1))
                #expect(try refusal(answer) == "too_large")
            }
        }

        // MARK: Distance

        /// What is seen of a driver, and what a model is shown.
        enum Way: CaseIterable { case facesOnDrawn, personsOnDrawn, personsOnPublished }

        /// A driver who leans in until the head is 1.6 times as large.
        @Test(arguments: [true, false], Way.allCases) func aCameraKeepsTheDistance(isKept: Bool, _ way: Way) async throws {
            let detector = StubbornDetector(nil)
            let isPublished = way == .personsOnPublished
            try await TestStudio.run(style: isPublished ? .person : .face, detector: detector) { studio in
                let session = try await studio.server.store.session(SessionStore.first)
                let change = try await studio.ask(.PATCH, "/api/v1/sessions/first", json: #"{"keepDistance":\#(isKept)}"#)
                #expect(change.text.contains(#""keepDistance":\#(isKept)"#))
                let socket = try await studio.socket()
                let picture = try PictureWriter.jpeg(Picture(width: 32, height: 32))
                func look(_ scale: Float, at time: Double) async throws {
                    let face = LandmarkFrame(
                        points: LandmarkFrame.neutral.points.map {
                            LandmarkPoint(x: 0.5 + ($0.x - 0.5) * scale * 0.6, y: 0.5 + ($0.y - 0.5) * scale * 0.6)
                        })
                    detector.say(way == .facesOnDrawn ? .face(face) : .person(WholeBodyFrame(face)))
                    try await socket.send(Sent.picture(picture, time: time))
                    _ = try await socket.next { message -> Bool? in
                        if case .seen(time, _, _)? = PictureAnswer(message) { true } else { nil }
                    }
                }
                func width(_ face: LandmarkFrame) -> Float { face[.faceOutline6].x - face[.faceOutline0].x }
                for index in 0..<10 { try await look(1, at: Double(index) * 33) }
                // Published models carry faces over by themselves.
                let whole = isPublished ? width(.neutral) * 0.6 : width(await session.reference.face)
                for index in 0..<60 { try await look(1 + 0.6 * Float(min(index, 40)) / 40, at: 330 + Double(index) * 33) }
                // A drawn head is shown larger by a third at most, however near a person comes.
                let wanted = whole * (isKept ? 1 : isPublished ? 1.6 : 1.3)
                var time = 330.0 + 60 * 33
                try await until("the size to be told") {
                    time += 33
                    try await look(1.6, at: time)
                    return await session.pose.map { abs(width($0.face) / wanted - 1) < 0.03 } ?? false
                }
                // The distance is taken out once.
                #expect(await (session.input.distance.scale > 1) == (isKept && isPublished))
                // The face at this distance becomes the neutral one.
                for _ in 0..<8 {
                    time += 33
                    try await look(1.6, at: time)
                }
                #expect(try await studio.ask(.POST, "/api/v1/sessions/first/calibration").status == 204)
                #expect(await session.input.distance.scale == 1)
                try await until("the driver to be measured anew") {
                    time += 33
                    try await look(1.6, at: time)
                    return await session.pose.map { abs(width($0.face) / (whole * (isPublished ? 1.6 : 1)) - 1) < 0.03 } ?? false
                }
                socket.close()
            }
        }

        /// The drawn world's heads turn about as rigid ones do: their distance is kept too.
        @Test func drawnHeadsThatTurnKeepTheirSize() throws {
            var worst = 0.0
            for seed in 0..<20 as Range<UInt64> {
                let character = RainWorld.Character(seed: seed)
                let neutral = character.landmarks(CharacterPose())
                for (yaw, pitch, roll, mouth) in [
                    (0.6, 0, 0, 0), (-0.6, 0.35, 0, 0), (0.3, -0.35, 0.3, 0), (0, 0, -0.3, 0), (0, 0, 0, 1), (0.4, 0.2, 0.1, 1),
                ] as [(Double, Double, Double, Double)] {
                    var pose = CharacterPose()
                    (pose.yaw, pose.pitch, pose.roll, pose.mouthOpen) = (yaw, pitch, roll, mouth)
                    let scale = try #require(HeadFit(from: neutral, to: character.landmarks(pose))).scale
                    worst = max(worst, abs(scale - 1))
                }
            }
            print("keep distance: scale of drawn heads that turn is off by at most \(worst)")
            #expect(worst < 0.03)
        }
    }
}
