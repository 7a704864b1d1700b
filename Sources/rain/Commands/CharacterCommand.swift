public import ArgumentParser
import RainFiles
import RainMedia
import RainPictures
import RainPose
public import RainWorld

/// Draws a character of the procedural world.
struct CharacterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "character",
        abstract: "Draws a character of the procedural world, as a reference picture.",
        discussion: """
            Every seed is another character; the same seed always gives the same picture. Where its face is goes into a landmark \
            file beside it (hero.landmarks.json for hero.png), which rain animate finds there.

            The embedded model knows the classic world, which has one drawing style. The wide world has many of them, and references in \
            any pose (Docs/World.md).

            Example: rain character --seed 7 --output hero.png
            """)

    @Option(help: "Which character: 0 or any larger number.")
    var seed: UInt64

    @Option(help: "Which world.")
    var world = World.classic

    @Option(help: "How many characters: more than one are a sheet of this seed's and the following, at most 64.")
    var count = 1

    @Option(help: "Width and height in pixels, 16 to 4096.")
    var size = 128

    @Option(
        help: ArgumentHelp("Where the picture goes: .png, .webp or .jpg; existing files are replaced.", valueName: "file"),
        completion: .file())
    var output: String

    func validate() throws {
        guard (16...4096).contains(size) else { throw ValidationError("--size must be 16 to 4096, found \(size)") }
        guard (1...64).contains(count) else { throw ValidationError("--count must be 1 to 64, found \(count)") }
        guard count == 1 || size <= 1024 else { throw ValidationError("--size must be at most 1024 for sheets, found \(size)") }
        guard seed <= .max - UInt64(count) else { throw ValidationError("--seed is too large for as many characters") }
        try checkPicture(output, option: "--output")
        try FileRoles(reading: [:], writing: ["--output": output, "the landmark file": ReferenceFace.landmarkFile(of: output)]).check()
    }

    func run() throws {
        guard count == 1 else {
            try PictureWriter.write(sheet(), to: output)
            Terminal.note("\(output): \(count) characters of the \(world.rawValue) world from seed \(seed)")
            return
        }
        let character = Character(seed: seed, world: world)
        let pose = pose(seed)
        try PictureWriter.write(character.render(pose, size: size), to: output)
        try ReplacementFile.write(character.track([pose], framesPerSecond: 1).json(), to: ReferenceFace.landmarkFile(of: output))
        Terminal.note("\(output): \(character), \(size)×\(size)")
    }

    private func pose(_ seed: UInt64) -> CharacterPose {
        switch world {
        case .classic: .neutral(variation: seed)
        case .wide: .reference(variation: seed)
        }
    }

    private func sheet() throws -> Picture {
        let columns = min(8, Int(Double(count).squareRoot().rounded(.up)))
        let rows = stride(from: 0, to: count, by: columns).map { first in
            ContactSheet.Row(
                pictures: (first..<min(first + columns, count)).map { index in
                    let seed = seed + UInt64(index)
                    return Character(seed: seed, world: world).render(pose(seed), size: size)
                })
        }
        return try ContactSheet(rows: rows).picture()
    }
}

extension World: ExpressibleByArgument {}
