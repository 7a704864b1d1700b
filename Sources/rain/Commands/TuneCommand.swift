import ArgumentParser
import Foundation
import RainAnimation
import RainCPU
import RainFiles
import RainGraph
import RainModels

/// Measures which algorithm is fastest on this machine for each convolution of a model.
struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Measures which algorithm is fastest here for each convolution of a model, for --tuning.",
        discussion: """
            Runs the programs of a stream with one algorithm and the other in turn, and writes what each took. Commands that are given \
            the file with --tuning then make these choices, always the same; without it a model of cost makes them, which is right in \
            most cases and knows nothing of the machine. A choice differs from it only where what it expects took over 5 % longer. \
            Stop other programs while it measures. Weights are made up: their values do not matter.

            Example: rain tune --output tuning.json && rain animate --tuning tuning.json --reference hero.png --driving motion.json \
            --output out.mp4
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "Instead of --model: published, tiny or a JSON file, as for rain make-model; no files of a model are needed.",
            valueName: "name|file"), completion: .file())
    var config: String?

    @Option(help: ArgumentHelp("Runs that are measured, after one that is not.", valueName: "n"))
    var rounds = 9

    @Option(help: ArgumentHelp("Where the choices go; an existing file is replaced.", valueName: "tuning.json"), completion: .file())
    var output: String

    @OptionGroup var result: ResultOptions

    mutating func validate() throws {
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: expected 1 to 1000, found \(rounds)") }
        guard model.processor.tuning == nil else { throw ValidationError("--tuning: is what this command writes; name it with --output") }
        guard config == nil || model.model == nil else { throw ValidationError("--config: not beside --model") }
        var files = FileRoles(reading: ["--config": config], writing: ["--output": output])
        model.add(to: &files)
        try files.check()
    }

    func run() throws {
        Interrupt.install()
        let configuration = try config.map { name in
            try usage { try ModelConfiguration(PublishedConfiguration(described: name)).resized(to: model.size) }
        }
        try measure(configuration ?? model.load().configuration)
    }

    private func measure(_ configuration: ModelConfiguration) throws {
        let file = try ReplacementFile(path: output)
        let schedule = try model.schedule(configuration)
        let make = ModelPrograms(configuration)
        let programs = try [
            make.step(schedule), make.guider(frames: schedule.framesPerGroup), make.painter(frames: schedule.framesPerGroup),
        ]
        let weights = RandomWeights(seed: 1)
        var progress = ProgressLine("measuring", unit: "runs", total: programs.count * (rounds + 1))
        var done = 0
        let tuning = try model.processor.cpu().measureConvolutions(of: programs, rounds: rounds) { executable in
            try executable.load { name, shape in weights.values(name, shape.dimensions, in: configuration.name) }
            try executable.fillInputs()
            try executable.run(.reference)
        } progress: {
            try Interrupt.check()
            done += 1
            progress.update(done)
        }
        let text = try Terminal.json(TuningFile(tuning))
        try file.append(Array("\(text)\n".utf8))
        try file.commit()
        progress.finish(done)
        print(result.json ? text : Self.table(of: tuning))
    }

    private static func table(of tuning: Tuning) -> String {
        guard !tuning.convolutions.isEmpty else { return "no convolution of this model has a choice with \(tuning.instructions.rawValue)" }
        let header = ["convolution", "count", "direct", "winograd", "chosen", "expected"]
        let rows = tuning.convolutions.map { row in
            [
                row.convolution, "\(row.count)", milliseconds(row.direct), milliseconds(row.winograd), row.chosen.rawValue,
                row.chosen == row.expected ? "" : row.expected.rawValue,
            ]
        }
        let different = tuning.convolutions.filter { $0.chosen != $0.expected }
        func total(_ algorithm: (Tuning.Measurement) -> Tuning.Algorithm) -> String {
            milliseconds(tuning.convolutions.reduce(0) { $0 + $1.seconds(algorithm($1)) })
        }
        return """
            \(Terminal.table([header] + rows, rightAligned: [1, 2, 3]))

            \(different.count) of \(rows.count) choices differ from what the model of cost expects: \(total(\.chosen)) for all \
            convolutions of a push instead of \(total(\.expected))
            """
    }

    private static func milliseconds(_ seconds: Double) -> String { String(format: "%.3g ms", seconds * 1e3) }
}
