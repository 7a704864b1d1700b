import Foundation
import RainAnimation
import RainModels

extension PublishedConfiguration {
    /// The one that a person means: `published`, `tiny` or the path of a JSON file.
    ///
    /// - Throws: `ModelError` that names the file and its field
    init(described text: String) throws {
        switch text {
        case "published": self = .rain
        case "tiny": self = .tiny
        default:
            let limit = 1 << 20
            guard let bytes = try? SmallFile.read(text, atMost: limit) else {
                throw ModelError(.configuration, at: text, "expected published, tiny or a readable JSON file of at most \(limit) bytes")
            }
            do {
                self = try JSONDecoder().decode(PublishedConfiguration.self, from: Data(bytes))
            } catch let error as ModelError {
                throw ModelError(error.code, at: "\(text): \(error.place)", error.message)
            } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
                let field = context.codingPath.map(\.stringValue).joined(separator: ".")
                throw ModelError(.configuration, at: text, "field '\(field)': \(context.debugDescription)")
            } catch DecodingError.keyNotFound(let key, let context) {
                let field = (context.codingPath + [key]).map(\.stringValue).joined(separator: ".")
                throw ModelError(.configuration, at: text, "expected a field '\(field)', found none")
            } catch {
                throw ModelError(.configuration, at: text, "is no JSON object that describes a model")
            }
        }
    }
}
