import ArgumentParser
import RainCPU

/// With how many threads a command computes.
struct EngineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads, 1 to 256; by default one per processor.", valueName: "n"))
    var threads: Int?

    mutating func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads: expected 1 to 256, found \(threads)") }
    }
}
