import Foundation
import RainCheckpoints
import RainGraph
import Testing

@testable import RainModels

@Suite struct UNetTests {
    /// A denoising network with its inputs `sample`, `timesteps`, `pose` and the banks.
    private func denoiser(
        _ configuration: UNetConfiguration, characters: Int = 1, frames: Int, height: Int = 8, width: Int = 8, motion: Bool = true,
        timesteps: [Float]? = nil, record: Recorder? = nil
    ) throws -> Graph {
        let g = GraphBuilder()
        let n = characters * frames
        let references = try configuration.banks(height: height, width: width).map {
            Bank(name: $0.name, tokens: try g.input($0.name, [characters, $0.tokens, $0.channels], .reference))
        }
        let result = try DenoisingUNet(configuration)(
            g, sample: g.input("sample", [n, height, width, configuration.inChannels]),
            timesteps: timesteps.map { try g.constant($0, [$0.count]) } ?? g.input("timesteps", [frames]),
            pose: g.input("pose", [n, height, width, configuration.blockOutChannels[0]]), references: references, frames: frames,
            motion: motion, record: record)
        g.output("result", result)
        return try g.graph()
    }

    private func inputs(_ graph: Graph, except: Set<String> = []) -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: graph.inputs.enumerated().filter { !except.contains($0.element.name) }
                .map { ($0.element.name, numbers($0.element.type.shape.count, seed: UInt64($0.offset + 1))) })
    }

    @Test func miniatureHasTheRightShapes() throws {
        let graph = try denoiser(.mini, characters: 2, frames: 4)
        #expect(graph.output("result").map(graph.shape) == [8, 8, 8, 4])
        let names = graph.parameters.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(!names.contains { $0.contains("attn2") || $0.contains("norm2.transformer") || $0.contains("cond_proj") })
        #expect(names.contains("up_blocks.2.motion_modules.1.temporal_transformer.proj_out.weight"))
        #expect(!names.contains { $0.hasSuffix("pos_encoder.pe") })
    }

    @Test func banksFollowTheConfiguration() throws {
        #expect(
            UNetConfiguration().banks(height: 64, width: 64).map(\.name)
                == ["d00", "d01", "d10", "d11", "d20", "d21", "m", "u10", "u11", "u12", "u20", "u21", "u22", "u30", "u31", "u32"])
        #expect(
            UNetConfiguration.mini.banks(height: 8, width: 6).map { [$0.tokens, $0.channels] }
                == [[48, 16], [12, 24], [4, 32], [4, 32], [4, 32], [4, 32], [12, 24], [12, 24], [48, 16], [48, 16]])
    }

    @Test func parametersAreThePublishedKeys() throws {
        let file = try Checkpoint(path: fixtures + "/denoising_unet.safetensors")
        struct Form: Decodable { let config: UNetConfiguration }
        let json = try Data(contentsOf: URL(fileURLWithPath: fixtures + "/denoising_unet.json"))
        var configuration = try JSONDecoder().decode(Form.self, from: json).config
        let parameters = try DenoisingUNet(configuration).parameters()
        #expect(Set(parameters.map { "weights/" + $0.name }) == Set(file.names.filter { $0.hasPrefix("weights/") }))
        for parameter in parameters { #expect(try file.info("weights/" + parameter.name).shape == parameter.shape.dimensions) }
        configuration.motion = nil
        configuration.guidanceChannels = nil
        // What the official module of the reference network counts.
        #expect(try ReferenceUNet(configuration).parameters().count == 680)
    }

    @Test func publishedSizeBuilds() throws {
        var configuration = UNetConfiguration()
        configuration.guidanceChannels = 512
        var motion = MotionConfiguration(heads: [8, 8, 8, 8])
        motion.storesPositions = true
        configuration.motion = motion
        let count = try DenoisingUNet(configuration).parameters().filter { !$0.name.hasSuffix(".pe") }.map(\.shape.count).reduce(0, +)
        // Stable Diffusion 1.5's 859,520,964, AnimateDiff's motion modules (mid block included) and 320 × 512 for the guidance.
        #expect(count > 1_300_000_000 && count < 1_330_000_000)
        configuration.motion = nil
        configuration.guidanceChannels = nil
        #expect(try DenoisingUNet(configuration).parameters().map(\.shape.count).reduce(0, +) == 859_520_964)
    }

    @Test func learnedPositionsBelongToOneSize() throws {
        var configuration = UNetConfiguration.mini
        configuration.positions = [8, 6]
        #expect(try DenoisingUNet(configuration).parameters().first { $0.name == "position_embedding" }?.shape == [1, 8, 6, 16])
        #expect(try ReferenceUNet(configuration).parameters().contains { $0.name == "position_embedding" })
        #expect(try denoiser(configuration, frames: 2, height: 8, width: 6).output("result") != nil)
        #expect(throws: GraphError.self) { try denoiser(configuration, frames: 2) }
    }

    @Test func nothingIsBuiltAfterTheLastBank() throws {
        let g = GraphBuilder()
        let banks = try ReferenceUNet(.mini)(
            g, latents: g.input("latents", [2, 8, 8, 4], .reference), pose: g.input("pose", [2, 8, 8, 16], .reference))
        for bank in banks { g.output(bank.name, bank.tokens) }
        #expect(banks.map(\.name) == UNetConfiguration.mini.banks(height: 8, width: 8).map(\.name))
        #expect(banks.map(\.tokens.shape) == UNetConfiguration.mini.banks(height: 8, width: 8).map { [2, $0.tokens, $0.channels] })
        let names = Set(try g.graph().parameters.map(\.name))
        #expect(names.contains("up_blocks.2.attentions.1.transformer_blocks.0.norm1.weight"))
        #expect(!names.contains("up_blocks.2.attentions.1.transformer_blocks.0.attn1.to_q.weight"))
        #expect(names.isSubset(of: Set(try ReferenceUNet(.mini).parameters().map(\.name))))
        #expect(try g.graph().nodes.allSatisfy { $0.lifetime < .step })
    }

    @Test func keysOfTheReferenceLiveAsLongAsTheReference() throws {
        let graph = try denoiser(.mini, frames: 2, timesteps: [249, 999])
        var references = 0
        for node in graph.nodes {
            guard case .attention = node.operation, node.operands.count == 5 else { continue }
            references += 1
            #expect(graph.nodes[node.operands[3].node].lifetime == .reference)
            #expect(graph.nodes[node.operands[4].node].lifetime == .reference)
        }
        #expect(references == UNetConfiguration.mini.banks(height: 8, width: 8).count)
        // With constant timesteps everything that hangs on them is known when a checkpoint is loaded.
        #expect(graph.nodes.contains { $0.place.hasSuffix("resnets.0") && $0.operation.name == "silu" && $0.lifetime == .weights })
        #expect(graph.nodes.allSatisfy { !$0.place.hasPrefix("time_embedding") || $0.lifetime == .weights })
    }

    @Test func charactersInOneBatchDoNotMeet() throws {
        let frames = 3
        let both = try denoiser(.mini, characters: 2, frames: frames)
        let given = inputs(both)
        let together = try run(both, given).read("result")
        let alone = try denoiser(.mini, frames: frames)
        for character in 0..<2 {
            let own = given.mapValues { values in values }.reduce(into: [String: [Float]]()) { own, input in
                let half = input.value.count / 2
                own[input.key] = input.key == "timesteps" ? input.value : Array(input.value[character * half..<(character + 1) * half])
            }
            let half = together.count / 2
            #expect(error(try run(alone, own).read("result"), Array(together[character * half..<(character + 1) * half])) < 1e-5)
        }
    }

    @Test func motionJoinsFramesAndCanBeLeftOut() throws {
        /// How much the first frame's result changes when the last frame's sample does.
        func influence(motion: Bool) throws -> Float {
            let graph = try denoiser(.mini, frames: 3, motion: motion)
            var given = inputs(graph)
            let before = try run(graph, given).read("result")
            let frame = before.count / 3
            given["sample"]?[2 * frame] += 1
            return error(Array(try run(graph, given).read("result").prefix(frame)), Array(before.prefix(frame)))
        }
        #expect(try influence(motion: true) > 1e-4)
        #expect(try influence(motion: false) == 0)
        #expect(try denoiser(.mini, frames: 1, motion: false).parameters.allSatisfy { !$0.name.contains("motion_modules") })
        #expect(try denoiser(.mini, frames: 1).parameters.contains { $0.name.contains("motion_modules") })
    }

    @Test(arguments: [(7, 9), (15, 8), (1, 1)])
    func oddSizesComeBack(height: Int, width: Int) throws {
        let graph = try denoiser(.mini, frames: 1, height: height, width: width)
        #expect(graph.output("result").map(graph.shape) == [1, height, width, 4])
    }

    @Test func oneLevelIsEnough() throws {
        var configuration = UNetConfiguration.mini
        configuration.blockOutChannels = [16]
        (configuration.downAttention, configuration.upAttention) = ([false], [false])
        configuration.attentionHeads = [2]
        configuration.motion = nil
        #expect(configuration.banks(height: 4, width: 4).map(\.name) == ["m"])
        let graph = try denoiser(configuration, frames: 2, height: 4, width: 4)
        #expect(graph.output("result").map(graph.shape) == [2, 4, 4, 4])
    }

    @Test func complainsOfWhatDoesNotFit() throws {
        let g = GraphBuilder()
        let unet = try DenoisingUNet(.mini)
        let sample = try g.input("sample", [3, 8, 8, 4])
        let timesteps = try g.input("timesteps", [3])
        #expect(throws: GraphError.self) { try unet(g, sample: sample, timesteps: timesteps, references: [], frames: 2) }
        let stray = Bank(name: "d00", tokens: try g.input("d00", [1, 64, 16]))
        let failure = #expect(throws: GraphError.self) { try unet(g, sample: sample, timesteps: timesteps, references: [stray], frames: 3) }
        #expect(failure?.message.contains("d10") == true)
        let long = try g.input("long", [33, 8, 8, 4])
        let tooLong = #expect(throws: GraphError.self) {
            try unet(g, sample: long, timesteps: g.constant([999], [1]), references: [], frames: 33)
        }
        #expect(tooLong?.message.contains("33 frames") == true)
    }
}
