import ArgumentParser

/// Measures this machine.
struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Measures how fast the engine is here, beside others if asked.",
        discussion: "Example: rain benchmark step --config rain-mini --trace trace.json",
        subcommands: [StepBenchmark.self, TrainBenchmark.self])
}
