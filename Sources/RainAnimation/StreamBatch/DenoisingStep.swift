import RainGraph
import RainModels

/// The program of one push: every frame in flight goes down `passes` denoising steps, each an evaluation of the network and a
/// consistency step (arXiv 2310.04378).
///
/// Timesteps and the factors of the steps are inputs of lifetime `.reference`, so that one program per number of frames serves
/// the full stream as well as its beginning and end, at whatever levels; embeddings and keys and values of the reference are
/// computed when they change and not at every push.
///
/// Several characters can go down together: frames are then ordered `[character, frame]`, and each character has a reference of
/// its own.
///
/// Inputs, for `b` characters, `n` frames of all of them together, and pass `p`:
/// - step: `latents` and `noise<p>` `[n, h, w, c]`, `pose` `[n, h, w, C0]`
/// - reference: `timesteps<p>` `[n]`; `sample_weight<p>`, `output_weight<p>`, `noise_weight<p>` `[n, 1, 1, 1]`;
///   `bank_<name>` `[b, tokens, channels]`; `context` `[b, 1, channels]` and `guidance` (`[1, channels]` for one character, else
///   `[n, channels]`) for networks that have them
///
/// Output: `next` `[n, h, w, c]`.
struct DenoisingStep: Sendable {
    let network: UNetConfiguration
    let latentHeight: Int
    let latentWidth: Int
    /// Prefix of the parameters.
    var scope: String?

    /// - Parameter frames: of each character
    func program(frames: Int, passes: Int, characters: Int = 1) throws -> Program {
        try Program(graph(frames: frames, passes: passes, characters: characters))
    }

    func graph(frames: Int, passes: Int, characters: Int = 1) throws -> Graph {
        let g = GraphBuilder()
        let samples = characters * frames
        let latentShape: Shape = [samples, latentHeight, latentWidth, network.inChannels]
        var x = try g.input("latents", latentShape)
        let pose = try g.input("pose", [samples, latentHeight, latentWidth, network.blockOutChannels[0]])
        let references = try network.banks(height: latentHeight, width: latentWidth).map { bank in
            Bank(name: bank.name, tokens: try g.input("bank_" + bank.name, [characters, bank.tokens, bank.channels], .reference))
        }
        let context = try network.crossAttentionChannels.map { try g.input("context", [characters, 1, $0], .reference) }
        let guidance = try network.guidanceChannels.map { try g.input("guidance", [characters == 1 ? 1 : samples, $0], .reference) }
        let unet = try DenoisingUNet(network)
        for pass in 0..<passes {
            let timesteps = try g.input("timesteps\(pass)", [samples], .reference)
            func weight(_ name: String) throws -> Value { try g.input("\(name)_weight\(pass)", [samples, 1, 1, 1], .reference) }
            let evaluate = {
                try unet(
                    g, sample: x, timesteps: timesteps, context: context, guidance: guidance, pose: pose, references: references,
                    frames: frames)
            }
            let output = try scope.map { try g.scoped($0, evaluate) } ?? evaluate()
            let noise = try g.input("noise\(pass)", latentShape)
            x = try x.multiplied(by: weight("sample")).adding(output.multiplied(by: weight("output")))
                .adding(noise.multiplied(by: weight("noise")))
        }
        g.output("next", x)
        return try g.graph()
    }
}
