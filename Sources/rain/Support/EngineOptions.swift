import ArgumentParser
import RainCPU
import RainGraph

/// The engines there are. Nothing but this, and what measures the processor's kernels (`rain tune`, `rain benchmark`), names one.
enum Engines {
    /// The best engine of this machine.
    ///
    /// - Parameter threads: of the processor's engine; `nil` for one per processor
    static func best(threads: Int? = nil) -> any TrainingEngine { CPUEngine(threads: threads) }

    /// Processors that this process may use, and the most threads that an engine can have.
    static var processorCount: Int { CPUEngine.processorCount }
    static var mostThreads: Int { CPUEngine.mostThreads }

    /// The best engine in words: `amx kernels on 2 threads`.
    static var description: String {
        let engine = CPUEngine()
        return "\(engine.instructionSet.rawValue) kernels on \(engine.threads) threads"
    }
}

/// How a command computes.
struct EngineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads, 1 to 256; by default one per processor.", valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Kernels: generic, avx2, avx512, amx or neon; by default, and for landmark detectors, the best of this machine.",
            valueName: "set"))
    var instructions: String?

    @Option(
        help: ArgumentHelp(
            "A file of 'rain tune': convolutions take the algorithm that was fastest here. By default a model of cost says which.",
            valueName: "tuning.json"), completion: .file())
    var tuning: String?

    mutating func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads: expected 1 to 256, found \(threads)") }
        guard let instructions else { return }
        let sets = CPUEngine.InstructionSet.allCases
        guard let set = CPUEngine.InstructionSet(rawValue: instructions) else {
            throw ValidationError("--instructions: expected \(sets.map(\.rawValue).joined(separator: ", ")), found '\(instructions)'")
        }
        guard set.isAvailable else { throw ValidationError("--instructions: this machine has no \(instructions)") }
    }

    /// - Throws: `TuningError` for a file that is none, or was measured with another engine
    func engine() throws -> any TrainingEngine { try cpu() }

    /// The processor's engine, for what measures or checks it as such.
    ///
    /// - Throws: as `engine`
    func cpu(arithmetic: CPUEngine.Arithmetic = .fastest) throws -> CPUEngine {
        let set = instructions.flatMap(CPUEngine.InstructionSet.init)
        let engine = CPUEngine(threads: threads, instructionSet: set, arithmetic: arithmetic)
        guard let tuning else { return engine }
        let measured = try TuningFile(path: tuning).tuning(for: engine, path: tuning)
        return CPUEngine(threads: threads, instructionSet: set, arithmetic: arithmetic, tuning: measured)
    }
}
