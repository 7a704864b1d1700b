import Foundation
import NIOHTTP1
import Testing

@testable import RainStudio

extension Studio {
    /// What is copied from the page, in real browsers: with cookies and without, on this machine and over plain HTTP.
    @Suite(.enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct LinksBrowserTests {
        private func open(_ browser: Browser, _ address: String) async throws {
            try await browser.theme("dark")
            try await browser.resize(1440, 900)
            try await browser.open(address)
            try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
            try await until("its links") { try await !field(browser, "sharelink").isEmpty }
        }

        private func field(_ browser: Browser, _ id: String) async throws -> String {
            try await browser.value("document.getElementById('\(id)').value", String.self)
        }

        private func text(_ browser: Browser, _ id: String) async throws -> String {
            try await browser.value("document.getElementById('\(id)').textContent", String.self)
        }

        @Test func onlyThisComputerOpensWhatIsLocal() async throws {
            try await TestStudio.run(embedded: true) { studio in
                try await Browser.run { browser in
                    try await open(browser, "http://localhost:\(studio.port)/")
                    try await browser.call("Browser.grantPermissions", #"{"permissions":["clipboardReadWrite","clipboardSanitizedWrite"]}"#)
                    let session = try await studio.session()
                    let (share, overlay) = (try await field(browser, "sharelink"), try await field(browser, "overlaylink"))
                    #expect(share == "http://localhost:\(studio.port)/#/s/\(session)")
                    #expect(overlay == "http://localhost:\(studio.port)/?overlay=1#/s/\(session)")
                    #expect(try await browser.value("!document.getElementById('localnote').hidden", Bool.self))
                    try await browser.click("share")
                    try await until("what is told") { try await text(browser, "toasts").contains("only this computer") }
                    #expect(try await browser.value("navigator.clipboard.readText()", String.self) == share)

                    // For OBS: how large, how late, and the commands.
                    #expect(try await text(browser, "overlaysize") == "\(try await browser.value("studio.session.size", Int.self))")
                    try await until("a delay") { Int(try await text(browser, "audiodelay")) ?? 0 > 0 }
                    let command = try await field(browser, "commandline")
                    #expect(
                        command.hasSuffix("--character 7") && !command.contains("--cut") && !command.contains("keep-distance"), "\(command)"
                    )
                    #expect(try await field(browser, "tocamera") == command + " --output /dev/video9")
                    #expect(try await field(browser, "loopback").contains("video_nr=9"))
                    #expect(try await field(browser, "tortmp") == command + " --output rtmp://SERVER/APP/KEY")
                    _ = try await studio.ask(.PATCH, "/api/v1/sessions/\(session)", json: #"{"cut":true,"keepDistance":false}"#)
                    try await until("the new command") {
                        try await field(browser, "commandline").hasSuffix("--cut --no-keep-distance --character 7")
                    }

                    // A browser source of that size shows nothing but the character.
                    try await browser.resize(256, 256)
                    try await browser.open(overlay)
                    try await until("the overlay") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
                    let box = try await browser.value(
                        "(box => [box.x, box.y, box.width, box.height])(document.getElementById('stage').getBoundingClientRect())",
                        [Double].self)
                    #expect(box == [0, 0, 256, 256])
                    let grounds = try await browser.value(
                        "['body', 'main', '.left', '.band', '.stagebox', '#stage'].map(part => getComputedStyle(document.querySelector(part)).backgroundColor)",
                        [String].self)
                    #expect(Set(grounds) == ["rgba(0, 0, 0, 0)"], "\(grounds)")
                    let complaints = await browser.complaints
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }

        @Test func linksWorkWithoutCookies() async throws {
            try await TestStudio.run(embedded: true, token: "secret") { studio in
                // Where there are cookies, the address forgets the token; the link has it.
                let (share, overlay) = try await Browser.run { browser in
                    try await open(browser, "http://localhost:\(studio.port)/?token=secret")
                    #expect(try await browser.value("location.search", String.self) == "")
                    return (try await field(browser, "sharelink"), try await field(browser, "overlaylink"))
                }
                #expect(share.contains("/?token=secret#/s/") && overlay.contains("/?overlay=1&token=secret#/s/"), "\(share) \(overlay)")
                // Links name an address that others reach; this studio listens here only.
                @Sendable func here(_ link: String) -> String {
                    var parts = URLComponents(string: link)
                    parts?.host = "localhost"
                    parts?.port = studio.port
                    return parts?.string ?? link
                }
                try await Browser.run(keepsCookies: false) { browser in
                    try await open(browser, here(share))
                    #expect(try await browser.value("document.cookie", String.self) == "")
                    try await browser.run("document.getElementById('hud').open = true")
                    try await until("pictures") {
                        try await browser.value(
                            "['reference', 'pose'].every(id => document.getElementById(id).naturalWidth > 0)", Bool.self)
                    }
                    try await browser.click("roll")
                    try await until("another character") {
                        try await browser.value("studio.session.reference.character !== '7'", Bool.self)
                    }
                    let bare = try await browser.value(
                        "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.includes('/api/') && !name.includes('token=secret'))",
                        [String].self)
                    #expect(bare.isEmpty, "\(bare)")
                    try await browser.open("about:blank")
                    try await browser.open(here(overlay))
                    try await until("the overlay") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
                    #expect(try await browser.value("'overlay' in document.documentElement.dataset", Bool.self))
                    let complaints = await browser.complaints
                    #expect(complaints.isEmpty, "\(complaints)")
                }
            }
        }

        /// Over plain HTTP browsers give no microphone, which the page says, and copy in the old way only.
        @Test func plainHTTPIsExplained() async throws {
            try await TestStudio.run(embedded: true, token: "secret") { studio in
                try await Browser.run { browser in
                    try await open(browser, "http://\(Browser.foreignName):\(studio.port)/?token=secret")
                    #expect(try await browser.value("!isSecureContext", Bool.self))
                    try await browser.click("microphone")
                    try await until("the reason") {
                        try await text(browser, "microphonenote").contains("the microphone to pages over HTTPS only")
                    }
                    #expect(try await browser.value("document.getElementById('microphonenote').checkVisibility()", Bool.self))
                    #expect(try await browser.value("!document.getElementById('microphone').checked", Bool.self))
                    try await browser.click("command")
                    try await until("a copy") { try await text(browser, "toasts").contains("The command is copied.") }
                    let faults = try await browser.faults()
                    #expect(faults.isEmpty, "\(faults)")
                    try await browser.screenshot("plain-http")
                }
            }
        }
    }
}
