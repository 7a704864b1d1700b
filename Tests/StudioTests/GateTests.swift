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

    @Test func oneHostIsNeeded() {
        let gate = Gate(token: nil, isSecure: false)
        #expect(code(answer(gate, [])) == .badRequest)
        #expect(code(answer(gate, [("Host", "localhost"), ("Host", "evil.example")])) == .badRequest)
    }

    @Test func theTokenOpensInThreeWays() {
        let gate = Gate(token: "secret", isSecure: true)
        let host = ("Host", "studio.example")
        #expect(answer(gate, [host], query: ["token": "secret"]) == .keep(token: "secret"))
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
