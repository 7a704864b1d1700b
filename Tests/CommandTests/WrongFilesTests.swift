import Foundation
import RainAnimation
import RainCheckpoints
import RainMedia
import RainPictures
import RainPose
import RainTesting
import Testing

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

/// What people download, rename and record by mistake, given to the commands: one sentence that names it, or what Docs say.
@Suite struct WrongFilesTests {
    let workplace: Workplace

    init() throws { workplace = try Workplace() }

    // MARK: Published models

    enum Mistake: String, CaseIterable, CustomTestStringConvertible {
        case truncated, truncatedTorch, webPage, gitPointer, swapped, lora, xl, channels, notANumber
        var testDescription: String { rawValue }

        var words: [String] {
            switch self {
            case .truncated: ["motion_unet.safetensors", "expected data up to offset", "found"]
            case .truncatedTorch: ["pose_guider.pth", "expected", "found"]
            case .webPage: ["taesdv.pth", "a web page", "download it again"]
            case .gitPointer: ["motion_unet.pth", "Git LFS"]
            case .swapped: ["reference_unet.safetensors", "found a UNet with motion modules", "huggingface.co/Pscgylotti/RAIN-v0.1"]
            case .lora: ["motion_unet.safetensors", "LoRA weights", "lora_unet"]
            case .xl: ["reference_unet.safetensors", "Stable Diffusion XL", "add_embedding.linear_1.weight"]
            case .channels: ["motion_unet.safetensors", "tensor 'conv_in.weight': expected shape [32, 4, 3, 3], found [32, 9, 3, 3]"]
            case .notANumber: ["pose_guider.safetensors", "'conv_in.weight'", "finite", "nan at element 0"]
            }
        }
    }

    private func tensors(_ names: [(String, [Int])]) -> [SafetensorsWriter.Tensor] {
        names.map { ($0.0, $0.1, .float32, [Float](repeating: 0, count: $0.1.reduce(1, *))) }
    }

    private func inflict(_ mistake: Mistake, on folder: String) throws {
        func file(_ name: String) -> String { "\(workplace.path)/\(folder)/\(name)" }
        func replace(_ name: String, _ other: String, _ bytes: [UInt8]) throws {
            try FileManager.default.removeItem(atPath: file(name))
            try workplace.write("\(folder)/\(other)", bytes)
        }
        switch mistake {
        case .truncated:
            let bytes = try workplace.bytes(folder + "/motion_unet.safetensors")
            try workplace.write(folder + "/motion_unet.safetensors", Array(bytes.prefix(bytes.count * 3 / 4)))
        case .truncatedTorch:
            #expect(try workplace.run("make-model", "--config", "tiny", "--seed", "1", "other").status == 0)
            let bytes = try workplace.bytes("other/pose_guider.pth")
            try replace("pose_guider.safetensors", "pose_guider.pth", Array(bytes.prefix(bytes.count / 2)))
            try FileManager.default.removeItem(atPath: workplace.path + "/other")
        case .webPage: try replace("taesdv.safetensors", "taesdv.pth", Array("<!DOCTYPE html><html><title>404</title></html>".utf8))
        case .gitPointer:
            try replace(
                "motion_unet.safetensors", "motion_unet.pth", Array("version https://git-lfs.github.com/spec/v1\noid sha256:00".utf8))
        case .swapped:
            try FileManager.default.moveItem(atPath: file("reference_unet.safetensors"), toPath: file("x"))
            try FileManager.default.moveItem(atPath: file("motion_unet.safetensors"), toPath: file("reference_unet.safetensors"))
            try FileManager.default.moveItem(atPath: file("x"), toPath: file("motion_unet.safetensors"))
        case .lora:
            let names = (0..<9).map { ("lora_unet_down_blocks_\($0)_attentions_0.lora_up.weight", [4, 2]) }
            try SafetensorsWriter.write(to: file("motion_unet.safetensors"), tensors: tensors(names))
        case .xl:
            // What its UNet has that no other has, at a small size.
            let names = [
                ("conv_in.weight", [32, 4, 3, 3]), ("add_embedding.linear_1.weight", [128, 280]),
                ("down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q.weight", [64, 64]),
            ]
            try SafetensorsWriter.write(to: file("reference_unet.safetensors"), tensors: tensors(names))
        case .channels, .notANumber:
            let name = mistake == .channels ? "motion_unet.safetensors" : "pose_guider.safetensors"
            let source = try Checkpoint(path: file(name))
            let changed = try source.names.map { tensor -> SafetensorsWriter.Tensor in
                var (shape, values) = (try source.info(tensor).shape, try source.floats(tensor))
                if tensor == "conv_in.weight", mistake == .channels {
                    shape[1] = 9
                    values = [Float](repeating: 0, count: shape.reduce(1, *))
                } else if tensor == "conv_in.weight" {
                    values[0] = .nan
                }
                return (tensor, shape, .float32, values)
            }
            try SafetensorsWriter.write(to: file(name), tensors: changed)
        }
    }

    @Test(arguments: Mistake.allCases)
    func aFileThatIsSomethingElseIsNamed(_ mistake: Mistake) throws {
        try TinyPublished.write(to: workplace.path + "/published")
        try inflict(mistake, on: "published")
        #expect(try workplace.run("character", "--seed", "7", "--size", "64", "--output", "hero.png").status == 0)
        #expect(try workplace.run("motion", "--seed", "3", "--seconds", "0.5", "--fps", "10", "--output", "motion.json").status == 0)
        let before = try workplace.contents
        let outcome = try workplace.run(
            "animate", "--reference", "hero.png", "--driving", "motion.json", "--model", "published", "--output", "o.mp4")
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        for word in mistake.words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }

    // MARK: Detectors

    /// Some exporters keep large weights in a file beside the network.
    @Test func aNetworkWhoseWeightsLieElsewhereIsNamed() throws {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        func number(_ field: UInt8, _ value: UInt8) -> [UInt8] { [field << 3, value] }
        let place = field(1, Array("location".utf8)) + field(2, Array("yolox_s.onnx.data".utf8))
        let weight = number(1, 4) + number(2, 1) + field(8, Array("w".utf8)) + field(13, place) + number(14, 1)
        let graph = field(2, Array("g".utf8)) + field(5, weight) + field(12, field(1, Array("y".utf8)))
        try workplace.write("yolox_s.onnx", number(1, 8) + field(7, graph) + field(8, number(2, 17)))
        try FileManager.default.copyItem(
            atPath: fixtures + "/blob_keypoints.onnx", toPath: workplace.path + "/dw-mm_ucoco.onnx")
        try write([(32, 32)], to: "me.mp4")
        let before = try workplace.contents
        let outcome = try workplace.run("detect", "me.mp4", "--model", ".", "--output", "m.json")
        #expect(outcome.status == 1 && outcome.errorLines.count == 1, "\(outcome.errors)")
        for word in ["yolox_s.onnx", "tensor 'w'", "yolox_s.onnx.data"] { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }

    // MARK: Videos

    private static let networks = ["--detector", fixtures + "/blob_detector.onnx", "--keypoints", fixtures + "/blob_keypoints.onnx"]

    /// A picture with a bright square, which the networks find, a quarter from the left and the top.
    private func bright(_ width: Int, _ height: Int) -> Picture {
        var picture = Picture(width: width, height: height, red: 8, green: 8, blue: 8)
        let side = min(width, height)
        let (left, top) = ((width - side) / 2, (height - side) / 2)
        for y in top + side / 4..<top + side * 5 / 8 {
            for x in left + side / 4..<left + side * 5 / 8 { for c in 0..<3 { picture.bytes[(y * width + x) * 3 + c] = 255 } }
        }
        return picture
    }

    private func write(_ sizes: [(Int, Int)], to name: String, framesPerSecond: Double = 25) throws {
        let sink = try FrameSink.open(
            "\(workplace.path)/\(name)", width: sizes[0].0, height: sizes[0].1, framesPerSecond: framesPerSecond)
        for size in sizes { try sink.write(bright(size.0, size.1)) }
        try sink.finish()
    }

    private func detect(_ name: String) throws -> LandmarkFile {
        let outcome = try workplace.run(["detect", name, "--output", "m.json", "--threads", "1"] + Self.networks)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try LandmarkFile(contentsOf: URL(fileURLWithPath: workplace.path + "/m.json"))
    }

    @Test(arguments: ["detect", "animate"]) func aVideoWithoutPicturesIsNamed(_ command: String) throws {
        try write([(64, 48), (64, 48)], to: "whole.mp4")
        let bytes = try workplace.bytes("whole.mp4")
        let fragment = try #require(bytes.indices.dropLast(8).first { Array(bytes[$0 + 4..<$0 + 8]) == Array("moof".utf8) })
        try workplace.write("empty.mp4", Array(bytes[..<fragment]))
        for (name, blob) in [("yolox_s.onnx", "blob_detector.onnx"), ("dw-mm_ucoco.onnx", "blob_keypoints.onnx")] {
            try FileManager.default.copyItem(atPath: "\(fixtures)/\(blob)", toPath: "\(workplace.path)/\(name)")
        }
        try TinyModel.model().write(folder: workplace.path + "/tiny")
        for name in ["yolox_s.onnx", "dw-mm_ucoco.onnx"] {
            try FileManager.default.copyItem(atPath: "\(workplace.path)/\(name)", toPath: "\(workplace.path)/tiny/\(name)")
        }
        #expect(try workplace.run("character", "--seed", "7", "--size", "64", "--output", "hero.png").status == 0)
        let before = try workplace.contents
        let outcome =
            command == "detect"
            ? try workplace.run("detect", "empty.mp4", "--model", ".", "--output", "m.json")
            : try workplace.run(
                "animate", "--driving", "empty.mp4", "--model", "tiny", "--reference", "hero.png", "--output", "o.mp4")
        #expect(outcome.status == 1 && outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("empty.mp4: expected a video with at least one picture, found none"), "\(outcome.errors)")
        #expect(try workplace.contents == before)
    }

    /// Coordinates are those of each picture, whatever its size.
    @Test func aVideoWhoseSizeChangesIsFollowed() throws {
        var stream: [UInt8] = []
        for (index, size) in [(64, 64), (128, 96), (48, 96), (64, 64)].enumerated() {
            try PictureWriter.write(bright(size.0, size.1), to: "\(workplace.path)/\(index).jpg")
            stream += try workplace.bytes("\(index).jpg")
        }
        try workplace.write("changing.mjpeg", stream)
        let track = try detect("changing.mjpeg")
        #expect(track.frameCount == 4)
        for frame in 0..<4 {
            for point in track[frame].person.face {
                #expect(point.score > 0.3 && point.x > 0.2 && point.x < 0.7 && point.y > 0.2 && point.y < 0.7, "\(frame): \(point)")
            }
        }
    }

    /// A picture that stands longer stands for more frames.
    @Test func aVideoOfUnevenRateKeepsItsTime() throws {
        try write(Array(repeating: (64, 64), count: 5), to: "even.gif", framesPerSecond: 20)
        var bytes = try workplace.bytes("even.gif")
        var found = 0
        for index in 0..<bytes.count - 8 where bytes[index] == 0x21 && bytes[index + 1] == 0xF9 && bytes[index + 2] == 4 {
            bytes[index + 4] = ([5, 50, 5, 20, 5] as [UInt8])[min(found, 4)]
            bytes[index + 5] = 0
            found += 1
        }
        #expect(found == 5)
        try workplace.write("uneven.gif", bytes)
        let (even, uneven) = (try detect("even.gif"), try detect("uneven.gif"))
        #expect(even.frameCount == 5)
        let seconds = Double(uneven.frameCount) / uneven.framesPerSecond
        // 0.05 + 0.5 + 0.05 + 0.2, and the last picture for one frame.
        #expect(abs(seconds - 0.8 - 1 / uneven.framesPerSecond) < 1.5 / uneven.framesPerSecond, "\(seconds)")
    }

    /// Phones film lying down and say so in the header.
    @Test func aVideoOfATurnedPhoneIsUpright() throws {
        let sink = try FrameSink.open(workplace.path + "/film.mp4", width: 64, height: 64, framesPerSecond: 25)
        // The square lies near the corner.
        var picture = Picture(width: 64, height: 64, red: 8, green: 8, blue: 8)
        for y in 4..<28 { for x in 4..<28 { for c in 0..<3 { picture.bytes[(y * 64 + x) * 3 + c] = 255 } } }
        try sink.write(picture)
        try sink.finish()
        var bytes = try workplace.bytes("film.mp4")
        let header = try #require(bytes.indices.dropLast(100).first { Array(bytes[$0..<$0 + 4]) == Array("tkhd".utf8) })
        // Half a turn: a = d = −1 in 16.16.
        for place in [0, 4] {
            let start = header + 44 + 4 * place
            bytes.replaceSubrange(start..<start + 4, with: [0xFF, 0xFF, 0, 0])
        }
        try workplace.write("turned.mp4", bytes)
        let (plain, turned) = (try detect("film.mp4"), try detect("turned.mp4"))
        func middle(_ track: LandmarkFile) -> (x: Double, y: Double) {
            let face = track[0].person.face
            return (face.map(\.x).reduce(0, +) / Double(face.count), face.map(\.y).reduce(0, +) / Double(face.count))
        }
        #expect(middle(plain).x < 0.4 && middle(plain).y < 0.4, "\(middle(plain))")
        #expect(middle(turned).x > 0.53 && middle(turned).y > 0.53, "\(middle(turned))")
    }
}
