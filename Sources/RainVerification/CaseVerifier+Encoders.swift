import RainCheckpoints
import RainGraph
import RainModels

extension CaseVerifier {
    // MARK: autoencoder_kl

    func autoencoderKL(_ reference: ReferenceCase) throws -> VerificationReport {
        let autoencoder = try reference.configuration(AutoencoderKL.self)
        let (shape, image) = try reference.input("image").channelsLast()
        let g = GraphBuilder()
        let moments = try autoencoder.moments(g, g.input("image", shape))
        let latents = try autoencoder.latents(moments)
        let recording = Recording()
        recording("moments", moments)
        recording("latents", latents)
        recording("decoded", try autoencoder.decode(g, latents))
        let outputs = recording.outputs(g, wanted: Set(reference.outputs))
        let weights = try reference.source("").weights.renamed(AutoencoderKL.currentName)
        let executable = try prepared(g.graph(), weights, isWhole: true)
        try executable.write("image", image)
        try executable.run(.step)
        var comparison = comparison(reference)
        for (name, shape) in outputs {
            try comparison.compare(name, CaseTensor.channelsFirst(executable.read(name), shape, batch: shape[0]))
        }
        return try complete(comparison)
    }

    // MARK: clip_vision

    func clipVision(_ reference: ReferenceCase) throws -> VerificationReport {
        let encoder = try reference.configuration(CLIPVisionEncoder.self)
        let (shape, pixels) = try reference.input("pixel_values").channelsLast()
        let g = GraphBuilder()
        let result = try encoder(g, g.input("pixel_values", shape))
        let recording = Recording()
        recording("after_pre_layernorm", result.entrance)
        recording("last_hidden_state", result.hidden)
        recording("image_embeds", result.embedding)
        let outputs = recording.outputs(g, wanted: Set(reference.outputs))
        let weights = try reference.source("").weights
        let graph = try g.graph()
        try weights.check(graph.parameters, ignoring: CLIPVisionEncoder.isBuffer)
        let executable = try prepared(graph, weights, isWhole: false)
        try executable.write("pixel_values", pixels)
        try executable.run(.step)
        var comparison = comparison(reference)
        for (name, _) in outputs { try comparison.compare(name, executable.read(name)) }
        return try complete(comparison)
    }
}
