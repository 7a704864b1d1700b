import ArgumentParser
import RainFiles
import RainMedia
import RainPose
import RainWorld

/// Draws a character of the procedural world.
struct CharacterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "character",
        abstract: "Draws a character of the procedural world, as a reference picture.",
        discussion: """
            Every seed is another character; the same seed always gives the same picture. Where its face is goes into a landmark \
            file beside it (hero.landmarks.json for hero.png), which rain animate finds there.

            Example: rain character --seed 7 --output hero.png
            """)

    @Option(help: "Which character: 0 or any larger number.")
    var seed: UInt64

    @Option(help: "Width and height in pixels, 16 to 4096.")
    var size = 128

    @Option(help: ArgumentHelp("Where the picture goes: .png, .webp or .jpg; existing files are replaced.", valueName: "file"))
    var output: String

    func validate() throws {
        guard (16...4096).contains(size) else { throw ValidationError("--size must be 16 to 4096, found \(size)") }
        try checkPicture(output, option: "--output")
        try FileRoles(reading: [:], writing: ["--output": output, "the landmark file": ReferenceFace.landmarkFile(of: output)]).check()
    }

    func run() throws {
        let character = Character(seed: seed)
        let pose = CharacterPose.neutral(variation: seed)
        try PictureWriter.write(character.render(pose, size: size), to: output)
        try ReplacementFile.write(character.track([pose], framesPerSecond: 1).json(), to: ReferenceFace.landmarkFile(of: output))
        Terminal.note("\(output): \(character), \(size)×\(size)")
    }
}
