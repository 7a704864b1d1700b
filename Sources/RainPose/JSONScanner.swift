import Foundation

/// A strict pull reader of JSON text.
///
/// Foundation's decoder would first build a tree of boxes many times the size of an hour's track; this one leaves only numbers
/// behind, knows the byte where reading failed, and bounds its recursion.
struct JSONScanner {
    private let bytes: [UInt8]
    private(set) var offset = 0

    /// - Parameter bytes: perhaps behind a mark of UTF-8, as some editors write
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: Self.mark) { offset = Self.mark.count }
    }

    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    static let deepest = 64

    /// The next byte that is not white space, or nil at the end.
    mutating func peek() -> UInt8? {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Takes `byte` if it comes next.
    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: byte) else { return false }
        offset += 1
        return true
    }

    /// Takes `byte` or fails, saying `what` was being read.
    mutating func expect(_ byte: Unicode.Scalar, _ what: String) throws(LandmarkError) {
        guard take(byte) else { throw unexpected("'\(byte)' in \(what)") }
    }

    /// A string with its escapes resolved.
    mutating func string(_ what: String) throws(LandmarkError) -> String {
        try expect("\"", what)
        let start = offset
        var escaped = false
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            if bytes[offset] == UInt8(ascii: "\\") {
                escaped = true
                offset += 1
            }
            offset += 1
        }
        guard offset < bytes.count else {
            offset = bytes.count
            throw unexpected("'\"' at the end of \(what)")
        }
        defer { offset += 1 }
        if escaped {
            // Escapes are rare in these files; the tested decoder resolves them.
            guard let text = try? JSONDecoder().decode(String.self, from: Data(bytes[(start - 1)...offset])) else {
                throw LandmarkError(.syntax, "\(what) at byte \(start) is no valid JSON string")
            }
            return text
        }
        guard let text = String(validating: bytes[start..<offset], as: UTF8.self), !text.utf8.contains(where: { $0 < 0x20 }) else {
            throw LandmarkError(.syntax, "\(what) at byte \(start) is no valid JSON string")
        }
        return text
    }

    /// A finite number.
    mutating func number(_ what: @autoclosure () -> String) throws(LandmarkError) -> Double {
        guard let first = peek() else { throw unexpected("a number for \(what())") }
        let start = offset
        let negative = first == UInt8(ascii: "-")
        if negative { offset += 1 }
        var mantissa: UInt64 = 0
        var digits = 0
        var fraction = 0
        func digitRun() -> Int {
            let from = offset
            while offset < bytes.count, bytes[offset] &- 0x30 < 10 {
                if digits < 19 { mantissa = mantissa * 10 + UInt64(bytes[offset] - 0x30) }
                if mantissa > 0 { digits += 1 }
                offset += 1
            }
            return offset - from
        }
        let whole = digitRun()
        guard whole > 0, whole == 1 || bytes[offset - whole] != UInt8(ascii: "0") else {
            offset = start
            throw notANumber(what())
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            fraction = digitRun()
            guard fraction > 0 else { throw unexpected("a digit after the point of \(what())") }
        }
        var exponent = false
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            exponent = true
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") || bytes[offset] == UInt8(ascii: "+") { offset += 1 }
            digits = 20
            guard digitRun() > 0 else { throw unexpected("a digit in the exponent of \(what())") }
        }
        // Exact when both parts are exact doubles; everything else goes the slow way.
        if !exponent, digits <= 15, fraction <= 22 {
            let value = Double(mantissa) / Self.powers[fraction]
            return negative ? -value : value
        }
        guard let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)), value.isFinite else {
            throw LandmarkError(.range, "\(what()) at byte \(start) is beyond any finite number")
        }
        return value
    }

    /// Skips one value of any kind.
    mutating func skipValue(_ what: String, depth: Int = 0) throws(LandmarkError) {
        guard depth < Self.deepest else {
            throw LandmarkError(.syntax, "\(what) is nested more than \(Self.deepest) deep at byte \(offset)")
        }
        switch peek() {
        case UInt8(ascii: "{"):
            offset += 1
            if take("}") { return }
            repeat {
                _ = try string("a key of \(what)")
                try expect(":", what)
                try skipValue(what, depth: depth + 1)
            } while take(",")
            try expect("}", what)
        case UInt8(ascii: "["):
            offset += 1
            if take("]") { return }
            repeat { try skipValue(what, depth: depth + 1) } while take(",")
            try expect("]", what)
        case UInt8(ascii: "\""): _ = try string(what)
        case UInt8(ascii: "t"): try word("true", what)
        case UInt8(ascii: "f"): try word("false", what)
        case UInt8(ascii: "n"): try word("null", what)
        default: _ = try number(what)
        }
    }

    /// Fails unless only white space is left.
    mutating func expectEnd() throws(LandmarkError) {
        guard peek() == nil else { throw unexpected("the end of the file") }
    }

    /// The error that something else was found where reading stands.
    mutating func unexpected(_ expected: String) -> LandmarkError {
        guard let byte = peek() else {
            return LandmarkError(.syntax, "the file ends after \(bytes.count) bytes where \(expected) was expected; it may be truncated")
        }
        let shown = byte >= 0x21 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "byte value \(byte)"
        return LandmarkError(.syntax, "expected \(expected), found \(shown) at byte \(offset)")
    }

    private mutating func word(_ word: String, _ what: String) throws(LandmarkError) {
        guard bytes[offset...].starts(with: word.utf8) else { throw unexpected("a value for \(what)") }
        offset += word.utf8.count
    }

    /// Python writes NaN and Infinity into its JSON, so those get their own sentence.
    private mutating func notANumber(_ what: String) -> LandmarkError {
        for word in ["NaN", "Infinity", "-Infinity", "null"] where bytes[offset...].starts(with: word.utf8) {
            return LandmarkError(
                .range, "\(what) is \(word) at byte \(offset), expected a finite number; write unseen points with visibility 0")
        }
        return unexpected("a number for \(what)")
    }

    private static let powers: [Double] = (0...22).map { pow(10, Double($0)) }
}
