import ArgumentParser
import Foundation
import RainAnimation
import RainCPU
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

    mutating func validate() throws {
        _ = try chosenStages()
        var files = FileRoles(reading: ["--recipe": recipe, "--tuning": processor.tuning], writing: [:])
        let names = ["losses.tsv", "losses.png", "sample.png"] + Trainer.Stage.allCases.map { $0.rawValue + ".safetensors" }
        for name in names { files.write("--output", "\(output)/\(name)") }
        try files.check()
    }

    private func chosenStages() throws -> [Trainer.Stage] {
        if layered { return [] }
        return try stages.split(separator: ",").map { name in
            guard let stage = Trainer.Stage(rawValue: String(name)) else {
                throw ValidationError("--stages: '\(name)' is none of " + Trainer.Stage.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return stage
        }
    }

    @Flag(help: .hidden) var layered = false

    private func runLayered() throws {
        var recipe = LayeredRecipe()
        if let file = self.recipe { recipe = try SmallFile.json(LayeredRecipe.self, file) }
        if printRecipe { return try Terminal.printJSON(recipe) }
        Interrupt.install()
        let run = try TrainingRun(
            folder: output, isInterrupted: { Interrupt.requested }, say: { Terminal.note($0) }, report: { Terminal.note($0.line) })
        let stages = self.stages.split(separator: ",").compactMap { LayeredTrainer.Stage(rawValue: String($0)) }
        try LayeredTrainer(model: .rainMini2, recipe: recipe, run: run).train(stages, engine: processor.engine())
    }

    func run() throws {
        if layered { return try runLayered() }
        var recipe = try readRecipe()
        if let seed { recipe.seed = seed }
        if printRecipe { return try Terminal.printJSON(recipe) }
        let engine = try processor.engine()
        Interrupt.install()
        let run = try TrainingRun(
            folder: output, isInterrupted: { Interrupt.requested }, say: { Terminal.note($0) },
            report: { Terminal.note($0.line) })
        let trainer = try Trainer(model: .rainMini, recipe: recipe, run: run)
        do {
            try trainer.train(chosenStages(), engine: engine)
        } catch is CancellationError {
            Terminal.note("interrupted; run the same command again to go on")
            throw ExitCode(1)
        }
    }

    private func readRecipe() throws -> TrainingRecipe {
        guard let recipe else { return TrainingRecipe() }
        do {
            return try SmallFile.json(TrainingRecipe.self, recipe)
        } catch {
            throw TrainingError("\(error); compare with --print-recipe")
        }
    }
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
