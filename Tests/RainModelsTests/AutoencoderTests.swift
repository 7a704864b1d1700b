import Foundation
import RainGraph
import Testing

@testable import RainModels

@Suite struct AutoencoderTests {
    private var small: PatchAutoencoder {
        var small = PatchAutoencoder()
        (small.latentChannels, small.encoderChannels, small.decoderChannels) = (4, [12, 16], [16, 12, 8])
        return small
    }

    @Test func shufflingIsUndone() throws {
        let g = GraphBuilder()
        let x = try g.input("x", [2, 4, 6, 3])
        let blocks = try x.pixelUnshuffled(2)
        #expect(blocks.shape == [2, 2, 3, 12])
        g.output("blocks", blocks)
        g.output("back", try blocks.pixelShuffled(2))
        let values = (0..<144).map { Float($0) }
        let executable = try run(g.graph(), ["x": values])
        #expect(try executable.read("back") == values)
        // The first block: pixels (0,0), (0,1), (1,0), (1,1) with their three channels.
        #expect(try executable.read("blocks").prefix(12) == [0, 1, 2, 3, 4, 5, 18, 19, 20, 21, 22, 23])
    }

    @Test(arguments: [[6], [2, 4], [2, 4, 6], [1, 2, 4, 6, 4]] as [Shape])
    func shufflingWantsPictures(_ shape: Shape) throws {
        let x = try GraphBuilder().input("x", shape)
        for shuffle in [{ try x.pixelShuffled(2) }, { try x.pixelUnshuffled(2) }, { try x.tokens() }] as [() throws -> Value] {
            let failure = #expect(throws: GraphError.self) { try shuffle() }
            #expect(failure?.code == .shapeMismatch && failure?.description.contains("\(shape)") == true)
        }
    }

    @Test(arguments: [([12, 16], [16, 12, 8], 8), ([8], [12, 8], 4), ([8, 12, 12], [16, 12, 8, 8], 16)])
    func sizesFollowThePatch(_ encoder: [Int], _ decoder: [Int], _ patch: Int) throws {
        var model = small
        (model.encoderChannels, model.decoderChannels) = (encoder, decoder)
        (model.encoderBlocks, model.decoderBlocks) = (encoder.map { _ in 1 }, decoder.map { _ in 1 })
        #expect(model.patchSize == patch)
        let g = GraphBuilder()
        let latents = try model.encode(g, g.input("x", [2, 32, 16, 3]))
        #expect(latents.shape == [2, 32 / patch, 16 / patch, 4])
        #expect(try model.decode(g, latents).shape == [2, 32, 16, 3])
        let names = try g.graph().parameters.map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test func statisticsNormaliseAndAreNotTrained() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let x = try g.input("x", [1, 16, 16, 3])
        g.output("raw", try small.encode(g, x, normalized: false))
        g.output("normal", try small.encode(g, x))
        g.output("again", try small.decode(g, small.encode(g, x)))
        g.output("plain", try small.decode(g, small.encode(g, x, normalized: false), normalized: false))
        let graph = try g.graph()
        #expect(!graph.trainedParameters.contains { $0.name.hasPrefix("latent_") })
        let executable = try Interpreter().compile(Program(graph))
        var seed: UInt64 = 0
        try executable.load { name, shape in
            seed += 1
            return switch name {
            case "latent_mean": [1, 2, 3, 4]
            case "latent_std": [2, 2, 4, 4]
            default: numbers(shape.count, seed: seed).map { $0 * 0.2 }
            }
        }
        try executable.write("x", numbers(x.shape.count, seed: 99))
        try executable.run(.step)
        let (raw, normal) = (try executable.read("raw"), try executable.read("normal"))
        for (index, value) in raw.enumerated() {
            let channel = index % 4
            #expect(abs((value - Float(channel + 1)) / [2, 2, 4, 4][channel] - normal[index]) < 1e-5)
        }
        #expect(error(try executable.read("again"), try executable.read("plain")) < 1e-5)
    }

    @Test func refusesAnImpossibleAutoencoder() {
        var model = small
        model.decoderChannels = [16, 12]
        model.decoderBlocks = [1, 1]
        #expect(throws: ModelError.self) { try model.validate() }
    }

    @Test func videoDecodesTheSameInSlicesOfAnySize() throws {
        let model = TAESDV(channels: 6)
        let shapes = model.memoryShapes(height: 3, width: 2)
        #expect(shapes.count == 10)
        func decode(_ latents: [Float], _ memories: [[Float]]) throws -> (pictures: [Float], memories: [[Float]]) {
            let g = GraphBuilder()
            let inputs = try shapes.enumerated().map { try g.input("m\($0.offset)", $0.element) }
            let (pictures, left) = try model.decode(g, g.input("z", [latents.count / 24, 3, 2, 4]), memories: inputs)
            g.output("pictures", pictures)
            for (index, value) in left.enumerated() { g.output("left\(index)", value) }
            var given = ["z": latents]
            for (index, memory) in memories.enumerated() { given["m\(index)"] = memory }
            let executable = try run(g.graph(), given)
            return (try executable.read("pictures"), try shapes.indices.map { try executable.read("left\($0)") })
        }
        let latents = numbers(4 * 24, seed: 5)
        let zeros = shapes.map { [Float](repeating: 0, count: $0.count) }
        let whole = try decode(latents, zeros)
        let first = try decode(Array(latents.prefix(24)), zeros)
        let rest = try decode(Array(latents.dropFirst(24)), first.memories)
        #expect(error(first.pictures + rest.pictures, whole.pictures) < 1e-6)
        #expect(error(rest.memories.flatMap { $0 }, whole.memories.flatMap { $0 }) < 1e-6)
        // And the memory matters.
        #expect(error(try decode(Array(latents.dropFirst(24)), zeros).pictures, rest.pictures) > 1e-4)
    }

    @Test(arguments: [(1, [8, 12, 16], 4), (4, [8, 12], 8), (2, [8], 2)])
    func poseFeaturesHaveTheirSize(_ patch: Int, _ channels: [Int], _ downscale: Int) throws {
        let guider = PoseGuider(embeddingChannels: 10, blockOutChannels: channels, patchSize: patch)
        #expect(guider.downscale == downscale)
        let g = GraphBuilder()
        #expect(try guider(g, g.input("pictures", [2, 32, 16, 3])).shape == [2, 32 / downscale, 16 / downscale, 10])
        #expect(try JSONDecoder().decode(PoseGuider.self, from: JSONEncoder().encode(guider)) == guider)
    }
}
