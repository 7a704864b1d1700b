extension Decoder {
    /// A container that has no keys but the known ones.
    func strictContainer<Key: CodingKey & CaseIterable>(_ keys: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let known = Key.allCases.map(\.stringValue)
        let all = try container(keyedBy: AnyKey.self)
        for key in all.allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: all, debugDescription: "unknown key; expected one of \(known.sorted().joined(separator: ", "))")
        }
        return try container(keyedBy: Key.self)
    }
}

extension KeyedDecodingContainer {
    /// Insists on a value for which there is only one choice.
    func require(_ expected: String, forKey key: Key) throws {
        let found = try decode(String.self, forKey: key)
        guard found == expected else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "expected '\(expected)', found '\(found.prefix(80))'")
        }
    }
}

struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension DecodingError {
    /// The field and what is wrong with it, in one sentence.
    var sentence: String {
        func path(_ context: Context, _ key: (any CodingKey)? = nil) -> String {
            let keys = (context.codingPath + (key.map { [$0] } ?? [])).map {
                $0.intValue.map(String.init) ?? String($0.stringValue.prefix(80))
            }
            return keys.isEmpty ? "" : keys.joined(separator: ".") + ": "
        }
        return switch self {
        case .keyNotFound(let key, let context): "\(path(context, key))missing; this program needs it"
        case .valueNotFound(let type, let context): "\(path(context))expected \(type), found null"
        case .typeMismatch(let type, let context): "\(path(context))expected \(type), found something else"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty && context.underlyingError != nil
                ? "not well-formed JSON" : "\(path(context))\(context.debugDescription)"
        @unknown default: "\(self)"
        }
    }
}
