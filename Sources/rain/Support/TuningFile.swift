import Foundation
import RainAnimation
import RainCPU

/// What 'rain tune' writes.
struct TuningFile: Codable {
    static let currentFormat = "rain-tuning 1"
    var format = Self.currentFormat
    /// The processor that was measured.
    var processor = Machine().processor
    var tuning: Tuning

    init(_ tuning: Tuning) { self.tuning = tuning }

    private struct Format: Decodable {
        let format: String
    }

    /// - Throws: `AnimationError` that names the file and its field; `TuningError` for another format
    init(path: String) throws {
        let format = try SmallFile.json(Format.self, path).format
        guard format == Self.currentFormat else {
            throw TuningError(path, "field 'format': expected '\(Self.currentFormat)', found '\(format.prefix(80))'; run 'rain tune' again")
        }
        self = try SmallFile.json(TuningFile.self, path)
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
}

/// What keeps a file of 'rain tune' from being used.
struct TuningError: Error, CustomStringConvertible {
    let description: String

    init(_ path: String, _ message: String) { description = "\(path): \(message)" }
}
