import Foundation
import RainCPU

/// What 'rain tune' writes.
struct TuningFile: Codable {
    static let currentFormat = "rain-tuning 1"
    /// That of a network with every convolution of another shape is some ten times smaller.
    private static let mostBytes = 1 << 20

    var format = Self.currentFormat
    /// The processor that was measured.
    var processor = Machine().processor
    var tuning: Tuning

    init(_ tuning: Tuning) { self.tuning = tuning }

    /// - Throws: `TuningError`
    init(path: String) throws {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        guard let size, size <= Self.mostBytes, let data = FileManager.default.contents(atPath: path) else {
            throw TuningError(path, "expected a readable file of at most \(Self.mostBytes) bytes")
        }
        do {
            self = try JSONDecoder().decode(TuningFile.self, from: data)
        } catch {
            throw TuningError(path, "is no file of 'rain tune'")
        }
        guard format == Self.currentFormat else {
            throw TuningError(path, "field 'format': expected '\(Self.currentFormat)', found '\(format)'; run 'rain tune' again")
        }
    }

    /// The tuning, for an engine like the one that was measured.
    func tuning(for engine: CPUEngine, path: String) throws -> Tuning {
        guard tuning.threads == engine.threads, tuning.instructions == engine.instructionSet else {
            throw TuningError(
                path,
                "measured with \(tuning.instructions.rawValue) on \(tuning.threads) threads, but this is \(engine.instructionSet.rawValue) on "
                    + "\(engine.threads); run 'rain tune' again, or leave --tuning out")
        }
        let here = Machine().processor
        if here != processor { Terminal.note("\(path): measured on \(Terminal.oneLine(processor)), and this is \(here)") }
        return tuning
    }

    func bytes() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}

/// What keeps a file of 'rain tune' from being used.
struct TuningError: Error, CustomStringConvertible {
    let description: String

    init(_ path: String, _ message: String) { description = "\(path): \(message)" }
}
