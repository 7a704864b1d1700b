import RainCPU
import RainGraph
import RainNetworks
import SwiftProtobuf
import Testing

@testable import RainONNX

@Suite struct NetworkTests {
    /// Pictures stay in Rain's order from the first layer to the last: only what the first one reads is turned.
    @Test(arguments: ["tiny_yolox", "tiny_yolox_opset11"])
    func detectorsTurnNothingButTheirInput(_ name: String) throws {
        let graph = try Program(ONNXModel(path: "\(fixtures)/\(name).onnx").network().graph).rewritten(for: .all).graph
        let transposes = graph.nodes.filter { if case .transpose = $0.operation { true } else { false } }
        #expect(transposes.count == 1)
        #expect(transposes.first.map { graph.shape($0.operands[0]) } == [1, 12, 32, 32])
    }

    /// x · sigmoid(x) is one function, and part of the convolution before it.
    @Test(arguments: tinyNetworks)
    func activationsAreEpilogues(_ name: String) throws {
        let graph = try Program(ONNXModel(path: "\(fixtures)/\(name).onnx").network().graph).rewritten(for: .all).graph
        let convolutions = graph.nodes.filter { node in
            switch node.operation {
            case .convolution(_, let epilogue), .linear(let epilogue, _), .depthwiseConvolution(_, let epilogue):
                epilogue.activation == .silu
            default: false
            }
        }
        #expect(convolutions.count >= 20)
        #expect(!graph.nodes.contains { $0.operation == .unary(.silu) })
    }

    @Test func weightsKeepTheirNames() throws {
        let network = try ONNXModel(path: "\(fixtures)/tiny_yolox.onnx").network()
        #expect(network.graph.parameters.contains { $0.name == "stem.conv.0.weight" })
        #expect(throws: GraphError.self) { try network.parameter("other", [1]) }
    }

    @Test func summaries() throws {
        let summary = try ONNXModel(path: "\(fixtures)/tiny_rtmpose_opset11.onnx").summary
        #expect(summary.operatorSets == ["ai.onnx": 11])
        #expect(summary.inputs.map(\.name) == ["input"] && summary.inputs[0].shape == ["1", "3", "32", "24"])
        #expect(summary.outputs.map(\.name) == ["simcc_x", "simcc_y"])
        #expect(summary.operators.first { $0.name == "Conv" }?.count == 22)
        #expect(summary.operators.allSatisfy { $0.supported })
        #expect(summary.initializers.count == 54)
    }

    struct Rounding: Sendable {
        var type: Int64
        var values: [Float]
        var right: [Float]
    }

    /// What is known on import is rounded to the type it is cast to, to the nearest and ties to even.
    @Test(arguments: [
        Rounding(
            type: 10, values: [0.1, 1.0004883, 1.0014648, -2049, 65519, 6e-8, 2e-8],
            right: [0.099975586, 1, 1.0019531, -2048, 65504, 5.9604645e-8, 0]),
        Rounding(type: 10, values: [65520, -1e6], right: [.infinity, -.infinity]),
        Rounding(
            type: 16, values: [0.1, 1.00390625, 1.01171875, -257, 3.4e38], right: [0.100097656, 1, 1.015625, -256, .infinity]),
        Rounding(type: 1, values: [0.1, 65519], right: [0.1, 65519]),
    ])
    func castsRound(_ rounding: Rounding) throws {
        let (values, right) = (rounding.values, rounding.right)
        var maker = NetworkMaker(input: [1, Int64(values.count)])
        maker.floats("c", values, shape: [1, Int64(values.count)])
        maker.node("Cast", ["c"], ["half"], [.int("to", rounding.type)])
        maker.node("Cast", ["half"], ["whole"], [.int("to", 1)])
        maker.node("Add", ["x", "whole"], ["y"])
        let executable = try maker.network().prepared(on: CPUEngine(threads: 1))
        try executable.write("x", [Float](repeating: 0, count: values.count))
        try executable.run(.step)
        let found = try executable.read("y")
        #expect(found == right)
    }

    @Test func openBatchesAreOne() throws {
        var maker = NetworkMaker(input: [nil, 4, 6, 6])
        maker.node("Relu", ["x"], ["y"])
        #expect(try maker.network().graph.inputs[0].type.shape == [1, 4, 6, 6])
        #expect(try maker.read().network(inputShapes: ["x": [3, 4, 6, 6]]).graph.inputs[0].type.shape == [3, 4, 6, 6])
        #expect(throws: NetworkError.self) { try maker.read().network(inputShapes: ["x": [3, 4, 6, 7]]) }
    }

    @Test func aBatchOfPicturesIsEachByItself() throws {
        let model = try ONNXModel(path: "\(fixtures)/tiny_rtmpose.onnx")
        var open = model.proto
        open.graph.input[0].type.tensorType.shape.dim[0].clearDimValue()
        let batch = try ONNXModel(open.serializedBytes(), name: "open.onnx").network(inputShapes: ["input": [2, 3, 32, 24]])
        let one = try model.network().prepared(on: CPUEngine())
        let two = try batch.prepared(on: CPUEngine())
        let count = 3 * 32 * 24
        let values = (0..<2 * count).map { Float($0 % 251) / 251 - 0.5 }
        try two.write("input", values)
        try two.run(.step)
        let both = try two.read("simcc_x")
        for index in 0..<2 {
            try one.write("input", Array(values[index * count..<(index + 1) * count]))
            try one.run(.step)
            let alone = try one.read("simcc_x")
            let part = both[index * alone.count..<(index + 1) * alone.count]
            // One picture and two may go through different convolution kernels, which round differently.
            let largest = alone.reduce(0) { max($0, abs($1)) }
            #expect(zip(alone, part).allSatisfy { abs($0 - $1) < 5e-5 * largest })
        }
    }
}
