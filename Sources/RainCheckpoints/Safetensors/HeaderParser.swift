/// One tensor as the header declares it, offsets relative to the data section.
struct DeclaredTensor: Equatable {
    var name: String
    var type: String
    var shape: [Int]
    var begin: Int
    var end: Int
}

/// What a safetensors header says, in file order; not yet checked against the file's size.
struct Header: Equatable {
    var tensors: [DeclaredTensor] = []
    var metadata: [String: String] = [:]
}

/// Parses the JSON of a safetensors header.
///
/// A parser of our own, since the header has exactly three levels and general JSON readers silently keep one of two
/// duplicate keys, turn large integers into floating point and recurse as deep as a hostile file likes.
struct HeaderParser {
    /// More axes than any network has; bounds the work for one tensor.
    static let maximumRank = 32

    /// A violation of the grammar: what was expected at a byte of the header, and what stood there.
    struct Failure: Error, Equatable {
        var tensor: String?
        var expected: String
        var found: String
    }

    private let bytes: [UInt8]
    private var position = 0
    private var tensor: String?

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The header in `bytes`, which may end in padding spaces.
    static func parse(_ bytes: [UInt8]) throws(Failure) -> Header {
        var parser = HeaderParser(bytes)
        return try parser.header()
    }

    private mutating func header() throws(Failure) -> Header {
        var header = Header()
        var names: Set<String> = []
        try object { (parser, name) throws(Failure) in
            guard names.insert(name).inserted else {
                throw Failure(tensor: name, expected: "each name once", found: "the name twice")
            }
            if name == "__metadata__" {
                header.metadata = try parser.metadata()
            } else {
                parser.tensor = name
                header.tensors.append(try parser.declaration(named: name))
                parser.tensor = nil
            }
        }
        skipSpace()
        guard position == bytes.count else { throw unexpected("the end of the header") }
        return header
    }

    /// Texts by key; the reference implementation also reads null, which is none.
    private mutating func metadata() throws(Failure) -> [String: String] {
        var metadata: [String: String] = [:]
        skipSpace()
        if bytes[position...].starts(with: "null".utf8) {
            position += 4
            return metadata
        }
        try object { (parser, key) throws(Failure) in
            let value = try parser.string()
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw Failure(tensor: nil, expected: "each metadata key once", found: "'\(printable(key, limit: 60))' twice")
            }
        }
        return metadata
    }

    private mutating func declaration(named name: String) throws(Failure) -> DeclaredTensor {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try object { (parser, key) throws(Failure) in
            let isNew: Bool
            switch key {
            case "dtype":
                isNew = type == nil
                type = try parser.string()
            case "shape":
                isNew = shape == nil
                shape = try parser.integers(atMost: Self.maximumRank, what: "axes")
            case "data_offsets":
                isNew = offsets == nil
                offsets = try parser.integers(atMost: 2, what: "offsets")
            default:
                throw Failure(
                    tensor: name, expected: "only dtype, shape and data_offsets", found: "the field '\(printable(key, limit: 60))'")
            }
            guard isNew else { throw Failure(tensor: name, expected: "the field \(key) once", found: "it twice") }
        }
        guard let type, let shape, let offsets else {
            let missing = type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw Failure(tensor: name, expected: "dtype, shape and data_offsets", found: "no \(missing)")
        }
        guard offsets.count == 2 else {
            throw Failure(tensor: name, expected: "two data_offsets", found: "\(offsets.count)")
        }
        return DeclaredTensor(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
    }

    // MARK: Grammar

    /// Reads `{"key": …}`, calling `member` with the parser standing before each value.
    private mutating func object(_ member: (inout Self, String) throws(Failure) -> Void) throws(Failure) {
        try expect("{")
        skipSpace()
        if accept("}") { return }
        while true {
            let key = try string()
            try expect(":")
            try member(&self, key)
            skipSpace()
            if accept("}") { return }
            try expect(",")
        }
    }

    /// Reads `[1, 2, …]` of non-negative integers.
    private mutating func integers(atMost limit: Int, what: String) throws(Failure) -> [Int] {
        var values: [Int] = []
        try expect("[")
        skipSpace()
        if accept("]") { return values }
        while true {
            guard values.count < limit else {
                throw Failure(tensor: tensor, expected: "at most \(limit) \(what)", found: "more")
            }
            values.append(try integer())
            skipSpace()
            if accept("]") { return values }
            try expect(",")
        }
    }

    private mutating func integer() throws(Failure) -> Int {
        skipSpace()
        var value = 0
        let start = position
        while let digit = peek(), digit >= 0x30, digit <= 0x39 {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(Int(digit - 0x30))
            guard !overflow, !carry else {
                throw Failure(tensor: tensor, expected: "an integer below 2^63", found: "a larger one at byte \(start) of the header")
            }
            value = sum
            position += 1
        }
        guard position > start else { throw unexpected("a non-negative integer") }
        guard position - start == 1 || bytes[start] != 0x30 else { throw unexpected("an integer without leading zeros") }
        return value
    }

    private mutating func string() throws(Failure) -> String {
        try expect("\"")
        var content: [UInt8] = []
        while true {
            guard let byte = peek() else { throw unexpected("the end of a string") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw Failure(tensor: tensor, expected: "text in UTF-8", found: "other bytes before byte \(position) of the header")
                }
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &content)
            case 0..<0x20:
                position -= 1
                throw unexpected("a string without raw control characters")
            default:
                content.append(byte)
            }
        }
    }

    private mutating func escape(into content: inout [UInt8]) throws(Failure) {
        guard let byte = peek() else { throw unexpected("an escape sequence") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            var code = try codeUnit()
            if code & 0xFC00 == 0xD800 {
                guard peek() == UInt8(ascii: "\\") else { throw unexpected("the second half of a surrogate pair") }
                position += 1
                guard peek() == UInt8(ascii: "u") else { throw unexpected("the second half of a surrogate pair") }
                position += 1
                let low = try codeUnit()
                guard low & 0xFC00 == 0xDC00 else { throw unexpected("the second half of a surrogate pair") }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else { throw unexpected("a Unicode character") }
            content.append(contentsOf: String(Character(scalar)).utf8)
            return
        default: throw unexpected("an escape sequence")
        }
        position += 1
    }

    private mutating func codeUnit() throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw unexpected("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: Bytes

    private func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
        skipSpace()
        guard accept(character) else { throw unexpected("'\(character)'") }
    }

    private func unexpected(_ expected: String) -> Failure {
        let found =
            switch peek() {
            case nil: "the end of the header"
            case let byte? where byte > 0x20 && byte < 0x7F: "'\(Character(Unicode.Scalar(byte)))' at byte \(position) of the header"
            case let byte?: "byte 0x\(String(byte, radix: 16)) at byte \(position) of the header"
            }
        return Failure(tensor: tensor, expected: expected, found: found)
    }
}
