import Glibc

/// Names of files are bytes, and need not be text.
///
/// A path is kept as a `String` all the same, since nearly every one is text, and since it is shown, compared and taken apart as such.
/// Bytes that are not UTF-8 stand in it as scalars of a private area, one each, as Python's `surrogateescape` does it; what is
/// really of that area is taken apart into its bytes too, so that no two names become the same.
extension String {
    /// Scalar that stands for byte 0 (only bytes from 0x80 on need one).
    private static let area: UInt32 = 0x10F700

    /// A path of the system's.
    ///
    /// - Parameter pointer: ends with a zero byte
    package init(systemPath pointer: UnsafePointer<CChar>) {
        self.init(systemPath: UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
    }

    /// A path of bytes.
    package init(systemPath bytes: some Sequence<UInt8>) {
        var scalars = String.UnicodeScalarView()
        var parser = Unicode.UTF8.ForwardParser()
        var rest = Array(bytes).makeIterator()
        var read = rest
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                let taken = (0..<encoded.count).compactMap { _ in read.next() }
                if Self.byte(scalar) == nil { scalars.append(scalar) } else { scalars.append(contentsOf: taken.map(Self.scalar)) }
            case .error(let length): for _ in 0..<length { if let byte = read.next() { scalars.append(Self.scalar(byte)) } }
            case .emptyInput:
                self.init(scalars)
                return
            }
        }
    }

    /// The path as the system takes it, ended by a zero byte.
    package var systemPath: [CChar] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count + 1)
        for scalar in unicodeScalars {
            if let byte = Self.byte(scalar) { bytes.append(byte) } else { bytes.append(contentsOf: Unicode.UTF8.encode(scalar)!) }
        }
        return bytes.map { CChar(bitPattern: $0) } + [0]
    }

    /// The text with `\xE9` where the bytes of a path are no text, for people to read.
    package var showingBytes: String {
        guard unicodeScalars.contains(where: { Self.byte($0) != nil }) else { return self }
        return unicodeScalars.map { scalar in
            Self.byte(scalar).map { "\\x" + String($0, radix: 16, uppercase: true) } ?? String(scalar)
        }.joined()
    }

    private static func scalar(_ byte: UInt8) -> Unicode.Scalar { Unicode.Scalar(area + UInt32(byte))! }

    private static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        (area + 0x80...area + 0xFF).contains(scalar.value) ? UInt8(scalar.value - area) : nil
    }
}
