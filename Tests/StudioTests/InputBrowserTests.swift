import Foundation
import RainCPU
import RainDetection
import RainMedia
import RainPictures
import RainPose
import RainWorld
import Testing

@testable import RainStudio

/// A real clip of a face, fetched by scripts/tracker-data.
private enum RealFace {
    static let file: String = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/root") + "/.cache"
        return (environment["RAIN_TRACKER_DATA"] ?? cache + "/rain/tracker-data") + "/carphone.mp4"
    }()

    static let isThere = TrackerFiles().areComplete && FileManager.default.fileExists(atPath: file)

    static func pictures() throws -> [Picture] {
        let video = try VideoReader(path: file)
        var pictures: [Picture] = []
        // As large as a camera's, so that decoding takes as long.
        while let picture = try video.next() { pictures.append(picture.resized(width: 640, height: 524)) }
        return pictures
    }
}

extension Studio {
    /// Driving by pictures in a real browser: a camera that is a file, a film, and what is said where there is none.
    @Suite(.enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct InputBrowserTests {
        private struct Latency: Decodable {
            var p50: Double?
            var p95: Double?
            var count: Int
            var rate: Double
        }

        private func open(_ browser: Browser, _ studio: TestStudio) async throws {
            try await browser.theme("dark")
            try await browser.resize(1280, 1000)
            try await browser.open("http://localhost:\(studio.port)/")
            try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
        }

        private func text(_ browser: Browser, _ id: String) async throws -> String {
            try await browser.value(
                "document.getElementById('\(id)').hidden ? '' : document.getElementById('\(id)').textContent", String.self)
        }

        private func phone(_ browser: Browser, _ id: String, _ name: String) async throws {
            try await browser.resize(390, 844, scale: 2, phone: true)
            try await browser.run("document.getElementById('\(id)').scrollIntoView({ block: 'center' })")
            // Some parts take their time to move into place.
            try await Task.sleep(for: .milliseconds(700))
            try await until("nothing to hang over on a phone") {
                try await browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth", Int.self) <= 0
            }
            try await browser.screenshot(name)
            try await browser.resize(1280, 1000)
            try await browser.run("scrollTo(0, 0)")
        }

        /// How a session's head turns, until it has turned as is wanted.
        private func turns(_ session: StudioSession, until isEnough: (_ low: Float, _ high: Float) -> Bool) async throws -> (
            low: Float, high: Float
        ) {
            var (low, high) = (Float.infinity, -Float.infinity)
            try await until("the head to turn") {
                if let turn = await session.pose?.face.turn { (low, high) = (min(low, turn), max(high, turn)) }
                return isEnough(low, high)
            }
            return (low, high)
        }

        @Test func theCameraDrives() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).y4m")
            defer { try? FileManager.default.removeItem(at: file) }
            try DrawnFilm.write(y4m: file)
            let detector = DrawnFilmDetector(delay: .milliseconds(20))
            try await TestStudio.run(embedded: true, detector: detector) { studio in
                try await Browser.run(camera: .file(file)) { browser in
                    try await open(browser, studio)
                    let session = try await studio.server.store.session(SessionStore.first)
                    try await browser.click("camera")
                    try await until("pictures that are seen") { try await browser.value("studio.camera.seen", Int.self) > 20 }
                    try await until("the camera to drive") { await session.mode == .camera }
                    #expect(
                        detector.looks.filter { $0 < 0 }.count <= detector.looks.count / 10, "the pictures are legible: \(detector.looks)")
                    // The head turns as far as that of the film, and no further, on the character's own face. The driver at rest is who was
                    // seen first; at which of the film's pictures that was, the browser decides.
                    let rest = try #require(await session.input.rest.face)
                    let carry = await session.reference.carrier(.person, neutral: rest)
                    let known = (0..<DrawnFilm.count).map {
                        carry(LandmarkFrame(WholeBodyFrame(DrawnFilm.landmarks($0).mirrored))).turn
                    }
                    let (low, high) = try (#require(known.min()), #require(known.max()))
                    let most = 0.25 * (high - low)
                    let seen = try await turns(session) { $0 < low + most && $1 > high - most }
                    #expect(seen.low > low - most && seen.high < high + most, "\(seen) for \(low)…\(high)")
                    try await until("pictures to be answered") { try await browser.value("studio.latency", Latency.self).count > 20 }
                    let latency = try await browser.value("studio.latency", Latency.self)
                    #expect((latency.p50 ?? 0) > 20, "the detector takes as long")
                    let stats = await session.inputStats
                    print(
                        "studio: camera to screen p50 \(Int(latency.p50 ?? 0)) ms, p95 \(Int(latency.p95 ?? 0)) ms, \(latency.count) pictures, "
                            + "\(Int(latency.rate)) frames/s; \(Int(stats?.picturesPerSecond ?? 0)) pictures/s looked at, "
                            + "\(stats?.lookMilliseconds ?? 0) ms each, \(stats?.dropped ?? 0) gave way")
                    #expect(
                        try await browser.value("document.getElementById('latencyname').textContent", String.self) == "camera to screen")
                    #expect(try await text(browser, "camerastatus").contains("in view"))
                    #expect(try await browser.value("document.getElementById('input').width", Int.self) >= 128)
                    try await browser.screenshot("camera-desktop")
                    try await phone(browser, "drive", "camera-phone")
                    try await browser.run("document.getElementById('inputrow').scrollIntoView()")
                    try await phone(browser, "inputrow", "camera-phone-input")

                    // In a mirror the head turns to the other side; switched off, to the same.
                    try await until("a mirror") { detector.lastIsMirrored }
                    try await browser.click("mirror")
                    try await until("no mirror") { !detector.lastIsMirrored }
                    let count = detector.looks.count
                    try await until { detector.looks.count > count + 10 }
                    try await browser.click("calibrate")
                    try await until("the driver at rest to be taken anew") { await session.input.rest.face != rest }
                    try await until("the camera to drive") { await session.mode == .camera }

                    // Another character on stage is driven at once.
                    let before = await session.reference
                    try await browser.click("roll")
                    try await until("another character") { await session.reference.id != before.id }
                    _ = try await turns(session) { $1 - $0 > 0.1 }
                    try await browser.run("document.documentElement.dataset.theme = 'light'")
                    try await Task.sleep(for: .milliseconds(500))
                    try await browser.screenshot("camera-light")

                    try await browser.click("camera")
                    try await until("the camera to let go") { await session.mode == .idle }
                    try await browser.click("camera")
                    try await until("the camera again") { await session.mode == .camera }
                    // That there is no picture any more, the page may only learn by asking for it.
                    let complaints = await browser.complaints.filter { !($0.contains(" 404 ") && $0.hasSuffix("/input")) }
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }

        /// The face tracker on a real clip, as a camera: found, followed, and on screen; its blinks shut the character's eyes.
        @Test(.enabled(if: RealFace.isThere, "the face tracker or its test data is not here: see scripts/tracker-data"))
        func aRealFaceDrives() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).y4m")
            defer { try? FileManager.default.removeItem(at: file) }
            try DrawnFilm.write(y4m: file, RealFace.pictures())
            let tracker = try FaceTracker(TrackerFiles(), engine: CPUEngine(threads: 1))
            try await TestStudio.run(embedded: true, detector: tracker) { studio in
                try await Browser.run(camera: .file(file)) { browser in
                    try await open(browser, studio)
                    let session = try await studio.server.store.session(SessionStore.first)
                    try await browser.click("camera")
                    try await until("the camera to drive") { await session.mode == .camera }
                    // A round of the clip is four seconds long.
                    var openings: [Float] = []
                    try await until("lids that shut and open again") {
                        if let face = await session.pose?.face { openings.append(face[.leftEyeBottom].y - face[.leftEyeTop].y) }
                        guard let most = openings.max(), let least = openings.min(), openings.count > 60 else { return false }
                        return least < 0.1 * most
                    }
                    try await until("pictures to be answered") { try await browser.value("studio.latency", Latency.self).count > 100 }
                    let latency = try await browser.value("studio.latency", Latency.self)
                    let stats = await session.inputStats
                    let stages = await tracker.stages
                    let times = stages.map {
                        "\($0.key) \(String(format: "%.1f", $0.value.time / .milliseconds(1) / Double($0.value.count))) ms"
                    }
                    print(
                        "studio: a real face, camera to screen p50 \(Int(latency.p50 ?? 0)) ms, p95 \(Int(latency.p95 ?? 0)) ms, "
                            + "\(Int(latency.rate)) frames/s; \(Int(stats?.picturesPerSecond ?? 0)) pictures/s tracked, "
                            + "\(stats?.lookMilliseconds ?? 0) ms each with decoding, \(stats?.dropped ?? 0) gave way; \(times.sorted().joined(separator: ", "))"
                    )
                    #expect(stats?.inView == true)
                    try await browser.screenshot("camera-real-face")
                }
            }
        }

        @Test func withoutADetectorThePageSaysSo() async throws {
            try await TestStudio.run(embedded: true) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio)
                    try await browser.click("camera")
                    let said = try await text(browser, "nodetector")
                    #expect(
                        said.contains("rain tracker install") && said.contains("rain studio --detector FOLDER")
                            && said.contains("yolox_l.onnx") && said.contains("landmark files"))
                    #expect(try await browser.value("studio.camera.isOn", Bool.self) == false)
                    try await Task.sleep(for: .milliseconds(600))
                    try await browser.screenshot("no-detector-desktop")
                    try await phone(browser, "nodetector", "no-detector-phone")
                    try await browser.click("closehelp")
                    #expect(try await text(browser, "nodetector").isEmpty)
                }
            }
        }

        @Test(arguments: [true, false]) func withoutACameraThePageSaysSo(isDenied: Bool) async throws {
            try await TestStudio.run(detector: DrawnFilmDetector()) { studio in
                try await Browser.run(camera: isDenied ? .denied : .none) { browser in
                    try await open(browser, studio)
                    try await browser.click("camera")
                    let words = isDenied ? "keeps the camera" : "No camera was found"
                    try await until(words) { try await text(browser, "camerastatus").contains(words) }
                    // It stays until the user does something.
                    try await Task.sleep(for: .seconds(1))
                    #expect(try await text(browser, "camerastatus").contains(words))
                    #expect(
                        try await browser.value("document.getElementById('camera').getAttribute('aria-pressed')", String.self) == "false")
                    if isDenied { try await browser.screenshot("camera-denied") }
                }
            }
        }

        @Test func aFilmDrives() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let (film, motion, text) = (
                folder.appendingPathComponent("me.mp4"), folder.appendingPathComponent("motion.json"),
                folder.appendingPathComponent("notes.mov")
            )
            try DrawnFilm.write(video: film, rounds: 2)
            let track = try LandmarkTrack(framesPerSecond: 30, frames: (0..<DrawnFilm.count).map(DrawnFilm.landmarks))
            try Data(track.json()).write(to: motion)
            try Data("no film".utf8).write(to: text)
            try await TestStudio.run(embedded: true, detector: DrawnFilmDetector(delay: .milliseconds(40))) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio)
                    let session = try await studio.server.store.session(SessionStore.first)
                    try await browser.choose(film, in: "motionfile")
                    try await until("the film to play") { await session.mode == .motion }
                    _ = try await turns(session) { $0 < -0.05 && $1 > 0.05 }
                    #expect(try await self.text(browser, "filmname").contains("me.mp4"))
                    try await until("its picture") {
                        try await browser.value("document.getElementById('inputpicture').naturalWidth", Int.self) == 256
                    }
                    try await browser.screenshot("film-desktop")
                    try await browser.click("stopmotion")
                    try await until("idling") { await session.mode == .idle }

                    // A motion in landmarks, as before; and what is neither.
                    try await browser.choose(motion, in: "motionfile")
                    try await until("the motion") { await session.mode == .motion }
                    try await browser.choose(text, in: "motionfile")
                    try await until("a message") {
                        try await browser.value("document.getElementById('toasts').textContent", String.self).contains("notes.mov")
                    }
                    #expect(await session.mode == .motion, "what plays goes on")
                }
            }
        }

        /// The pointer, its wheel and its button, and a microphone that beeps.
        @Test func wheelClickAndVoiceMoveTheFace() async throws {
            try await TestStudio.run { studio in
                try await Browser.run { browser in
                    try await open(browser, studio)
                    struct Place: Decodable {
                        var x: Double
                        var y: Double
                    }
                    let place = try await browser.value(
                        "(() => { const box = document.getElementById('stage').getBoundingClientRect(); return { x: box.x + box.width / 2, y: box.y + box.height / 2 } })()",
                        Place.self)
                    func control(_ name: String) async throws -> Double {
                        try await browser.value("studio.driving.controls.\(name) ?? -1", Double.self)
                    }
                    #expect(try await control("mouthOpen") <= 0)
                    for _ in 0..<3 { try await browser.turnWheel(place.x, place.y, by: -100) }
                    try await until("the wheel to open the mouth") { try await control("mouthOpen") > 0.3 }
                    for _ in 0..<4 { try await browser.turnWheel(place.x, place.y, by: 100) }
                    try await until("the wheel to shut the mouth") { try await control("mouthOpen") <= 0 }
                    try await browser.run(
                        "window.blinks = 0; const pulse = studio.driving.pulse.bind(studio.driving);"
                            + "studio.driving.pulse = (controls, ...more) => { if (controls.leftEye === 0 && controls.rightEye === 0) blinks++; pulse(controls, ...more) }"
                    )
                    try await browser.press(place.x, place.y)
                    try await until("a blink") { try await browser.value("blinks", Int.self) == 1 }
                    try await browser.click("microphone")
                    try await until("a voice to open the mouth") { try await control("mouthOpen") > 0.2 }
                    try await until("the mouth to shut between sounds") { try await control("mouthOpen") < 0.1 }
                    let session = try await studio.server.store.session(SessionStore.first)
                    try await until("the voice to drive") { await session.mode == .controls }
                }
            }
        }
    }
}
