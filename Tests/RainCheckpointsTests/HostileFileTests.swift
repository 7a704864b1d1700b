import RainCheckpoints
import Testing

/// A malformed file and the error it must give.
struct Malformed: Sendable, CustomTestStringConvertible {
    var what: String
    var content: [UInt8]
    var code: CheckpointError.Code

    init(_ what: String, _ content: [UInt8], _ code: CheckpointError.Code) {
        (self.what, self.content, self.code) = (what, content, code)
    }

    var testDescription: String { what }
}

private func entry(_ name: String, _ type: String, _ shape: String, _ begin: String, _ end: String) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
}

private let four: [UInt8] = [0, 0, 0, 0]
private let huge = "9223372036854775807"

let malformedFiles: [Malformed] = [
    Malformed("zero bytes", [], .truncated),
    Malformed("seven bytes", [2, 0, 0, 0, 0, 0, 0], .truncated),
    Malformed("a length and nothing else", safetensors("", length: 2), .truncated),
    Malformed("a header longer than the file", safetensors("{}", length: 3), .truncated),
    Malformed("a header length of 2^64 - 1", safetensors("{}", length: .max), .malformedHeader),
    Malformed("a header length of 2^63", safetensors("{}", length: 1 << 63), .malformedHeader),
    Malformed("a header length just beyond the limit", safetensors("{}", length: 100_000_001), .malformedHeader),
    Malformed("an empty header", safetensors(""), .malformedHeader),
    Malformed("not an object", safetensors("[]"), .malformedHeader),
    Malformed("an unclosed object", safetensors("{"), .malformedHeader),
    Malformed("an unclosed string", safetensors("{\"a"), .malformedHeader),
    Malformed("text after the header", safetensors("{} x"), .malformedHeader),
    Malformed("a trailing comma", safetensors("{\(entry("a", "F32", "[1]", "0", "4")),}", four), .malformedHeader),
    Malformed("deep nesting", safetensors(String(repeating: "{\"a\":", count: 100_000)), .malformedHeader),
    Malformed("deep arrays", safetensors("{\"a\":{\"shape\":" + String(repeating: "[", count: 100_000)), .malformedHeader),
    Malformed("bytes that are not UTF-8", safetensors("{\"") + [0xFF, 0xFE], .malformedHeader),
    Malformed("a raw newline in a name", safetensors("{\(entry("a\nb", "F32", "[1]", "0", "4"))}", four), .malformedHeader),
    Malformed("half a surrogate pair", safetensors("{\"\\ud800\":1}"), .malformedHeader),
    Malformed("a wrong surrogate pair", safetensors("{\"\\ud800\\u0041\":1}"), .malformedHeader),
    Malformed("a lone low surrogate", safetensors("{\"\\udc00\":1}"), .malformedHeader),
    Malformed("an unknown escape", safetensors("{\"\\x\":1}"), .malformedHeader),
    Malformed("a number for a tensor", safetensors("{\"a\":1}"), .malformedHeader),
    Malformed("a tensor without fields", safetensors("{\"a\":{}}"), .malformedHeader),
    Malformed("no offsets", safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", four), .malformedHeader),
    Malformed("an unknown field", safetensors("{\"a\":{\"dtype\":\"F32\",\"stride\":[1]}}", four), .malformedHeader),
    Malformed("a field twice", safetensors("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", four), .malformedHeader),
    Malformed("one offset", safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0]}}", [0]), .malformedHeader),
    Malformed("three offsets", safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1,2]}}", [0]), .malformedHeader),
    Malformed("a negative extent", safetensors("{\(entry("a", "F32", "[-1]", "0", "4"))}", four), .malformedHeader),
    Malformed("a fractional extent", safetensors("{\(entry("a", "F32", "[1.5]", "0", "4"))}", four), .malformedHeader),
    Malformed("an exponent", safetensors("{\(entry("a", "F32", "[1e0]", "0", "4"))}", four), .malformedHeader),
    Malformed("a leading zero", safetensors("{\(entry("a", "F32", "[01]", "0", "4"))}", four), .malformedHeader),
    Malformed("an extent of 2^63", safetensors("{\(entry("a", "F32", "[9223372036854775808]", "0", "4"))}", four), .malformedHeader),
    Malformed(
        "33 axes",
        safetensors("{\(entry("a", "F32", "[" + Array(repeating: "1", count: 33).joined(separator: ",") + "]", "0", "4"))}", four),
        .malformedHeader),
    Malformed("a text for metadata", safetensors("{\"__metadata__\":\"x\"}"), .malformedHeader),
    Malformed("half of null for metadata", safetensors("{\"__metadata__\":nul}"), .malformedHeader),
    Malformed("more than null for metadata", safetensors("{\"__metadata__\":nullx}"), .malformedHeader),
    Malformed("null in metadata", safetensors("{\"__metadata__\":{\"a\":null}}"), .malformedHeader),
    Malformed("null for metadata twice", safetensors("{\"__metadata__\":null,\"__metadata__\":null}"), .malformedHeader),
    Malformed("a number in metadata", safetensors("{\"__metadata__\":{\"a\":1}}"), .malformedHeader),
    Malformed("metadata twice", safetensors("{\"__metadata__\":{},\"__metadata__\":{}}"), .malformedHeader),
    Malformed("a metadata key twice", safetensors("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}"), .malformedHeader),
    Malformed(
        "a name twice", safetensors("{\(entry("a", "F32", "[1]", "0", "4")),\(entry("a", "F32", "[1]", "0", "4"))}", four), .malformedHeader
    ),
    Malformed(
        "a name twice, once escaped", safetensors("{\(entry("a", "U8", "[0]", "0", "0")),\(entry("\\u0061", "U8", "[0]", "0", "0"))}"),
        .malformedHeader),
    Malformed("an unknown type", safetensors("{\(entry("a", "F8_E8M0", "[1]", "0", "1"))}", [0]), .unsupportedType),
    Malformed("a type in small letters", safetensors("{\(entry("a", "f32", "[1]", "0", "4"))}", four), .unsupportedType),
    Malformed(
        "a shape beyond 2^63 elements", safetensors("{\(entry("a", "F32", "[\(huge),\(huge)]", "0", "4"))}", four), .inconsistentTensor),
    Malformed("a shape beyond 2^63 bytes", safetensors("{\(entry("a", "F64", "[4611686018427387904]", "0", "0"))}"), .inconsistentTensor),
    Malformed("falling offsets", safetensors("{\(entry("a", "F32", "[1]", "4", "0"))}", four), .inconsistentTensor),
    Malformed("too few bytes for the shape", safetensors("{\(entry("a", "F32", "[2]", "0", "4"))}", four), .inconsistentTensor),
    Malformed("too many bytes for the shape", safetensors("{\(entry("a", "F16", "[1]", "0", "4"))}", four), .inconsistentTensor),
    Malformed("data cut short", safetensors("{\(entry("a", "F32", "[2]", "0", "8"))}", four), .truncated),
    Malformed("offsets far beyond the file", safetensors("{\(entry("a", "U8", "[1]", "9223372036854775806", huge))}", four), .truncated),
    Malformed(
        "a whole file of 2^62 bytes declared",
        safetensors("{\(entry("a", "U8", "[4611686018427387904]", "0", "4611686018427387904"))}", four), .truncated),
    Malformed(
        "overlapping tensors", safetensors("{\(entry("a", "U8", "[3]", "0", "3")),\(entry("b", "U8", "[2]", "2", "4"))}", four),
        .inconsistentTensor),
    Malformed(
        "the same bytes twice", safetensors("{\(entry("a", "U8", "[4]", "0", "4")),\(entry("b", "U8", "[4]", "0", "4"))}", four),
        .inconsistentTensor),
    Malformed(
        "a hole between tensors", safetensors("{\(entry("a", "U8", "[1]", "0", "1")),\(entry("b", "U8", "[2]", "2", "4"))}", four),
        .inconsistentTensor),
    Malformed("a hole at the start", safetensors("{\(entry("a", "U8", "[3]", "1", "4"))}", four), .inconsistentTensor),
    Malformed("bytes after the last tensor", safetensors("{\(entry("a", "U8", "[3]", "0", "3"))}", four), .inconsistentTensor),
    Malformed("an empty tensor beyond the data", safetensors("{\(entry("a", "U8", "[0]", "9", "9"))}"), .truncated),
]

@Suite struct HostileFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: malformedFiles)
    func malformedFileIsRefused(_ malformed: Malformed) throws {
        let path = try folder.file("bad.safetensors", malformed.content)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
        #expect(error?.code == malformed.code)
        #expect(error?.file == path)
        let message = error.map(String.init(describing:)) ?? ""
        #expect(message.hasPrefix(path) && message.contains("expected") && message.contains("found"))
        #expect(!message.contains("\n") && message.count < 1000)
    }

    @Test func namesCannotForgeMessages() throws {
        let name = "x\\u001b[31m\\n\\u202e" + String(repeating: "y", count: 5000)
        let path = try folder.file("bad.safetensors", safetensors("{\(entry(name, "F99", "[1]", "0", "1"))}", [0]))
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
        let message = error.map(String.init(describing:)) ?? ""
        #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
        #expect(message.count < 1000)
    }

    /// Any damage to a valid file is either refused with our error or leaves a file whose every tensor can be read.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func mutationsNeverCrash(seed: UInt64) throws {
        let header = """
            {"__metadata__":{"a":"b"},\(entry("w", "F32", "[2,2]", "0", "16")),\(entry("h", "F16", "[3]", "16", "22")),\(entry("n", "I8", "[2]", "22", "24"))}
            """
        let valid = safetensors(header, bytes(of: [1, 2, 3, 4] as [Float]) + bytes(of: [0x3C00, 0, 1] as [UInt16]) + [1, 2])
        var generator = SeededGenerator(state: seed)
        var refused = 0
        let rounds = 1500
        for _ in 0..<rounds {
            let content = mutated(valid, using: &generator)
            let path = try folder.file("mutated.safetensors", content)
            do {
                let file = try Checkpoint(path: path)
                for name in file.names {
                    let info = try file.info(name)
                    #expect(try file.bytes(name).count == info.byteCount)
                    if info.dtype.isFloatingPoint { _ = try? file.floats(name) } else { _ = try? file.integers(name) }
                    try? file.requireFinite(name)
                }
            } catch let error as CheckpointError {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        // Most mutations hit the header; were nearly all accepted, the checks would not be there.
        #expect(refused > rounds / 3 && refused < rounds)
    }

    private func mutated(_ valid: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var content = valid
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            guard !content.isEmpty else { return content }
            let position = Int.random(in: 0..<content.count, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: content[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: content[position] = UInt8.random(in: 0...255, using: &generator)
            case 2: content.remove(at: position)
            case 3: content.insert([0x22, 0x7B, 0x7D, 0x5B, 0x5D, 0x2C, 0x3A, 0x39, 0x5C].randomElement(using: &generator)!, at: position)
            case 4: content.removeSubrange(position...)
            case 5: content += content[..<position]
            default:
                if let digit = content.indices.filter({ $0 >= 8 && (0x30...0x39).contains(content[$0]) }).randomElement(using: &generator) {
                    content[digit] = UInt8.random(in: 0x30...0x39, using: &generator)
                }
            }
        }
        return content
    }
}
