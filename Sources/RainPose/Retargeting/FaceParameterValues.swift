public import Foundation
import RainFiles

/// Some of the face parameters: set by hand, read from a file or found by calibration.
///
/// Files are JSON: `{"format": "rain-retarget", "version": 1, "parameters": {"eye-height": 3.0, …}}`; what is not named keeps the value it
/// had.
public struct FaceParameterValues: Sendable, Equatable {
    /// What a file calls itself.
    public static let format = "rain-retarget"
    public static let version = 1
    /// The largest file read, in bytes.
    public static let largestFile = 1 << 20

    public private(set) var values: [FaceParameters.Name: Double]

    public init() { values = [:] }

    /// All of them.
    public init(_ parameters: FaceParameters) {
        values = Dictionary(uniqueKeysWithValues: FaceParameters.Name.allCases.map { ($0, parameters[$0]) })
    }

    /// - Throws: `LandmarkError` for a value outside the parameter's range
    public mutating func set(_ name: FaceParameters.Name, _ value: Double) throws(LandmarkError) {
        guard name.range.contains(value) else {
            throw LandmarkError(
                .range, "\(name.rawValue): expected \(name.range.lowerBound) to \(name.range.upperBound), found \(value)")
        }
        values[name] = value
    }

    /// Sets a parameter by its name.
    public mutating func set(named text: String, _ value: Double) throws(LandmarkError) {
        guard let name = FaceParameters.Name(rawValue: text) else {
            throw LandmarkError(
                .names,
                "'\(text.prefix(40))' is no face parameter; they are \(FaceParameters.Name.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        try set(name, value)
    }

    /// Takes over values, which win over those already there.
    public mutating func merge(_ others: FaceParameterValues) { values.merge(others.values) { $1 } }

    /// Some parameters with these values instead of their own.
    public func applied(to parameters: FaceParameters) -> FaceParameters {
        values.reduce(into: parameters) { $0[$1.key] = $1.value }
    }

    /// Reads what people write: files and values, later ones winning: `mine.json,eye-height=2.5`; `none` leaves faces as they are.
    ///
    /// - Throws: `LandmarkError` naming the file or parameter
    public init(text: String) throws(LandmarkError) {
        self.init()
        // A file's name may hold anything.
        guard !FileSystem.exists(text) else {
            try self.init(contentsOf: URL(fileURLWithPath: text))
            return
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if sides == ["none"] {
                merge(FaceParameterValues(.identity))
            } else if sides.count == 2 {
                guard let value = Double(sides[1]) else {
                    throw LandmarkError(.range, "\(sides[0].prefix(40)): expected a number, found '\(sides[1].prefix(40))'")
                }
                try set(named: sides[0], value)
            } else {
                guard !sides[0].isEmpty else {
                    throw LandmarkError(.format, "expected a file, 'none' or name=value, separated by commas, found '\(text.prefix(80))'")
                }
                try merge(FaceParameterValues(contentsOf: URL(fileURLWithPath: sides[0])))
            }
        }
    }

    /// Reads a file.
    ///
    /// - Throws: `LandmarkError`; its sentence begins with the file's name
    public init(contentsOf file: URL) throws(LandmarkError) {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(file.path, upTo: Self.largestFile + 1, pipes: true)
        } catch {
            throw LandmarkError(.file, "\(file.path): could not be read: \(error.found)")
        }
        do throws(LandmarkError) {
            try self.init(json: bytes)
        } catch {
            throw LandmarkError(error.code, "\(file.path): \(error.description)")
        }
    }

    /// Reads the bytes of a file.
    public init(json bytes: [UInt8]) throws(LandmarkError) {
        self.init()
        guard bytes.count <= Self.largestFile else {
            throw LandmarkError(.size, "the file is larger than \(Self.largestFile >> 20) MiB, the most a file of face parameters may have")
        }
        guard !bytes.isEmpty else { throw LandmarkError(.syntax, "the file is empty, expected face parameters in JSON") }
        var scanner = JSONScanner(bytes)
        var seen: Set<String> = []
        try scanner.expect("{", "a file of face parameters")
        if !scanner.take("}") {
            repeat {
                let key = try scanner.string("a key")
                guard seen.insert(key).inserted else { throw LandmarkError(.format, "the key '\(key.prefix(40))' is there twice") }
                try scanner.expect(":", "'\(key.prefix(40))'")
                switch key {
                case "format":
                    let found = try scanner.string("'format'")
                    guard found == Self.format else {
                        throw LandmarkError(.format, "'format' is '\(found.prefix(40))', expected '\(Self.format)'")
                    }
                case "version":
                    let found = try scanner.number("'version'")
                    guard found == Double(Self.version) else {
                        throw LandmarkError(.format, "'version' is \(found), this program reads version \(Self.version)")
                    }
                case "parameters": try readParameters(&scanner)
                default: try scanner.skipValue("'\(key.prefix(40))'")
                }
            } while scanner.take(",")
            try scanner.expect("}", "a file of face parameters")
        }
        try scanner.expectEnd()
        for key in ["format", "version", "parameters"] where !seen.contains(key) {
            throw LandmarkError(.missing, "the key '\(key)' is missing; is this a file of face parameters?")
        }
    }

    private mutating func readParameters(_ scanner: inout JSONScanner) throws(LandmarkError) {
        try scanner.expect("{", "'parameters'")
        guard !scanner.take("}") else { return }
        repeat {
            let name = try scanner.string("the name of a parameter")
            try scanner.expect(":", "'\(name.prefix(40))'")
            try set(named: name, scanner.number("'\(name.prefix(40))'"))
        } while scanner.take(",")
        try scanner.expect("}", "'parameters'")
    }

    /// The bytes of a file, parameters in their order, to four decimals.
    public func json() -> [UInt8] {
        let lines = FaceParameters.Name.allCases.compactMap { name in
            values[name].map { "    \"\(name.rawValue)\": \(($0 * 10_000).rounded() / 10_000)" }
        }
        return Array(
            "{\"format\": \"\(Self.format)\", \"version\": \(Self.version),\n\"parameters\": {\n\(lines.joined(separator: ",\n"))\n}}\n"
                .utf8)
    }

    /// Writes a file, under a temporary name first and moved into place when it is complete.
    public func write(to file: URL) throws(LandmarkError) {
        do {
            try ReplacementFile.write(json(), to: file.path)
        } catch {
            throw LandmarkError(.file, "could not write face parameters \(error)")
        }
    }
}
