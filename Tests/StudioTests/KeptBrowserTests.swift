import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import Testing

@testable import RainStudio

extension Studio {
    /// Pictures that were on stage, in a real browser: how they come back, are placed anew and deleted.
    @Suite(.enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct KeptBrowserTests {
        private struct Reference: Decodable, Equatable {
            struct Square: Decodable, Equatable {
                var x: Double
                var y: Double
                var side: Double
            }
            var character: String
            var isPicture: Bool
            var crop: Square?
            var points: [[Double]]
        }

        private func reference(_ browser: Browser) async throws -> Reference {
            try await browser.value("studio.session.reference", Reference.self)
        }

        private func tiles(_ browser: Browser) async throws -> [String] {
            try await browser.value(
                "[...document.querySelectorAll('.tile button:not(.remove)')].map(tile => tile.title + (tile.hasAttribute('aria-current') ? '!' : ''))",
                [String].self)
        }

        private func isOpen(_ browser: Browser) async throws -> Bool {
            try await browser.value("document.getElementById('place').open && document.getElementById('placebusy').hidden", Bool.self)
        }

        private func zoom(_ browser: Browser) async throws -> String {
            try await browser.value("document.getElementById('placezoomed').textContent", String.self)
        }

        @Test func aPictureIsOneClickAwayAndCanBePlacedAnew() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString).png")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(PictureWriter.png(PastedFace.picture())).write(to: file)
            let detector = StubbornDetector(.face(PastedFace.landmarks))
            try await TestStudio.run(embedded: true, detector: detector) { studio in
                try await Browser.run { browser in
                    try await browser.theme("dark")
                    try await browser.resize(1440, 900)
                    try await browser.open("http://localhost:\(studio.port)/")
                    try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
                    #expect(try await browser.value("document.getElementById('recent').hidden", Bool.self), "nothing was on stage before")
                    try await browser.choose(file, in: "picturefile")
                    try await until("the face") { try await isOpen(browser) }
                    let zoomed = try await zoom(browser)
                    try await browser.click("placeuse")
                    try await until("the picture on stage") { try await reference(browser).isPicture }
                    let first = try await reference(browser)

                    // The dialog opens again on the whole picture, with the square and the points as they are.
                    try await until("the dialog to close") { try await browser.value("!document.getElementById('place').open", Bool.self) }
                    try await browser.click("adjust")
                    try await until("the dialog") { try await isOpen(browser) }
                    #expect(try await zoom(browser) == zoomed)
                    for _ in 0..<4 { try await browser.type("-") }
                    try await browser.screenshot("place-again")
                    try await browser.type("Enter")
                    try await until("another square") { try await reference(browser).crop != first.crop }
                    let second = try await reference(browser)
                    let (before, after) = (try #require(first.crop), try #require(second.crop))
                    let share = before.side / after.side
                    #expect(abs(share - 1 / (1.08 * 1.08 * 1.08 * 1.08)) < 0.005, "\(share)")
                    // What it shows is smaller about its middle, points included.
                    for (old, new) in zip(first.points, second.points) {
                        #expect(abs(new[0] - 0.5 - (old[0] - 0.5) * share) < 0.005 && abs(new[1] - 0.5 - (old[1] - 0.5) * share) < 0.005)
                    }
                    #expect(detector.sizes.count == 1, "nobody looks again")

                    // Gone for another, it is one click away, as it was.
                    try await browser.click("roll")
                    try await until("a drawn character") { try await !reference(browser).isPicture }
                    try await until("three of them") { try await tiles(browser).count == 3 }
                    let shown = try await tiles(browser)
                    #expect(shown[0].hasSuffix("!") && shown[1] == file.lastPathComponent, "\(shown)")
                    for (width, height, isTouch) in [(1440, 900, false), (1024, 768, true), (390, 844, true)] {
                        try await browser.resize(width, height, phone: isTouch)
                        try await browser.run("document.getElementById('picture').scrollIntoView()")
                        try await Task.sleep(for: .milliseconds(400))
                        let faults = try await browser.faults()
                        #expect(faults.isEmpty, "\(width): \(faults)")
                        try await browser.screenshot("recent-\(width)x\(height)")
                    }
                    try await browser.resize(1440, 900)
                    try await browser.run("document.querySelector('.tile button[title=\"\(file.lastPathComponent)\"]').click()")
                    try await until("the picture again") { try await reference(browser).isPicture }
                    let again = try await reference(browser)
                    #expect(again.character == second.character && again.crop == second.crop)
                    // Landmark files and the API round, each at its own place.
                    for (old, new) in zip(second.points, again.points) {
                        #expect(abs(old[0] - new[0]) < 3e-4 && abs(old[1] - new[1]) < 3e-4, "\(old) \(new)")
                    }

                    // What is on stage cannot be deleted; all else can.
                    try await until("the mark") { try await tiles(browser).first == file.lastPathComponent + "!" }
                    let removable = try await browser.value("document.querySelectorAll('.tile .remove:not([hidden])').length", Int.self)
                    #expect(removable == 2)
                    try await browser.run("document.querySelector('.tile .remove:not([hidden])').click()")
                    try await until("it to go") { try await tiles(browser).count == 2 }
                    let list = try await studio.get("/api/v1/characters").text
                    #expect(list.components(separatedBy: "\"id\"").count == 3, "\(list)")
                    let complaints = await browser.complaints
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }
    }
}
