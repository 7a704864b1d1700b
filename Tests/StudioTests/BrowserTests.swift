import Foundation
import RainMedia
import RainPictures
import Testing

@testable import RainStudio

extension Studio {
    /// The page in a real browser, with the embedded model. What is seen is kept in `Tests/Screenshots`.
    @Suite(
        .enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct BrowserTests {
        /// The mean difference of two pictures, 0…255.
        private func difference(_ a: [Int], _ b: [Int]) -> Double {
            Double(zip(a, b).map { abs($0 - $1) }.reduce(0, +)) / Double(max(a.count, 1))
        }

        private func frames(_ browser: Browser, more count: Int) async throws {
            let before = try await browser.value("studio.frames", Int.self)
            try await until("\(count) frames") { try await browser.value("studio.frames", Int.self) >= before + count }
        }

        @Test func aCharacterMovesAsIsAsked() async throws {
            let launch = ContinuousClock.now
            try await TestStudio.run(embedded: true) { studio in
                try await until("a first frame") {
                    try await studio.get("/metrics").text.range(of: "rain_frames_total [1-9]", options: .regularExpression) != nil
                }
                let first = (ContinuousClock.now - launch) / .milliseconds(1)
                try await Browser.run { browser in
                    try await browser.theme("dark")
                    try await browser.resize(1280, 860)
                    let opened = ContinuousClock.now
                    try await browser.open("http://localhost:\(studio.port)/")
                    try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
                    let shown = (ContinuousClock.now - opened) / .milliseconds(1)
                    print("studio: first frame \(Int(first)) ms after launch; in the page \(Int(shown)) ms after it was opened")

                    // A slider turns the head, and turns it back. All else is held, so that the character does not idle.
                    for (name, value) in [
                        ("pitch", 0), ("roll", 0), ("gazeX", 0), ("gazeY", 0), ("leftEye", 1), ("rightEye", 1), ("brow", 0),
                        ("mouthOpen", 0),
                        ("mouthWidth", 0), ("lean", 0),
                    ] as [(String, Double)] { try await browser.slide(name, to: value) }
                    try await browser.slide("yaw", to: -0.6)
                    try await frames(browser, more: 30)
                    let left = try await browser.stage()
                    try await browser.slide("yaw", to: 0.6)
                    try await frames(browser, more: 30)
                    let right = try await browser.stage()
                    #expect(difference(left, right) > 6, "\(difference(left, right))")
                    try await browser.slide("yaw", to: -0.6)
                    try await until("the head to be back") {
                        try await frames(browser, more: 3)
                        return difference(left, try await browser.stage()) * 3 < difference(left, right)
                    }
                    try await browser.click("release")

                    // The pointer drives, and its events are answered.
                    struct Latency: Decodable {
                        var p50: Double?
                        var p95: Double?
                        var count: Int
                        var rate: Double
                    }
                    func latency() async throws -> Latency { try await browser.value("studio.latency", Latency.self) }
                    let movedFrom = try await browser.value("studio.frames", Int.self)
                    var step = 0.0
                    func move() async throws {
                        try await browser.movePointer(430 + 200 * sin(step / 7), 330 + 110 * cos(step / 9))
                        step += 1
                        try await Task.sleep(for: .milliseconds(30))
                    }
                    while step < 90 { try await move() }
                    try await until("answers to events") {
                        try await move()
                        return try await latency().count > 10
                    }
                    let latency = try await latency()
                    let median = try #require(latency.p50)
                    #expect(median > 0)
                    #expect(try await browser.value("studio.frames", Int.self) > movedFrom + 10)
                    print(
                        "studio: input to screen p50 \(Int(latency.p50 ?? 0)) ms, p95 \(Int(latency.p95 ?? 0)) ms, "
                            + "\(Int(latency.rate)) frames/s, \(latency.count) events")
                    print("studio: frames come as \(try await browser.value("studio.codec", String.self))")
                    try await browser.screenshot("desktop-dark")

                    try await browser.resize(390, 844, scale: 2, phone: true)
                    try await frames(browser, more: 5)
                    let faults = try await browser.faults()
                    #expect(faults.isEmpty, "\(faults)")
                    try await browser.screenshot("phone-dark")
                    try await browser.run("document.getElementById('drive').scrollIntoView()")
                    try await frames(browser, more: 5)
                    try await browser.screenshot("phone-drive")
                    try await browser.resize(1280, 860)
                    try await browser.run("scrollTo(0, 0)")

                    // Another character, at once.
                    let before = try await browser.stage()
                    let generation = try await browser.value("studio.generation", Int.self)
                    try await browser.run("const field = document.getElementById('character'); field.value = '2024'")
                    try await browser.click("call")
                    try await until("another character") {
                        try await browser.value("studio.generation", Int.self) > generation
                    }
                    try await frames(browser, more: 6)
                    let after = try await browser.stage()
                    #expect(difference(before, after) > 12)

                    // Another window, without an interruption.
                    try await browser.run("document.querySelector('[data-preset=smooth]').click()")
                    try await until("another window") {
                        try await browser.value("studio.session.settings.window", String.self) == "4x4"
                    }
                    try await frames(browser, more: 20)
                    try await browser.run("document.querySelector('[data-preset=low-latency]').click()")
                    try await frames(browser, more: 20)

                    // A recording that plays.
                    try await browser.run("window.HTMLAnchorElement.prototype.click = () => {}")
                    try await browser.click("record")
                    try await until("a recording") { try await browser.value("!!studio.session.recording", Bool.self) }
                    try await frames(browser, more: 30)
                    try await browser.screenshot("recording")
                    try await browser.click("record")
                    try await until("a file") { try await browser.value("!!studio.recorded", Bool.self) }
                    let text = try await browser.value(
                        "studio.recorded.arrayBuffer().then(bytes => new Uint8Array(bytes).reduce((text, byte) => text + String.fromCharCode(byte), ''))"
                            + ".then(btoa)", String.self)
                    try playable(try #require(Data(base64Encoded: text)))

                    // A reload comes back to the same session.
                    let session = try await browser.value("studio.session.id", String.self)
                    try await browser.run("window.isOld = true")
                    try await browser.call("Page.reload")
                    try await until("the page again") {
                        (try? await browser.value("window.isOld ? 0 : window.studio?.frames ?? 0", Int.self)) ?? 0 > 3
                    }
                    #expect(try await browser.value("studio.session.id", String.self) == session)

                    try await browser.theme("light")
                    try await browser.run("localStorage.removeItem('theme'); document.documentElement.dataset.theme = 'light'")
                    try await browser.run("document.getElementById('microphone').click()")
                    try await frames(browser, more: 20)
                    try await browser.screenshot("desktop-light")
                    try await browser.run("scrollTo(0, 1e6)")
                    try await frames(browser, more: 2)
                    try await browser.screenshot("desktop-light-below")
                    let complaints = await browser.complaints
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }

        private func playable(_ bytes: Data) throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).mp4")
            defer { try? FileManager.default.removeItem(at: file) }
            try bytes.write(to: file)
            let source = try PictureSource(path: file.path)
            var count = 0
            while let next = try source.next() {
                #expect(next.picture.width == 256)
                count += 1
            }
            #expect(count > 20, "\(count) frames in \(bytes.count) bytes")
            print("studio: recorded \(count) frames, \(bytes.count >> 10) KiB")
        }
    }
}
