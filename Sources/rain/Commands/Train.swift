import ArgumentParser
import Foundation
import RainAnimation
import RainCPU
import RainGraph
import RainTraining

/// Trains a model from nothing.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains rain-mini from nothing, stage by stage.",
        discussion: """
            Draws characters, then trains the auto-encoder, the networks on single frames, the networks on clips, and writes the \
            model's folder. Everything is kept in the output folder: checkpoints every five minutes, losses.tsv, losses.png and \
            sample sheets. Run the same command again to go on after an interruption.

            Example: rain train --output runs/mini
            """)

    @Option(help: ArgumentHelp("Folder of the run.", valueName: "folder"))
    var output = "runs/mini"

    @Option(help: ArgumentHelp("Only these stages, separated by commas: autoencoder, frames, clips, package.", valueName: "names"))
    var stages = "autoencoder,frames,clips,package"

    @Option(help: ArgumentHelp("A recipe in JSON (see --print-recipe); the built-in one otherwise.", valueName: "recipe.json"))
    var recipe: String?

    @Option(help: "Seed of everything that is random; overrides the recipe's.")
    var seed: UInt64?

    @OptionGroup var processor: EngineOptions

    @Flag(help: "Print the recipe as JSON and stop.")
    var printRecipe = false

    @Flag(help: "Print where the time of one step of each stage goes, and stop.")
    var profile = false

    mutating func validate() throws {
        _ = try chosenStages()
    }

    private func chosenStages() throws -> [Trainer.Stage] {
        try stages.split(separator: ",").map { name in
            guard let stage = Trainer.Stage(rawValue: String(name)) else {
                throw ValidationError("--stages: '\(name)' is none of " + Trainer.Stage.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return stage
        }
    }

    func run() throws {
        var recipe = try readRecipe()
        if let seed { recipe.seed = seed }
        if printRecipe { return try Terminal.printJSON(recipe) }
        let engine = CPUEngine(threads: processor.threads)
        Interrupt.install()
        let run = try TrainingRun(
            folder: output, isInterrupted: { Interrupt.requested }, say: { Terminal.note($0) },
            report: { Terminal.note($0.line) })
        let trainer = try Trainer(model: .rainMini, recipe: recipe, run: run)
        if profile { return try printProfile(trainer, engine) }
        do {
            try trainer.train(chosenStages(), engine: engine)
        } catch is CancellationError {
            Terminal.note("interrupted; run the same command again to go on")
            throw ExitCode(1)
        }
    }

    private func readRecipe() throws -> TrainingRecipe {
        guard let recipe else { return TrainingRecipe() }
        guard let data = FileManager.default.contents(atPath: recipe), data.count < 1 << 20 else {
            throw TrainingError("\(recipe): cannot be read, or is no recipe")
        }
        do {
            return try JSONDecoder().decode(TrainingRecipe.self, from: data)
        } catch {
            throw TrainingError("\(recipe): no recipe (\(error)); compare with --print-recipe")
        }
    }

    private func printProfile(_ trainer: Trainer, _ engine: CPUEngine) throws {
        for (name, program, pictures) in try trainer.stepPrograms() {
            let executable = try engine.prepareForTraining(program)
            try executable.load(trainer.initialValues)
            try executable.run(.reference)
            var best: [(node: Int, seconds: Double)] = []
            for _ in 0..<5 {
                let times = executable.runTimed(.step)
                if best.isEmpty || times.reduce(0, { $0 + $1.seconds }) < best.reduce(0, { $0 + $1.seconds }) { best = times }
            }
            let total = best.reduce(0) { $0 + $1.seconds }
            print(
                "\(name): \(Self.rounded(total * 1000)) ms, \(Self.rounded(Double(pictures) / total)) pictures/s, "
                    + "memory \(Terminal.bytes(executable.memory.arena + executable.memory.persistent + executable.memory.trained))")
            let rows = OperationTimes.sums(of: best, in: program).prefix(12).map {
                ["  " + $0.operation, "\($0.count)", "\(Self.rounded($0.seconds * 1000)) ms"]
            }
            print(Terminal.table(Array(rows), rightAligned: [1, 2]))
        }
    }

    private static func rounded(_ value: Double) -> String { String(format: "%.1f", value) }
}

extension TrainingProgress {
    /// One line for a terminal or a log.
    var line: String {
        let percent = Int(100 * Double(step) / Double(max(1, steps)))
        let left = ProgressLine.span(secondsLeft)
        let loss = self.loss > 0 ? String(format: ", loss %.4f, gradient %.2f, rate %.1e", self.loss, gradientNorm, learningRate) : ""
        return "\(stage): \(step)/\(steps) (\(percent) %)\(loss), \(String(format: "%.1f", picturesPerSecond)) pictures/s, \(left) left"
    }
}
