import Foundation
import RainCPU
import RainCheckpoints
import RainGraph
import RainModels
import RainPictures
import RainTesting
import Testing

@testable import RainAnimation

/// Folders of the published layout, as small as they can be.
@Suite struct PublishedModelTests {
    typealias Part = PublishedConfiguration.Part

    private func withFolder<R>(_ body: (String) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-published-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    /// What a model makes of a reference and a few groups of frames.
    private func pictures(_ model: AnimationModel, reference: Picture = TinyModel.reference, seed: UInt64 = 5, groups: Int = 3) throws
        -> [Picture]
    {
        let batch = try StreamBatch(model: model, engine: CPUEngine(threads: 2), seed: seed)
        try batch.fuse(reference: reference)
        var pictures: [Picture] = []
        for group in 0..<groups {
            let frames = (0..<batch.schedule.framesPerGroup).map { TinyModel.driving(group * batch.schedule.framesPerGroup + $0) }
            pictures += try batch.push(frames)
        }
        while let more = try batch.drain() { pictures += more }
        return pictures
    }

    @Test func animates() throws {
        try withFolder { folder in
            try TinyPublished.write(to: folder)
            let model = try AnimationModel(path: folder)
            #expect(model.configuration == (try ModelConfiguration(PublishedConfiguration.tiny)))
            let first = try pictures(model)
            #expect(first.count == 12)
            #expect(first.allSatisfy { $0.width == 64 && $0.height == 64 })
            #expect(Set(first.map(\.bytes)).count == 12)
            let again = try pictures(AnimationModel(path: folder))
            #expect(first == again)
            let otherSeed = try pictures(model, seed: 6)
            #expect(first != otherSeed)
            var other = TinyModel.reference
            for index in other.bytes.indices { other.bytes[index] = 255 - other.bytes[index] }
            let otherReference = try pictures(model, reference: other)
            #expect(first != otherReference)
            // A model folder of our own holds the same model in one file.
            let own = folder + "/own"
            try model.write(folder: own, type: .float32)
            let converted = try pictures(AnimationModel(path: own))
            #expect(first == converted)
            let larger = try pictures(AnimationModel(path: folder, size: 128), groups: 1)
            #expect(larger.count == 4 && larger.allSatisfy { $0.width == 128 })
        }
    }

    @Test(arguments: [(100, "multiple of 64"), (0, "multiple of 64"), (1 << 20, "2048")])
    func sizesAreMultiples(_ size: Int, _ expected: String) throws {
        let configuration = try ModelConfiguration(PublishedConfiguration.tiny)
        let error = #expect(throws: AnimationError.self) { try configuration.resized(to: size) }
        #expect(error?.code == .usage && error?.description.contains(expected) == true)
        let fixed = #expect(throws: AnimationError.self) { try TinyModel.configuration.resized(to: 64) }
        #expect(fixed?.description.contains("32 pixels only") == true)
    }

    /// The authors' repository with the weights where its instructions put them.
    @Test func readsTheAuthorsRepository() throws {
        try withFolder { folder in
            try TinyPublished.write(to: folder + "/all")
            func move(_ from: String, _ to: String) throws {
                let target = URL(fileURLWithPath: "\(folder)/\(to)")
                try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.moveItem(at: URL(fileURLWithPath: "\(folder)/all/\(from)"), to: target)
            }
            for part in [Part.referenceUNet, .motionUNet, .poseGuider, .taesdv] {
                try move(TinyPublished.weightsFile(of: part), "weights/torch/" + TinyPublished.weightsFile(of: part))
            }
            try move("sd-vae-ft-mse", "weights/sd-vae-ft-mse")
            try move("image_encoder", "weights/image_encoder")
            try move("unet.json", "configs/unet.json")
            try move("rain_morpher.yaml", "configs/rain_morpher.yaml")
            var settings = try String(contentsOfFile: folder + "/configs/rain_morpher.yaml", encoding: .utf8)
            settings = settings.replacingOccurrences(of: "./unet.json", with: "./configs/unet.json")
                .replacingOccurrences(of: "\"./sd-vae", with: "\"./weights/sd-vae")
            settings += "\n#a comment\nonnx_path: \"./weights/onnx/unet_work/unet_work.onnx\"\nbatch_size: 1\ndtype: \"fp16\"\n"
            try settings.write(toFile: folder + "/configs/rain_morpher.yaml", atomically: true, encoding: .utf8)
            try FileManager.default.removeItem(atPath: folder + "/all")
            #expect(try AnimationModel(path: folder).configuration == ModelConfiguration(PublishedConfiguration.tiny))
        }
    }

    @Test func namesAllThatIsMissingOrSurplus() throws {
        try withFolder { folder in
            try TinyPublished.write(to: folder) { part, tensors in [.referenceUNet, .taesdv, .imageEncoder].contains(part) ? nil : tensors }
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/style.ckpt"))
            try FileManager.default.copyItem(atPath: folder + "/pose_guider.safetensors", toPath: folder + "/pose_guider.pth")
            let error = #expect(throws: AnimationError.self) { try AnimationModel(path: folder) }
            let sentence = error?.description ?? ""
            for word in [
                "reference_unet.pth", "https://huggingface.co/Pscgylotti/RAIN-v0.1", "taesdv.pth", "https://github.com/madebyollin/taesdv",
                "image_encoder/", "https://huggingface.co/lambdalabs/sd-image-variations-diffusers", "style.ckpt",
                "pose_guider.safetensors",
            ] {
                #expect(sentence.contains(word), "\(sentence)")
            }
            #expect(!sentence.contains("motion_unet") && !sentence.contains("sd-vae"), "\(sentence)")
        }
        try withFolder { folder in
            let error = #expect(throws: AnimationError.self) { try AnimationModel(path: folder) }
            #expect(error?.description.contains("model.json") == true)
        }
    }

    /// What people take for the right file, and what they are told.
    enum Mistake: String, CaseIterable, CustomTestStringConvertible {
        case lora, xl, original, swapped, plainUNet, motionAsReference, inpainting, surplus, oneMissing, channels, nothing
        var testDescription: String { rawValue }

        var part: Part {
            switch self {
            case .plainUNet: .motionUNet
            case .swapped: .poseGuider
            case .channels: .imageEncoder
            default: .referenceUNet
            }
        }

        var words: [String] {
            switch self {
            case .lora: ["LoRA", "lora_unet_down"]
            case .xl: ["Stable Diffusion XL", "add_embedding"]
            case .original: ["original layout", "model.diffusion_model"]
            case .swapped: ["pose guider", "TAESDV"]
            case .plainUNet: ["without motion modules"]
            case .motionAsReference: ["with motion modules"]
            case .inpainting: ["conv_in.weight", "[32, 4, 3, 3]", "[32, 9, 3, 3]"]
            case .surplus: ["ema.decay"]
            case .oneMissing: ["conv_in.bias", "[32]", "none"]
            case .channels: ["visual_projection.weight", "[24, 32]", "[48, 32]"]
            case .nothing: ["found none"]
            }
        }

        func tensors(_ right: [SafetensorsWriter.Tensor]) throws -> [SafetensorsWriter.Tensor] {
            func tensor(_ name: String, _ shape: [Int]) -> SafetensorsWriter.Tensor {
                (name, shape, .float32, [Float](repeating: 0, count: shape.reduce(1, *)))
            }
            func part(_ part: Part) throws -> [SafetensorsWriter.Tensor] {
                try PublishedConfiguration.tiny.parameters(of: part).map { tensor($0.name, $0.shape.dimensions) }
            }
            switch self {
            case .lora: return (0..<9).map { tensor("lora_unet_down_blocks_\($0).lora_up.weight", [4, 2]) }
            case .xl: return right + [tensor("add_embedding.linear_1.weight", [4, 4])]
            case .original: return [tensor("model.diffusion_model.input_blocks.0.0.weight", [4, 4])]
            case .swapped: return try part(.taesdv)
            case .plainUNet: return try part(.referenceUNet)
            case .motionAsReference: return try part(.motionUNet)
            case .inpainting: return right.map { $0.name == "conv_in.weight" ? tensor($0.name, [32, 9, 3, 3]) : $0 }
            case .surplus: return right + [tensor("ema.decay", [1])]
            case .oneMissing: return right.filter { $0.name != "conv_in.bias" }
            case .channels: return right.map { $0.name == "visual_projection.weight" ? tensor($0.name, [48, 32]) : $0 }
            case .nothing: return []
            }
        }
    }

    @Test(arguments: Mistake.allCases)
    func saysWhatAFileIsInstead(_ mistake: Mistake) throws {
        try withFolder { folder in
            var wrong: [SafetensorsWriter.Tensor] = []
            try TinyPublished.write(to: folder) { part, tensors in
                guard part == mistake.part else { return tensors }
                wrong = tensors
                return nil
            }
            let file = "\(folder)/\(TinyPublished.weightsFile(of: mistake.part))"
            try SafetensorsWriter.write(to: file, tensors: mistake.tensors(wrong), metadata: [:])
            let error = #expect(throws: ModelError.self) { try AnimationModel(path: folder) }
            let sentence = error?.description ?? ""
            #expect(sentence.contains(TinyPublished.weightsFile(of: mistake.part)), "\(sentence)")
            for word in mistake.words { #expect(sentence.contains(word), "\(sentence)") }
            #expect(sentence.utf8.count < 700, "\(sentence)")
        }
    }

    /// What training scripts leave before the names of tensors, or beside them.
    enum Wrapping: String, CaseIterable, CustomTestStringConvertible {
        case module, compiled, compiledLayers, both, model, ema, params, stateDict, deep, withOptimizer
        var testDescription: String { rawValue }

        func tensors(_ tensors: [SafetensorsWriter.Tensor]) -> [SafetensorsWriter.Tensor] {
            func behind(_ prefix: String) -> [SafetensorsWriter.Tensor] {
                tensors.map { (prefix + $0.name, $0.shape, $0.dtype, $0.values) }
            }
            return switch self {
            case .module: behind("module.")
            case .compiled: behind("_orig_mod.")
            case .compiledLayers:
                tensors.map { ($0.name.replacing(/^([a-z_]+)\./) { "\($0.1)._orig_mod." }, $0.shape, $0.dtype, $0.values) }
            case .both: behind("module._orig_mod.")
            case .model: behind("model.")
            case .ema: behind("ema.")
            case .params: behind("params.")
            case .stateDict: behind("state_dict.")
            case .deep: behind("state_dict.model.module.")
            case .withOptimizer: behind("model.") + [("optimizer.state.0.exp_avg", [2], .float32, [1, 2])]
            }
        }
    }

    @Test(arguments: Wrapping.allCases)
    func wrappedNamesAreFound(_ wrapping: Wrapping) throws {
        try withFolder { folder in
            try TinyPublished.write(to: folder + "/plain")
            try TinyPublished.write(to: folder + "/wrapped") { _, tensors in wrapping.tensors(tensors) }
            let (plain, wrapped) = (try ModelFiles(path: folder + "/plain"), try ModelFiles(path: folder + "/wrapped"))
            #expect(plain.configuration == wrapped.configuration)
            for (name, shape) in try ModelPrograms(plain.configuration).parameters() {
                let (right, found) = (try plain.source(name, shape), try wrapped.source(name, shape))
                #expect(right == found, "\(name)")
            }
        }
    }

    /// Wrapped twice, or in what is not known: the prefixes are named.
    @Test func wrappingsThatCannotBeToldAreNamed() throws {
        func refusal(_ change: ([SafetensorsWriter.Tensor]) -> [SafetensorsWriter.Tensor]) throws -> String {
            try withFolder { folder in
                try TinyPublished.write(to: folder) { $0 == .poseGuider ? change($1) : $1 }
                let error = #expect(throws: ModelError.self) { try AnimationModel(path: folder) }
                return error?.description ?? ""
            }
        }
        func behind(_ prefix: String, _ tensors: [SafetensorsWriter.Tensor]) -> [SafetensorsWriter.Tensor] {
            tensors.map { (prefix + $0.name, $0.shape, $0.dtype, $0.values) }
        }
        let both = try refusal { behind("model.", $0) + behind("ema.", $0) }
        #expect(both.contains("pose_guider.safetensors") && both.contains("'ema.'") && both.contains("'model.'"), "\(both)")
        let plain = try refusal { $0 + behind("ema.", $0) }
        #expect(plain.contains("without a prefix") && plain.contains("'ema.'"), "\(plain)")
        let foreign = try refusal { behind("pipeline.pose.", $0) }
        #expect(foreign.contains("found names behind 'pipeline.pose.'"), "\(foreign)")
    }

    @Test func aWebPageIsNoCheckpoint() throws {
        try withFolder { folder in
            try TinyPublished.write(to: folder) { $0 == .taesdv ? nil : $1 }
            let page = "<!DOCTYPE html><html><head><title>taesdv.pth</title></head><body>" + String(repeating: "x", count: 4000)
            try Data(page.utf8).write(to: URL(fileURLWithPath: folder + "/taesdv.pth"))
            let error = #expect(throws: CheckpointError.self) { try AnimationModel(path: folder) }
            #expect(error?.description.contains("taesdv.pth") == true, "\(error?.description ?? "")")
        }
    }

    @Test func olderNamesOfTheAutoencoderAreRead() throws {
        let old = ["to_q": "query", "to_k": "key", "to_v": "value"]
        try withFolder { folder in
            try TinyPublished.write(to: folder + "/new")
            try TinyPublished.write(to: folder + "/old") { part, tensors in
                guard part == .autoencoder else { return tensors }
                return tensors.map { tensor in
                    var tensor = tensor
                    for (new, old) in old { tensor.name = tensor.name.replacingOccurrences(of: ".\(new).", with: ".\(old).") }
                    tensor.name = tensor.name.replacingOccurrences(of: ".to_out.0.", with: ".proj_attn.")
                    return tensor
                }
            }
            let file = try Checkpoint(path: folder + "/old/" + TinyPublished.weightsFile(of: .autoencoder))
            #expect(file.contains("encoder.mid_block.attentions.0.proj_attn.bias"))
            let (new, stored) = (
                try pictures(AnimationModel(path: folder + "/new"), groups: 1),
                try pictures(AnimationModel(path: folder + "/old"), groups: 1)
            )
            #expect(new == stored)
        }
    }

    @Test(arguments: [
        ("height: 64", "height: 100", "width, height"),
        ("width: 64\nreference_image_height: 64", "width: 64\nreference_image_height: 32", "reference_image_height"),
        ("guidance_scale: 2.5", "guidance_scale: -2", "guidance_scale"), ("guidance_scale: 2.5", "guidance_scale: much", "guidance_scale"),
        ("use_motion_module: true", "use_motion_module: false", "use_motion_module"),
        ("use_inflated_groupnorm: true", "use_inflated_groupnorm: false", "use_inflated_groupnorm"),
        ("motion_module_type: Vanilla", "motion_module_type: Chocolate", "motion_module_type"),
        ("cond_proj_dim: 16", "cond_proj_dim: 17", "time_embedding.cond_proj.weight"),
        ("prediction_type: \"v_prediction\"", "prediction_type: \"sample\"", "prediction_type"),
        ("temporal_adaptive_step: 4", "temporal_adaptive_step: 0", "levels"),
        ("temporal_adaptive_step: 4", "temporal_adaptive_step: 99999999999999999999999", "temporal_adaptive_step"),
        ("num_train_timesteps: 1000", "num_train_timesteps: 1", "scheduler"),
        ("height: 64", "height: [64", "YAML"), ("height: 64", "height: &a [*a, *a]", "YAML"),
    ])
    func mistakesInTheSettingsAreNamed(_ right: String, _ wrong: String, _ field: String) throws {
        try withFolder { folder in
            try TinyPublished.write(to: folder)
            let file = folder + "/rain_morpher.yaml"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(text.contains(right))
            let range = try #require(text.range(of: right))
            try text.replacingCharacters(in: range, with: wrong).write(toFile: file, atomically: true, encoding: .utf8)
            let error = #expect(throws: (any Error).self) { try AnimationModel(path: folder) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(field), "\(error.map { "\($0)" } ?? "")")
        }
    }

    @Test(arguments: [
        String(repeating: "[", count: 30_000), String(repeating: "a: {", count: 9000), "\u{0}", "- 1\n- 2", "null", "",
        (0..<200).map { "a\($0): &a\($0) [*a\(max(0, $0 - 1)), *a\(max(0, $0 - 1))]" }.joined(separator: "\n"),
        (0..<300).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
        String(repeating: "- ", count: 20_000), String(repeating: "? ", count: 20_000), String(repeating: "x", count: 100_000),
    ])
    func hostileSettingsAreRefusedOrIgnored(_ text: String) throws {
        try withFolder { folder in
            try text.write(toFile: folder + "/rain_morpher.yaml", atomically: true, encoding: .utf8)
            #expect(throws: AnimationError.self) { try AnimationModel(path: folder) }
        }
    }

    @Test(arguments: ["../secret.pth", "/etc/passwd", "weights/../../../etc/passwd"])
    func pathsStayInTheFolder(_ path: String) throws {
        try withFolder { outer in
            let folder = outer + "/model"
            try TinyPublished.write(to: folder) { $0 == .poseGuider ? nil : $1 }
            try Data("x".utf8).write(to: URL(fileURLWithPath: outer + "/secret.pth"))
            let file = folder + "/rain_morpher.yaml"
            let text = try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(of: "./pose_guider.pth", with: path)
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let error = #expect(throws: AnimationError.self) { try AnimationModel(path: folder) }
            #expect(error?.description.contains("missing are pose_guider.pth") == true, "\(error?.description ?? "")")
        }
    }
}
