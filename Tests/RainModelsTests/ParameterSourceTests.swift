import RainCheckpoints
import RainGraph
import RainModels
import Testing

@Suite struct ParameterSourceTests {
    private let parameters: [(name: String, shape: Shape)] = [("conv.weight", [2, 3]), ("conv.bias", [2]), ("norm.weight", [2])]

    private func source(_ tensors: [SafetensorsWriter.Tensor], prefix: String = "", _ body: (ParameterSource) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try SafetensorsWriter.write(to: folder + "/m.safetensors", tensors: tensors)
            try body(ParameterSource(path: folder + "/m.safetensors", prefix: prefix))
        }
    }

    @Test func readsWhatFits() throws {
        let tensors: [SafetensorsWriter.Tensor] = [
            ("a.conv.weight", [2, 3], .float16, [1, 2, 3, 4, 5, 6]), ("a.conv.bias", [2], .float32, [7, 8]),
            ("a.norm.weight", [2], .float32, [9, 10]), ("b.other", [1], .float32, [0]),
        ]
        try source(tensors, prefix: "a.") { source in
            try source.check(parameters)
            #expect(try source("conv.weight", [2, 3]) == [1, 2, 3, 4, 5, 6])
            #expect(source.scoped("conv.").names == ["bias", "weight"])
            #expect(try source.scoped("conv.")("bias", [2]) == [7, 8])
        }
    }

    @Test func listsEverythingThatIsWrongAtOnce() throws {
        try source([
            ("conv.weight", [3, 2], .float32, [1, 2, 3, 4, 5, 6]), ("surplus", [1], .float32, [0]), ("norm.weight", [2], .float32, [1, 1]),
        ]) {
            source in
            let failure = #expect(throws: ModelError.self) { try source.check(parameters) }
            let text = failure?.description ?? ""
            for part in ["m.safetensors", "1 missing: conv.bias", "conv.weight [3, 2] instead of [2, 3]", "1 surplus: surplus"] {
                #expect(text.contains(part), "\(text)")
            }
            #expect(throws: ModelError.self) { try source("conv.bias", [2]) }
            #expect(throws: CheckpointError.self) { try source("conv.weight", [2, 3]) }
        }
    }

    @Test func ignoresOnlyWhatItIsTold() throws {
        try source([("norm.weight", [2], .float32, [1, 1]), ("head.weight", [1], .float32, [0])]) { source in
            let needed = [parameters[2]]
            #expect(throws: ModelError.self) { try source.check(needed) }
            try source.check(needed, ignoring: { $0.hasPrefix("head.") })
        }
    }

    @Test(arguments: [Float.nan, .infinity])
    func refusesValuesThatAreNotFinite(_ value: Float) throws {
        try source([("norm.weight", [2], .float32, [1, value])]) { source in
            try source.check([parameters[2]])
            let failure = #expect(throws: CheckpointError.self) { try source("norm.weight", [2]) }
            #expect(failure?.tensor == "norm.weight")
        }
    }
}
