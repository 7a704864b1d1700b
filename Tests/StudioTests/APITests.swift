import Foundation
import NIOHTTP1
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import Synchronization
import Testing

@testable import RainStudio

/// The API against its description, and the example clients against the API.
extension Studio {
    @Suite struct APITests {
        private struct Description: Decodable {
            struct Operation: Decodable {
                struct Response: Decodable { var description: String }
                var operationId: String
                var responses: [String: Response]
            }
            struct Path: Decodable {
                var get: Operation?
                var post: Operation?
                var put: Operation?
                var patch: Operation?
                var delete: Operation?

                var all: [(method: HTTPMethod, operation: Operation)] {
                    [(.GET, get), (.POST, post), (.PUT, put), (.PATCH, patch), (.DELETE, delete)].compactMap { method, operation in
                        operation.map { (method, $0) }
                    }
                }
            }
            struct Components: Decodable { var schemas: [String: Schema] }
            struct Schema: Decodable { var required: [String]? }
            var openapi: String
            var paths: [String: Path]
            var components: Components
        }

        /// Bodies with which requests succeed.
        private static let bodies = [
            "createSession": #"{"character":5}"#, "changeSession": #"{"smoothing":0.1}"#, "setReference": #"{"character":9}"#,
            "drive": #"{"yaw":0.2}"#, "startRecording": #"{"format":"gif"}"#,
            "setReferencePoints": StudioJSON.text(["points": LandmarkFrame.neutral.points.map { [Double($0.x), Double($0.y)] }]),
            "sendLandmarks": #"{"points":["# + [String](repeating: "[0.5,0.5]", count: 29).joined(separator: ",") + "]}",
        ]

        @Test func everyOperationAnswersAsDescribed() async throws {
            let picture = try PictureWriter.png(Picture(width: 40, height: 30, red: 90))
            try await TestStudio.run(detector: StubbornDetector(nil)) { studio in
                let text = try await studio.get("/api/v1/openapi.json")
                let description = try JSONDecoder().decode(Description.self, from: Data(text.body))
                #expect(description.openapi.hasPrefix("3."))
                let id = try await studio.session()
                var seen = 0
                // What ends the session comes last; a recording is started before it is ended.
                let order = [
                    "startRecording": 1, "getInput": 2, "finishRecording": 2, "stopMotion": 3, "deleteSession": 4, "forgetCharacter": 5,
                ]
                let operations = description.paths.flatMap { path, item in item.all.map { (path, $0.method, $0.operation) } }
                    .filter { !["watch", "getStream"].contains($0.2.operationId) }
                    .sorted { (order[$0.2.operationId] ?? 0, $0.2.operationId) < (order[$1.2.operationId] ?? 0, $1.2.operationId) }
                for (path, method, operation) in operations {
                    // Needs a camera or film.
                    if operation.operationId == "calibrate" {
                        #expect(try await studio.ask(method, path.replacingOccurrences(of: "{id}", with: id)).status == 409)
                        seen += 1
                        continue
                    }
                    if operation.operationId == "finishRecording" { try await studio.frames(id, more: 5) }
                    let address = path.replacingOccurrences(of: "{id}", with: id).replacingOccurrences(
                        of: "{character}", with: operation.operationId == "forgetCharacter" ? "9" : "3")
                    let body = operation.operationId == "playMotion" ? Self.motion : Self.bodies[operation.operationId] ?? ""
                    if operation.operationId == "setReferencePoints" {
                        _ = try await studio.ask(.PUT, "/api/v1/sessions/\(id)/reference", body: picture)
                    }
                    let answer =
                        operation.operationId == "findFace"
                        ? try await studio.ask(method, address, headers: [("content-type", "image/png")], body: picture)
                        : try await studio.ask(method, address, json: body)
                    #expect(
                        operation.responses.keys.contains("\(answer.status)"),
                        "\(operation.operationId): \(answer.status) \(answer.text.prefix(200))")
                    #expect((200..<300).contains(answer.status), "\(operation.operationId): \(answer.status)")
                    seen += 1
                }
                #expect(seen == description.paths.values.map(\.all.count).reduce(0, +) - 2)
            }
        }

        @Test func statesHaveWhatIsDescribed() async throws {
            try await TestStudio.run { studio in
                let description = try JSONDecoder().decode(
                    Description.self, from: Data(try await studio.get("/api/v1/openapi.json").body))
                let id = try await studio.session()
                let state =
                    try JSONSerialization.jsonObject(with: Data(try await studio.get("/api/v1/sessions/\(id)").body)) as? [String: Any]
                for key in try #require(description.components.schemas["Session"]?.required) { #expect(state?[key] != nil, "\(key)") }
            }
        }

        @Test func whatIsNotDescribedIsRefused() async throws {
            try await TestStudio.run { studio in
                let wrong = try await studio.ask(.POST, "/metrics")
                #expect(wrong.status == 405)
                #expect(try await studio.ask(.DELETE, "/api/v1/sessions").code == "method_not_allowed")
                #expect(try await studio.get("/api/v2/sessions").status == 404)
            }
        }

        @Test func picturesComeAsMJPEG() async throws {
            try await TestStudio.run { studio in
                try await Wire.run(port: studio.port) { wire in
                    try await wire.send(Array("GET /api/v1/sessions/first/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
                    let count = Mutex((parts: 0, isMixed: false))
                    try await until("six pictures") {
                        let text = String(decoding: await wire.take(), as: UTF8.self)
                        return count.withLock {
                            $0.parts += text.components(separatedBy: "image/jpeg").count - 1
                            $0.isMixed = $0.isMixed || text.contains("multipart/x-mixed-replace")
                            return $0.parts > 5 && $0.isMixed
                        }
                    }
                }
                try await until { try await studio.get("/metrics").text.contains("rain_watchers 0\n") }
            }
        }

        /// Two frames of a face at rest.
        private static let motion: String = {
            let names =
                #"["faceOutline0","faceOutline1","faceOutline2","faceOutline3","faceOutline4","faceOutline5","faceOutline6","#
                + #""leftBrowInner","leftBrowOuter","rightBrowInner","rightBrowOuter","leftEyeOuter","leftEyeInner","leftEyeTop","#
                + #""leftEyeBottom","leftPupil","rightEyeOuter","rightEyeInner","rightEyeTop","rightEyeBottom","rightPupil","noseTip","#
                + #""mouthLeft","mouthRight","mouthTop","mouthBottom","neck","leftShoulder","rightShoulder"]"#
            let frame = "[" + (0..<29).map { "[0.\($0 + 20),0.\(60 - $0),1]" }.joined(separator: ",") + "]"
            return #"{"format":"rain-landmarks","version":1,"fps":10,"names":\#(names),"frames":[\#(frame),\#(frame)]}"#
        }()

        // MARK: Examples

        private static func path(of program: String) -> String? {
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
                .first { FileManager.default.isExecutableFile(atPath: $0) }
        }

        /// Runs an example in a folder of its own.
        private func run(_ program: String, _ example: String, _ arguments: [String]) async throws -> (
            status: Int32, text: String, files: [String]
        ) {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-example-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try #require(Self.path(of: program)))
            let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Examples/\(example)")
            process.arguments = [source.standardizedFileURL.path] + arguments
            process.currentDirectoryURL = folder
            let output = folder.appendingPathComponent("output.txt")
            _ = FileManager.default.createFile(atPath: output.path, contents: nil)
            process.standardOutput = FileHandle(forWritingAtPath: output.path)
            process.standardError = process.standardOutput
            try process.run()
            try await until(seconds: 120, example) { !process.isRunning }
            let text = try String(contentsOf: output, encoding: .utf8)
            return (process.terminationStatus, text, try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted())
        }

        /// With a watcher who drives, as an open page does, and on a studio that wants a token.
        private func watched(
            load: Double = .infinity, _ body: @escaping @Sendable (_ address: String) async throws -> Void
        ) async throws {
            try await TestStudio.run(load: load, token: "secret") { studio in
                let session = try await studio.server.store.session(SessionStore.first)
                let page = try await session.watch()
                let driving = Task {
                    var controls = Controls()
                    controls[.yaw] = 0.1
                    while !Task.isCancelled {
                        _ = await session.drive(controls, from: InputStamp(client: page.number, milliseconds: 1))
                        if case .frame(let frame) = await page.next() { page.acknowledge(frame.sequence) }
                    }
                }
                defer { driving.cancel() }
                try await body("http://localhost:\(studio.port)/?token=secret")
                await session.leave(page)
            }
        }

        @Test(.enabled(if: path(of: "python3") != nil, "python3 is not installed"))
        func thePythonExampleWatches() async throws {
            try await watched { address in
                let (status, text, files) = try await run("python3", "studio_watch.py", [address, "30"])
                #expect(status == 0 && text.contains("30 frames") && text.contains("answered"), "\(text)")
                #expect(files.contains("studio.jpg"))
            }
            let (status, text, _) = try await run("python3", "studio_watch.py", [])
            #expect(status == 1 && text.contains("Needs a studio"), "\(text)")
            let alone = try await run("python3", "studio_watch.py", ["http://localhost:9"])
            #expect(alone.status == 1 && alone.text.contains("'rain studio'") && !alone.text.contains("Traceback"), "\(alone.text)")
        }

        @Test(.enabled(if: path(of: "node") != nil, "node is not installed"), arguments: [Double.infinity, 0])
        func theJavaScriptExampleTakesPictures(load: Double) async throws {
            try await watched(load: load) { address in
                let (status, text, files) = try await run("node", "studio_snapshot.mjs", [address])
                #expect(status == 0 && text.contains("right.png"), "\(text)")
                #expect(text.contains("one more session") == (load == 0), "\(text)")
                #expect(files.contains("left.png") && files.contains("right.png"))
            }
            let (status, text, _) = try await run("node", "studio_snapshot.mjs", [])
            #expect(status == 2 && text.contains("rain studio"), "\(text)")
        }
    }
}
