import Foundation
import NIOCore
import NIOWebSocket

@testable import RainStudio

/// A headless Chromium, driven through its DevTools protocol.
actor Browser {
    /// Where the program is; `nil` if there is none.
    static let program: String? = {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        return ["chromium", "chromium-browser", "google-chrome"].lazy.flatMap { name in path.map { "\($0)/\(name)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    private let process: Process
    private let folder: URL
    private let socket: WebSocketClient
    private var lastID = 0
    /// Errors of the page: exceptions, and what it or the browser wrote to the console as an error.
    private(set) var complaints: [String] = []

    /// What the browser has for a camera.
    enum FakeCamera: Sendable {
        /// A test picture that moves.
        case usual
        /// The pictures of a YUV4MPEG2 file, over and over.
        case file(URL)
        /// One that the user does not allow.
        case denied
        case none

        fileprivate var arguments: [String] {
            switch self {
            case .usual: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
            case .file(let file):
                ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--use-file-for-fake-video-capture=\(file.path)"]
            case .denied: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"]
            case .none: ["--use-fake-ui-for-media-stream"]
            }
        }
    }

    /// A name other than this machine's own, under which the browser reaches it: to the browser its pages are those of another computer.
    static let foreignName = "studio.test"

    /// - Parameter keepsCookies: `false` for a browser whose user allows none, or a browser source of OBS
    static func run<Result: Sendable>(
        camera: FakeCamera = .usual, keepsCookies: Bool = true, _ body: @Sendable (Browser) async throws -> Result
    ) async throws -> Result {
        let browser = try await Browser(camera, keepsCookies: keepsCookies)
        do {
            let result = try await body(browser)
            await browser.stop()
            return result
        } catch {
            await browser.stop()
            throw error
        }
    }

    private init(_ camera: FakeCamera, keepsCookies: Bool) async throws {
        guard let program = Self.program else { throw WireError(text: "no Chromium") }
        // Short, since the browser makes sockets in it.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-browser-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if !keepsCookies {
            let profile = folder.appendingPathComponent("Default")
            try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
            try Data(#"{"profile":{"default_content_setting_values":{"cookies":2}}}"#.utf8).write(
                to: profile.appendingPathComponent("Preferences"))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        // What it leaves goes with its folder.
        process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder.path]) { $1 }
        process.arguments =
            [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
                "--mute-audio", "--host-resolver-rules=MAP \(Self.foreignName) 127.0.0.1",
                "--remote-debugging-port=0", "--user-data-dir=\(folder.path)", "--force-dark-mode",
            ] + camera.arguments + ["about:blank"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        do {
            var port = 0
            let file = folder.appendingPathComponent("DevToolsActivePort")
            try await until("Chromium") {
                port = (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n").first.flatMap { Int($0) } ?? 0
                return port != 0
            }
            struct Target: Decodable {
                var type: String
                var id: String
            }
            let found = port
            var page: String?
            try await until("a page") {
                // One that is still starting may answer late, or by halves; it is asked again.
                let answer = try? await Wire.run(port: found) { wire in
                    try await wire.send(Array("GET /json HTTP/1.1\r\nHost: localhost:\(found)\r\nConnection: close\r\n\r\n".utf8))
                    try await Task.sleep(for: .milliseconds(300))
                    return try Answer(await wire.take())
                }
                let targets = answer.flatMap { try? JSONDecoder().decode([Target].self, from: Data($0.body)) } ?? []
                page = targets.first { $0.type == "page" }?.id
                return page != nil
            }
            socket = try await WebSocketClient.connect(port: port, path: "/devtools/page/\(page ?? "")")
        } catch {
            await Self.end(process, folder)
            throw error
        }
        self.process = process
        self.folder = folder
        for domain in ["Page", "Runtime", "Log"] { try await call("\(domain).enable") }
        // Only a page that is in front copies.
        try await call("Emulation.setFocusEmulationEnabled", #"{"enabled":true}"#)
    }

    private func stop() async {
        socket.close()
        await Self.end(process, folder)
    }

    private static func end(_ process: Process, _ folder: URL) async {
        process.terminate()
        process.waitUntilExit()
        // Processes of its own write for a moment longer.
        try? await until("the browser's files to go") {
            try? FileManager.default.removeItem(at: folder)
            return !FileManager.default.fileExists(atPath: folder.path)
        }
    }

    /// One command of the protocol.
    ///
    /// - Parameter parameters: as JSON
    /// - Returns: the result as JSON
    @discardableResult
    func call(_ method: String, _ parameters: String = "{}") async throws -> Data {
        lastID += 1
        let id = lastID
        try await socket.send(.text, .init(string: #"{"id":\#(id),"method":"\#(method)","params":\#(parameters)}"#))
        while true {
            guard case .text(let text) = try await socket.next() else { throw WireError(text: "the browser went away") }
            guard let message = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else { continue }
            if message["id"] as? Int == id {
                guard let result = message["result"] else { throw WireError(text: "\(method): \(text.prefix(300))") }
                return try JSONSerialization.data(withJSONObject: result)
            }
            note(message)
        }
    }

    private func note(_ message: [String: Any]) {
        let parameters = message["params"] as? [String: Any]
        switch message["method"] as? String {
        case "Runtime.exceptionThrown": complaints.append("\(parameters?["exceptionDetails"] ?? "")")
        case "Log.entryAdded":
            if let entry = parameters?["entry"] as? [String: Any], entry["level"] as? String == "error" {
                complaints.append("\(entry["text"] ?? "") \(entry["url"] ?? "")")
            }
        case "Runtime.consoleAPICalled":
            if parameters?["type"] as? String == "error" { complaints.append("\(parameters?["args"] ?? "")") }
        default: break
        }
    }

    /// The value of an expression of the page, waited for.
    func value<Value: Decodable>(_ expression: String, _ type: Value.Type = Value.self) async throws -> Value {
        let parameters = StudioJSON.text(Expression(expression: expression))
        let data = try await call("Runtime.evaluate", parameters)
        guard let value = try JSONDecoder().decode(Evaluated<Value>.self, from: data).result.value else {
            throw WireError(text: "\(expression.prefix(120)): \(String(decoding: data, as: UTF8.self).prefix(400))")
        }
        return value
    }

    private struct Evaluated<Value: Decodable>: Decodable {
        struct Result: Decodable { var value: Value? }
        var result: Result
    }

    private struct Expression: Encodable {
        var expression: String
        var awaitPromise = true
        var returnByValue = true
        /// As if the user had asked for it, without which browsers copy nothing.
        var userGesture = true
    }

    /// Runs statements in the page.
    func run(_ statements: String) async throws { _ = try await value("(async () => { \(statements); return true })()", Bool.self) }

    func open(_ address: String) async throws { try await call("Page.navigate", #"{"url":"\#(address)"}"#) }

    /// - Parameter phone: whether fingers are what it is used with
    func resize(_ width: Int, _ height: Int, scale: Int = 1, phone: Bool = false) async throws {
        try await call("Emulation.setTouchEmulationEnabled", #"{"enabled":\#(phone)}"#)
        try await call(
            "Emulation.setDeviceMetricsOverride",
            #"{"width":\#(width),"height":\#(height),"deviceScaleFactor":\#(scale),"mobile":\#(phone)}"#)
    }

    /// - Parameter forced: whether the system chooses all colours
    func theme(_ name: String, forced: Bool = false) async throws {
        let colors = forced ? "active" : "none"
        try await call(
            "Emulation.setEmulatedMedia",
            #"{"features":[{"name":"prefers-color-scheme","value":"\#(name)"},{"name":"forced-colors","value":"\#(colors)"}]}"#)
    }

    func movePointer(_ x: Double, _ y: Double) async throws {
        try await call("Input.dispatchMouseEvent", #"{"type":"mouseMoved","x":\#(x),"y":\#(y)}"#)
    }

    func turnWheel(_ x: Double, _ y: Double, by delta: Double) async throws {
        try await call("Input.dispatchMouseEvent", #"{"type":"mouseWheel","x":\#(x),"y":\#(y),"deltaX":0,"deltaY":\#(delta)}"#)
    }

    func press(_ x: Double, _ y: Double) async throws {
        for type in ["mousePressed", "mouseReleased"] {
            try await call(
                "Input.dispatchMouseEvent", #"{"type":"\#(type)","x":\#(x),"y":\#(y),"button":"left","clickCount":1}"#)
        }
    }

    /// Presses the mouse at one place and lets go of it at another.
    func drag(from: SIMD2<Double>, to: SIMD2<Double>) async throws {
        func send(_ type: String, _ place: SIMD2<Double>, _ buttons: Int) async throws {
            try await call(
                "Input.dispatchMouseEvent",
                #"{"type":"\#(type)","x":\#(place.x),"y":\#(place.y),"button":"left","buttons":\#(buttons),"clickCount":1}"#)
        }
        try await movePointer(from.x, from.y)
        try await send("mousePressed", from, 1)
        for step in 1...4 { try await send("mouseMoved", from + (to - from) * (Double(step) / 4), 1) }
        try await send("mouseReleased", to, 0)
    }

    /// Puts fingers on the screen, moves them evenly and takes them away; as many in both lists.
    func touch(from: [SIMD2<Double>], to: [SIMD2<Double>]) async throws {
        func send(_ type: String, _ share: Double?) async throws {
            let places = share.map { share in zip(from, to).map { $0 + ($1 - $0) * share } } ?? []
            let points = places.enumerated().map { #"{"x":\#($1.x),"y":\#($1.y),"id":\#($0)}"# }.joined(separator: ",")
            try await call("Input.dispatchTouchEvent", #"{"type":"\#(type)","touchPoints":[\#(points)]}"#)
        }
        try await send("touchStart", 0)
        for step in 1...4 { try await send("touchMove", Double(step) / 4) }
        try await send("touchEnd", nil)
    }

    /// Presses a key, named as pages see it.
    func type(_ key: String) async throws {
        let codes = ["Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "-": 189, "+": 187]
        let text = key.count == 1 ? #","text":"\#(key)""# : ""
        for kind in ["keyDown", "keyUp"] {
            try await call(
                "Input.dispatchKeyEvent",
                #"{"type":"\#(kind)","key":"\#(key)","windowsVirtualKeyCode":\#(codes[key] ?? 0)\#(kind == "keyDown" ? text : "")}"#)
        }
    }

    /// Puts a file into a chooser of the page.
    func choose(_ file: URL, in id: String) async throws {
        struct Found: Decodable {
            struct Object: Decodable { var objectId: String }
            var result: Object
        }
        let found = try await call("Runtime.evaluate", #"{"expression":"document.getElementById('\#(id)')"}"#)
        let object = try JSONDecoder().decode(Found.self, from: found).result.objectId
        try await call("DOM.setFileInputFiles", #"{"files":["\#(file.path)"],"objectId":"\#(object)"}"#)
    }

    /// Presses and lets go of the mouse over an element.
    func click(_ id: String) async throws { try await run("document.getElementById('\(id)').click()") }

    /// Moves a slider as a hand does.
    func slide(_ name: String, to value: Double) async throws {
        try await run(
            "const slider = document.querySelector('[data-name=\(name)]'); slider.value = \(value);"
                + "slider.dispatchEvent(new Event('input', { bubbles: true }))")
    }

    /// What the stage shows, as red, green, blue of 64 × 64 points.
    func stage() async throws -> [Int] {
        try await value(
            """
            (() => { const small = new OffscreenCanvas(64, 64), context = small.getContext("2d");
            context.drawImage(document.getElementById("stage"), 0, 0, 64, 64);
            return [...context.getImageData(0, 0, 64, 64).data].filter((_, index) => index % 4 < 3) })()
            """)
    }

    /// Keeps what is seen as `Tests/Screenshots/<name>.png`, for a person to look at.
    func screenshot(_ name: String) async throws {
        struct Shot: Decodable { var data: Data }
        let shot = try JSONDecoder().decode(Shot.self, from: await call("Page.captureScreenshot", #"{"format":"png"}"#))
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Screenshots")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try shot.data.write(to: folder.appendingPathComponent("\(name).png"))
    }
}
