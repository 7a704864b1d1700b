import Foundation
import RainGraph
import RainModels
import Testing

@Suite struct PublishedConfigurationTests {
    @Test func publishedSizes() throws {
        let rain = PublishedConfiguration.rain
        try rain.validate()
        func count(_ part: PublishedConfiguration.Part) throws -> Int { try rain.parameters(of: part).map(\.shape.count).reduce(0, +) }
        // Stable Diffusion 1.5 without its output layers (640 + 11,524).
        #expect(try count(.referenceUNet) == 859_520_964 - 12_164)
        // sd-vae-ft-mse and ViT-L/14 with projection, as their model cards count them.
        #expect(try count(.autoencoder) == 83_653_863)
        #expect(try count(.imageEncoder) == 303_966_208)
        // taesdv.pth holds 64-channel layers throughout.
        #expect(try rain.parameters(of: .taesdv).contains { $0.name == "decoder.19.weight" && $0.shape == [3, 64, 3, 3] })
        #expect(try rain.parameters(of: .motionUNet).contains { $0.name.hasSuffix("pos_encoder.pe") && $0.shape == [1, 32, 320] })
    }

    @Test(arguments: [PublishedConfiguration.rain, .tiny])
    func thereAndBack(_ configuration: PublishedConfiguration) throws {
        try configuration.validate()
        let json = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(PublishedConfiguration.self, from: json) == configuration)
        #expect(try JSONDecoder().decode(PublishedConfiguration.self, from: Data("{}".utf8)) == .rain)
    }

    @Test(arguments: [
        (#"{"size": 100}"#, "size"), (#"{"taesdv_channels": 0}"#, "taesdv_channels"), (#"{"guidance_scale": -1}"#, "guidance_scale"),
        (#"{"levels": 0}"#, "levels"), (#"{"autoencoder": {"block_out_channels": [32, 64]}}"#, "block_out_channels"),
        (#"{"autoencoder": {"block_out_channels": [32, 64, 64, 9]}}"#, "norm_num_groups"),
        (#"{"unet": {"block_out_channels": [64, 64]}}"#, "cross_attention_dim"),
        (
            #"{"image_encoder": {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 3, "patch_size": 14}}"#,
            "num_attention_heads"
        ),
    ])
    func mistakesAreNamed(_ json: String, _ field: String) {
        let error = #expect(throws: ModelError.self) { try JSONDecoder().decode(PublishedConfiguration.self, from: Data(json.utf8)) }
        #expect(error?.description.contains(field) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("encoder.mid_block.attentions.0.query.weight", "encoder.mid_block.attentions.0.to_q.weight"),
        ("decoder.mid_block.attentions.0.proj_attn.bias", "decoder.mid_block.attentions.0.to_out.0.bias"),
        ("encoder.mid_block.attentions.0.to_k.weight", "encoder.mid_block.attentions.0.to_k.weight"),
        ("encoder.mid_block.attentions.0.group_norm.weight", "encoder.mid_block.attentions.0.group_norm.weight"),
        ("quant_conv.weight", "quant_conv.weight"), ("query", "query"), ("", ""), ("key.weight", "key.weight"),
    ])
    func olderNamesAreKnown(_ stored: String, _ name: String) {
        #expect(AutoencoderKL.currentName(stored) == name)
    }

    @Test func picturesOfAnotherSizeAreRefused() throws {
        let g = GraphBuilder()
        let error = #expect(throws: GraphError.self) {
            try PublishedConfiguration.tiny.imageEncoder(g, g.input("pictures", [1, 224, 224, 3]))
        }
        #expect(error?.description.contains("56") == true)
    }
}
