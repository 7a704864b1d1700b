import Foundation
import RainMedia
import RainPictures
import Testing

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

/// Nothing that a command reads is replaced by what it writes, under whatever name, and of two outputs neither replaces the other.
@Suite struct FileRoleTests {
    /// A command whose output, `OUT`, is one of its inputs.
    struct Clash: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The file that would be replaced.
        var input: String
        /// What an output of the command is called.
        var name: String
        var arguments: [String]

        init(_ arguments: String, over input: String, as name: String) {
            testDescription = "\(arguments) over \(input)"
            (self.input, self.name) = (input, name)
            self.arguments = arguments.split(separator: " ").map(String.init)
        }
    }

    static let animate = "animate --reference hero.png --driving motion.json --output OUT"
    static let networks = "--detector \(fixtures)/blob_detector.onnx --keypoints \(fixtures)/blob_keypoints.onnx"

    static let clashes = [
        Clash(animate, over: "hero.png", as: "out.mp4"),
        Clash(animate, over: "hero.landmarks.json", as: "out.mp4"),
        Clash(animate, over: "motion.json", as: "out.mp4"),
        Clash(animate + " --reference-landmarks face.json", over: "face.json", as: "out.webm"),
        Clash(animate + " --tuning tuning.json", over: "tuning.json", as: "out.gif"),
        Clash(animate + " --retarget eye-height=1,params.json", over: "params.json", as: "out.mp4"),
        Clash(animate + " --model tiny", over: "tiny/model.json", as: "out.mp4"),
        Clash("animate --reference hero.png --driving frames --output OUT", over: "frames/1.png", as: "out.mp4"),
        Clash("detect me.mp4 --output OUT \(networks)", over: "me.mp4", as: "motion.json"),
        Clash("detect me.mp4 --output x.json --preview OUT \(networks)", over: "me.mp4", as: "seen.mp4"),
        Clash("detect hero.png --preview OUT \(networks)", over: "hero.png", as: "seen.png"),
        Clash("detect hero.png --model tiny --output OUT", over: "tiny/config.json", as: "x.json"),
        Clash("calibrate --driving motion.json --reference hero.png --output OUT", over: "motion.json", as: "x.json"),
        Clash("calibrate --driving motion.json --reference hero.png --output OUT", over: "hero.landmarks.json", as: "x.json"),
        Clash(
            "calibrate --driving motion.json --reference hero.png --retarget params.json --output OUT", over: "params.json", as: "x.json"),
        Clash("convert tiny/tiny.safetensors OUT", over: "tiny/tiny.safetensors", as: "x.safetensors"),
        Clash("convert tiny OUT", over: "tiny/tiny.safetensors", as: "x.safetensors"),
        Clash("tune --config size.json --output OUT", over: "size.json", as: "tuning.json"),
        Clash("tune --model tiny --output OUT", over: "tiny/model.json", as: "tuning.json"),
        Clash("evaluate --model tiny --sheet OUT", over: "tiny/tiny.safetensors", as: "sheet.png"),
        Clash("studio --port 0 --reference hero.png --output OUT", over: "hero.png", as: "out.mp4"),
        Clash("benchmark step --config size.json --trace OUT", over: "size.json", as: "trace.json"),
        Clash("benchmark train --tuning tuning.json --timeline OUT", over: "tuning.json", as: "timeline.png"),
    ]

    private func place() throws -> Workplace {
        let place = try Workplace.withTinyModel()
        for name in ["tuning.json", "params.json", "size.json", "tiny/config.json"] { try place.write(name, Array("{}".utf8)) }
        try place.write("face.json", place.bytes("hero.landmarks.json"))
        try FileManager.default.createDirectory(atPath: place.path + "/frames", withIntermediateDirectories: true)
        try place.write("frames/1.png", place.bytes("hero.png"))
        let sink = try FrameSink.open(place.path + "/me.mp4", width: 32, height: 32, framesPerSecond: 25)
        for _ in 0..<3 { try sink.write(Picture(width: 32, height: 32)) }
        try sink.finish()
        return place
    }

    /// Every file with what it holds.
    private func state(_ place: Workplace) throws -> [String: [UInt8]] {
        var state: [String: [UInt8]] = [:]
        for name in try place.contents where !FileManager.default.fileExists(atPath: "\(place.path)/\(name)/.") {
            state[name] = try place.bytes(name)
        }
        return state
    }

    @Test(arguments: clashes) func anInputIsNoOutput(_ clash: Clash) throws {
        let place = try place()
        let (file, link) = (place.path + "/" + clash.input, place.path + "/linked-" + clash.name)
        let ways: [(name: String, make: () throws -> Void)] = [
            // Some endings are refused for what they are, and then too.
            (clash.input, {}),
            ("linked-" + clash.name, { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file) }),
            ("linked-" + clash.name, { try FileManager.default.linkItem(atPath: file, toPath: link) }),
        ]
        for (index, way) in ways.enumerated() {
            try? FileManager.default.removeItem(atPath: link)
            try way.make()
            let before = try state(place)
            let outcome = try place.run(clash.arguments.map { $0 == "OUT" ? way.name : $0 })
            #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.output.isEmpty, "\(outcome.status) \(outcome.errors)")
            if index > 0 || !outcome.errors.contains("ending") {
                #expect(outcome.errors.contains("does not read, found '\(way.name)'"), "\(outcome.errors)")
            }
            let after = try state(place)
            #expect(before == after)
        }
    }

    @Test(arguments: [
        "detect me.mp4 --output a.json --preview a.json \(networks)", "detect hero.png --output a.png --preview ./a.png \(networks)",
        "detect hero.png --output hard-1.png --preview hard-2.png \(networks)",
        "studio --port 0 --output a.mp4 --output ./a.mp4", "benchmark step --config tiny --trace a.png --timeline frames/../a.png",
        "character --seed 7 --output linked.png",
    ])
    func twoOutputsAreTwoFiles(_ command: String) throws {
        let place = try place()
        try place.write("hard-1.png", [1])
        try FileManager.default.linkItem(atPath: place.path + "/hard-1.png", toPath: place.path + "/hard-2.png")
        try place.write("linked.png", [2])
        try FileManager.default.createSymbolicLink(
            atPath: place.path + "/linked.landmarks.json", withDestinationPath: place.path + "/linked.png")
        let before = try state(place)
        let outcome = try place.run(command.split(separator: " ").map(String.init))
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.status) \(outcome.errors)")
        #expect(outcome.errors.contains("expected a file of its own"), "\(outcome.errors)")
        let after = try state(place)
        #expect(before == after)
    }

    /// What is no input is replaced, also through a link and in a model's own folder.
    @Test func otherFilesAreReplaced() throws {
        let place = try place()
        for _ in 0..<2 {
            let outcome = try place.run("motion", "--seed", "3", "--seconds", "1", "--output", "again.json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let converted = try place.run("convert", "tiny", "tiny/one.safetensors")
            #expect(converted.status == 0, "\(converted.errors)")
            let animated = try place.run(
                "animate", "--reference", "hero.png", "--driving", "motion.json", "--model", "tiny", "--frames", "4", "--output",
                "frames/out.gif")
            #expect(animated.status == 0, "\(animated.errors)")
        }
        for command in ["animate", "detect", "calibrate", "character", "motion", "convert", "tune", "evaluate", "studio", "demo"] {
            let help = try place.run(command, "--help").text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(help.contains("replaced"), "rain \(command) --help")
        }
    }

    /// The folder of the face tracker is replaced as a whole, so nothing else may be in it.
    @Test func theTrackersFolderHoldsNothingElse() throws {
        let place = try place()
        let before = try state(place)
        let outcome = try place.run("tracker", "install", "--folder", "tiny", "--wheel", "tiny/any.whl")
        #expect(outcome.status == 1 && outcome.errors.contains("a new folder, or one of an earlier installation"), "\(outcome.errors)")
        let after = try state(place)
        #expect(before == after)
    }
}
