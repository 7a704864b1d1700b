import Foundation
import RainCheckpoints
import Testing

/// A command line that must fail, how, and words its one sentence must contain.
struct BadInput: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var status: Int32
    var words: [String]

    init(_ arguments: String, _ status: Int32, _ words: String...) {
        self.arguments = arguments.split(separator: " ").map(String.init)
        self.status = status
        self.words = words
    }

    var testDescription: String { (["rain"] + arguments).joined(separator: " ") }
}

/// Files in the folder of every case: whole, empty, truncated and nan.safetensors, text.json, a folder, and full.…, which
/// is a disk without space.
let badInputs = [
    BadInput("frobnicate", 2, "frobnicate"),
    BadInput("--frobnicate", 2, "--frobnicate"),
    BadInput("inspect", 2, "file.safetensors"),
    BadInput("inspect whole.safetensors another", 2, "another"),
    BadInput("inspect whole.safetensors --verbose", 2, "--verbose"),
    BadInput("inspect absent.safetensors", 1, "absent.safetensors", "No such file"),
    BadInput("inspect folder", 1, "folder", "a folder"),
    BadInput("inspect empty.safetensors", 1, "empty.safetensors", "0 bytes"),
    BadInput("inspect truncated.safetensors", 1, "truncated.safetensors", "'weight'", "expected", "found"),
    BadInput("inspect text.json", 1, "text.json", "expected", "found"),
    BadInput("inspect nan.safetensors --check", 1, "nan.safetensors", "'weight'", "nan at element 1"),
    BadInput("character --output hero.png", 2, "--seed"),
    BadInput("character --seed 7", 2, "--output"),
    BadInput("character --seed seven --output hero.png", 2, "seven"),
    BadInput("character --seed 7 --size 8 --output hero.png", 2, "--size", "8"),
    BadInput("character --seed 7 --size 100000 --output hero.png", 2, "--size", "100000"),
    BadInput("character --seed 7 --output hero.bmp", 1, "hero.bmp", ".png"),
    BadInput("character --seed 7 --output absent/hero.png", 1, "absent/hero.png", "No such file"),
    BadInput("character --seed 7 --output folder", 1, "folder"),
    BadInput("character --seed 7 --output full.png", 1, "full.png", "No space left"),
    BadInput("motion --seed 3 --output motion.json", 2, "--seconds"),
    BadInput("motion --seed 3 --seconds 0 --output motion.json", 2, "--seconds"),
    BadInput("motion --seed 3 --seconds=-1 --output motion.json", 2, "--seconds"),
    BadInput("motion --seed 3 --seconds nan --output motion.json", 2, "--seconds"),
    BadInput("motion --seed 3 --seconds 1e9 --output motion.json", 2, "--seconds"),
    BadInput("motion --seed 3 --seconds 1 --fps 0 --output motion.json", 2, "--fps"),
    BadInput("motion --seed 3 --seconds 1 --fps 1000 --output motion.json", 2, "--fps"),
    BadInput("motion --seed 3 --seconds 1 --output absent/motion.json", 1, "absent/motion.json", "No such file"),
    BadInput("motion --seed 3 --seconds 1 --output folder", 1, "folder"),
    BadInput("motion --seed 3 --seconds 1 --output full.json", 1, "full.json", "No space left"),
    BadInput("verify", 2, "cases"),
    BadInput("verify absent.json", 1, "absent.json"),
    BadInput("verify text.json", 1, "text.json"),
    BadInput("verify text.json --engine abacus", 2, "abacus"),
    BadInput("verify text.json --threads 0", 2, "--threads"),
]

@Suite struct BadInputTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        let whole = workplace.path + "/whole.safetensors"
        try SafetensorsWriter.write(to: whole, tensors: [("weight", [2, 3], .float32, [1, 2, 3, 4, 5, 6])])
        try SafetensorsWriter.write(to: workplace.path + "/nan.safetensors", tensors: [("weight", [3], .float32, [1, .nan, 3])])
        try workplace.write("truncated.safetensors", workplace.bytes("whole.safetensors").dropLast(4))
        try workplace.write("empty.safetensors", [])
        try workplace.write("text.json", [UInt8]("{\"text\": \"none of ours\"}\n".utf8))
        try workplace.write("text.png", [UInt8]("none of ours\n".utf8))
        try FileManager.default.createDirectory(atPath: workplace.path + "/folder", withIntermediateDirectories: false)
        try workplace.write("folder/file", [])
        for name in ["full.png", "full.json", "full.mp4", "full.gif"] {
            try FileManager.default.createSymbolicLink(atPath: "\(workplace.path)/\(name)", withDestinationPath: "/dev/full")
        }
    }

    @Test(arguments: badInputs)
    func failsWithOneSentenceAndLeavesNothing(_ input: BadInput) throws {
        let before = try workplace.contents
        let outcome = try workplace.run(input.arguments)
        #expect(outcome.status == input.status)
        #expect(outcome.output == [])
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("rain: "))
        for word in input.words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }

    /// What a file was before must survive a run that fails to replace it.
    @Test func aFailedRunSparesWhatWasThere() throws {
        try workplace.write("hero.bmp", [1, 2, 3])
        #expect(try workplace.run("character", "--seed", "7", "--output", "hero.bmp").status == 1)
        #expect(try workplace.bytes("hero.bmp") == [1, 2, 3])
    }
}
