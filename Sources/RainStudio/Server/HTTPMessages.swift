import Foundation
import NIOCore
import NIOHTTP1

/// A whole request.
struct StudioRequest: Sendable {
    var method: HTTPMethod
    /// Decoded parts of the path, without empty ones.
    var path: [String]
    var query: [String: String]
    var headers: HTTPHeaders
    var body: [UInt8] = []
    /// The body of an upload that went to the disk.
    var upload: UploadedFile?

    /// - Throws: `StudioError` of code `badRequest` for a target that is no path
    init(head: HTTPRequestHead) throws(StudioError) {
        method = head.method
        headers = head.headers
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard head.uri.hasPrefix("/"), head.uri.utf8.count <= 2048, let target = parts.first else {
            throw StudioError(.badRequest, "the target: expected a path of at most 2048 bytes")
        }
        path = []
        for part in target.split(separator: "/") {
            guard let text = String(part).removingPercentEncoding else {
                throw StudioError(.badRequest, "the path: expected valid escapes")
            }
            path.append(text)
        }
        query = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = String(sides[0]).removingPercentEncoding,
                let value = (sides.count > 1 ? String(sides[1]) : "").removingPercentEncoding
            else { throw StudioError(.badRequest, "the query: expected valid escapes") }
            query[name] = value
        }
    }

    /// A number of the query; `nil` if it is not there.
    func number<Number: LosslessStringConvertible>(_ name: String, _ type: Number.Type) throws(StudioError) -> Number? {
        guard let text = query[name] else { return nil }
        guard let value = Number(text) else { throw StudioError(.badRequest, "\(name): expected a number, found '\(text.prefix(40))'") }
        return value
    }

    /// The media type of the body, without parameters.
    var contentType: String {
        let text = headers.first(name: "content-type") ?? ""
        return text.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() } ?? ""
    }
}

/// A response; its body is there, or frames as they come.
struct StudioResponse: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// JPEG pictures of a session one after the other.
        case frames(Viewer, StudioSession)
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: Body

    init(_ status: Int = 200, type: String, _ bytes: [UInt8]) {
        self.status = status
        headers = [("content-type", type)]
        body = .bytes(bytes)
    }

    init(json value: some Encodable, status: Int = 200) {
        self.init(status, type: "application/json", StudioJSON.bytes(value))
    }

    init(frames viewer: Viewer, of session: StudioSession) {
        status = 200
        headers = [("content-type", "multipart/x-mixed-replace; boundary=frame")]
        body = .frames(viewer, session)
    }

    /// Nothing to tell.
    static var done: StudioResponse {
        var response = StudioResponse(204, type: "", [])
        response.headers = []
        return response
    }

    private struct Refusal: Encodable {
        struct Words: Encodable {
            var code: String
            var message: String
        }
        var error: Words
    }

    init(_ error: StudioError) {
        self.init(json: Refusal(error: .init(code: error.code.rawValue, message: error.message)), status: error.status)
        if error.code == .busy || error.code == .tooMany { headers.append(("retry-after", "5")) }
        if error.code == .tokenRequired { headers.append(("www-authenticate", "Bearer")) }
    }
}
