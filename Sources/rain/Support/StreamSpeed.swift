import RainAnimation
import RainGraph
import RainTraining

/// How fast a model's stream is on this machine.
struct StreamSpeed {
    /// Of a step of the full stream, with what comes before and after it.
    var secondsPerStep: Double
    var framesPerStep: Int
    /// From opening the model to its first step that gives frames; nil where only an estimate was made.
    var secondsUntilReady: Double?

    var framesPerSecond: Double { Double(framesPerStep) / secondsPerStep }

    /// Frames per second that a stream needs to look fluent, and the most that cameras commonly give.
    static let fluent = 25.0
    var isLive: Bool { framesPerSecond >= Self.fluent }

    /// Streams for about a second.
    static func measured(_ open: () throws -> AnimationModel) throws -> StreamSpeed {
        let clock = ContinuousClock()
        let start = clock.now
        let model = try open()
        let clip = EvaluationClip(seed: 0, index: 0, frames: 1, size: model.configuration.imageSize)
        let batch = try StreamBatch(model: model, engine: Engines.best(), schedule: nil, seed: 0)
        try batch.fuse(.cut(clip.reference), landmarks: clip.referenceLandmarks)
        let group = (0..<batch.schedule.framesPerGroup).map { _ in clip.driving[0] }
        while try batch.push(group).isEmpty {}
        let first = clock.now
        var steps = 0
        repeat {
            _ = try batch.push(group)
            steps += 1
        } while clock.now - first < .seconds(1)
        return StreamSpeed(
            secondsPerStep: (clock.now - first) / .seconds(1) / Double(steps), framesPerStep: batch.schedule.framesPerGroup,
            secondsUntilReady: (first - start) / .seconds(1))
    }

    /// Runs one operation of every kind that a step has, alone, and adds up: for models that take minutes to load and more memory than
    /// there may be.
    ///
    /// - Parameter progress: told how many of all kinds are done
    static func estimated(
        _ configuration: ModelConfiguration, engine: any Engine, progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> StreamSpeed {
        let schedule = try StreamSchedule(
            framesPerGroup: configuration.window.framesPerGroup, levels: configuration.window.levels, steps: configuration.window.steps)
        let make = ModelPrograms(configuration)
        let frames = schedule.framesPerGroup
        var counts: [LoneOperation: Int] = [:]
        for program in try [make.step(schedule), make.guider(frames: frames), make.painter(frames: frames)] {
            for node in program.stages[.step] ?? [] { counts[LoneOperation(node, of: program.graph), default: 0] += 1 }
        }
        var (seconds, done) = (0.0, 0)
        for (operation, count) in counts {
            seconds += Double(count) * (try operation.seconds(on: engine))
            done += 1
            try progress(done, counts.count)
        }
        return StreamSpeed(secondsPerStep: seconds, framesPerStep: frames)
    }
}

/// What an operation does, wherever it stands in a program.
private struct LoneOperation: Hashable {
    private struct Operand: Hashable {
        var shape: Shape
        var lifetime: Lifetime
        /// Of one that is a literal.
        var constant: RainGraph.Operation?
    }

    private let operation: RainGraph.Operation
    private let operands: [Operand]

    init(_ node: Int, of graph: Graph) {
        operation = graph.nodes[node].operation
        operands = graph.nodes[node].operands.map { value in
            let given = graph.nodes[value.node]
            var operand = Operand(shape: graph.shape(value), lifetime: given.lifetime)
            if case .constant = given.operation { operand.constant = given.operation }
            return operand
        }
    }

    /// How long it takes, its weights packed and its memory touched before.
    func seconds(on engine: any Engine) throws -> Double {
        let builder = GraphBuilder()
        let values = try operands.enumerated().map { index, operand in
            if let constant = operand.constant { return try builder.one(constant) }
            return operand.lifetime == .weights
                ? try builder.parameter("weight\(index)", operand.shape)
                : try builder.input("input\(index)", operand.shape, operand.lifetime)
        }
        for (index, result) in try builder.add(operation, values).enumerated() { builder.output("output\(index)", result) }
        let executable = try engine.compile(Program(builder.graph()))
        func numbers(_ shape: Shape) -> [Float] { [Float](repeating: 0.25, count: shape.count) }
        try executable.load { _, shape in numbers(shape) }
        for input in executable.program.graph.inputs { try executable.write(input.name, numbers(input.type.shape)) }
        try executable.run(.reference)
        try executable.run(.step)
        let clock = ContinuousClock()
        let start = clock.now
        var best = Duration.seconds(1000)
        // Long ones once, short ones several times, since other programs can only slow a run down.
        repeat { best = min(best, try clock.measure { try executable.run(.step) }) } while clock.now - start < .milliseconds(20)
        return best / .seconds(1)
    }
}
