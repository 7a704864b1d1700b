import ArgumentParser
import Foundation
import RainAnimation
import RainTraining
import Synchronization

/// Trains a model from nothing.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains rain-mini from nothing, stage by stage.",
        discussion: """
            Draws characters, then trains the auto-encoder, the networks on single frames, the networks on clips, and writes the \
            model's folder. Everything is kept in the output folder: checkpoints every five minutes, losses.tsv, losses.png and \
            sample sheets. Table and plot also have the loss of characters that are never trained on (held out), about every minute. Run the same command again to go on after an interruption.

            Example: rain train --output runs/mini
            """)

    @Option(help: ArgumentHelp("Folder of the run.", valueName: "folder"), completion: .directory)
    var output = "runs/mini"

    @Option(
        help: ArgumentHelp(
            "Only these stages, separated by commas: autoencoder, frames, clips, package. By default all.", valueName: "names"))
    var stages: String?

    @Option(
        help: ArgumentHelp("A recipe in JSON (see --print-recipe); the built-in one otherwise.", valueName: "recipe.json"),
        completion: .file())
    var recipe: String?

    @Option(help: "Seed of everything that is random; overrides the recipe's.")
    var seed: UInt64?

    @OptionGroup var processor: EngineOptions

    @OptionGroup var result: ResultOptions

    @Flag(help: "Print the recipe as JSON and stop.")
    var printRecipe = false

    mutating func validate() throws {
        if layered { _ = try chosenLayeredStages() } else { _ = try chosenStages() }
        var files = FileRoles(reading: ["--recipe": recipe, "--tuning": processor.tuning], writing: [:])
        let stages = layered ? LayeredTrainer.Stage.allCases.map(\.rawValue) : Trainer.Stage.allCases.map(\.rawValue)
        let names = ["losses.tsv", "losses.png", "sample.png"] + stages.map { $0 + ".safetensors" }
        for name in names { files.write("--output", "\(output)/\(name)") }
        try files.check()
    }

    private func chosenStages() throws -> [Trainer.Stage] { try chosen { Trainer.Stage(rawValue: $0) } }

    private func chosenLayeredStages() throws -> [LayeredTrainer.Stage] { try chosen { LayeredTrainer.Stage(rawValue: $0) } }

    private func chosen<Stage: CaseIterable & RawRepresentable<String>>(_ stage: (String) -> Stage?) throws -> [Stage] {
        guard let stages else { return Array(Stage.allCases) }
        return try stages.split(separator: ",").map { name in
            guard let stage = stage(String(name)) else {
                throw ValidationError("--stages: '\(name)' is none of " + Stage.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return stage
        }
    }

    @Flag(help: "Train the layered model instead: 256×256 pixels, the reference's own. Stages: \(Self.layeredStages).")
    var layered = false

    private static let layeredStages = LayeredTrainer.Stage.allCases.map(\.rawValue).joined(separator: ", ")

    func run() throws {
        let (plain, layered) = (self.layered ? nil : try plainRecipe(), self.layered ? try layeredRecipe() : nil)
        if printRecipe {
            if let plain { try Terminal.printJSON(plain) }
            if let layered { try Terminal.printJSON(layered) }
            return
        }
        let engine = try processor.engine()
        Interrupt.install()
        let start = ContinuousClock.now
        let reached = Reached()
        let run = try TrainingRun(
            folder: output, isInterrupted: { Interrupt.requested }, say: { Terminal.note($0) },
            report: { progress in
                Terminal.note(progress.line)
                reached.add(progress)
            })
        func tell(isInterrupted: Bool) throws {
            guard result.json else { return }
            let stages = try layered == nil ? chosenStages().map(\.rawValue) : chosenLayeredStages().map(\.rawValue)
            let name = (layered == nil ? ModelConfiguration.rainMini : .rainMini2).name
            try Terminal.printJSON(
                Report(
                    output: output, model: !isInterrupted && stages.contains("package") ? "\(output)/\(name)" : nil, stages: reached.stages,
                    seconds: (ContinuousClock.now - start) / .seconds(1), isInterrupted: isInterrupted))
        }
        do {
            if let plain { try Trainer(model: .rainMini, recipe: plain, run: run).train(chosenStages(), engine: engine) }
            if let layered {
                try LayeredTrainer(model: .rainMini2, recipe: layered, run: run).train(chosenLayeredStages(), engine: engine)
            }
        } catch is CancellationError {
            Terminal.note("interrupted; run the same command again to go on")
            try tell(isInterrupted: true)
            try Terminal.finish()
            throw ExitCode(1)
        }
        try tell(isInterrupted: false)
    }

    /// What `--json` tells.
    private struct Report: Encodable {
        struct Stage: Encodable {
            var stage: String
            var step: Int
            var steps: Int
            /// Of the last steps.
            var loss: Float
            /// Of characters never trained on, as last measured; nil if it never was.
            var heldOutLoss: Float?
            var picturesPerSecond: Double

            enum CodingKeys: String, CodingKey {
                case stage, step, steps, loss
                case heldOutLoss = "held_out_loss"
                case picturesPerSecond = "pictures_per_second"
            }
        }

        var output: String
        /// The model's folder, if it was written.
        var model: String?
        /// Those that were trained now; a stage that was complete before is not among them.
        var stages: [Stage]
        var seconds: Double
        var isInterrupted: Bool

        enum CodingKeys: String, CodingKey {
            case output, model, stages, seconds
            case isInterrupted = "interrupted"
        }
    }

    /// How far each stage has come.
    private final class Reached: Sendable {
        private let reached = Mutex<[Report.Stage]>([])

        func add(_ newest: TrainingProgress) {
            reached.withLock { all in
                let before = all.last?.stage == newest.stage ? all.removeLast() : nil
                all.append(
                    Report.Stage(
                        stage: newest.stage, step: newest.step, steps: newest.steps, loss: newest.loss,
                        heldOutLoss: newest.heldOutLoss ?? before?.heldOutLoss, picturesPerSecond: newest.picturesPerSecond))
            }
        }

        var stages: [Report.Stage] { reached.withLock { $0 } }
    }

    private func plainRecipe() throws -> TrainingRecipe {
        var recipe = try read(TrainingRecipe.self) ?? TrainingRecipe()
        if let seed { recipe.seed = seed }
        return recipe
    }

    private func layeredRecipe() throws -> LayeredRecipe {
        var recipe = try read(LayeredRecipe.self) ?? LayeredRecipe()
        if let seed { recipe.seed = seed }
        return recipe
    }

    private func read<Recipe: Decodable>(_ type: Recipe.Type) throws -> Recipe? {
        do {
            return try recipe.map { try SmallFile.json(type, $0) }
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
        let heldOut = heldOutLoss.map { String(format: ", held out %.4f", $0) } ?? ""
        let loss = self.loss > 0 ? String(format: ", loss %.4f, gradient %.2f, rate %.1e", self.loss, gradientNorm, learningRate) : ""
        return
            "\(stage): \(step)/\(steps) (\(percent) %)\(loss)\(heldOut), \(String(format: "%.1f", picturesPerSecond)) pictures/s, \(left) left"
    }
}
