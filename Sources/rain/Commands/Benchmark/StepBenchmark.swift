import ArgumentParser
import RainAnimation
import RainCPU
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

    @Option(
        help: ArgumentHelp("rain-mini, or as for rain make-model: published, tiny or a JSON file.", valueName: "name|file"),
        completion: .file())
    var config = "published"

    @Option(help: ArgumentHelp("Width and height of the pictures, for a model that works at any.", valueName: "pixels"))
    var size: Int?

    @Option(help: ArgumentHelp("Frames per group x noise levels; by default the model's own.", valueName: "4x4"))
    var window: String?

    /// Programs of a stream.
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case guider, step, painter
    }

    @Option(help: "Which program: guider, step or painter; the first and the last for one group of frames.")
    var part = Part.step

    @OptionGroup var measurement: MeasurementOptions

    mutating func validate() throws {
        var files = measurement.files
        files.read("--config", config)
        try files.check()
    }

    func run() throws {
        let configuration = try modelConfiguration()
        let schedule = try usage {
            try window.map { try StreamSchedule(window: $0) }
                ?? StreamSchedule(
                    framesPerGroup: configuration.window.framesPerGroup, levels: configuration.window.levels,
                    steps: configuration.window.steps)
        }
        let frames = "\(schedule.framesPerGroup)x\(schedule.levels)"
        let engine = try measurement.processor.cpu()
        try measurement.report(
            StepReport.Subject(
                model: configuration.name, size: configuration.imageSize, window: frames,
                pictures: schedule.framesPerGroup * schedule.levels),
            work: "\(frames) \(configuration.imageSize)", engine: engine
        ) {
            let programs = ModelPrograms(configuration)
            let program =
                switch part {
                case .guider: try programs.guider(frames: schedule.framesPerGroup)
                case .step: try programs.step(schedule)
                case .painter: try programs.painter(frames: schedule.framesPerGroup)
                }
            let executable = try engine.compileForTraining(program)
            let weights = RandomWeights(seed: 1)
            try executable.load { name, shape in weights.values(name, shape.dimensions, in: configuration.name) }
            try executable.fillInputs()
            try executable.run(.reference)
            return executable
        }
    }

    private func modelConfiguration() throws -> ModelConfiguration {
        let configuration =
            switch config {
            case "rain-mini": ModelConfiguration.rainMini
            case "rain-mini-2": ModelConfiguration.rainMini2
            default: try ModelConfiguration(PublishedConfiguration(described: config))
            }
        return try usage { try configuration.resized(to: size) }
    }
}

extension CPUExecutable {
    /// Gives all inputs normally distributed numbers, the same at every run.
    func fillInputs() throws {
        for (index, input) in program.graph.inputs.enumerated() {
            var values = [Float](repeating: 0, count: input.type.shape.count)
            FrameNoise(seed: 1).fill(&values, values.indices, frame: index, draw: 0)
            try write(input.name, values)
        }
    }
}
