import Foundation
import RainAnimation
import RainCheckpoints
import RainTesting
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

/// What lies in the folder of every case, `BadInputTests.init` says; full.… is a disk without space.
let badInputs = [
    BadInput("frobnicate", 2, "Unknown command 'frobnicate'", "animate, calibrate", "see 'rain --help'"),
    BadInput("anmiate --driving motion.json", 2, "Unknown command 'anmiate'. Did you mean 'animate'?"),
    BadInput("tracker instal", 2, "Unknown command 'instal'. Did you mean 'install'?", "see 'rain tracker --help'"),
    BadInput("character --sed 7 --output hero.png", 2, "--sed", "Did you mean '--seed'?", "see 'rain character --help'"),
    BadInput("character --seed -7 --output hero.png", 2, "'-7'", "--seed", "not negative"),
    BadInput("motion --seed 3 --seconds -1 --output motion.json", 2, "--seconds"),
    BadInput("--frobnicate", 2, "--frobnicate"),
    BadInput("inspect", 2, "a checkpoint", "safetensors"),
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
    BadInput("character --seed 7 --output hero.bmp", 2, "hero.bmp", ".png"),
    BadInput("character --seed 7 --output absent/hero.png", 1, "absent/hero.png", "No such file"),
    BadInput("character --seed 7 --output folder", 2, "folder", ".png"),
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
    BadInput("verify text.json --engine interpreter --tuning text.json", 2, "--tuning"),
    BadInput("train --stages cooking", 2, "--stages", "cooking"),
    BadInput("train --threads 0", 2, "--threads"),
    BadInput("train --instructions mmx", 2, "--instructions", "mmx"),
    BadInput("tune", 2, "--output"),
    BadInput("tune --output t.json --rounds 0", 2, "--rounds"),
    BadInput("tune --output t.json --tuning text.json", 2, "--tuning"),
    BadInput("tune --output t.json --config tiny --model tiny", 2, "--config"),
    BadInput("tune --output t.json --config absent.json", 1, "absent.json"),
    BadInput("tune --model absent --output t.json", 1, "absent/model.json"),
    BadInput("tune --model tiny --output absent/t.json", 1, "absent/t.json", "No such file"),
    BadInput("tune --model tiny --rounds 1 --output full.json", 1, "full.json", "No space left"),
    BadInput("train --recipe absent.json --output runs", 1, "absent.json"),
    BadInput("train --recipe text.json --output runs", 1, "text.json"),
    BadInput("train --output file/runs", 1, "file/runs"),
    BadInput("evaluate --model tiny --characters 0", 2, "--characters"),
    BadInput("evaluate --model tiny --frames 0", 2, "--frames"),
    BadInput("evaluate --model absent", 1, "absent/model.json"),
    BadInput("evaluate --model nan --characters 1 --frames 4", 1, "nan/tiny.safetensors", "finite"),
    BadInput("demo --model absent --output made", 1, "absent/model.json"),
    BadInput("demo --model tiny --characters 0 --output made", 2, "--characters"),
    BadInput("demo --model tiny --output file", 1, "file"),
    BadInput("studio --port 70000", 2, "--port", "70000"),
    BadInput("studio --fps 0", 2, "--fps"),
    BadInput("studio --output ftp://host/x", 2, "--output", "ftp://", "rtmp://"),
    BadInput("studio --output x.avi", 2, "--output", ".avi"),
    BadInput("studio --output pipe:x", 2, "--output", "pipe:"),
    BadInput("studio --output - --output pipe:1", 2, "--output", "once"),
    BadInput("studio --output-size 100", 2, "--output-size"),
    BadInput("studio --output x.mp4 --output-size 9", 2, "--output-size", "9"),
    BadInput("studio --background purple", 2, "--background", "purple"),
    BadInput("studio --gains nose=1", 2, "--gains", "nose"),
    BadInput("studio --gains head=9", 2, "--gains", "9"),
    BadInput("studio --guidance 101", 2, "--guidance", "101"),
    BadInput("studio --guidance 2 --port 0", 2, "--guidance", "rain-mini"),
    BadInput("studio --character 1 --reference x.png", 2, "--reference"),
    BadInput("studio --reference absent.png --port 0", 1, "absent.png"),
    BadInput("studio --sessions 99", 2, "--sessions", "99"),
    BadInput("studio --certificate absent.pem", 2, "--key"),
    BadInput("studio --model tiny --certificate absent.pem --key absent.key --port 0", 1, "absent.pem", "PEM"),
    BadInput("studio --model absent", 1, "absent/model.json"),
    BadInput("studio --detector absent --port 0", 1, "absent", "yolox_l.onnx", "dw-ll_ucoco_384.onnx"),
    BadInput("studio --model tiny --address 300.1.1.1", 1, "300.1.1.1"),
    BadInput("animate --model nan \(whole) --output o.mp4", 1, "nan/tiny.safetensors", "finite"),
    BadInput("animate --model tiny --reference empty.png --driving motion.json --output o.mp4", 1, "empty.png", "0 bytes"),
    BadInput("animate --model tiny --reference cut.png --driving motion.json --output o.mp4", 1, "cut.png"),
    BadInput("animate --model tiny --reference hero.png --driving empty.json --output o.mp4", 1, "empty.json"),
    BadInput("animate --model tiny --reference hero.png --driving cut.json --output o.mp4", 1, "cut.json"),
    BadInput("animate --model tiny --reference hero.png --driving frameless.json --output o.mp4", 1, "frameless.json", "frames"),
    BadInput("animate --model tiny --reference hero.png --driving nameless.json --output o.mp4", 1, "nameless.json", "names"),
    BadInput("animate --model tiny --reference hero.png --driving misnamed.json --output o.mp4", 1, "misnamed.json", "neck"),
    BadInput("animate --model tiny --reference hero.png --driving pointless.json --output o.mp4", 1, "pointless.json", "frame"),
    BadInput("animate --model tiny \(whole) --output folder", 1, "folder", "empty folder"),
    BadInput("animate --model tiny \(whole) --output o.avi", 2, "o.avi", ".mp4"),
    BadInput("animate --model tiny \(whole) --output full.gif", 1, "full.gif", "No space left"),
    BadInput("animate --model tiny \(whole) --output o.mp4 --frames 33x", 2, "33x"),
]

/// Options of `rain animate` that are as they should be.
private let whole = "--reference hero.png --driving motion.json"

@Suite struct BadInputTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        let whole = workplace.path + "/whole.safetensors"
        try SafetensorsWriter.write(to: whole, tensors: [("weight", [2, 3], .float32, [1, 2, 3, 4, 5, 6])])
        try SafetensorsWriter.write(to: workplace.path + "/nan.safetensors", tensors: [("weight", [3], .float32, [1, .nan, 3])])
        try workplace.write("truncated.safetensors", workplace.bytes("whole.safetensors").dropLast(4))
        for name in ["empty.safetensors", "empty.png", "empty.json"] { try workplace.write(name, []) }
        try workplace.write("text.json", [UInt8]("{\"text\": \"none of ours\"}\n".utf8))
        try workplace.write("text.png", [UInt8]("none of ours\n".utf8))
        try workplace.write("file", [])
        try FileManager.default.createDirectory(atPath: workplace.path + "/folder", withIntermediateDirectories: false)
        try workplace.write("folder/file", [])
        for name in ["full.png", "full.json", "full.mp4", "full.gif"] {
            try FileManager.default.createSymbolicLink(atPath: "\(workplace.path)/\(name)", withDestinationPath: "/dev/full")
        }
        try writeModels()
    }

    /// A model that is whole, and one whose weights are not all numbers.
    private func writeModels() throws {
        let tiny = try TinyModel.model()
        try tiny.write(folder: workplace.path + "/tiny")
        let broken = try AnimationModel(tiny.configuration) { name, shape in
            var values = try tiny.parameters(name, shape)
            if name.hasSuffix("conv_in.weight") { values[1] = .nan }
            return values
        }
        try broken.write(folder: workplace.path + "/nan")
    }

    /// A picture and a motion that are whole, and what may be wrong with each.
    private func writeMotions() throws {
        _ = try workplace.run("character", "--seed", "7", "--size", "40", "--output", "hero.png")
        _ = try workplace.run("motion", "--seed", "3", "--seconds", "0.4", "--fps", "10", "--output", "motion.json")
        try workplace.write("cut.png", workplace.bytes("hero.png").dropLast(200))
        try workplace.write("cut.json", workplace.bytes("motion.json").dropLast(200))
        func write(_ name: String, _ change: (inout [String: Any]) -> Void) throws {
            let bytes = try workplace.bytes("motion.json")
            var track = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
            change(&track)
            try workplace.write(name, [UInt8](JSONSerialization.data(withJSONObject: track)))
        }
        try write("frameless.json") { $0["frames"] = [Any]() }
        try write("nameless.json") { $0["names"] = nil }
        try write("misnamed.json") { $0["names"] = ($0["names"] as? [String])?.filter { $0 != "neck" } }
        try write("pointless.json") { $0["frames"] = ($0["frames"] as? [[Any]])?.map { Array($0.dropLast()) } }
    }

    @Test(arguments: badInputs)
    func failsWithOneSentenceAndLeavesNothing(_ input: BadInput) throws {
        if input.arguments.first == "animate" { try writeMotions() }
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
        #expect(try workplace.run("character", "--seed", "7", "--output", "hero.bmp").status == 2)
        #expect(try workplace.bytes("hero.bmp") == [1, 2, 3])
    }
}
