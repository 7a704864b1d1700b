import ArgumentParser
import RainAnimation
import RainGraph
import RainMedia
import RainPose

/// Which model is run, and how; shared by the commands that stream.
struct ModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A model: a folder with model.json or with the files of the published RAIN, or one file that 'rain convert' made of it; by default \
            rain-mini, which is part of the program.
            """, valueName: "path"), completion: .file())
    var model: String?

    @Option(
        help: ArgumentHelp(
            "Width and height of the pictures, for a model that works at any: a multiple of 64, of a layered one of 16.",
            valueName: "pixels"))
    var size: Int?

    @Option(help: ArgumentHelp("Frames per group x noise levels, at most 32 frames in all; by default the model's own.", valueName: "4x4"))
    var window: String?

    @Option(help: ArgumentHelp("Denoising steps per frame: a multiple of the noise levels; by default one per level.", valueName: "n"))
    var steps: Int?

    @OptionGroup var processor: EngineOptions

    mutating func validate() throws {
        try usage {
            if let window {
                _ = try StreamSchedule(window: window, steps: steps)
            } else if let steps, !(1...StreamSchedule.mostSteps).contains(steps) {
                throw ValidationError("--steps: expected 1 to \(StreamSchedule.mostSteps), found \(steps)")
            }
        }
    }

    /// What is read for a model, for the check that no output replaces it.
    func add(to roles: inout FileRoles) {
        roles.read("--model", model)
        roles.read("--tuning", processor.tuning)
    }

    /// What a person calls the model.
    var name: String { model ?? "rain-mini" }

    var engine: any TrainingEngine { get throws { try processor.engine() } }

    func load() throws -> AnimationModel {
        try usage { try model.map { try AnimationModel(path: $0, size: size) } ?? AnimationModel.embedded().resized(to: size) }
    }

    func schedule(_ configuration: ModelConfiguration) throws -> StreamSchedule {
        try usage {
            if let window { return try StreamSchedule(window: window, steps: steps) }
            return try StreamSchedule(
                framesPerGroup: configuration.window.framesPerGroup, levels: configuration.window.levels,
                steps: steps ?? configuration.window.steps)
        }
    }
}

/// Frame rates are the same everywhere: those a landmark file may have.
func checkFrameRate(_ fps: Double?) throws {
    guard let fps, !LandmarkTrack.frameRates.contains(fps) else { return }
    throw ValidationError("--fps: expected \(LandmarkTrack.frameRatesText), found \(fps)")
}

/// Turns an output that can be nothing into a mistake in the command line.
func checkOutput(_ path: String, framesPerSecond: Double?) throws {
    do {
        try FrameSink.check(path, framesPerSecond: framesPerSecond)
    } catch let error as MediaError {
        throw ValidationError("--output: \(error)")
    }
}

/// Whether frames that go to `path` take standard output.
func isStandardOutput(_ path: String) -> Bool { ["-", "pipe:1", "/dev/stdout"].contains(path) }

/// Turns a picture that cannot be written for its ending into a mistake in the command line.
func checkPicture(_ path: String, option: String) throws {
    do {
        try PictureWriter.check(path)
    } catch let error as MediaError {
        throw ValidationError("\(option): \(error)")
    }
}

/// Turns what a setting makes impossible into a mistake in the command line.
func usage<R>(_ body: () throws -> R) throws -> R {
    do {
        return try body()
    } catch let error as AnimationError where error.code == .schedule || error.code == .usage {
        throw ValidationError("\(error)")
    }
}
