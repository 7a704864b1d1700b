import Foundation
import RainAnimation
import RainCheckpoints
import RainMedia
import RainModels
import Testing

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

/// What becomes of checkpoints of every format: inspect, convert, make-model.
@Suite struct CheckpointCommandTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    // MARK: inspect

    @Test func inspectReadsPyTorchFiles() throws {
        let outcome = try workplace.run("inspect", fixtures + "/torch_pickle_nested_zip.pth", "--check")
        #expect(outcome.status == 0, "\(outcome.errors)")
        for word in ["epoch: 12", "conv.weight", "[3, 2, 3, 3]", "BF16", "PyTorch: 16 tensors", "all finite"] {
            #expect(outcome.text.contains(word), "\(outcome.text)")
        }
    }

    @Test(arguments: [
        ("bad_reduce_os_system_raw.pth", "posix.system|os.system"), ("bad_reduce_os_system_zip.pth", "posix.system|os.system"),
        ("bad_truncated_zip.pth", "directory"), ("bad_truncated_legacy.pth", "storage"), ("bad_short_storage_zip.pth", "bytes"),
        ("bad_missing_storage_zip.pth", "data/"), ("bad_size_beyond_storage_zip.pth", "storage"),
    ])
    func inspectRefusesWhatIsDamagedOrHostile(file: String, words: String) throws {
        let outcome = try workplace.run("inspect", "\(fixtures)/\(file)")
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty && outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains(file) && words.split(separator: "|").contains { outcome.errors.contains($0) }, "\(outcome.errors)")
    }

    @Test func inspectSaysWhatAFileIsInstead() throws {
        try workplace.write("page.pth", Array("<!DOCTYPE html><html>Not found</html>".utf8))
        try workplace.write("yolox_s.onnx", [8, 7, 0x12, 7] + Array("pytorch\u{1A}\u{3}2.1".utf8))
        #expect(try workplace.run("inspect", "page.pth").errors.contains("a web page"))
        #expect(try workplace.run("inspect", "yolox_s.onnx").errors.contains("ONNX"))
    }

    // MARK: make-model

    private func makeTiny(_ folder: String, seed: Int = 3, _ more: String...) throws -> Outcome {
        try workplace.run(["make-model", "--config", "tiny", "--seed", "\(seed)", folder] + more)
    }

    private static let files = [
        "dw-ll_ucoco_384.onnx", "image_encoder", "image_encoder/config.json", "image_encoder/pytorch_model.bin", "motion_unet.pth",
        "pose_guider.pth",
        "rain_morpher.yaml", "reference_unet.pth", "sd-vae-ft-mse", "sd-vae-ft-mse/config.json",
        "sd-vae-ft-mse/diffusion_pytorch_model.safetensors", "taesdv.pth", "unet.json", "yolox_s.onnx",
    ]

    @Test func makeModelWritesThePublishedLayout() throws {
        let outcome = try makeTiny("model")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try workplace.contents == ["model"] + Self.files.map { "model/" + $0 })
        func checkpoint(_ name: String) throws -> Checkpoint { try Checkpoint(path: "\(workplace.path)/model/\(name)") }
        let motion = try checkpoint("motion_unet.pth")
        #expect(motion.format == .torch)
        try motion.requireFinite()
        #expect(try checkpoint("reference_unet.pth").names.contains("up_blocks.3.attentions.0.transformer_blocks.0.ff.net.2.weight"))
        let positions = "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.pos_encoder.pe"
        #expect(try motion.info(positions).shape == [1, 32, 32])
        #expect(try motion.floats(positions).prefix(4) == [0, 1, 0, 1])
        // Layers that a training starts at zero take part too.
        #expect(try motion.floats("down_blocks.0.motion_modules.0.temporal_transformer.proj_out.weight").contains { abs($0) > 1e-3 })
        #expect(try checkpoint("pose_guider.pth").floats("conv_out.weight").contains { abs($0) > 1e-3 })
        // As published, in the names of older libraries.
        let autoencoder = try checkpoint("sd-vae-ft-mse/diffusion_pytorch_model.safetensors")
        for name in ["query", "key", "value", "proj_attn"] {
            #expect(autoencoder.contains("encoder.mid_block.attentions.0.\(name).weight"))
        }
        #expect(!autoencoder.names.contains { $0.contains("to_") })
        let ids = "vision_model.embeddings.position_ids"
        #expect(try checkpoint("image_encoder/pytorch_model.bin").integers(ids) == (0..<17).map { Int64($0) })
    }

    @Test func theSeedDecides() throws {
        for (folder, seed) in [("a", 3), ("b/", 3), ("./c", 4)] {
            let outcome = try makeTiny(folder, seed: seed, "--dtype", "fp16")
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        for file in ["pose_guider.pth", "sd-vae-ft-mse/diffusion_pytorch_model.safetensors"] {
            #expect(try workplace.bytes("a/" + file) == workplace.bytes("b/" + file))
            #expect(try workplace.bytes("a/" + file) != workplace.bytes("c/" + file))
        }
        #expect(try Checkpoint(path: workplace.path + "/a/pose_guider.pth").info("conv_in.weight").dtype == .float16)
    }

    @Test func makeModelReadsADescription() throws {
        try workplace.write("small.json", Array(#"{"taesdv_channels": 16}"#.utf8))
        try workplace.write("odd.json", Array(#"{"taesdv_channels": "many"}"#.utf8))
        try workplace.write("empty.json", [])
        for (file, word) in [("odd.json", "taesdv_channels"), ("empty.json", "describes a model"), ("absent.json", "readable")] {
            let outcome = try workplace.run("make-model", "--config", file, "--seed", "1", "model")
            #expect(outcome.status == 1 && outcome.errorLines.count == 1)
            #expect(outcome.errors.contains(file) && outcome.errors.contains(word), "\(outcome.errors)")
        }
        #expect(try workplace.contents == ["empty.json", "odd.json", "small.json"])
    }

    @Test func makeModelReplacesNothing() throws {
        _ = try makeTiny("model")
        try FileManager.default.removeItem(atPath: workplace.path + "/model/reference_unet.pth")
        let before = try workplace.contents
        let outcome = try makeTiny("model")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("motion_unet.pth"), "\(outcome.errors)")
        #expect(try workplace.contents == before)
    }

    // MARK: convert

    @Test func convertMakesOneFileOfAFolder() throws {
        _ = try makeTiny("model")
        let outcome = try workplace.run("convert", "model", "model/rain.safetensors", "--dtype", "bf16")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let file = try Checkpoint(path: workplace.path + "/model/rain.safetensors")
        let prefixes = [
            "reference_unet": "reference_unet", "motion_unet": "denoising_unet", "pose_guider": "pose_guider", "taesdv": "taesdv",
            "sd-vae-ft-mse": "vae", "image_encoder": "image_encoder",
        ]
        var count = 0
        for part in Self.files where [".pth", ".bin", ".safetensors"].contains(where: part.hasSuffix) {
            let source = try Checkpoint(path: "\(workplace.path)/model/\(part)")
            let prefix = try #require(prefixes[String(part.split { $0 == "/" || $0 == "." }[0])])
            for name in source.names {
                // The auto-encoder's attention had other names when it was published.
                let current = "\(prefix).\(prefix == "vae" ? AutoencoderKL.currentName(name) : name)"
                guard file.contains(current) else { continue }
                #expect(try file.info(current).shape == source.info(name).shape)
                #expect(try file.info(current).dtype == .bfloat16)
                count += 1
            }
            #expect(file.metadata["sha256.\(part)"] == source.withFileBytes { Checksum.sha256($0) })
        }
        #expect(file.names.count == count)
        let model = try AnimationModel(path: workplace.path + "/model")
        #expect(try file.names == ModelPrograms(model.configuration).parameters().map(\.name))
        // The folder stays a model, and the file is one.
        #expect(try AnimationModel(path: workplace.path + "/model/rain.safetensors").configuration == model.configuration)
        // What is one file already can be made smaller.
        #expect(try workplace.run("convert", "model/rain.safetensors", "half.safetensors", "--dtype", "fp16").status == 0)
        #expect(try AnimationModel(path: workplace.path + "/half.safetensors").configuration == model.configuration)
        let listed = try workplace.run("inspect", "half.safetensors")
        #expect(listed.text.contains("model.json: ") && listed.text.contains("sha256.taesdv.pth: "), "\(listed.text.prefix(2000))")
    }

    @Test func aCheckpointIsNoModel() throws {
        _ = try makeTiny("model")
        for file in ["model/taesdv.pth", "model/sd-vae-ft-mse/diffusion_pytorch_model.safetensors"] {
            let outcome = try workplace.run("inspect", "--program", file)
            #expect(outcome.status == 1 && outcome.errorLines.count == 1)
            #expect(outcome.errors.contains(file) && outcome.errors.contains("rain convert"), "\(outcome.errors)")
        }
    }

    @Test func convertTakesASingleCheckpoint() throws {
        let source = fixtures + "/torch_pickle_legacy.pth"
        #expect(try workplace.run("convert", source, "a.safetensors").status == 0)
        // Names of one letter are names.
        try workplace.write("p", [UInt8](Data(contentsOf: URL(fileURLWithPath: source))))
        #expect(try workplace.run("convert", "p", "b.safetensors").status == 0)
        let (before, after) = (try Checkpoint(path: source), try Checkpoint(path: workplace.path + "/a.safetensors"))
        #expect(after.names == before.names)
        for name in before.names { #expect(try after.bytes(name) == before.bytes(name)) }
        #expect(after.metadata["sha256.torch_pickle_legacy.pth"] == before.withFileBytes { Checksum.sha256($0) })
    }

    static let mistakes = [
        BadInput("convert absent.pth out.safetensors", 1, "absent.pth", "No such file"),
        BadInput(
            "convert . out.safetensors", 1, "missing are reference_unet.pth, motion_unet.pth", "image_encoder/",
            "large.safetensors is no part"),
        BadInput("convert taesdv.pth out.safetensors", 1, "taesdv.pth", "a web page"),
        BadInput("convert large.safetensors out.safetensors --dtype fp16", 1, "'w'", "1000000.0", "BF16"),
        BadInput("convert large.safetensors /dev/full/out.safetensors", 1, "out.safetensors", "Not a directory"),
        BadInput("convert large.safetensors out.pth", 2, "out.pth", ".safetensors"),
        BadInput("convert large.safetensors out.safetensors --dtype int8", 2, "int8", "fp16"),
        BadInput("convert large.safetensors", 2, "file.safetensors"),
        BadInput("make-model --config tiny --seed=-1 model", 2, "-1"),
        BadInput("make-model --config tiny model", 2, "--seed"),
        BadInput("make-model --config tiny --seed 1 --dtype fp8 model", 2, "fp8"),
        BadInput("make-model --config tiny --seed 1 taesdv.pth/model", 1, "taesdv.pth"),
    ]

    @Test(arguments: mistakes)
    func isSaidAndLeavesNothing(_ input: BadInput) throws {
        try workplace.write("taesdv.pth", Array("<html>".utf8))
        try SafetensorsWriter.write(to: workplace.path + "/large.safetensors", tensors: [("w", [2], .float32, [1, 1e6])])
        let before = try workplace.contents
        let outcome = try workplace.run(input.arguments)
        #expect(outcome.status == input.status, "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
        for word in input.words { #expect(outcome.errorLines.last?.contains(word) == true, "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }

    @Test func aFullDiskIsSaidAndNothingIsLeft() throws {
        try SafetensorsWriter.write(
            to: workplace.path + "/a.safetensors", tensors: [("w", [9000], .float32, [Float](repeating: 1, count: 9000))])
        for command in ["convert a.safetensors b.safetensors", "make-model --config tiny --seed 1 model"] {
            let before = try workplace.contents
            let outcome = try workplace.start(command.split(separator: " ").map(String.init), script: fileLimit(blocks: 16)).wait()
            #expect(outcome.status == 1)
            #expect(outcome.errorLines.last?.contains("File too large") == true, "\(outcome.errors)")
            #expect(try workplace.contents == before)
        }
    }
}
