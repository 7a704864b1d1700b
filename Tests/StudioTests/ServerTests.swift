import Foundation
import NIOHTTP1
import RainMedia
import RainPose
import RainTesting
import Testing

@testable import RainStudio

extension Studio {
    @Suite struct ServerTests {
        @Test func servesThePageAndNothingElse() async throws {
            try await TestStudio.run { studio in
                let page = try await studio.get("/")
                #expect(page.status == 200 && page.text.contains("<title>Rain studio</title>"))
                #expect(page.headers["content-security-policy"]?.contains("default-src 'self'") == true)
                for name in [
                    "style.css", "main.js", "connection.js", "driving.js", "measure.js", "video.js", "place.js", "camera.js", "film.js",
                    "input.js", "icon.svg",
                ] {
                    #expect(try await studio.get("/\(name)").status == 200, "\(name)")
                }
                for path in [
                    "/etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/Page/index.html", "//etc/passwd", "/main.js/x",
                ] {
                    #expect(try await studio.get(path).status == 404, "\(path)")
                }
            }
        }

        @Test func aSessionLives() async throws {
            try await TestStudio.run { studio in
                let id = try await studio.session()
                #expect(try await studio.get("/api/v1/health").text.contains("\"ok\""))
                let snapshot = try await studio.get("/api/v1/sessions/\(id)/snapshot")
                #expect(snapshot.status == 200 && snapshot.body.starts(with: [0x89, 0x50, 0x4E, 0x47]))
                let changed = try await studio.ask(.PATCH, "/api/v1/sessions/\(id)", json: #"{"preset":"smooth","gains":{"mouth":1.5}}"#)
                #expect(changed.status == 200 && changed.text.contains(#""window":"4x4""#) && changed.text.contains(#""mouth":1.5"#))
                let shown = try await studio.ask(.PUT, "/api/v1/sessions/\(id)/reference", json: #"{"character":12}"#)
                #expect(shown.status == 200 && shown.text.contains(#""character":"12""#))
                let made = try await studio.ask(.POST, "/api/v1/sessions", json: #"{"character":3,"settings":{"window":"1x4"}}"#)
                #expect(made.status == 201)
                let other = try JSONDecoder().decode(SessionState.self, from: Data(made.body))
                #expect(other.reference.character == "3")
                #expect(try await studio.ask(.DELETE, "/api/v1/sessions/\(other.id)").status == 204)
                #expect(try await studio.get("/api/v1/sessions/\(other.id)").code == "not_found")
                #expect(try await studio.get("/metrics").text.contains("rain_sessions 1\n"))
            }
        }

        @Test func framesComeAndAnswerInput() async throws {
            try await TestStudio.run { studio in
                let socket = try await studio.socket()
                let hello = try await socket.next { if case .text(let text) = $0, text.contains("\"hello\"") { text } else { nil } }
                #expect(hello.contains(#""window":3"#))
                var before: UInt32 = 0
                var answered: Double?
                for index in 0..<200 where answered == nil {
                    let frame = try await socket.next { ReceivedFrame($0) }
                    #expect(frame.sequence > before)
                    #expect(frame.picture.starts(with: [0xFF, 0xD8]), "a JPEG")
                    before = frame.sequence
                    if !frame.input.isNaN { answered = frame.input }
                    try await socket.send(Sent.acknowledge(frame.sequence))
                    try await socket.send(Sent.controls([.yaw: 0.3], time: 1000 + Double(index)))
                }
                #expect((1000...1200).contains(try #require(answered)))
                try await socket.send(Sent.ping(77.5))
                let pong = try await socket.next { if case .binary(let bytes) = $0, bytes[0] == 3 { bytes } else { nil } }
                #expect(Array(pong[1..<9]) == Sent.bytes((77.5).bitPattern))
                socket.close()
            }
        }

        @Test func aClientThatNeverAcknowledgesGetsTheWindowOnly() async throws {
            try await TestStudio.run { studio in
                let socket = try await studio.socket()
                let id = try await studio.session()
                try await until {
                    let stats = try await studio.get("/api/v1/sessions/\(id)/stats").body
                    return try JSONDecoder().decode(SessionStats.self, from: Data(stats)).frames > 40
                }
                #expect(await socket.binaryCount <= StudioSession.frameWindow)
                socket.close()
            }
        }

        @Test func sessionsAreRefusedWhenThereIsNoRoom() async throws {
            try await TestStudio.run(sessions: 2) { studio in
                #expect(try await studio.ask(.POST, "/api/v1/sessions", json: "{}").status == 201)
                let refused = try await studio.ask(.POST, "/api/v1/sessions", json: "{}")
                #expect(refused.status == 503 && refused.code == "busy" && refused.headers["retry-after"] == "5")
            }
        }
    }
}
