import Foundation
import NIOHTTP1
import RainMedia
import RainPictures
import Testing

@testable import RainStudio

extension Studio {
    /// Backgrounds, the overlay, and what else the page sets of a session, in a real browser.
    @Suite(
        .enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct BackgroundTests {
        private func frames(_ browser: Browser, more count: Int) async throws {
            let before = try await browser.value("studio.frames", Int.self)
            try await until("\(count) frames") { try await browser.value("studio.frames", Int.self) >= before + count }
        }

        private func open(_ browser: Browser, _ address: String) async throws {
            try await browser.open(address)
            try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 3 }
        }

        /// Opacity of points of the stage: its upper corners, and its middle.
        private func opacity(_ browser: Browser) async throws -> [Int] {
            try await browser.value(
                """
                (() => { const stage = document.getElementById("stage"), small = new OffscreenCanvas(64, 64), context = small.getContext("2d");
                context.drawImage(stage, 0, 0, 64, 64);
                return [[1, 1], [62, 1], [32, 34]].map(([x, y]) => context.getImageData(x, y, 1, 1).data[3]) })()
                """)
        }

        /// Where a file with pages is kept that show something over stripes, as OBS shows an overlay over other things.
        @Test func theCharacterIsCutOut() async throws {
            try await TestStudio.run(embedded: true) { studio in
                let id = try await studio.session()
                try await Browser.run { browser in
                    try await browser.theme("dark")
                    try await browser.resize(1280, 900)
                    try await open(browser, "http://localhost:\(studio.port)/")
                    #expect(try await opacity(browser) == [255, 255, 255])

                    // Green: also in pictures, and what is recorded.
                    try await browser.run(
                        "const list = document.getElementById('background'); list.value = 'green'; list.dispatchEvent(new Event('change'))")
                    try await until("green") {
                        try await browser.value("studio.session.settings.background", String.self) == "green"
                    }
                    try await frames(browser, more: 10)
                    let corner = try await browser.stage()
                    #expect(abs(corner[0] - 0) < 16 && abs(corner[1] - 177) < 16 && abs(corner[2] - 64) < 16, "\(corner[..<3])")
                    try await browser.screenshot("background-green")
                    let snapshot = try await studio.get("/api/v1/sessions/\(id)/snapshot")
                    let picture = try PictureReader.read(bytes: snapshot.body, name: "snapshot")
                    #expect(Array(picture.bytes[..<3]) == [0, 177, 64])

                    // Transparent: the page gets PNG, and shows what lies behind.
                    try await browser.run(
                        "const list = document.getElementById('background'); list.value = 'transparent'; list.dispatchEvent(new Event('change'))"
                    )
                    try await until("PNG") { try await browser.value("studio.codec", String.self) == "PNG" }
                    try await frames(browser, more: 10)
                    let opacity = try await opacity(browser)
                    #expect(opacity[0] < 20 && opacity[1] < 20 && opacity[2] > 235, "\(opacity)")
                    try await browser.screenshot("background-transparent")
                    try await browser.run("document.getElementById('taketitle').scrollIntoView()")
                    try await browser.screenshot("background-card")

                    // Steps, guidance and the command.
                    #expect(try await browser.value("document.querySelector('[data-name=guidance]').disabled", Bool.self))
                    let reason = try await browser.value("document.querySelector('[data-name=guidance]').parentElement.title", String.self)
                    #expect(reason.contains("without a guidance scale"))
                    try await browser.run(
                        "const list = document.getElementById('steps'); list.value = '8'; list.dispatchEvent(new Event('change'))")
                    try await until("8 steps") { try await browser.value("studio.session.settings.steps", Int.self) == 8 }
                    try await frames(browser, more: 5)
                    try await browser.slide("mouth", to: 1.5)
                    try await until("a gain") {
                        try await browser.value("studio.session.settings.gains.mouth", Double.self) == 1.5
                    }
                    try await browser.run("window.prompt = () => null; document.getElementById('command').click()")
                    let command = try await browser.value("studio.command", String.self)
                    #expect(
                        command
                            == "rain studio --window 1x4 --steps 8 --fps 30 --seed 0 --smoothing 0.02 --gains mouth=1.5 --background transparent "
                            + "--character 7")
                    try await browser.resize(390, 844, scale: 2, phone: true)
                    try await frames(browser, more: 5)
                    let overflow = try await browser.value("document.documentElement.scrollWidth - innerWidth", Int.self)
                    #expect(overflow <= 0, "nothing hangs over on a phone")
                    try await browser.run("document.getElementById('tunetitle').scrollIntoView()")
                    try await browser.screenshot("phone-tune")
                    try await browser.run("document.getElementById('taketitle').scrollIntoView()")
                    try await browser.screenshot("phone-take")

                    // The overlay is nothing but the character, whatever the session's background is.
                    _ = try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: ##"{"background":"#4060a0"}"##)
                    try await browser.resize(800, 600)
                    try await open(browser, "http://localhost:\(studio.port)/?overlay=1#/s/\(id)")
                    try await frames(browser, more: 5)
                    #expect(try await browser.value("getComputedStyle(document.body).backgroundColor", String.self) == "rgba(0, 0, 0, 0)")
                    let seen = try await browser.value(
                        "[...document.querySelectorAll('body *')].filter(part => part.checkVisibility() && part.clientWidth && !part.children.length).map(part => part.id)",
                        [String].self)
                    #expect(seen == ["stage"], "\(seen)")
                    try await browser.run(
                        "document.documentElement.style.background = 'repeating-linear-gradient(45deg, #335, #335 30px, #558 30px, #558 60px)'"
                    )
                    try await frames(browser, more: 3)
                    try await browser.screenshot("overlay")
                    let complaints = await browser.complaints
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }

        /// A token in an overlay's address is kept as a cookie, and the overlay stays one.
        @Test func anOverlayWithATokenStaysOne() async throws {
            try await TestStudio.run(token: "secret") { studio in
                let answer = try await studio.get("/?token=secret&overlay=1")
                #expect(answer.status == 303 && answer.headers["location"] == "/?overlay=1&token=secret&kept=1")
                let cookie = [("Cookie", "rain_studio=secret")]
                #expect(try await studio.get("/?overlay=1&token=secret&kept=1", cookie).headers["location"] == "/?overlay=1")
            }
        }

        /// Guidance, for a model that has it and one that has not.
        @Test func guidanceIsRefusedWhereThereIsNone() async throws {
            try await TestStudio.run { studio in
                let id = try await studio.session()
                let answer = try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"guidance":2}"#)
                #expect(answer.status == 400 && answer.code == "bad_settings" && answer.text.contains("guidance"))
                let state = try JSONDecoder().decode(SessionState.self, from: Data(try await studio.get("/api/v1/sessions/\(id)").body))
                #expect(!state.hasGuidance && state.settings.guidance == nil)
                #expect(try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"background":"pink"}"#).code == "bad_settings")
                #expect(try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"background":"transparent"}"#).status == 200)
                let png = try await studio.get("/api/v1/sessions/\(id)/snapshot").body
                // Colour type 6: red, green, blue and opacity.
                #expect(png[25] == 6)
            }
        }

        @Test func aTransparentRecordingIsOne() async throws {
            try await TestStudio.run(embedded: true) { studio in
                let id = try await studio.session()
                _ = try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"background":"transparent"}"#)
                for (format, isCut) in [("webm", true), ("gif", false)] {
                    // So many that what is shown has the background.
                    try await studio.frames(id, more: 10)
                    #expect(
                        try await studio.ask(.POST, "/api/v1/sessions/\(id)/recording", json: #"{"format":"\#(format)"}"#).status == 201)
                    try await studio.frames(id, more: 10)
                    let film = try await studio.ask(.DELETE, "/api/v1/sessions/\(id)/recording").body
                    let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).\(format)")
                    defer { try? FileManager.default.removeItem(at: file) }
                    try Data(film).write(to: file)
                    let picture = try #require(try PictureSource(path: file.path).next()?.picture)
                    #expect(picture.width == 256)
                    // Matroska's element AlphaMode, with the value 1.
                    #expect((film.firstRange(of: [0x53, 0xC0, 0x81, 0x01]) != nil) == isCut)
                }
            }
        }
    }
}
