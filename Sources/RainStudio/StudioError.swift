/// What the studio refuses, as its API tells it: `{"error": {"code": …, "message": …}}`.
public struct StudioError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What programs tell failures apart by.
    public enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad_request"
        case badPicture = "bad_picture"
        case badVideo = "bad_video"
        case badLandmarks = "bad_landmarks"
        case badSettings = "bad_settings"
        case outOfOrder = "out_of_order"
        case tokenRequired = "token_required"
        case foreignOrigin = "foreign_origin"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case conflict
        case tooLarge = "too_large"
        case unsupported
        case tooMany = "too_many"
        case busy
        case failed
    }

    public let code: Code
    /// One sentence: what was touched, expected, found, and what to do.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// The status of an HTTP response that tells it.
    var status: Int {
        switch code {
        case .badRequest, .badPicture, .badVideo, .badLandmarks, .badSettings: 400
        case .tokenRequired: 401
        case .foreignOrigin: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .outOfOrder, .conflict: 409
        case .tooLarge: 413
        case .unsupported: 415
        case .tooMany: 429
        case .busy: 503
        case .failed: 500
        }
    }
}
