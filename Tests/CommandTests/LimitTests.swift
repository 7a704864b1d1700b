import Foundation
import RainAnimation
import RainTesting
import Testing

/// Numbers beyond every bound, and disks that are full.
@Suite struct LimitTests {
    let workplace: Workplace

    init() throws { workplace = try Workplace.withTinyModel() }

    static let impossible = [
        BadInput("motion --seed 1 --seconds 1e30 --fps 1e-29 --output o.json", 2, "--fps", "0.01 to 240"),
        BadInput("motion --seed 1 --seconds 10 --fps 0.009 --output o.json", 2, "--fps", "0.01 to 240"),
        BadInput("motion --seed 1 --seconds 1 --fps 1e-310 --output o.json", 2, "--fps", "0.01 to 240"),
        BadInput("motion --seed 1 --seconds 1e5 --fps 0.01 --output o.json", 2, "--seconds", "86400"),
        BadInput("motion --seed 1 --seconds 10 --fps 0.01 --output o.json", 2, "--seconds", "frames"),
        BadInput("inspect --program --window 0x4", 2, "0x4", "at least one"),
        BadInput("inspect --program --window 9x4", 2, "9x4", "36"),
        BadInput("inspect tiny/tiny.safetensors --window 4x4", 2, "--window", "--program"),
        BadInput("inspect tiny --program --window 33x1", 2, "33x1", "33"),
        BadInput("evaluate --model tiny --window 9x4", 2, "9x4", "36"),
        BadInput("evaluate --model tiny --sheet sheet.bmp", 2, "--sheet", ".png"),
        BadInput("evaluate --model tiny --sheet sheet", 2, "--sheet", ".png"),
        BadInput("character --seed 7 --output hero.tiff", 2, "--output", ".png"),
        BadInput("evaluate --model tiny --window 33x1", 2, "33x1", "33"),
        BadInput("demo --model tiny --window 1x33", 2, "1x33", "33"),
        BadInput("demo --model tiny --threads 1000000", 2, "--threads", "256"),
        BadInput("evaluate --model tiny --steps 4000000000000000000", 2, "--steps", "64"),
    ]

    @Test(arguments: impossible) func isAMistakeInTheCommandLine(_ input: BadInput) throws {
        let before = try workplace.contents
        let outcome = try workplace.run(input.arguments)
        #expect(outcome.status == input.status)
        #expect(outcome.output.isEmpty && outcome.errorLines.count == 1, "\(outcome.errors)")
        for word in input.words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }

    /// A kilobyte is enough for none of these.
    @Test(arguments: [
        "character --seed 7 --size 256 --output large.png", "motion --seed 3 --seconds 4 --output long.json",
        "animate --reference hero.png --driving motion.json --model tiny --output o.mp4",
        "animate --reference hero.png --driving motion.json --model tiny --output o.webm",
        "animate --reference hero.png --driving motion.json --model tiny --output o.gif",
        "animate --reference hero.png --driving motion.json --model tiny --output o",
        "evaluate --model tiny --characters 1 --frames 4 --sheet sheet.png",
    ])
    func aFullDiskIsSaidAndNothingIsLeft(_ command: String) throws {
        let before = try workplace.contents
        let outcome = try workplace.start(command.split(separator: " ").map(String.init), script: fileLimit(blocks: 2)).wait()
        #expect(outcome.status == 1, "\(outcome.errors)")
        let last = try #require(outcome.errorLines.last)
        #expect(last.hasPrefix("rain: ") && last.contains("File too large"), "\(outcome.errors)")
        #expect(try workplace.contents == before)
    }
}
