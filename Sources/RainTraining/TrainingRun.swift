import Foundation
import RainCheckpoints
import RainFiles
import RainGraph
import RainPictures

/// What keeps training from going on.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// What a run reports while it goes on.
public struct TrainingProgress: Sendable {
    public let stage: String
    public let step: Int
    public let steps: Int
    /// Mean over the steps since the last report.
    public let loss: Float
    /// Of characters that are never trained on, where it was measured with this report.
    public let heldOutLoss: Float?
    public let gradientNorm: Float
    public let learningRate: Float
    /// Pictures trained on per second, since the stage was started or resumed.
    public let picturesPerSecond: Double
    public let secondsLeft: Double
}

/// The folder of a training run: one checkpoint per stage, the losses, and pictures on the way.
public struct TrainingRun: Sendable {
    public let folder: String
    let report: @Sendable (TrainingProgress) -> Void
    /// Told of measurements on the way.
    let say: @Sendable (String) -> Void
    /// Stops the run at the next step, after a checkpoint.
    let isInterrupted: @Sendable () -> Bool

    /// - Throws: `TrainingError` if the folder cannot be made.
    public init(
        folder: String, isInterrupted: @escaping @Sendable () -> Bool = { false }, say: @escaping @Sendable (String) -> Void = { _ in },
        report: @escaping @Sendable (TrainingProgress) -> Void
    ) throws {
        self.folder = folder
        self.say = say
        self.report = report
        self.isInterrupted = isInterrupted
        do {
            try FileSystem.makeFolders(folder)
        } catch {
            throw TrainingError("\(folder): cannot be made or is no folder; choose another --output")
        }
    }

    func path(_ name: String) -> String { folder + "/" + name }

    // MARK: Checkpoints

    private static let states: [TrainingState] = [.parameters, .firstMoment, .secondMoment, .average]

    /// Writes everything a stage needs to go on after `step` steps.
    func save(_ stage: String, step: Int, _ executable: any TrainableExecutable, key: String, memory: [SafetensorsWriter.Tensor] = [])
        throws
    {
        let parameters = executable.program.graph.trainedParameters
        var tensors = memory
        for state in Self.states {
            let values = executable.state(state)
            var next = 0
            for (name, shape) in parameters {
                tensors.append(("\(state.rawValue)/\(name)", shape.dimensions, .float32, Array(values[next..<(next + shape.count)])))
                next += shape.count
            }
        }
        try SafetensorsWriter.write(
            to: path(stage + ".safetensors"), tensors: tensors, metadata: ["stage": stage, "step": "\(step)", "recipe": key])
    }

    /// Restores a stage and returns how many steps it has had; 0 if it never began.
    ///
    /// - Parameter memory: reads what was saved as memory
    /// - Throws: `TrainingError` if the checkpoint belongs to another recipe or network.
    func restore(
        _ stage: String, into executable: any TrainableExecutable, key: String, memory: (Checkpoint) throws -> Void = { _ in }
    ) throws -> Int {
        let file = path(stage + ".safetensors")
        guard FileSystem.exists(file) else { return 0 }
        let checkpoint = try Checkpoint(path: file)
        guard let text = checkpoint.metadata["step"], let step = Int(text), checkpoint.metadata["recipe"] == key else {
            throw TrainingError("\(file): made by another recipe or configuration; move it away or choose another --output")
        }
        for state in Self.states {
            var values: [Float] = []
            for (name, shape) in executable.program.graph.trainedParameters {
                values += try checkpoint.floats("\(state.rawValue)/\(name)", shape: shape.dimensions)
            }
            try executable.setState(state, values)
        }
        try memory(checkpoint)
        return step
    }

    /// Whether a stage has a checkpoint.
    func has(_ stage: String) -> Bool { FileSystem.exists(path(stage + ".safetensors")) }

    /// How many steps a stage has had; 0 if it never began.
    func stepsDone(_ stage: String) throws -> Int {
        guard has(stage) else { return 0 }
        return try Checkpoint(path: path(stage + ".safetensors")).metadata["step"].flatMap { Int($0) } ?? 0
    }

    /// The averaged parameters of a stage, by name.
    ///
    /// - Throws: `TrainingError` if the stage has no checkpoint.
    func averages(of stage: String) throws -> [String: [Float]] {
        let file = path(stage + ".safetensors")
        guard FileSystem.exists(file) else {
            throw TrainingError("\(file): missing; train the stage '\(stage)' first")
        }
        let checkpoint = try Checkpoint(path: file)
        let prefix = TrainingState.average.rawValue + "/"
        var values: [String: [Float]] = [:]
        for name in checkpoint.names where name.hasPrefix(prefix) {
            values[String(name.dropFirst(prefix.count))] = try checkpoint.floats(name)
        }
        return values
    }

    // MARK: The loop

    /// Trains one stage to its end, from its checkpoint if there is one.
    ///
    /// - Parameters:
    ///   - key: identifies recipe and configuration; a checkpoint of another is refused.
    ///   - memory: what the stage remembers from step to step besides the executable's state, written to checkpoints and read from them
    ///   - forward: runs a step forwards and backwards and returns its loss; the update follows.
    ///   - heldOut: the mean loss of steps on characters never trained on, always the same; without an update
    ///   - sample: makes pictures of the progress, with the averaged parameters' stage checkpoint already written.
    func train(
        _ stage: String, _ recipe: TrainingRecipe.Stage, _ executable: any TrainableExecutable, key: String,
        memory: (save: () -> [SafetensorsWriter.Tensor], restore: (Checkpoint) throws -> Void) = ({ [] }, { _ in }),
        forward: (_ step: Int) throws -> Float, heldOut: () throws -> Float, sample: (_ step: Int) throws -> Void = { _ in }
    ) throws {
        // Two programs that train into one folder would undo each other's checkpoints.
        guard let lock = try FolderLock(folder) else {
            throw TrainingError("\(folder): another program trains into it; wait until it ends, or choose another --output")
        }
        defer { withExtendedLifetime(lock) {} }
        let first = try restore(stage, into: executable, key: key, memory: memory.restore)
        guard first < recipe.steps else { return }
        let clock = ContinuousClock()
        let start = clock.now
        var lastSave = start
        var lastReport = start
        var lastSample = start
        var nextHeldOut = start
        var losses: [Float] = []
        for step in first..<recipe.steps {
            let rate = Self.learningRate(recipe, step)
            let loss = try forward(step)
            let norm = try executable.update(
                AdamW(
                    learningRate: rate, averageDecay: min(recipe.averageDecay, Float(step + 1) / Float(step + 20)), step: step + 1))
            guard loss.isFinite, norm.isFinite else {
                throw TrainingError("\(stage): step \(step): loss \(loss), gradient norm \(norm); lower the learning rate and resume")
            }
            losses.append(loss)
            let now = clock.now
            let interrupted = isInterrupted()
            let done = step + 1 == recipe.steps || interrupted
            if done || now - lastReport > .seconds(10) {
                lastReport = now
                let seconds = (now - start) / .seconds(1)
                let rateOfSteps = Double(step + 1 - first) / seconds
                let mean = losses.reduce(0, +) / Float(losses.count)
                losses.removeAll()
                var heldOutLoss: Float?
                if now >= nextHeldOut || step + 1 == recipe.steps, !interrupted {
                    heldOutLoss = try heldOut()
                    // At most a fiftieth of the time.
                    nextHeldOut = clock.now + max(.seconds(60), (clock.now - now) * 50)
                }
                let progress = TrainingProgress(
                    stage: stage, step: step + 1, steps: recipe.steps, loss: mean, heldOutLoss: heldOutLoss, gradientNorm: norm,
                    learningRate: rate,
                    picturesPerSecond: rateOfSteps * Double(recipe.characters * recipe.frames),
                    secondsLeft: Double(recipe.steps - step - 1) / rateOfSteps)
                try log(progress)
                report(progress)
            }
            if done || now - lastSave > .seconds(300) {
                try save(stage, step: step + 1, executable, key: key, memory: memory.save())
                lastSave = clock.now
                if done || now - lastSample > .seconds(290) {
                    try plot()
                    try sample(step + 1)
                    lastSample = clock.now
                }
            }
            if interrupted { throw CancellationError() }
        }
    }

    /// Linear warm-up over 100 steps, then a cosine from 1 to `finalFraction`.
    static func learningRate(_ stage: TrainingRecipe.Stage, _ step: Int) -> Float {
        let warmUp = min(1, Float(step + 1) / 100)
        let done = Double(step) / Double(max(1, stage.steps))
        let decay = Float(0.5 + 0.5 * cosine(Double.pi * done))
        return stage.learningRate * warmUp * (stage.finalFraction + (1 - stage.finalFraction) * decay)
    }

    // MARK: Losses

    private var lossFile: String { path("losses.tsv") }

    private static let columns = "stage\tstep\tloss\tnorm\tlearning_rate\tpictures_per_second\theld_out_loss\n"

    private func log(_ progress: TrainingProgress) throws {
        let numbers = [progress.loss, progress.gradientNorm, progress.learningRate, Float(progress.picturesPerSecond)]
        let line =
            "\(progress.stage)\t\(progress.step)\t" + numbers.map { "\($0)" }.joined(separator: "\t")
            + "\t\(progress.heldOutLoss.map { "\($0)" } ?? "")\n"
        var old = (try? FileSystem.read(lossFile)) ?? []
        // Runs begun before there were held-out losses have one column less.
        let end = old.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        old.replaceSubrange(..<end, with: Self.columns.utf8)
        try ReplacementFile.write(old + line.utf8, to: lossFile)
    }

    /// Draws the losses of all stages so far.
    private func plot() throws {
        guard let bytes = try? FileSystem.read(lossFile) else { return }
        var series: [String: [Point]] = [:]
        // Stage, step, loss, and in the seventh column, where it was measured, the loss of characters held out.
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count > 2, let step = Double(fields[1]), let loss = Double(fields[2]) else { continue }
            series[String(fields[0]), default: []].append(Point(step, loss))
            if fields.count > 6, let heldOut = Double(fields[6]) {
                series["\(fields[0]), held out", default: []].append(Point(step, heldOut))
            }
        }
        let plot = LinePlot(
            title: "Loss", xLabel: "step", yLabel: "loss", logarithmicY: true,
            series: series.keys.sorted().map { LinePlot.Series(name: $0, points: series[$0]!) })
        try plot.picture().writePNG(to: URL(filePath: path("losses.png")))
    }
}
