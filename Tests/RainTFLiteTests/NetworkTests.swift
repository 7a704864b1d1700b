import Foundation
import RainGraph
import RainNetworks
import Testing

@testable import RainTFLite

@Suite struct NetworkTests {
    /// Runs part of the case's network on what LiteRT had there.
    ///
    /// - Returns: the largest difference of each output, as a part of its largest element
    private func errors(_ contestant: Contestant, inputs: [String]? = nil, outputs: [String]? = nil) throws -> [String: Float] {
        let reference = try Reference()
        let network = try TFLiteModel(operatorsFile(), name: "operators.tflite").network(inputs: inputs, outputs: outputs)
        let executable = try contestant.prepare(network)
        for input in network.graph.inputs { try executable.write(input.name, #require(reference.tensors[input.name])) }
        try executable.run(.step)
        return try network.graph.outputs.reduce(into: [:]) { errors, output in
            let expected = try #require(reference.tensors[output.name])
            let values = try executable.read(output.name)
            #expect(values.count == expected.count, "\(output.name)")
            let largest = expected.reduce(0) { max($0, abs($1)) }
            errors[output.name] = zip(values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
        }
    }

    @Test(arguments: Contestant.allCases)
    func agreesWithLiteRT(_ contestant: Contestant) throws {
        let errors = try errors(contestant)
        #expect(errors.count == 92)
        #expect(errors.filter { !($0.value < 1e-5) } == [:])
    }

    private static let cuts: [([String]?, [String])] = [
        (nil, ["inner a"]), (["inner a"], ["inner b"]), (["inner b", "picture"], ["end of the chain", "inner c", "LOGISTIC"]),
        (["inner c"], ["end of the chain"]), (["inner a", "inner b"], ["inner c"]),
    ]

    @Test(arguments: cuts, Contestant.allCases)
    func partsAgreeWithLiteRT(_ cut: (inputs: [String]?, outputs: [String]), _ contestant: Contestant) throws {
        let errors = try errors(contestant, inputs: cut.inputs, outputs: cut.outputs)
        #expect(Set(errors.keys) == Set(cut.outputs))
        #expect(errors.filter { !($0.value < 1e-5) } == [:])
    }

    /// A part has the inputs that were asked for, and weights of its own operators only.
    @Test func partsHoldNothingElse() throws {
        let model = try TFLiteModel(operatorsFile(), name: "operators.tflite")
        let part = try model.network(inputs: ["inner c"], outputs: ["end of the chain"]).graph
        #expect(part.inputs.map(\.name) == ["inner c"] && part.inputs[0].type.shape == [1, 3, 3, 10])
        #expect(part.outputs.map(\.name) == ["end of the chain"])
        #expect(part.parameters.map(\.shape) == [[2, 10, 1, 1]])
        // Operators that are not supported do no harm off the way.
        var maker = NetworkMaker()
        maker.node(.relu, [0])
        maker.node(.custom, [1])
        #expect(try TFLiteModel(maker.file, name: "made.tflite").network(outputs: ["y0"]).graph.nodes.count == 2)
    }

    @Test func models() throws {
        let data = try operatorsFile()
        let model = try TFLiteModel(data, name: "operators.tflite")
        #expect(model.byteCount == data.count && model.file == "operators.tflite")
        #expect(model.inputs == ["picture", "two", "rows"] && model.outputs.count == 92)
        let (name, type, shape) = try #require(model.describe(["nothing", "two"]).first)
        #expect(name == "two" && type == "float32" && shape == [2, 8, 7, 4])
        #expect(model.operatorCounts.first { $0.name == "PAD" }?.count == 6)
        #expect(Set(model.operatorCounts.map(\.name)) == Set(Importer.operators.keys.map(\.name)))
        #expect(model.operatorCounts.allSatisfy { $0.isSupported })
    }

    /// Old files say what an operator is in a field of one byte, new ones also in another.
    @Test func kindsOfOldFiles() throws {
        var maker = NetworkMaker()
        maker.node(.relu, [0])
        maker.codes[0][3] = nil
        #expect(try TFLiteModel(maker.file, name: "made.tflite").operatorCounts.map(\.name) == ["RELU"])
    }

    /// Convolutions whose biases are left out, either way, and activations that LiteRT has only for other operators.
    @Test func whatLiteRTDoesNotRun() throws {
        var maker = NetworkMaker(input: [1, 1, 1, 2])
        let weights = maker.floats([2, 1, 1, 2], -2)
        let first = maker.node(.convolution, [0, weights], NetworkMaker.window(1))
        let second = maker.node(.convolution, [0, weights, -1], NetworkMaker.window(1, 1, [3: .byte(3)]))
        maker.node(.concatenation, [first, second], [0: .number(-1), 1: .byte(1)])
        let executable = try Contestant.interpreter.prepare(TFLiteModel(maker.file, name: "made.tflite").network())
        for (values, expected) in [([1, 0.5], [0, 0, 0, 0]), ([-1, -3], [8, 8, 6, 6])] as [([Float], [Float])] {
            try executable.write("x", values)
            try executable.run(.step)
            #expect(try executable.read("y2") == expected)
        }
    }
}
