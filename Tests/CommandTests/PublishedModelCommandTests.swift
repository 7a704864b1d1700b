import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainTesting
import Testing

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

/// `rain animate` on a folder of the published layout.
@Suite struct PublishedModelCommandTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try TinyPublished.write(to: workplace.path + "/published")
        #expect(try workplace.run("character", "--seed", "7", "--size", "90", "--output", "hero.png").status == 0)
        #expect(try workplace.run("motion", "--seed", "3", "--seconds", "1", "--fps", "10", "--output", "motion.json").status == 0)
    }

    /// Runs `rain animate`; of options given twice the last one counts.
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

    /// One file of the folder gives the same frames, with the detectors beside it.
    @Test func oneFileIsTheSameModel() throws {
        let folder = try animate("--seed 4")
        #expect(try workplace.run("convert", "published", "one.safetensors").status == 0)
        let file = try animate("--seed 4 --model one.safetensors")
        #expect(file.status == 0, "\(file.errors)")
        let isSame = folder.output == file.output && !file.output.isEmpty
        #expect(isSame)
        let larger = try animate("--seed 4 --model one.safetensors --size 128")
        #expect(larger.output.count == 5 * 128 * 128 * 3, "\(larger.errors)")
        // Half the size, nearly the same pictures.
        #expect(try workplace.run("convert", "published", "half.safetensors", "--dtype", "fp16").status == 0)
        let half = try animate("--seed 4 --model half.safetensors")
        let largest = zip(half.output, folder.output).map { abs(Int($0) - Int($1)) }.max()
        #expect(half.output.count == folder.output.count && (largest ?? 255) < 32, "\(largest ?? -1)")
    }

    @Test func aFileFindsItsDetectorsBesideIt() throws {
        #expect(try workplace.run("convert", "published", "one.safetensors").status == 0)
        try FileManager.default.createDirectory(atPath: workplace.path + "/me", withIntermediateDirectories: true)
        var bright = Picture(width: 64, height: 64, red: 8, green: 8, blue: 8)
        for y in 20..<44 { for x in 20..<44 { for c in 0..<3 { bright.bytes[(y * 64 + x) * 3 + c] = 255 } } }
        for frame in 0..<4 { try PictureWriter.write(bright, to: "\(workplace.path)/me/\(frame).png") }
        let arguments = "--model one.safetensors --driving me --frames 4"
        let without = try animate(arguments)
        #expect(without.status == 1)
        #expect(without.errors.contains("yolox_s.onnx") && without.errors.contains("beside the file"), "\(without.errors)")
        for (name, blob) in [("yolox_s.onnx", "blob_detector.onnx"), ("dw-mm_ucoco.onnx", "blob_keypoints.onnx")] {
            try FileManager.default.copyItem(atPath: "\(fixtures)/\(blob)", toPath: "\(workplace.path)/\(name)")
        }
        let with = try animate(arguments)
        #expect(with.status == 0 && with.output.count == 4 * 64 * 64 * 3, "\(with.errors)")
        let detected = try workplace.run("detect", "me", "--model", "one.safetensors", "--output", "seen.json")
        #expect(detected.status == 0, "\(detected.errors)")
    }

    /// A made model has all that a video needs, detectors included.
    @Test func aMadeModelIsDrivenByAVideo() throws {
        #expect(try workplace.run("make-model", "--config", "tiny", "--seed", "5", "made").status == 0)
        let sink = try FrameSink.open(workplace.path + "/me.mp4", width: 64, height: 48, framesPerSecond: 10)
        for frame in 0..<6 { try sink.write(Picture(width: 64, height: 48, red: UInt8(40 * frame), green: 90, blue: 20)) }
        try sink.finish()
        let outcome = try animate("--model made --driving me.mp4")
        #expect(outcome.status == 0 && outcome.output.count == 5 * 64 * 64 * 3, "\(outcome.errors)")
        #expect(outcome.errors.contains("steps p50") && outcome.errors.contains("at most"), "\(outcome.errors)")
        let detected = try workplace.run("detect", "me.mp4", "--model", "made", "--output", "seen.json", "--preview", "seen.mp4")
        #expect(detected.status == 0 && detected.errors.contains("6 frames at 10.0 per second"), "\(detected.errors)")
    }

    private func doctor(_ model: String) throws -> (status: Int32, findings: [[String: String]]) {
        let outcome = try workplace.run("doctor", "--model", model, "--json")
        let report = try #require(JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: [[String: String]]])
        return (outcome.status, try #require(report["findings"]))
    }

    /// A folder is read to its end, part by part, and all that is wrong is said.
    @Test func theDoctorReadsAModel() throws {
        let whole = try doctor("published")
        func finding(_ name: String, _ findings: [[String: String]]) -> [String: String] { findings.first { $0["name"] == name } ?? [:] }
        #expect(whole.status == 0, "\(whole.findings)")
        let sound = [
            "reference network", "denoising network with motion modules", "pose guider", "TAESDV", "CLIP's image encoder", "model",
        ]
        for name in sound {
            #expect(finding(name, whole.findings)["state"] == "ok", "\(name): \(whole.findings)")
        }
        // Not the published weights, and no detectors beside them.
        let autoencoder = finding("Stable Diffusion's auto-encoder", whole.findings)
        #expect(autoencoder["state"] == "note" && autoencoder["advice"]?.contains("a1d993488569") == true, "\(autoencoder)")
        #expect(finding("landmark detector", whole.findings)["advice"]?.contains("landmark files drive") == true)
        let sum = try #require(finding("pose guider", whole.findings)["value"]?.firstMatch(of: /SHA-256 ([0-9a-f]{64})/)?.output.1)
        let file = try #require(try workplace.contents.first { $0.hasPrefix("published/pose_guider.") })
        #expect(try Checksum.sha256(Data(workplace.bytes(file)).bytes) == sum)
        #expect(finding("stream", whole.findings)["value"]?.contains("frames/s") == true, "\(whole.findings)")

        try FileManager.default.removeItem(atPath: workplace.path + "/" + file)
        try workplace.write("published/taesdv.safetensors", workplace.bytes("published/taesdv.safetensors").dropLast(3))
        try workplace.write("published/lora.safetensors", workplace.bytes("published/reference_unet.safetensors"))
        let broken = try doctor("published")
        #expect(broken.status == 1)
        #expect(finding("pose guider", broken.findings)["value"]?.contains("expected pose_guider.pth, found none") == true)
        #expect(finding("pose guider", broken.findings)["advice"]?.contains("huggingface.co/Pscgylotti") == true)
        #expect(finding("TAESDV", broken.findings)["value"]?.contains("taesdv.safetensors") == true, "\(broken.findings)")
        #expect(finding("model", broken.findings)["value"]?.contains("lora.safetensors") == true, "\(broken.findings)")
        #expect(finding("reference network", broken.findings)["state"] == "ok")
        #expect(finding("stream", broken.findings).isEmpty)
    }

    /// The same of a model in one file, of a folder of Rain's own, and of nothing.
    @Test func theDoctorReadsOtherModels() throws {
        #expect(try workplace.run("convert", "published", "one.safetensors").status == 0)
        try TinyModel.model().write(folder: workplace.path + "/tiny")
        for (model, file) in [("one.safetensors", "one.safetensors"), ("tiny", "tiny.safetensors")] {
            let found = try doctor(model)
            #expect(found.status == 0 && found.findings.contains { $0["name"] == file && $0["state"] == "ok" }, "\(found.findings)")
            #expect(found.findings.contains { $0["name"] == "stream" })
        }
        let nothing = try doctor("absent")
        #expect(nothing.status == 1 && nothing.findings.contains { $0["value"]?.contains("absent/model.json") == true })
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
