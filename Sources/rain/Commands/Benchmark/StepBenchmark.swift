import ArgumentParser
import Foundation
import RainAnimation
import RainCPU
import RainFiles
import RainGraph
import RainModels
import RainTraining

/// Times one denoising step of the full stream, and shows where its time goes.
struct StepBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Times one denoising step of the full batch, with weights made up on the spot.",
        discussion: """
            Prints the median over the rounds, the rate, and the operations that take the most time. With --peer, another program \
            does the same step in turn with ours, and the ratio of the two is printed; Benchmarks/peers/step.py is such a program.

            Example: rain benchmark step --config published --size 256 --trace trace.json
            """)

    @Option(help: ArgumentHelp("rain-mini, or as for rain make-model: published, tiny or a JSON file.", valueName: "name|file"))
    var config = "published"

    @Option(help: ArgumentHelp("Width and height of the pictures, for a model that works at any.", valueName: "pixels"))
    var size: Int?

    @Option(help: ArgumentHelp("Frames per group x noise levels; by default the model's own.", valueName: "4x4"))
    var window: String?

    @Option(help: ArgumentHelp("Steps that are measured, after one that is not.", valueName: "n"))
    var rounds = 5

    @OptionGroup var processor: EngineOptions

    @Option(help: ArgumentHelp("Kernels: generic, avx2, avx512 or amx; by default the best of this machine.", valueName: "set"))
    var instructions: String?

    @Option(
        help: ArgumentHelp(
            "A program to compare with, and its arguments. It is told window and size, threads and instruction set as further arguments, "
                + "prints a line about itself when it is ready, and then answers every line with the seconds of one step.",
            valueName: "command"))
    var peer: String?

    @Option(help: ArgumentHelp("Write a timeline of one step, for chrome://tracing or ui.perfetto.dev.", valueName: "trace.json"))
    var trace: String?

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    mutating func validate() throws {
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: expected 1 to 1000, found \(rounds)") }
        if let instructions {
            let sets = CPUEngine.InstructionSet.allCases
            guard let set = CPUEngine.InstructionSet(rawValue: instructions) else {
                throw ValidationError("--instructions: expected \(sets.map(\.rawValue).joined(separator: ", ")), found '\(instructions)'")
            }
            guard set.isAvailable else { throw ValidationError("--instructions: this machine has no \(instructions)") }
        }
    }

    func run() throws {
        let configuration = try modelConfiguration()
        let schedule = try usage {
            try window.map { try StreamSchedule(window: $0) }
                ?? StreamSchedule(
                    framesPerGroup: configuration.window.framesPerGroup, levels: configuration.window.levels,
                    steps: configuration.window.steps)
        }
        let engine = CPUEngine(threads: processor.threads, instructionSet: instructions.flatMap(CPUEngine.InstructionSet.init))
        let target = try trace.map { try ReplacementFile(path: $0) }

        let clock = ContinuousClock()
        let start = clock.now
        let executable = try engine.prepareForTraining(ModelPrograms(configuration).step(schedule))
        let weights = RandomWeights(seed: 1)
        try executable.load { name, shape in weights.values(name, shape.dimensions, in: configuration.name) }
        for (index, input) in executable.program.graph.inputs.enumerated() {
            var values = [Float](repeating: 0, count: input.shape.count)
            FrameNoise(seed: 1).fill(&values, values.indices, frame: index, draw: 0)
            try executable.write(input.name, values)
        }
        try executable.run(.reference)
        let loading = (clock.now - start) / .seconds(1)

        let peer = try self.peer.map {
            try PeerProcess(
                command: $0
                    + " \(schedule.framesPerGroup)x\(schedule.levels) \(configuration.imageSize) \(engine.threads) \(engine.instructionSet.rawValue)"
            )
        }
        if let peer { Terminal.note("peer: \(peer.description)") }
        var (own, others): ([Double], [Double]) = ([], [])
        var best: [(node: Int, seconds: Double)] = []
        var progress = ProgressLine("measuring", unit: "steps", total: rounds + 1)
        for round in 0...rounds {
            let times = executable.runTimed(.step)
            let seconds = times.reduce(0) { $0 + $1.seconds }
            let other = try peer?.step()
            progress.update(round + 1)
            guard round > 0 else { continue }
            if own.allSatisfy({ seconds < $0 }) { best = times }
            own.append(seconds)
            if let other { others.append(other) }
        }
        progress.finish(rounds + 1)

        let report = StepReport(
            model: configuration.name, size: configuration.imageSize, window: "\(schedule.framesPerGroup)x\(schedule.levels)",
            threads: engine.threads, instructions: engine.instructionSet.rawValue, loadSeconds: loading, stepSeconds: own,
            peer: peer?.description, peerSeconds: others, program: executable.program, times: best)
        if let target {
            try target.append(report.trace())
            try target.commit()
        }
        if json {
            try Terminal.printJSON(report.summary)
        } else {
            print(report.text)
        }
    }

    private func modelConfiguration() throws -> ModelConfiguration {
        let configuration =
            switch config {
            case "rain-mini": ModelConfiguration.rainMini
            default: try ModelConfiguration(PublishedConfiguration(described: config))
            }
        return try usage { try configuration.resized(to: size) }
    }
}
