import Foundation
import NIOHTTP1

/// Who may ask: decides by address, `Host`, `Origin` and token, before anything else looks at a request.
///
/// A page of another site must not drive the studio through its visitor's browser: `Origin`, where a browser sends it, must be the
/// studio's own, or one that its user allows. Without a token, `Host` must name this machine itself, so that no foreign name that is made
/// to resolve to it (DNS rebinding) makes a page of that name one of the studio's own.
struct Gate: Sendable {
    /// The names under which a studio without a token is reached.
    private static let ownNames: Set<String> = ["localhost", "127.0.0.1", "[::1]"]
    static let cookie = "rain_studio"

    /// What every request must carry; `nil` for a studio that only this machine reaches.
    let token: String?
    let isSecure: Bool
    /// Whose pages besides the studio's own may use it.
    var origins: Set<String> = []

    enum Answer: Equatable {
        case welcome
        /// The page's address carries the token, which is put into a cookie.
        case keep(token: String)
        /// The cookie has come back: the address can forget the token.
        case kept
        /// A browser asks whether a page of another origin may ask.
        case preflight
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
        if let origin = headers.first(name: "origin")?.lowercased(), origin != (isSecure ? "https://" : "http://") + host {
            guard origins.contains(origin) else {
                return .refuse(
                    StudioError(
                        .foreignOrigin,
                        "Origin: expected the studio's own page, found '\(origin.prefix(80))'; 'rain studio --allow-origin URL' admits another"
                    ))
            }
            if method == .OPTIONS { return .preflight }
        }
        guard let token else { return .welcome }
        // The files of the page hold no secret, and a browser without cookies asks for them without the token.
        if method == .GET, path.count == 1, PageFiles.table[path[0]] != nil { return .welcome }
        let isKept = hasCookie(headers, token)
        if let given = query["token"], Self.equal(given, token) {
            guard method == .GET, path.isEmpty else { return .welcome }
            // A browser that keeps no cookies gets the page under the address with the token, which the page then carries along.
            return isKept ? .kept : query["kept"] == nil ? .keep(token: token) : .welcome
        }
        let bearer = headers.first(name: "authorization").flatMap { $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil }
        if let bearer, Self.equal(bearer, token) { return .welcome }
        if isKept { return .welcome }
        return .refuse(
            StudioError(.tokenRequired, "expected the token that the studio printed at its start, as ?token=… or 'Authorization: Bearer …'")
        )
    }

    private func hasCookie(_ headers: HTTPHeaders, _ token: String) -> Bool {
        headers["cookie"].contains { cookies in
            cookies.split(separator: ";").contains { pair in
                let sides = pair.split(separator: "=", maxSplits: 1)
                guard sides.count == 2, sides[0].trimmingCharacters(in: .whitespaces) == Self.cookie else { return false }
                return Self.equal(String(sides[1]), token)
            }
        }
    }

    /// Headers with which answers to pages of other origins go out, and that say whose pages may hold the studio's own.
    func sharing(with headers: HTTPHeaders) -> [(String, String)] {
        guard !origins.isEmpty else { return [("cross-origin-resource-policy", "same-origin"), ("x-frame-options", "DENY")] }
        var all = [("cross-origin-resource-policy", "cross-origin"), ("vary", "origin")]
        if let origin = headers.first(name: "origin")?.lowercased(), origins.contains(origin) {
            all += [("access-control-allow-origin", origin), ("access-control-expose-headers", "retry-after")]
        }
        return all
    }

    /// An origin as browsers say it.
    ///
    /// - Throws: `StudioError` of code `badSettings` for what is none
    static func origin(_ text: String) throws(StudioError) -> String {
        let origin = text.lowercased().hasSuffix("/") ? String(text.lowercased().dropLast()) : text.lowercased()
        let host = ["http://", "https://"].first { origin.hasPrefix($0) }.map { origin.dropFirst($0.count) } ?? ""
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#@,;'\"*\\".utf8.contains($0) }) else {
            throw StudioError(
                .badSettings,
                "--allow-origin: expected an address such as https://example.org or http://localhost:3000, found '\(text.prefix(80))'"
            )
        }
        return origin
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
