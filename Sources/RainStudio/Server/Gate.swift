import Foundation
import NIOHTTP1

/// Who may ask: decides by address, `Host`, `Origin` and token, before anything else looks at a request.
///
/// A page of another site must not drive the studio through its visitor's browser: `Origin`, where a browser sends it, must be the
/// studio's own. Without a token, `Host` must name this machine itself, so that no foreign name that is made to resolve to it (DNS
/// rebinding) makes a page of that name one of the studio's own.
struct Gate: Sendable {
    /// The names under which a studio without a token is reached.
    private static let ownNames: Set<String> = ["localhost", "127.0.0.1", "[::1]"]
    static let cookie = "rain_studio"

    /// What every request must carry; `nil` for a studio that only this machine reaches.
    let token: String?
    let isSecure: Bool

    enum Answer: Equatable {
        case welcome
        /// The page's address carries the token: it is put into a cookie, and the address bar forgets it.
        case keep(token: String)
        case refuse(StudioError)
    }

    func answer(_ method: HTTPMethod, path: [String], query: [String: String], _ headers: HTTPHeaders) -> Answer {
        let hosts = headers["host"]
        guard hosts.count == 1, let host = hosts.first?.lowercased() else {
            return .refuse(StudioError(.badRequest, "Host: expected exactly one, found \(hosts.count)"))
        }
        guard token != nil || Self.ownNames.contains(Self.name(host)) else {
            let found = "Host: expected localhost, found '\(host.prefix(80))'"
            return .refuse(StudioError(.foreignOrigin, found + "; open the studio by the address it printed"))
        }
        if let origin = headers.first(name: "origin"), origin.lowercased() != (isSecure ? "https://" : "http://") + host {
            return .refuse(
                StudioError(.foreignOrigin, "Origin: expected the studio's own page, found '\(origin.prefix(80))'"))
        }
        guard let token else { return .welcome }
        if let given = query["token"], Self.equal(given, token) {
            return method == .GET && path.isEmpty ? .keep(token: token) : .welcome
        }
        let bearer = headers.first(name: "authorization").flatMap { $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil }
        if let bearer, Self.equal(bearer, token) { return .welcome }
        for cookies in headers["cookie"] {
            for pair in cookies.split(separator: ";") {
                let sides = pair.split(separator: "=", maxSplits: 1)
                guard sides.count == 2, sides[0].trimmingCharacters(in: .whitespaces) == Self.cookie else { continue }
                if Self.equal(String(sides[1]), token) { return .welcome }
            }
        }
        return .refuse(
            StudioError(.tokenRequired, "expected the token that the studio printed at its start, as ?token=… or 'Authorization: Bearer …'")
        )
    }

    /// The host without its port.
    private static func name(_ host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }

    /// Takes the same time wherever the first difference is.
    private static func equal(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        guard a.count == b.count else { return false }
        var difference: UInt8 = 0
        for index in a.indices { difference |= a[index] ^ b[index] }
        return difference == 0
    }
}
