import Foundation
import RainMedia
import RainPictures
import Testing

@Suite struct BenchmarkCommandTests {
    private struct Summary: Decodable {
        struct Row: Decodable {
            var operation: String
            var seconds: Double
        }

        var window: String
        var size: Int
        var stepSeconds: [Double]
        var picturesPerSecond: Double
        var peer: String?
        var peerSeconds: [Double]
        var ratio: Double?
        var operations: [Row]
    }

    private struct Timeline: Decodable {
        struct Event: Decodable {
            var ph: String
            var ts: Double
            var dur: Double
        }

        var traceEvents: [Event]
    }

    @Test func aStepIsTimedBesideAPeerAndDrawnAsATimeline() throws {
        let workplace = try Workplace()
        let peer = "#!/bin/sh\necho \"peer $*\"\nwhile read line; do echo 0.5; done\n"
        try peer.write(toFile: workplace.path + "/peer.sh", atomically: true, encoding: .utf8)
        let outcome = try workplace.run(
            "benchmark", "step", "--config", "tiny", "--size", "64", "--window", "1x2", "--rounds", "2", "--threads", "1",
            "--instructions", "generic", "--trace", "trace.json", "--timeline", "timeline.png", "--json", "--peer", "sh peer.sh --own")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let summary = try JSONDecoder().decode(Summary.self, from: Data(outcome.output))
        #expect(summary.window == "1x2" && summary.size == 64 && summary.stepSeconds.count == 2)
        #expect(summary.peer == "peer --own 1x2 64 1 generic" && summary.peerSeconds == [0.5, 0.5])
        let mean = summary.stepSeconds.map { 0.5 / $0 }.reduce(0, +) / 2
        #expect(abs((summary.ratio ?? 0) / mean - 1) < 1e-9)
        #expect(summary.operations.contains { $0.operation == "convolution" && $0.seconds > 0 })

        let file = try Data(contentsOf: URL(fileURLWithPath: workplace.path + "/trace.json"))
        let events = try JSONDecoder().decode(Timeline.self, from: file).traceEvents
        #expect(events.count > 100 && events.allSatisfy { $0.ph == "X" && $0.dur >= 0 })
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.ts + $0.dur <= $1.ts + 0.01 })

        let timeline = try PictureReader.read(workplace.path + "/timeline.png")
        #expect(timeline.width == 1800)
        let colors = Set(timeline.bytes.indices.lazy.filter { $0 % 3 == 0 }.map { Array(timeline.bytes[$0..<($0 + 3)]) })
        #expect(colors.count > 20)
    }

    @Test func aStepOfTrainingIsTimedBesideAPeer() throws {
        let workplace = try Workplace()
        let peer = "#!/bin/sh\necho \"peer $*\"\nwhile read line; do echo 9000; done\n"
        try peer.write(toFile: workplace.path + "/peer.sh", atomically: true, encoding: .utf8)
        let outcome = try workplace.run("benchmark", "train", "--rounds", "1", "--threads", "2", "--json", "--peer", "sh peer.sh")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let summary = try JSONDecoder().decode(Summary.self, from: Data(outcome.output))
        #expect(summary.peer?.hasPrefix("peer frames 16 2 2 ") == true && summary.window == "16x2")
        #expect(summary.ratio == 9000 / summary.stepSeconds[0])
        #expect(abs(summary.picturesPerSecond * summary.stepSeconds[0] - 32) < 1e-6)
        #expect(summary.operations.contains { $0.operation == "update" && $0.seconds > 0 })
    }

    @Test func aStageWithoutStepsIsRefused() throws {
        let outcome = try Workplace().run("benchmark", "train", "--stage", "package")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("--stage: expected frames or clips, found 'package'"), "\(outcome.errors)")
    }

    @Test(arguments: [
        (["--rounds", "0"], 2, "--rounds: expected 1 to 1000, found 0"),
        (["--instructions", "mmx"], 2, "--instructions: expected generic, avx2, avx512, amx, neon, found 'mmx'"),
        (["--config", "none.json"], 1, "none.json: expected published, tiny or a readable JSON file"),
        (["--config", "rain-mini", "--size", "512"], 2, "works at"),
        (["--config", "tiny", "--size", "64", "--peer", "sh -c exit"], 1, "--peer: it ended without an answer"),
        (["--config", "tiny", "--size", "64", "--trace", "nowhere/trace.json"], 1, "nowhere/trace.json"),
    ])
    func mistakesAreNamed(_ arguments: [String], status: Int32, message: String) throws {
        let outcome = try Workplace().run(["benchmark", "step", "--rounds", "1"] + arguments)
        #expect(outcome.status == status)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
}
