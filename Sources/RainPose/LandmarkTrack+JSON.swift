public import Foundation
import RainFiles

// MARK: Writing

extension Track {
    /// The track as the bytes of a file, one frame a line, coordinates to five decimals (a hundredth of a pixel at 1000 pixels).
    public func json() -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(20 * (frames.count + 1) * Frame.names.count)
        let names = Frame.names.map { "\"\($0)\"" }.joined(separator: ", ")
        let rate = framesPerSecond == framesPerSecond.rounded() ? "\(Int(framesPerSecond))" : "\(framesPerSecond)"
        let whose = driver == .drawn ? "" : " \"driver\": \"\(driver.rawValue)\","
        text +=
            "{\"format\": \"\(Self.format)\", \"version\": \(Frame.version), \"fps\": \(rate),\(whose)\n\"names\": [\(names)],\n\"frames\": [\n"
            .utf8
        for (index, frame) in frames.enumerated() {
            text += index == 0 ? "[".utf8 : ",\n[".utf8
            for (at, point) in frame.landmarkPoints.enumerated() {
                text += at == 0 ? "[".utf8 : ",[".utf8
                Self.append(point.x, to: &text)
                text.append(UInt8(ascii: ","))
                Self.append(point.y, to: &text)
                text.append(UInt8(ascii: ","))
                Self.append(point.visibility, to: &text)
                text.append(UInt8(ascii: "]"))
            }
            text.append(UInt8(ascii: "]"))
        }
        text += "\n]}\n".utf8
        return text
    }

    /// Writes the track, under a temporary name first and moved into place when it is complete.
    public func write(to file: URL) throws(LandmarkError) {
        do {
            try ReplacementFile.write(json(), to: file.path)
        } catch {
            throw LandmarkError(.file, "could not write landmarks \(error)")
        }
    }

    /// Five decimals without trailing zeros.
    private static func append(_ value: Float, to text: inout [UInt8]) {
        var scaled = Int((Double(value) * 100_000).rounded())
        if scaled < 0 {
            text.append(UInt8(ascii: "-"))
            scaled = -scaled
        }
        text += "\(scaled / 100_000)".utf8
        var rest = scaled % 100_000
        guard rest > 0 else { return }
        text.append(UInt8(ascii: "."))
        var unit = 10_000
        while rest > 0 {
            text.append(UInt8(0x30 + rest / unit))
            rest %= unit
            unit /= 10
        }
    }
}

// MARK: Reading

extension Track {
    /// Reads a file (or a pipe) of at most `largestFile` bytes.
    ///
    /// - Throws: `LandmarkError`; its sentence begins with the file's name
    public init(contentsOf file: URL) throws(LandmarkError) {
        let bytes = try LandmarkFile.read(file)
        do {
            try self.init(json: bytes)
        } catch {
            throw LandmarkError(error.code, "\(file.path): \(error.description)")
        }
    }

    /// Reads the bytes of a file.
    ///
    /// Names may come in any order; the frames are put into the order of `Frame.names`. Keys the format does not know are
    /// skipped.
    public init(json bytes: [UInt8]) throws(LandmarkError) {
        guard bytes.count <= Self.largestFile else {
            throw LandmarkError(.size, "the file is larger than \(Self.largestFile >> 20) MiB, the most a landmark file may have")
        }
        guard !bytes.isEmpty else { throw LandmarkError(.syntax, "the file is empty, expected a landmark file in JSON") }
        var scanner = JSONScanner(bytes)
        var seen: Set<String> = []
        var fps: Double?
        var driver = DriverKind.drawn
        var order: [Int]?
        var values: [Float]?
        try scanner.expect("{", "a landmark file")
        if !scanner.take("}") {
            repeat {
                let key = try scanner.string("a key")
                guard seen.insert(key).inserted else { throw LandmarkError(.format, "the key '\(Self.excerpt(key))' is there twice") }
                try scanner.expect(":", "'\(Self.excerpt(key))'")
                switch key {
                case "format":
                    let found = try scanner.string("'format'")
                    guard found == Self.format else {
                        throw LandmarkError(.format, "'format' is '\(Self.excerpt(found))', expected '\(Self.format)'")
                    }
                case "version":
                    let found = try scanner.number("'version'")
                    guard found == Double(Frame.version) else {
                        throw LandmarkError(.format, "'version' is \(found), this program reads version \(Frame.version)")
                    }
                case "fps":
                    let found = try scanner.number("'fps'")
                    try Self.check(framesPerSecond: found)
                    fps = found
                case "driver":
                    let found = try scanner.string("'driver'")
                    guard let kind = DriverKind(rawValue: found) else {
                        let known = DriverKind.allCases.map(\.rawValue).joined(separator: " or ")
                        throw LandmarkError(.format, "'driver' is '\(Self.excerpt(found))', expected \(known)")
                    }
                    driver = kind
                case "names": order = try Self.readNames(&scanner)
                case "frames": values = try Self.readFrames(&scanner)
                default: try scanner.skipValue("'\(Self.excerpt(key))'")
                }
            } while scanner.take(",")
            try scanner.expect("}", "a landmark file")
        }
        try scanner.expectEnd()
        for key in ["format", "version"] where !seen.contains(key) {
            throw LandmarkError(.missing, "the key '\(key)' is missing; is this a landmark file?")
        }
        guard let fps else { throw LandmarkError(.missing, "the key 'fps' (frames per second) is missing") }
        guard let order else { throw LandmarkError(.missing, "the key 'names' (the \(Frame.names.count) landmark names) is missing") }
        guard let values else { throw LandmarkError(.missing, "the key 'frames' is missing") }
        try self.init(framesPerSecond: fps, frames: Self.frames(values, order), driver: driver)
    }

    private static func readNames(_ scanner: inout JSONScanner) throws(LandmarkError) -> [Int] {
        var order: [Int] = []
        var seen: Set<Int> = []
        try scanner.expect("[", "'names'")
        if !scanner.take("]") {
            repeat {
                let name = try scanner.string("name \(order.count) of 'names'")
                guard let landmark = Frame.index(named: name) else {
                    throw LandmarkError(.names, "'names' holds '\(excerpt(name))', which is no landmark of version \(Frame.version)")
                }
                guard seen.insert(landmark).inserted else { throw LandmarkError(.names, "'names' holds '\(name)' twice") }
                order.append(landmark)
            } while scanner.take(",")
            try scanner.expect("]", "'names'")
        }
        let missing = Frame.names.indices.filter { !seen.contains($0) }.map { Frame.names[$0] }
        guard missing.isEmpty else {
            throw LandmarkError(.names, "'names' lacks \(missing.prefix(30).joined(separator: ", ")); all \(Frame.names.count) are needed")
        }
        return order
    }

    /// Three values a landmark, in the file's order.
    private static func readFrames(_ scanner: inout JSONScanner) throws(LandmarkError) -> [Float] {
        var values: [Float] = []
        var frame = 0
        try scanner.expect("[", "'frames'")
        guard !scanner.take("]") else { return values }
        repeat {
            try scanner.expect("[", "frame \(frame)")
            var count = 0
            if !scanner.take("]") {
                repeat {
                    guard count < Frame.names.count else {
                        throw LandmarkError(.count, "frame \(frame) has more than \(Frame.names.count) landmarks")
                    }
                    try scanner.expect("[", "landmark \(count) of frame \(frame)")
                    for part in 0..<3 {
                        if part > 0, !scanner.take(",") {
                            throw triple(&scanner, count, frame)
                        }
                        let value = try scanner.number("\(["x", "y", "visibility"][part]) of landmark \(count) of frame \(frame)")
                        guard abs(value) <= farthest else {
                            throw LandmarkError(
                                .range,
                                "landmark \(count) of frame \(frame) holds \(value), expected numbers within ±\(Int(farthest)); 0…1 spans the picture"
                            )
                        }
                        values.append(Float(value))
                    }
                    guard scanner.take("]") else { throw triple(&scanner, count, frame) }
                    count += 1
                } while scanner.take(",")
                try scanner.expect("]", "frame \(frame)")
            }
            guard count == Frame.names.count else {
                throw LandmarkError(.count, "frame \(frame) has \(count) landmarks, expected \(Frame.names.count)")
            }
            frame += 1
        } while scanner.take(",")
        try scanner.expect("]", "'frames'")
        return values
    }

    private static func triple(_ scanner: inout JSONScanner, _ landmark: Int, _ frame: Int) -> LandmarkError {
        switch scanner.peek() {
        case UInt8(ascii: "]"), UInt8(ascii: ","):
            LandmarkError(.count, "landmark \(landmark) of frame \(frame) must be [x, y, visibility]: three numbers")
        default: scanner.unexpected("',' or ']' in landmark \(landmark) of frame \(frame)")
        }
    }

    private static func frames(_ values: [Float], _ order: [Int]) -> [Frame] {
        var points = [LandmarkPoint](repeating: LandmarkPoint(x: 0, y: 0), count: order.count)
        return stride(from: 0, to: values.count, by: 3 * order.count).map { start in
            for (index, place) in order.enumerated() {
                let at = start + 3 * index
                points[place] = LandmarkPoint(x: values[at], y: values[at + 1], visibility: values[at + 2])
            }
            return Frame(landmarkPoints: points)
        }
    }

    /// A foreign string shortened for a message.
    private static func excerpt(_ text: String) -> String {
        text.count <= 40 ? text : text.prefix(40) + "…"
    }
}
