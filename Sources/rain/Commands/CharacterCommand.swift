import ArgumentParser
import RainMedia
import RainWorld

/// Draws a character of the procedural world.
struct CharacterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "character",
        abstract: "Draws a character of the procedural world, as a reference picture.",
        discussion: """
            Every seed is another character; the same seed always gives the same picture.

            Example: rain character --seed 7 --output hero.png
            """)

    @Option(help: "Which character: 0 or any larger number.")
    var seed: UInt64

    @Option(help: "Width and height in pixels, 16 to 4096.")
    var size = 128

    @Option(help: ArgumentHelp("Where the picture goes: .png, .webp or .jpg.", valueName: "file"))
    var output: String

    func validate() throws {
        guard (16...4096).contains(size) else { throw ValidationError("--size must be 16 to 4096, found \(size)") }
    }

    func run() throws {
        let character = Character(seed: seed)
        try PictureWriter.write(character.render(.neutral(variation: seed), size: size), to: output)
        Terminal.note("\(output): \(character), \(size)×\(size)")
    }
}
