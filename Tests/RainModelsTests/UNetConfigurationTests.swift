import Foundation
import RainModels
import Testing

@Suite struct UNetConfigurationTests {
    private func decoded(_ json: String) throws -> UNetConfiguration {
        try JSONDecoder().decode(UNetConfiguration.self, from: Data(json.utf8))
    }

    @Test func survivesAFile() throws {
        var configuration = UNetConfiguration.mini
        configuration.guidanceChannels = 256
        configuration.crossAttentionChannels = 40
        configuration.motion?.attentionBlocks = 1
        configuration.motion?.resolutions = [1, 4]
        configuration.motion?.onTheWayDown = false
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(UNetConfiguration.self, from: data) == configuration)
    }

    @Test func readsThePublishedForm() throws {
        let configuration = try decoded(
            """
            {"block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768, "attention_head_dim": 8, "cond_proj_dim": null,
             "motion_module": {"motion_module_resolutions": [1, 2, 4, 8], "motion_module_mid_block": true,
               "motion_module_decoder_only": false, "motion_module_type": "Vanilla",
               "motion_module_kwargs": {"num_attention_heads": 8, "num_transformer_block": 1,
                 "attention_block_types": ["Temporal_Self", "Temporal_Self"], "temporal_position_encoding": true,
                 "temporal_position_encoding_max_len": 32, "temporal_attention_dim_div": 1}}}
            """)
        var expected = UNetConfiguration()
        var motion = MotionConfiguration(heads: [8, 8, 8, 8])
        motion.storesPositions = true
        motion.resolutions = [1, 2, 4, 8]
        expected.motion = motion
        #expect(configuration == expected)
    }

    @Test func attentionIsLeftOutAtTheCoarsestLevelUnlessSaid() throws {
        let plain = try decoded(#"{"block_out_channels": [32, 64, 64]}"#)
        #expect(plain.downAttention == [true, true, false])
        #expect(plain.upAttention == [false, true, true])
        #expect(plain.crossAttentionChannels == nil)
        let said = try decoded(#"{"block_out_channels": [32, 64], "down_block_types": ["DownBlock3D", "CrossAttnDownBlock3D"]}"#)
        #expect(said.downAttention == [false, true])
        #expect(said.upAttention == [true, false])
    }

    @Test(arguments: [
        (#"{"block_out_channels": []}"#, "block_out_channels"),
        (#"{"block_out_channels": [31], "norm_num_groups": 1, "attention_head_dim": 1}"#, "even"),
        (#"{"block_out_channels": [32], "norm_num_groups": 5}"#, "norm_num_groups"),
        (#"{"block_out_channels": [32], "norm_num_groups": 0}"#, "norm_num_groups"),
        (#"{"block_out_channels": [32], "attention_head_dim": 0}"#, "attention_head_dim"),
        (#"{"block_out_channels": [32], "attention_head_dim": [8, 8]}"#, "attention_head_dim"),
        (#"{"block_out_channels": [32], "layers_per_block": 1000000}"#, "layers_per_block"),
        (#"{"block_out_channels": [32], "down_block_types": ["AttnBlock"]}"#, "AttnBlock"),
        (#"{"block_out_channels": [32], "down_block_types": []}"#, "down_block_types"),
        (#"{"block_out_channels": [32], "motion_module": {}}"#, "heads"),
        (#"{"block_out_channels": [32], "motion_module": {"heads": 5}}"#, "5 heads"),
        (#"{"block_out_channels": [32], "motion_module": {"heads": 8, "max_len": 0}}"#, "max_len"),
        (#"{"block_out_channels": [32], "motion_module": {"heads": 8, "motion_module_type": "Other"}}"#, "Vanilla"),
        (#"{"block_out_channels": [48], "norm_num_groups": 8, "motion_module": {"heads": 8}}"#, "32 groups"),
    ])
    func refuses(_ json: String, _ expected: String) {
        let failure = #expect(throws: ModelError.self) { try decoded(json) }
        #expect(failure?.description.contains(expected) == true, "\(failure?.description ?? "")")
    }
}
