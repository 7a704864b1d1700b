import ArgumentParser
import Foundation
import RainAnimation
import RainFiles
import RainMedia
import RainTraining
import RainWorld

/// Measures a model on characters it has never seen.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a model on characters it has never seen.",
        discussion: """
            Draws characters and motions from seeds that training never uses, streams them, and compares with the truth: PSNR \
            (dB, higher is better), SSIM (1 is best), edge ratio (how strong edges are where the truth has them, 1 is best) and \
            flicker (mean absolute error of the differences between neighbouring frames, 0 is best), beside two baselines: showing \
            the reference picture all the time, and the model's own auto-encoder given the truth, where it makes whole pictures.

            Example: rain evaluate --characters 20 --seed 1 --sheet sheet.png
            """)

    @OptionGroup var model: ModelOptions

    @Option(help: "How many characters, 1 to 1000.")
    var characters = 20

    @Option(help: "Which ones: 0 or a larger number below 2^40.")
    var seed: UInt64 = 0

    @Option(help: "Frames of each character's motion, 1 to 10000.")
    var frames = 48

    @Option(help: "Which characters: classic or wide; by default those that the model's family is trained on.")
    var world: World?

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Also draw what was measured: reference, pose, truth and output; an existing file is replaced.", valueName: "file.png"))
    var sheet: String?

    mutating func validate() throws {
        guard (1...1000).contains(characters) else { throw ValidationError("--characters: expected 1 to 1000, found \(characters)") }
        guard (1...10_000).contains(frames) else { throw ValidationError("--frames: expected 1 to 10000, found \(frames)") }
        if let sheet { try checkPicture(sheet, option: "--sheet") }
        var files = FileRoles(reading: [:], writing: ["--sheet": sheet])
        model.add(to: &files)
        try files.check()
        guard seed < EvaluationClip.seedCount else {
            throw ValidationError("--seed: expected less than \(EvaluationClip.seedCount), found \(seed)")
        }
    }

    func run() throws {
        // Found out before the work, not after it.
        if let sheet { _ = try ReplacementFile(path: sheet) }
        let animated = try model.load()
        var progress = ProgressLine("evaluating", unit: "characters", total: characters)
        let report = try usage {
            try Evaluation.run(
                parameters: animated.parameters, configuration: animated.configuration, engine: model.engine, characters: characters,
                seed: seed, frames: frames, world: world, schedule: model.schedule(animated.configuration)
            ) { done, _, _ in
                if done < characters { progress.update(done) }
                return true
            }
        }
        progress.finish(report.characters)
        if let sheet { try PictureWriter.write(report.sheet(), to: sheet) }
        if json {
            try Terminal.printJSON(report)
        } else {
            print(report.table)
        }
    }
}

extension EvaluationReport {
    /// The figures beside their baselines, for people.
    var table: String {
        func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
        return Terminal.table(
            [
                ["", "model", "reference repeated", "auto-encoder"],
                ["PSNR, dB", number(psnr, 2), number(psnrReferenceRepeated, 2), psnrReconstruction.map { number($0, 2) } ?? ""],
                ["SSIM", number(ssim, 3), number(ssimReferenceRepeated, 3), ""],
                ["edge ratio", number(edgeRatio, 2), "", ""],
                ["flicker", number(flicker, 2), "", flickerReconstruction.map { number($0, 2) } ?? ""],
            ], rightAligned: [1, 2, 3])
            + "\n\(characters) characters of \(frames) frames, seed \(seed); streamed at \(number(framesPerSecond, 1)) frames/s"
    }
}
