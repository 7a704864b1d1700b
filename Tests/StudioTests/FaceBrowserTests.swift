import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import Testing

@testable import RainStudio

extension Studio {
    /// The page's dialog in which the face of a picture is placed, in a real browser.
    @Suite(.enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct FaceBrowserTests {
        private static let sizes = [("desktop", 1440, 900), ("tablet", 1024, 768), ("phone", 390, 844), ("side", 844, 390)]

        private func open(_ browser: Browser, _ studio: TestStudio) async throws {
            try await browser.theme("dark")
            try await browser.resize(1440, 900)
            try await browser.open("http://localhost:\(studio.port)/")
            try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
        }

        /// A studio, a page of it in a browser, and a picture file that the page is given.
        private func choosing(
            _ picture: Picture, embedded: Bool = false, detector: StubbornDetector? = nil, phone: Bool = false,
            _ body: @escaping @Sendable (Browser, TestStudio) async throws -> Void
        ) async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).png")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(PictureWriter.png(picture)).write(to: file)
            try await TestStudio.run(embedded: embedded, detector: detector) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio)
                    if phone { try await browser.resize(390, 844, scale: 2, phone: true) }
                    try await browser.choose(file, in: "picturefile")
                    try await body(browser, studio)
                }
            }
        }

        /// Keeps what is seen in both sizes, dark and light.
        private func screenshots(_ browser: Browser, _ name: String, showing id: String? = nil) async throws {
            for (size, width, height) in Self.sizes {
                try await browser.resize(width, height, scale: size == "phone" ? 2 : 1, phone: size != "desktop")
                for theme in ["dark", "light"] {
                    try await browser.run("document.documentElement.dataset.theme = '\(theme)'")
                    if let id { try await browser.run("document.getElementById('\(id)').scrollIntoView({ block: 'center' })") }
                    try await Task.sleep(for: .milliseconds(400))
                    let faults = try await browser.faults()
                    #expect(faults.isEmpty, "\(name), \(size), \(theme): \(faults)")
                    try await browser.screenshot("\(name)-\(size)-\(theme)")
                }
            }
            try await browser.run("document.documentElement.dataset.theme = 'dark'")
            try await browser.resize(1440, 900)
            try await Task.sleep(for: .milliseconds(300))
        }

        private func isOpen(_ browser: Browser) async throws -> Bool {
            try await browser.value("document.getElementById('place').open && document.getElementById('placebusy').hidden", Bool.self)
        }

        private func text(_ browser: Browser, _ id: String) async throws -> String {
            try await browser.value("document.getElementById('\(id)').textContent", String.self)
        }

        private func points(_ browser: Browser) async throws -> [[Double]] {
            try await browser.value("studio.session.reference.points", [[Double]].self)
        }

        private func generation(_ browser: Browser) async throws -> Int {
            try await browser.value("studio.session.reference.generation", Int.self)
        }

        /// Where a landmark's handle is on the page, and how large the square is.
        private func handle(_ browser: Browser, _ landmark: Landmark) async throws -> (place: SIMD2<Double>, side: Double) {
            let numbers = try await browser.value(
                """
                (() => { const box = document.querySelector('.handle[data-index="\(landmark.rawValue)"]').getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2, document.getElementById('placeview').clientWidth / 1.16] })()
                """, [Double].self)
            return (SIMD2(numbers[0], numbers[1]), numbers[2])
        }

        private func distance(_ a: [[Double]], _ b: [[Double]], but landmark: Landmark? = nil) -> Double {
            zip(a, b).enumerated().filter { $0.offset != landmark?.rawValue }
                .map { max(abs($0.element.0[0] - $0.element.1[0]), abs($0.element.0[1] - $0.element.1[1])) }.max() ?? .infinity
        }

        @Test func aFaceIsPlacedAndItsPointsAreDragged() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let (file, large) = (folder.appendingPathComponent("portrait.png"), folder.appendingPathComponent("large.png"))
            try Data(PictureWriter.png(PastedFace.picture())).write(to: file)
            try Data(count: Router.largestUpload + 1).write(to: large)
            let detector = StubbornDetector(.face(PastedFace.landmarks))
            let neutral = LandmarkFrame.neutral.points.map { [Double($0.x), Double($0.y)] }
            try await TestStudio.run(embedded: true, detector: detector) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio)
                    // The page's neutral face and names are those of the engine.
                    let known = try await browser.value("import('/place.js').then(file => file.neutral)", [[Double]].self)
                    #expect(known.count == LandmarkSet.count && distance(known, neutral) < 1e-6)
                    #expect(try await browser.value("import('/place.js').then(file => file.names.length)", Int.self) == LandmarkSet.count)
                    #expect(try await browser.value("document.getElementById('adjust').hidden", Bool.self), "a character is drawn")

                    // While the picture is looked at, the dialog says so.
                    detector.hold(true)
                    try await browser.choose(file, in: "picturefile")
                    try await until("the dialog") { try await browser.value("!document.getElementById('placebusy').hidden", Bool.self) }
                    try await browser.screenshot("place-busy")
                    detector.hold(false)
                    try await until("the face") { try await isOpen(browser) }
                    #expect(
                        try await browser.value("document.querySelectorAll('.handle:not([hidden]):not(.loose)').length", Int.self) >= 26)
                    try await screenshots(browser, "place")

                    // A point is dragged, and named meanwhile.
                    let (from, side) = try await handle(browser, .noseTip)
                    try await browser.movePointer(from.x, from.y)
                    try await until("its name") { try await text(browser, "placelabel") == "tip of the nose" }
                    try await browser.drag(from: from, to: from + SIMD2(0.1, -0.04) * side)
                    let before = try await generation(browser)
                    try await browser.screenshot("place-dragged")
                    try await browser.click("placeuse")
                    try await until("the picture on stage") { try await generation(browser) > before }
                    try await until("the dialog to close") { try await browser.value("!document.getElementById('place').open", Bool.self) }
                    let dragged = try await points(browser)
                    let placement = ReferencePlacement(face: PastedFace.landmarks, width: PastedFace.width, height: PastedFace.height)
                    let found = placement.landmarks(PastedFace.landmarks).points.map { [Double($0.x), Double($0.y)] }
                    // The tracker says where, the model's own network where exactly.
                    #expect(distance(dragged, found, but: .noseTip) < 0.03, "\(distance(dragged, found, but: .noseTip))")
                    let nose = Landmark.noseTip.rawValue
                    #expect(abs(dragged[nose][0] - found[nose][0] - 0.1) < 0.01 && abs(dragged[nose][1] - found[nose][1] + 0.04) < 0.01)
                    #expect(detector.sizes.count == 1, "the server does not look again")

                    // The points of the picture on stage, by keys.
                    try await until("the button") { try await browser.value("!document.getElementById('adjust').hidden", Bool.self) }
                    try await browser.run("document.getElementById('adjust').scrollIntoView({ block: 'center' })")
                    try await browser.screenshot("place-stage")
                    try await browser.click("adjust")
                    try await until("the dialog") { try await isOpen(browser) }
                    try await browser.run("document.querySelector('.handle[data-index=\"3\"]').focus()")
                    for _ in 0..<5 { try await browser.type("ArrowDown") }
                    #expect(try await text(browser, "placelabel") == "chin")
                    try await browser.screenshot("place-adjust")
                    let middle = try await generation(browser)
                    try await browser.type("Enter")
                    try await until("the points") { try await generation(browser) > middle }
                    let adjusted = try await points(browser)
                    #expect(distance(adjusted, dragged, but: .faceOutline3) < 0.001)
                    #expect(abs(adjusted[3][1] - dragged[3][1] - 0.015) < 0.002)

                    // Cancelled, nothing changes; what was dragged can be taken back.
                    try await browser.choose(file, in: "picturefile")
                    try await until("the face") { try await isOpen(browser) }
                    let place = try await handle(browser, .mouthLeft)
                    try await browser.drag(from: place.place, to: place.place + SIMD2(-60, 40))
                    try await browser.click("placereset")
                    let back = try await handle(browser, .mouthLeft).place - place.place
                    #expect(abs(back.x) < 0.5 && abs(back.y) < 0.5)
                    try await browser.click("placeshow")
                    #expect(try await browser.value("document.querySelectorAll('.handle:not([hidden])').length", Int.self) == 0)
                    try await browser.type("Escape")
                    try await until("the dialog to close") { try await browser.value("!document.getElementById('place').open", Bool.self) }
                    #expect(try await points(browser) == adjusted)

                    // What is too large is told before it is placed.
                    try await browser.choose(large, in: "picturefile")
                    try await until("a message") { try await text(browser, "toasts").contains("a picture may have 16") }
                    #expect(try await browser.value("document.getElementById('place').open", Bool.self) == false)
                    let complaints = await browser.complaints
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }

        @Test(arguments: [true, false]) func withoutAFaceItIsPlacedByHand(hasTracker: Bool) async throws {
            // Nor does the model see a face in it.
            let plain = Picture(width: PastedFace.width, height: PastedFace.height, red: 90, green: 140, blue: 200)
            try await choosing(plain, embedded: true, detector: hasTracker ? StubbornDetector(nil) : nil) { browser, studio in
                try await until("the dialog") { try await isOpen(browser) }
                try await until("what is wrong") {
                    try await text(browser, "placenote").contains(hasTracker ? "No face was found; put" : "rain tracker install")
                }
                #expect(try await text(browser, "placenote").contains("place the picture by the outline"))
                #expect(try await browser.value("document.querySelectorAll('.handle.loose:not([hidden])').length", Int.self) == 29)
                if hasTracker { try await screenshots(browser, "place-none") } else { try await browser.screenshot("place-untracked") }

                // The points stay in the square while the picture moves below; a dragged one goes along.
                let pupil = try await handle(browser, .leftPupil)
                try await browser.drag(from: pupil.place, to: pupil.place + SIMD2(0.05, 0.05) * pupil.side)
                try await browser.drag(
                    from: pupil.place + SIMD2(0, -0.35) * pupil.side, to: pupil.place + SIMD2(0.1, -0.35) * pupil.side)
                let after = try await handle(browser, .leftPupil).place - pupil.place
                #expect(abs(after.x - 0.15 * pupil.side) < 2 && abs(after.y - 0.05 * pupil.side) < 2, "\(after)")
                // Smaller than the square, with its edges going on around.
                for _ in 0..<6 { try await browser.type("-") }
                try await browser.type("ArrowLeft")
                #expect(try await text(browser, "placezoomed").hasPrefix("×0.6"))
                try await browser.screenshot("place-padded\(hasTracker ? "" : "-untracked")")
                let before = try await generation(browser)
                try await browser.type("Enter")
                try await until("the picture on stage") { try await generation(browser) > before }
                let shown = try await points(browser)
                let neutral = LandmarkFrame.neutral.points.map { [Double($0.x), Double($0.y)] }
                #expect(distance(shown, neutral, but: .leftPupil) < 0.002)
                let picture = try PictureReader.read(
                    bytes: try await studio.get("/api/v1/sessions/first/reference").body, name: "reference")
                #expect(picture.bytes[0] == 90 && picture.width > 600)
                let complaints = await browser.complaints
                #expect(complaints.isEmpty, "\(complaints)")
            }
        }

        /// The model sees drawn faces by itself.
        @Test func aDrawnFaceIsFoundWithoutATracker() async throws {
            try await choosing(PastedFace.picture(), embedded: true) { browser, studio in
                try await until("the face") { try await text(browser, "placenote").contains("Drag a point") }
                #expect(
                    try await browser.value("document.querySelectorAll('.handle:not([hidden]):not(.loose)').length", Int.self) >= 26)
                try await browser.screenshot("place-drawn")
                let complaints = await browser.complaints
                #expect(complaints.isEmpty, "\(complaints)")
            }
        }

        @Test func fingersAndTheWheelZoom() async throws {
            try await choosing(PastedFace.picture(), detector: StubbornDetector(.face(PastedFace.landmarks)), phone: true) {
                browser, studio in
                try await until("the face") { try await isOpen(browser) }
                func zoom() async throws -> Double { Double(try await text(browser, "placezoomed").dropFirst()) ?? 0 }
                let before = try await zoom()
                // Two fingers around a point take it along: what lies between them stays there.
                let (chin, side) = try await handle(browser, .faceOutline3)
                let (near, far) = (SIMD2(0.12 * side, 0), SIMD2(0.24 * side, 0))
                try await browser.touch(from: [chin - near, chin + near], to: [chin - far, chin + far])
                try await until("a pinch to zoom") { abs(try await zoom() / before - 2) < 0.05 }
                let away = try await handle(browser, .faceOutline3).place - chin
                #expect(abs(away.x) < 3 && abs(away.y) < 3, "\(away)")
                try await browser.touch(from: [chin - far, chin + far], to: [chin - near, chin + near])
                try await until("a pinch back") { abs(try await zoom() / before - 1) < 0.05 }
                // One finger takes hold of a point near it.
                let nose = try await handle(browser, .noseTip).place
                try await browser.touch(from: [nose + SIMD2(4, 3)], to: [nose + SIMD2(34, 13)])
                let moved = try await handle(browser, .noseTip).place - nose
                #expect(abs(moved.x - 30) < 2 && abs(moved.y - 10) < 2, "\(moved)")
                // The wheel, about the pointer.
                try await browser.resize(1440, 900)
                try await Task.sleep(for: .milliseconds(300))
                let place = try await handle(browser, .leftShoulder).place
                try await browser.movePointer(place.x, place.y)
                try await until(seconds: 20, "the wheel to zoom out") {
                    try await browser.turnWheel(place.x, place.y, by: 60)
                    return try await zoom() < before * 0.7
                }
                try await Task.sleep(for: .milliseconds(200))
                let shoulder = try await handle(browser, .leftShoulder).place - place
                #expect(abs(shoulder.x) < 3 && abs(shoulder.y) < 3, "\(shoulder)")
            }
        }

        @Test func theCameraKeepsTheDistance() async throws {
            try await TestStudio.run(embedded: true, detector: StubbornDetector(.face(PastedFace.landmarks))) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio)
                    try await browser.click("camera")
                    try await until("pictures that are seen") { try await browser.value("studio.camera.seen", Int.self) > 5 }
                    try await screenshots(browser, "camera-card", showing: "camerapanel")
                    let session = try await studio.server.store.session(SessionStore.first)
                    #expect(await session.settings.keepDistance)
                    try await browser.click("distance")
                    try await until("the setting") { await !session.settings.keepDistance }
                    try await browser.click("distance")
                    try await until("the setting") { await session.settings.keepDistance }
                }
            }
        }
    }
}
