import Foundation
import RainCPU
import RainTesting
import Testing

/// `rain tune`, and `--tuning` where its file is used.
@Suite struct TuneCommandTests {
    private struct File: Decodable {
        var format: String
        var tuning: Tuning
    }

    @Test func whatIsMeasuredIsObeyed() throws {
        let workplace = try Workplace.withTinyModel()
        let model = ["--model", "tiny", "--threads", "1", "--instructions", "generic"]
        let outcome = try workplace.run(["tune", "--rounds", "2", "--output", "tuning.json"] + model)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.contains("convolution") && outcome.text.contains("3×3"), "\(outcome.text)")
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(fileURLWithPath: workplace.path + "/tuning.json")))
        #expect(file.format == "rain-tuning 1" && file.tuning.threads == 1 && file.tuning.instructions == .generic)
        #expect(!file.tuning.convolutions.isEmpty)

        // The same file always gives the same frames, and other choices other ones.
        func frames(_ options: String...) throws -> [UInt8] {
            let animate = ["animate", "--reference", "hero.png", "--driving", "motion.json", "--frames", "6", "--output", "-"]
            let outcome = try workplace.run(animate + model + options)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome.output
        }
        let tuned = try frames("--tuning", "tuning.json")
        #expect(try frames("--tuning", "tuning.json") == tuned)
        let text = try String(contentsOfFile: workplace.path + "/tuning.json", encoding: .utf8)
        for (algorithm, name) in [("direct", "d.json"), ("winograd", "w.json")] {
            let all = text.replacing(/"chosen" : "[a-z]+"/, with: "\"chosen\" : \"\(algorithm)\"")
            try workplace.write(name, Array(all.utf8))
        }
        #expect(try frames("--tuning", "d.json") != frames("--tuning", "w.json"))
    }

    @Test(arguments: [
        (["--tuning", "absent.json"], "absent.json: expected a regular file that can be read"),
        (["--tuning", "motion.json"], "motion.json: field 'format': expected 'rain-tuning 1'"),
        (["--tuning", "empty.json"], "empty.json: The given data was not valid JSON"),
        (["--tuning", "large.json"], "large.json: larger than 1048576 bytes"),
        (["--tuning", "endless.json"], "endless.json: expected a regular file"),
        (["--tuning", "pipe.json"], "pipe.json: expected a regular file"),
        (["--tuning", "."], ".: expected a regular file"),
        (["--tuning", "old.json"], "old.json: field 'format': expected 'rain-tuning 1', found 'rain-tuning 0'"),
        (["--tuning", "wrong.json"], "wrong.json: tuning.threads: expected Int"),
        (["--tuning", "three.json"], "three.json: measured with generic on 3 threads, but this is generic on 1"),
    ])
    func filesThatDoNotFitAreRefused(_ options: [String], message: String) throws {
        let workplace = try Workplace.withTinyModel()
        func file(_ format: String, _ threads: String) -> [UInt8] {
            let tuning = #"{"threads": \#(threads), "instructions": "generic", "convolutions": []}"#
            return Array(#"{"format": "\#(format)", "processor": "an abacus", "tuning": \#(tuning)}"#.utf8)
        }
        try workplace.write("old.json", file("rain-tuning 0", "1"))
        try workplace.write("wrong.json", file("rain-tuning 1", #""two""#))
        try workplace.write("three.json", file("rain-tuning 1", "3"))
        try workplace.write("empty.json", [])
        try workplace.write("large.json", [UInt8](repeating: 0x20, count: 1 << 20 + 1))
        try FileManager.default.createSymbolicLink(atPath: workplace.path + "/endless.json", withDestinationPath: "/dev/zero")
        #expect(mkfifo(workplace.path + "/pipe.json", 0o600) == 0)
        let animate = ["animate", "--model", "tiny", "--reference", "hero.png", "--driving", "motion.json", "--output", "out.gif"]
        let outcome = try workplace.run(animate + ["--threads", "1", "--instructions", "generic"] + options)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: workplace.path + "/out.gif"))
    }

    @Test func anotherProcessorIsMentioned() throws {
        let workplace = try Workplace.withTinyModel()
        let tuning = #"{"threads": 1, "instructions": "generic", "convolutions": []}"#
        try workplace.write("far.json", Array(#"{"format": "rain-tuning 1", "processor": "an abacus", "tuning": \#(tuning)}"#.utf8))
        let outcome = try workplace.run(
            "benchmark", "step", "--config", "tiny", "--size", "64", "--window", "1x2", "--rounds", "1", "--threads", "1",
            "--instructions", "generic", "--tuning", "far.json")
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("far.json: measured on an abacus"), "\(outcome.errors)")
    }
}
