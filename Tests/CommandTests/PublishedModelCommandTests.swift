import Foundation
import RainTesting
import Testing

/// `rain animate` on a folder of the published layout.
@Suite struct PublishedModelCommandTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try TinyPublished.write(to: workplace.path + "/published")
        #expect(try workplace.run("character", "--seed", "7", "--size", "90", "--output", "hero.png").status == 0)
        #expect(try workplace.run("motion", "--seed", "3", "--seconds", "1", "--fps", "10", "--output", "motion.json").status == 0)
    }

    private func animate(_ arguments: String) throws -> Outcome {
        let all = "animate --reference hero.png --driving motion.json --model published --threads 1 --frames 5 --output - " + arguments
        return try workplace.run(all.split(separator: " ").map(String.init))
    }

    @Test func animates() throws {
        let first = try animate("--seed 4")
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.count == 5 * 64 * 64 * 3)
        #expect(first.errors.contains("at most"), "\(first.errors)")
        let (again, other, larger) = (try animate("--seed 4"), try animate("--seed 5"), try animate("--size 128 --guidance 1"))
        let isSame = first.output == again.output
        #expect(isSame)
        let differs = first.output != other.output
        #expect(differs)
        #expect(larger.status == 0 && larger.output.count == 5 * 128 * 128 * 3, "\(larger.errors)")
    }

    @Test func impossibleSizesAreMistakesInTheCommand() throws {
        for size in ["100", "0", "-64", "1000000"] {
            let outcome = try animate("--size=\(size)")
            #expect(outcome.status == 2 && outcome.errors.contains("multiple of 64"), "\(outcome.errors)")
        }
        try FileManager.default.removeItem(atPath: workplace.path + "/published/taesdv.safetensors")
        let outcome = try animate("")
        #expect(
            outcome.status == 1 && outcome.errors.contains("taesdv.pth from https://github.com/madebyollin/taesdv"), "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
    }
}
