import Foundation
import NIOHTTP1
import RainAnimation
import RainCPU
import RainFiles
import RainMedia
import RainPictures
import RainPose
import RainTesting
import RainWorld
import Synchronization
import Testing

@testable import RainStudio

extension Studio {
    /// What is kept over the end of the program.
    @Suite final class StateTests: Sendable {
        private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID().uuidString)").path

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        private var file: String { folder + "/studio.json" }

        private func kept() throws -> KeptState { try JSONDecoder().decode(KeptState.self, from: Data(FileSystem.read(file))) }

        private func state(_ answer: Answer) throws -> SessionState {
            #expect(answer.status == 200, "\(answer.text)")
            return try JSONDecoder().decode(SessionState.self, from: Data(answer.body))
        }

        private let session = "/api/v1/sessions/first"

        private static func portrait(_ seed: UInt64) throws -> [UInt8] {
            try PictureWriter.png(Reference(seed: seed, size: 96, world: .classic).picture)
        }

        private static let query =
            "name=Zo%C3%AB.png&x=0.1&y=-0.05&side=0.8&points="
            + LandmarkFrame.neutral.points.map { "\($0.x * 0.8 + 0.1),\($0.y * 0.8)" }.joined(separator: ",")

        @Test func aRestartLosesNothing() async throws {
            let picture = try Self.portrait(3)
            let before = try await TestStudio.run(state: folder) { studio in
                _ = try await studio.ask(.PUT, session + "/reference", json: #"{"character":12}"#)
                _ = try await studio.ask(
                    .PUT, session + "/reference?" + Self.query, headers: [("content-type", "image/png")], body: picture)
                let other = try await studio.ask(.POST, "/api/v1/sessions", json: #"{"character":5,"settings":{"framesPerSecond":12}}"#)
                #expect(other.status == 201)
                return try self.state(
                    try await studio.ask(
                        .PATCH, session,
                        json: ##"{"background":"#102030","gains":{"mouth":1.5},"window":"2x4","seed":9,"keepDistance":false}"##))
            }
            let after = try await TestStudio.run(state: folder, character: nil) { studio in
                let sessions = await studio.server.store.all
                #expect(sessions.count == 2)
                let second = await sessions.last?.state
                #expect(second?.reference.character == "5" && second?.settings.framesPerSecond == 12)
                let original = try await studio.get(session + "/reference?original=1")
                #expect(original.body == picture)
                let list = try await studio.get("/api/v1/characters").text
                // Neither changes of settings nor a restart put a character before those that came on stage later.
                #expect(studio.server.store.kept.characters.map(\.id) == ["5", StudioState.id(of: picture), "12", "7"])
                #expect(list.contains(#""id":"12""#) && list.contains("Zo\u{EB}.png"), "\(list)")
                return try self.state(try await studio.get(session))
            }
            #expect(after.id == before.id && after.settings == before.settings)
            #expect(after.reference.character == before.reference.character && after.reference.crop == before.reference.crop)
            #expect(after.reference.name == "Zo\u{EB}.png")
            for (a, b) in zip(after.reference.points, before.reference.points) {
                #expect(abs(a[0] - b[0]) < 2e-4 && abs(a[1] - b[1]) < 2e-4)
            }
            // The files are ones that every command reads.
            let square = try PictureReader.read(try #require(after.reference.file))
            #expect(square.width == square.height)
            let landmarks = String(try #require(after.reference.file).dropLast(4)) + ".landmarks.json"
            #expect(try LandmarkFile(contentsOf: URL(fileURLWithPath: landmarks)).frameCount == 1)
        }

        /// A picture that is called back has the settings that went with it; what the command line says holds whatever was kept.
        @Test func aCharacterKeepsItsLook() async throws {
            let id = try await TestStudio.run(state: folder) { studio in
                let shown = try self.state(
                    try await studio.ask(
                        .PUT, session + "/reference?name=a.png", headers: [("content-type", "image/png")], body: Self.portrait(4)))
                _ = try await studio.ask(.PATCH, session, json: #"{"background":"green","gains":{"head":1.4}}"#)
                _ = try await studio.ask(.PUT, session + "/reference", json: #"{"character":7}"#)
                _ = try await studio.ask(.PATCH, session, json: #"{"background":"own","gains":{"head":1}}"#)
                let back = try self.state(
                    try await studio.ask(.PUT, session + "/reference", json: #"{"character":"\#(shown.reference.character)"}"#))
                #expect(back.settings.background == "green" && back.settings.gains.head == 1.4 && back.reference.isPicture)
                let drawn = try self.state(try await studio.ask(.PUT, session + "/reference", json: #"{"character":"7"}"#))
                #expect(drawn.settings.background == "own" && drawn.settings.gains.head == 1)
                return shown.reference.character
            }
            var given = SettingsChange()
            given.framesPerSecond = 17
            try await TestStudio.run(state: folder, given: given, character: nil) { studio in
                let now = try self.state(try await studio.get(session))
                #expect(now.settings.framesPerSecond == 17)
                #expect(studio.server.store.kept.character(id)?.look?.background == "green")
            }
        }

        @Test func charactersAreForgotten() async throws {
            try await TestStudio.run(state: folder) { studio in
                let shown = try self.state(
                    try await studio.ask(
                        .PUT, session + "/reference?name=a.png", headers: [("content-type", "image/png")], body: Self.portrait(4)))
                let id = shown.reference.character
                #expect(try await studio.ask(.DELETE, "/api/v1/characters/\(id)").code == "conflict")
                _ = try await studio.ask(.PUT, session + "/reference", json: #"{"character":7}"#)
                #expect(try await studio.get("/api/v1/characters/\(id)").status == 200)
                #expect(try await studio.ask(.DELETE, "/api/v1/characters/\(id)").status == 204)
                #expect(try await studio.ask(.DELETE, "/api/v1/characters/\(id)").code == "not_found")
                #expect(try await studio.get("/api/v1/characters/\(id)").code == "not_found")
                #expect(try await studio.ask(.PUT, session + "/reference", json: #"{"character":"\#(id)"}"#).code == "not_found")
                #expect(try FileSystem.names(in: folder + "/characters").isEmpty)
                // Of many the last are kept.
                for seed in 100..<130 { _ = try await studio.ask(.PUT, session + "/reference", json: #"{"character":\#(seed)}"#) }
                let characters = studio.server.store.kept.characters
                #expect(characters.count == StudioState.mostCharacters && characters.first?.id == "129")
            }
        }

        @Test func twoStudiosDoNotShareAState() async throws {
            let first = try StudioState(folder: folder)
            let error = #expect(throws: StudioError.self) { try StudioState(folder: self.folder) }
            #expect(error?.code == .busy)
            // Unless it must keep its state, the second goes on without.
            var configuration = StudioServer.Configuration(settings: SessionSettings(schedule: try StreamSchedule()))
            (configuration.port, configuration.stateFolder) = (0, folder)
            let server = try await StudioServer.start(configuration, model: TinyModel.model(), engine: CPUEngine(threads: 1))
            #expect(server.store.kept.isTemporary && !first.isTemporary)
            let serving = Task { try await server.run() }
            serving.cancel()
            try await serving.value
        }

        /// The file may have been written by others, or by a later version.
        @Test(arguments: [
            "", "{", "[]", #"{"version":2,"characters":[],"sessions":[]}"#, #"{"version":1}"#, String(repeating: "[", count: 100_000),
        ])
        func aStateThatCannotBeReadIsPutAside(_ text: String) async throws {
            try FileSystem.makeFolders(folder)
            try ReplacementFile.write(Array(text.utf8), to: file)
            try await TestStudio.run(state: folder, character: nil) { studio in
                let now = try self.state(try await studio.get(session))
                #expect(now.reference.character == "\(SessionStore.firstCharacter)")
            }
            #expect(try FileSystem.read(file + ".unreadable") == Array(text.utf8))
            let kept = try kept()
            #expect(kept.sessions.count == 1)
        }

        @Test func hostileNamesLeadNowhere() async throws {
            try FileSystem.makeFolders(folder + "/characters")
            let secret = folder + "/secret.png"
            try ReplacementFile.write([1, 2, 3], to: secret)
            let names = ["../secret", "p../secret", "/etc/passwd", "p0123456789ab/../x", "-1", "007", "p0123456789AB", ""]
            var state = KeptState()
            state.characters = names.map { KeptCharacter(id: $0, name: $0, upload: "../secret.png") }
            state.characters.append(KeptCharacter(id: "p0123456789ab", name: "x", upload: "../secret.png"))
            state.characters.append(KeptCharacter(id: "p0123456789ac", name: "gone", upload: "p0123456789ac.upload.png"))
            state.sessions = (names + ["p0123456789ac"]).map { KeptSession(id: "s\($0.count)", character: $0, settings: SettingsChange()) }
            try ReplacementFile.write([UInt8](JSONEncoder().encode(state)), to: file)
            try await TestStudio.run(state: folder, character: nil) { studio in
                let characters = studio.server.store.kept.characters.map(\.id)
                #expect(!characters.contains { names.contains($0) || $0 == "p0123456789ab" }, "\(characters)")
                let now = try self.state(try await studio.get(session))
                #expect(now.reference.character == "\(SessionStore.firstCharacter)")
                for name in ["..%2Fsecret", "p..%2Fsecret", "007", "p0123456789ac"] {
                    let answer = try await studio.get("/api/v1/characters/\(name)")
                    #expect(answer.status == (name == "007" ? 200 : 404), "\(name): \(answer.status)")
                }
            }
            #expect(try FileSystem.read(secret) == [1, 2, 3])
        }

        // MARK: Killed

        /// The command built beside the tests.
        private static var command: String {
            let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
            return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("rain").path
        }

        /// A studio of its own process, killed by the signal that cannot be caught.
        private func killed(after milliseconds: Int, _ body: @Sendable (Int) async throws -> Void) async throws {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: Self.command)
            process.arguments = ["studio", "--port", "0", "--state", folder, "--threads", "1"]
            (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
            try process.run()
            defer { process.waitUntilExit() }
            let killing = Mutex(false)
            defer { if !killing.withLock({ $0 }) { process.terminate() } }
            let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            let port = try #require(line.firstMatch(of: /:([0-9]+)\//).flatMap { Int($0.output.1) })
            let pid = process.processIdentifier
            let death = Task {
                try? await Task.sleep(for: .milliseconds(milliseconds))
                killing.withLock { $0 = true }
                kill(pid, SIGKILL)
            }
            try? await body(port)
            await death.value
        }

        /// Killed at any moment, however much is being written, it comes back as it was a moment before, with every file that it names.
        @Test func killedAtAnyMoment() async throws {
            let sent = Mutex<[Double]>([30])
            for round in 0..<5 {
                let picture = try Self.portrait(UInt64(round))
                try await killed(after: 700 + 130 * round) { port in
                    for step in 0..<1000 {
                        let rate = 5 + Double((round * 1000 + step) % 50)
                        let body: [UInt8]
                        let head: String
                        if step % 5 == 0 {
                            head = "PUT \(self.session)/reference?name=\(step).png&points=\(Self.neutral)"
                            body = picture + [UInt8](repeating: 0, count: step)
                        } else {
                            head = "PATCH \(self.session)?"
                            body = Array(#"{"framesPerSecond":\#(rate)}"#.utf8)
                        }
                        let type = step % 5 == 0 ? "image/png" : "application/json"
                        let request =
                            "\(head) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \(type)\r\nContent-Length: "
                            + "\(body.count)\r\n\r\n"
                        let answer = try await Wire.run(port: port) { wire in
                            try await wire.send(Array(request.utf8) + body)
                            return try Answer(await wire.readToEnd())
                        }
                        if step % 5 != 0, answer.status == 200 { sent.withLock { $0.append(rate) } }
                    }
                }
                let state = try kept()
                #expect(state.version == 1)
                for character in state.characters where character.seed == nil {
                    let upload = try #require(character.upload)
                    for name in ["\(character.id).png", "\(character.id).landmarks.json", upload] {
                        #expect(FileSystem.size(folder + "/characters/" + name) ?? 0 > 0, "\(name)")
                    }
                }
                if let one = state.sessions.first {
                    let rate = one.settings.framesPerSecond ?? 0
                    #expect(sent.withLock { $0.contains(rate) }, "\(rate)")
                }
            }
            try await TestStudio.run(embedded: true, state: folder, character: nil) { studio in
                let state = try self.state(try await studio.get(session))
                #expect(state.reference.isPicture && sent.withLock { $0.contains(state.settings.framesPerSecond) })
            }
        }

        private static let neutral = LandmarkFrame.neutral.points.map { "\($0.x),\($0.y)" }.joined(separator: ",")
    }
}
