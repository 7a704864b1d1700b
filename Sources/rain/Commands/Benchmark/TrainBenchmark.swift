import ArgumentParser
import RainAnimation
import RainCPU
import RainGraph
import RainTraining

/// Times one step of training rain-mini.
struct TrainBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Times one step of training rain-mini: forwards, backwards and the update.",
        discussion: """
            The step is the one that rain train takes, on inputs made up on the spot. With --peer, another program does the same step \
            in turn with ours, and the ratio of the two is printed; Benchmarks/peers/train.py is such a program.

            Example: rain benchmark train --stage clips --peer "peers/bin/python3 Benchmarks/peers/train.py"
            """)

    @Option(help: ArgumentHelp("frames or clips.", valueName: "stage"))
    var stage = "frames"

    @OptionGroup var measurement: MeasurementOptions

    mutating func validate() throws {
        guard Self.stages.contains(stage) else {
            throw ValidationError("--stage: expected \(Self.stages.joined(separator: " or ")), found '\(stage)'")
        }
    }

    private static let stages = [Trainer.Stage.frames, .clips].map(\.rawValue)

    func run() throws {
        let recipe = TrainingRecipe()
        let step = try TrainingStep(Trainer.Stage(rawValue: stage)!, of: .rainMini, recipe: recipe)
        let engine = try measurement.processor.cpu()
        try measurement.report(
            StepReport.Subject(
                model: "training rain-mini, \(stage)", size: step.model.imageSize, window: "\(step.characters)x\(step.frames)",
                pictures: step.characters * step.frames),
            work: "\(stage) \(step.characters) \(step.frames)", engine: engine,
            prepare: {
                let executable = try engine.compileForTraining(step.program)
                try executable.load(step.initialValue)
                try executable.fillInputs()
                try executable.run(.reference)
                return executable
            },
            update: { _ = try $0.update(AdamW(learningRate: 1e-4, averageDecay: 0.999, step: 1)) })
    }
}
