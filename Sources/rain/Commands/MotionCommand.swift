import ArgumentParser
import RainFiles
import RainPose
import RainWorld

/// Writes a motion of the procedural world as landmarks.
struct MotionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "motion",
        abstract: "Makes up a motion of the procedural world, as a landmark file.",
        discussion: """
            Head, gaze, eyelids, brows and mouth move as the seed decides, beginning at rest. The file drives any character, \
            whichever it was made with; its format is described in Docs/LandmarkFormat.md.

            Example: rain motion --seed 3 --seconds 10 --output motion.json
            """)

    /// About two hours at 30 frames per second, which is also what a reader of the format accepts.
    private static let mostFrames = 216_000
    private static let mostSeconds = 86_400.0

    @Option(help: "Which motion: 0 or any larger number.")
    var seed: UInt64

    @Option(help: "How long it lasts, in seconds, at most a day (86400).")
    var seconds: Double

    @Option(help: "Frames per second, 0.01 to 240.")
    var fps = 25.0

    @Option(help: "The seed of the character whose landmarks are written; by default that of the motion.")
    var character: UInt64?

    @Option(help: ArgumentHelp("Where the landmarks go; an existing file is replaced.", valueName: "file.json"), completion: .file())
    var output: String

    private var frameCount: Double { (seconds * fps).rounded() }

    func validate() throws {
        try checkFrameRate(fps)
        guard seconds > 0, seconds <= Self.mostSeconds else {
            throw ValidationError("--seconds must be above 0 and at most \(Int(Self.mostSeconds)), found \(seconds)")
        }
        guard frameCount >= 1, frameCount <= Double(Self.mostFrames) else {
            throw ValidationError("--seconds times --fps must be 1 to \(Self.mostFrames) frames, found \(seconds) seconds at \(fps)")
        }
    }

    func run() throws {
        let poses = Motion(seed: seed, startsAtRest: true).poses(frameCount: Int(frameCount), framesPerSecond: fps)
        let track = try Character(seed: character ?? seed).track(poses, framesPerSecond: fps)
        try ReplacementFile.write(track.json(), to: output)
        Terminal.note("\(output): motion \(seed), \(track.frames.count) frames at \(fps) per second")
    }
}
