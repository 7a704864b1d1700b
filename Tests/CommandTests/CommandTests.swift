import Foundation
import RainCheckpoints
import RainMedia
import RainPictures
import Testing

@Suite struct CommandTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    /// Every command, as `rain --help` lists them, must explain itself with an example.
    @Test func everyCommandHasHelpWithAnExample() throws {
        let help = try workplace.run("--help")
        #expect(help.status == 0 && help.errors.isEmpty)
        let list = try #require(help.text.components(separatedBy: "SUBCOMMANDS:\n").last)
        let commands = list.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.contains("See '") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(Set(commands).isSuperset(of: ["character", "motion", "inspect", "doctor"]))
        for command in commands {
            let outcome = try workplace.run(command, "--help")
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(command)")
            #expect(outcome.text.contains("Example: rain \(command)"), "rain \(command) --help shows no example")
        }
    }

    /// The newest version of CHANGELOG.md is the program's.
    @Test func versionIsThatOfTheChangelog() throws {
        let changelog = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../CHANGELOG.md")
        let text = try String(contentsOf: changelog, encoding: .utf8)
        let versions = text.split(separator: "\n").filter { $0.hasPrefix("## [") && !$0.hasPrefix("## [Unreleased]") }
            .map { $0.dropFirst("## [".count).prefix { $0 != "]" } }
        let newest = try #require(versions.first)
        let outcome = try workplace.run("--version")
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        #expect(outcome.text.trimmingCharacters(in: .whitespacesAndNewlines) == String(newest), "CHANGELOG.md and rain --version disagree")
    }

    /// Results that cannot be written are no success, whichever command prints them and however many they are.
    @Test func resultsThatCannotBeWritten() throws {
        try SafetensorsWriter.write(
            to: workplace.path + "/many.safetensors", tensors: (0..<400).map { ("layer.\($0).weight", [1], .float32, [1]) })
        for arguments in [
            "--help", "inspect --help", "--version", "inspect many.safetensors", "inspect many.safetensors --json", "doctor --json",
        ] {
            let outcome = try workplace.run(arguments.split(separator: " ").map(String.init), output: "/dev/full")
            #expect(outcome.status == 1, "\(arguments): \(outcome.errors)")
            #expect(outcome.errors.contains("standard output: expected to take all results"), "\(arguments): \(outcome.errors)")
        }
    }

    /// A stream that writes by lines has lost them when the program ends.
    @Test func linesThatCannotBeWritten() throws {
        for arguments in [["doctor", "--json"], ["--help"]] {
            let outcome = try workplace.start(arguments, script: #"exec stdbuf -oL "$0" "$@" > /dev/full"#).wait()
            #expect(outcome.status == 1 && outcome.errors.contains("standard output: expected to take all results"), "\(outcome.errors)")
        }
    }

    @Test func inspectShowsWhatIsThere() throws {
        try SafetensorsWriter.write(
            to: workplace.path + "/some.safetensors",
            tensors: [("b.weight", [2, 3], .float16, [1, 2, 3, 4, 5, 6]), ("a", [], .float32, [1])], metadata: ["epoch": "3"])
        let table = try workplace.run("inspect", "some.safetensors", "--check")
        #expect(table.status == 0 && table.errors.isEmpty)
        for words in ["epoch: 3", "b.weight", "F16", "[2, 3]", "12 bytes", "2 tensors, 7 elements, 16 bytes, all finite"] {
            #expect(table.text.contains(words), "\(table.text)")
        }
        let json = try workplace.run("inspect", "some.safetensors", "--json")
        let report = try #require(JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
        let tensors = try #require(report["tensors"] as? [[String: Any]])
        #expect(tensors.map { $0["name"] as? String } == ["a", "b.weight"])
        #expect(tensors[1]["shape"] as? [Int] == [2, 3] && tensors[1]["dtype"] as? String == "F16" && tensors[1]["bytes"] as? Int == 12)
        #expect(report["elements"] as? Int == 7 && report["metadata"] as? [String: String] == ["epoch": "3"])
    }

    @Test func inspectCannotSteerATerminal() throws {
        try SafetensorsWriter.write(
            to: workplace.path + "/evil.safetensors", tensors: [("\u{1B}[31mred\nline", [1], .float32, [1])], metadata: ["\u{7}": "\u{1B}c"]
        )
        let outcome = try workplace.run("inspect", "evil.safetensors")
        #expect(outcome.status == 0)
        #expect(!outcome.output.contains(0x1B) && !outcome.output.contains(7))
    }

    @Test func theSameSeedGivesTheSameCharacter() throws {
        for name in ["a.png", "b.png"] {
            #expect(try workplace.run("character", "--seed", "7", "--size", "96", "--output", name).status == 0)
        }
        #expect(try workplace.run("character", "--seed", "8", "--size", "96", "--output", "c.png").status == 0)
        let picture = try PictureReader.read(workplace.path + "/a.png")
        #expect(picture.width == 96 && picture.height == 96)
        #expect(try workplace.bytes("a.png") == workplace.bytes("b.png"))
        #expect(try workplace.bytes("a.png") != workplace.bytes("c.png"))
        #expect(try workplace.bytes("a.landmarks.json") == workplace.bytes("b.landmarks.json"))
        #expect(try workplace.contents == ["a", "b", "c"].flatMap { [$0 + ".landmarks.json", $0 + ".png"] })
    }

    @Test func motionIsAsLongAsAskedFor() throws {
        let outcome = try workplace.run("motion", "--seed", "3", "--seconds", "2.5", "--fps", "20", "--output", "motion.json")
        #expect(outcome.status == 0)
        let track = try #require(JSONSerialization.jsonObject(with: Data(workplace.bytes("motion.json"))) as? [String: Any])
        #expect((track["frames"] as? [Any])?.count == 50)
        #expect(track["fps"] as? Double == 20)
        #expect(try workplace.contents == ["motion.json"])
    }

    @Test func theDoctorFindsThisMachineWell() throws {
        let outcome = try workplace.run("doctor", "--json")
        #expect(outcome.status == 0, "\(outcome.text)")
        let report = try #require(JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: [[String: String]]])
        let findings = try #require(report["findings"])
        #expect(
            Set(findings.compactMap { $0["name"] }).isSuperset(of: ["processor", "threads", "FFmpeg", "Cairo", "GPU", "engine", "model"]))
        #expect(findings.allSatisfy { $0["state"] == "ok" || $0["advice"] != nil })
    }
}
