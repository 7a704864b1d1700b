import Foundation
import RainCheckpoints
import RainGraph
import RainModels
import RainTesting
import Testing

@testable import RainAnimation

@Suite struct ModelConfigurationTests {
    @Test("JSON there and back") func roundTrip() throws {
        let configuration = TinyModel.configuration
        let json = try configuration.json()
        #expect(try ModelConfiguration(json: json, file: "model.json") == configuration)
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains("\"format\" : \"rain-model\""))
        #expect(text.contains("\"disc_radius\""))
    }

    /// Changes that make a description wrong, and a word that the error must contain.
    static let mistakes: [(change: String, value: (any Sendable)?, named: String)] = [
        ("format", "cake-model", "rain-model"), ("version", 2, "version"), ("version", nil, "version"), ("surprise", 1, "surprise"),
        ("name", "../escape", "name"), ("name", "", "name"), ("image_size", 0, "image_size"), ("image_size", "big", "image_size"),
        ("image_size", 33, "latent_size"), ("latent_channels", 8, "in_channels"), ("latent_size", 3, "latent_size"),
        ("reference_unet", nil, "reference_unet"), ("reference_unet.block_out_channels", [8, 32], "reference_unet"),
        ("denoising_unet.prediction_type", "v_prediction", "prediction_type"), ("denoising_unet.norm_num_groups", 3, "norm_num_groups"),
        ("pose_guider.conditioning_embedding_channels", 9, "conditioning_embedding_channels"),
        ("pose_picture.size", 17, "pose_picture.size"),
        ("pose_picture.disc_radius", -1, "disc_radius"), ("pose_picture.surprise", 1, "surprise"), ("autoencoder.type", "magic", "patch"),
        ("autoencoder.configuration.latent_channels", 5, "latent_channels"), ("scheduler.beta_start", -1, "beta_start"),
        ("window.levels", 0, "window"), ("window.frames_per_group", 9, "window"), ("reference_pose", nil, "reference_pose"),
    ]

    @Test("Mistakes are named", arguments: mistakes.indices)
    func mistake(_ index: Int) throws {
        let mistake = Self.mistakes[index]
        var root = try #require(try JSONSerialization.jsonObject(with: Data(TinyModel.configuration.json())) as? [String: Any])
        func change(_ object: inout [String: Any], _ path: ArraySlice<String>) {
            let key = path.first!
            if path.count == 1 {
                object[key] = mistake.value
            } else {
                var inner = object[key] as! [String: Any]
                change(&inner, path.dropFirst())
                object[key] = inner
            }
        }
        change(&root, mistake.change.split(separator: ".").map(String.init)[...])
        let json = [UInt8](try JSONSerialization.data(withJSONObject: root))
        let error = #expect(throws: AnimationError.self) { try ModelConfiguration(json: json, file: "model.json") }
        let sentence = error?.description ?? ""
        #expect(sentence.contains("model.json") && sentence.contains(mistake.named), "\(sentence)")
    }

    @Test(
        "What is no JSON is refused",
        arguments: ["", "{", "[]", "null", "{\"format\": \"rain-model\"", String(repeating: "[", count: 100_000)])
    func noJSON(_ text: String) {
        let error = #expect(throws: AnimationError.self) { try ModelConfiguration(json: [UInt8](text.utf8), file: "model.json") }
        #expect(error?.code == .model)
    }

    @Test("A folder there and back; damage is named") func folder() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(throws: AnimationError.self) { try AnimationModel(path: folder) }
        let model = try TinyModel.model()
        try model.write(folder: folder, type: .float32)
        let read = try AnimationModel(path: folder)
        #expect(read.configuration == model.configuration)
        let shape: Shape = [4, 8, 3, 3]
        let name = "denoising_unet.conv_out.weight"
        #expect(try read.parameters(name, shape) == model.parameters(name, shape))

        let weights = folder + "/tiny.safetensors"
        let file = try Checkpoint(path: weights)
        let tensors = try file.names.map {
            (name: $0, shape: try file.info($0).shape, dtype: ElementType.float32, values: try file.floats($0))
        }
        try SafetensorsWriter.write(to: weights, tensors: Array(tensors.dropFirst()))
        let missing = #expect(throws: ModelError.self) { try AnimationModel(path: folder) }
        #expect(missing?.description.contains(tensors[0].name) == true)

        var broken = tensors
        broken[0].values[0] = .nan
        try SafetensorsWriter.write(to: weights, tensors: broken)
        let damaged = try AnimationModel(path: folder)
        #expect(throws: CheckpointError.self) { try damaged.parameters(broken[0].name, Shape(broken[0].shape)) }

        try Data().write(to: URL(fileURLWithPath: weights))
        #expect(throws: CheckpointError.self) { try AnimationModel(path: folder) }
    }

    @Test("Random parameters depend on seed and name") func random() throws {
        let a = try TinyModel.model(seed: 1).parameters("x.weight", [2, 3])
        #expect(try TinyModel.model(seed: 1).parameters("x.weight", [2, 3]) == a)
        #expect(try TinyModel.model(seed: 2).parameters("x.weight", [2, 3]) != a)
        #expect(try TinyModel.model(seed: 1).parameters("y.weight", [2, 3]) != a)
    }
}
