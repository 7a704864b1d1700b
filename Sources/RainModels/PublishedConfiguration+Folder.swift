import Foundation

/// The files of a folder of the published layout.
extension PublishedConfiguration {
    /// Where the weights of a part lie, relative to the folder.
    public static func weightsFile(of part: Part) -> String {
        switch part {
        case .referenceUNet, .motionUNet, .poseGuider, .taesdv: part.rawValue + ".pth"
        case .autoencoder: part.rawValue + "/diffusion_pytorch_model.safetensors"
        case .imageEncoder: part.rawValue + "/pytorch_model.bin"
        }
    }

    /// The files beside the weights that say how the parts are made: path relative to the folder, and text.
    ///
    /// Pose guider and TAESDV have none; the shapes of their tensors say it.
    public func descriptions() throws -> [(path: String, text: String)] {
        [
            ("unet.json", try Self.json(referenceUNet)),
            (Part.autoencoder.rawValue + "/config.json", try Self.json(autoencoder)),
            (Part.imageEncoder.rawValue + "/config.json", try Self.json(imageEncoder)),
            ("rain_morpher.yaml", settings),
        ]
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// The authors' settings, as far as they describe the model.
    private var settings: String {
        let motion = unet.motion ?? MotionConfiguration(heads: unet.attentionHeads)
        let resolutions = motion.resolutions ?? (0..<unet.levels).map { 1 << $0 }
        return """
            height: \(size)
            width: \(size)
            reference_image_height: \(size)
            reference_image_width: \(size)
            temporal_adaptive_step: \(levels)
            temporal_window_size: \(framesPerGroup)
            num_inference_steps: \(steps)
            guidance_scale: \(guidanceScale)
            reference_unet_weight_path: "./\(Self.weightsFile(of: .referenceUNet))"
            denoising_unet_weight_path: "./\(Self.weightsFile(of: .motionUNet))"
            pose_guider_weight_path: "./\(Self.weightsFile(of: .poseGuider))"
            taesdv_weight_path: "./\(Self.weightsFile(of: .taesdv))"
            vae_model_path: "./\(Part.autoencoder.rawValue)"
            image_encoder_path: "./\(Part.imageEncoder.rawValue)"
            unet_config_path: "./unet.json"
            unet_additional_kwargs:
              use_inflated_groupnorm: true
              unet_use_cross_frame_attention: false
              unet_use_temporal_attention: false
              use_motion_module: true
              motion_module_resolutions: [\(resolutions.map(String.init).joined(separator: ", "))]
              motion_module_mid_block: \(motion.inMiddle)
              motion_module_decoder_only: \(!motion.onTheWayDown)
              motion_module_type: Vanilla
              motion_module_kwargs:
                num_attention_heads: \(motion.heads.first ?? 8)
                num_transformer_block: \(motion.transformerBlocks)
                attention_block_types: [\(Array(repeating: "Temporal_Self", count: motion.attentionBlocks).joined(separator: ", "))]
                temporal_position_encoding: \(motion.hasPositions)
                temporal_position_encoding_max_len: \(motion.longestWindow)
                temporal_attention_dim_div: 1
              cond_proj_dim: \(unet.guidanceChannels ?? Self.guidanceChannels)
            noise_scheduler_kwargs:
              num_train_timesteps: \(scheduler.trainingSteps)
              beta_start: \(scheduler.betaStart)
              beta_end: \(scheduler.betaEnd)
              beta_schedule: "scaled_linear"
              steps_offset: 1
              clip_sample: false
              rescale_betas_zero_snr: \(scheduler.rescaleToZeroTerminalSNR)
              timestep_spacing: "trailing"
              prediction_type: "\(scheduler.prediction.rawValue)"

            """
    }
}
