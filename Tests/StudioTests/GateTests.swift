import NIOHTTP1
import Testing

@testable import RainStudio

struct GateTests {
    private func answer(_ gate: Gate, _ headers: [(String, String)], query: [String: String] = [:], path: [String] = []) -> Gate.Answer {
        gate.answer(.GET, path: path, query: query, HTTPHeaders(headers))
    }

    private func code(_ answer: Gate.Answer) -> StudioError.Code? { if case .refuse(let error) = answer { error.code } else { nil } }

    @Test(arguments: ["localhost:8787", "127.0.0.1:8787", "[::1]:8787", "LOCALHOST"])
    func thisMachineIsWelcome(host: String) {
        let gate = Gate(token: nil, isSecure: false)
        #expect(answer(gate, [("Host", host)]) == .welcome)
        #expect(answer(gate, [("Host", host), ("Origin", "http://\(host.lowercased())")]) == .welcome)
    }

    @Test(arguments: ["evil.example:8787", "localhost.evil.example", "192.168.1.2:8787", "127.0.0.1.evil.example", ""])
    func foreignNamesAreRefused(host: String) {
        #expect(code(answer(Gate(token: nil, isSecure: false), [("Host", host)])) == .foreignOrigin)
    }

    @Test(arguments: ["http://evil.example", "https://localhost:8787", "http://localhost:8788", "null"])
    func foreignOriginsAreRefused(origin: String) {
        let headers = [("Host", "localhost:8787"), ("Origin", origin)]
        #expect(code(answer(Gate(token: nil, isSecure: false), headers)) == .foreignOrigin)
        #expect(code(answer(Gate(token: "t", isSecure: false), headers, query: ["token": "t"])) == .foreignOrigin)
    }

    @Test func otherOriginsMayBeAllowed() throws {
        var gate = Gate(token: nil, isSecure: false)
        gate.origins = [try Gate.origin("HTTP://Example.org:3000/")]
        let headers = [("Host", "localhost:8787"), ("Origin", "http://example.org:3000")]
        #expect(answer(gate, headers) == .welcome)
        #expect(gate.answer(.OPTIONS, path: [], query: [:], HTTPHeaders(headers)) == .preflight)
        #expect(code(answer(gate, [headers[0], ("Origin", "http://example.org")])) == .foreignOrigin)
        #expect(gate.sharing(with: HTTPHeaders(headers)).contains { $0 == ("access-control-allow-origin", "http://example.org:3000") })
        #expect(!gate.sharing(with: HTTPHeaders([headers[0], ("Origin", "http://evil.example")])).contains { $0.0.hasPrefix("access") })
        // A token is needed all the same.
        gate = Gate(token: "t", isSecure: false, origins: gate.origins)
        #expect(code(answer(gate, headers)) == .tokenRequired)
        #expect(gate.answer(.OPTIONS, path: [], query: [:], HTTPHeaders(headers)) == .preflight)
        #expect(answer(gate, headers, query: ["token": "t"], path: ["api", "v1", "sessions"]) == .welcome)
    }

    @Test(arguments: [
        "*", "example.org", "https://", "https://example.org/page", "https://a b", "https://a\r\nx: y", "file:///x", "https://*",
    ])
    func whatIsNoOriginIsRefused(_ text: String) { #expect(throws: StudioError.self) { try Gate.origin(text) } }

    @Test func oneHostIsNeeded() {
        let gate = Gate(token: nil, isSecure: false)
        #expect(code(answer(gate, [])) == .badRequest)
        #expect(code(answer(gate, [("Host", "localhost"), ("Host", "evil.example")])) == .badRequest)
    }

    @Test func theTokenOpensInThreeWays() {
        let gate = Gate(token: "secret", isSecure: true)
        let host = ("Host", "studio.example")
        #expect(answer(gate, [host], query: ["token": "secret"]) == .keep(token: "secret"))
        // Once the cookie has come back, the address can forget the token; a browser that keeps none gets the page all the same.
        #expect(answer(gate, [host, ("Cookie", "rain_studio=secret")], query: ["token": "secret", "kept": "1"]) == .kept)
        #expect(answer(gate, [host], query: ["token": "secret", "kept": "1"]) == .welcome)
        #expect(code(answer(gate, [host], query: ["kept": "1"])) == .tokenRequired)
        // What the page is made of is no secret.
        #expect(answer(gate, [host], path: ["main.js"]) == .welcome)
        #expect(code(answer(gate, [host], path: ["api", "v1", "sessions"])) == .tokenRequired)
        #expect(answer(gate, [host], query: ["token": "secret"], path: ["metrics"]) == .welcome)
        #expect(answer(gate, [host, ("Authorization", "Bearer secret")]) == .welcome)
        #expect(answer(gate, [host, ("Cookie", "a=b; rain_studio=secret")]) == .welcome)
        #expect(answer(gate, [host, ("Cookie", "rain_studio=secret"), ("Origin", "https://studio.example")]) == .welcome)
        for wrong in [[host], [host, ("Authorization", "Bearer secre")], [host, ("Cookie", "rain_studio=secretx")]] {
            #expect(code(answer(gate, wrong)) == .tokenRequired)
        }
        #expect(code(answer(gate, [host], query: ["token": ""])) == .tokenRequired)
    }
}
