import RainCPU
import RainGraph
import RainTesting
import Testing

/// A stream that has gone wrong must be seen to have: no layer may turn what is not a number into one.
@Suite struct NotANumberTests {
    @Test(arguments: [Unary.relu, .silu, .gelu, .tanh, .sigmoid], [1, 37])
    func survivesActivations(_ activation: Unary, count: Int) throws {
        for engine in EngineTests.engines {
            let g = GraphBuilder()
            let x = try g.input("x", [count, 1])
            g.output("alone", try x.unary(activation))
            // As the end of the layer before it.
            g.output("fused", try x.linear(g.parameter("weight", [16, 1]), bias: g.parameter("bias", [16])).unary(activation))
            let executable = try engine.compile(Program(g.graph()))
            try executable.load { _, shape in [Float](repeating: 1, count: shape.count) }
            var values = [Float](repeating: -2, count: count)
            values[count - 1] = .nan
            try executable.write("x", values)
            try executable.run(.step)
            let (alone, fused) = (try executable.read("alone"), try executable.read("fused"))
            for index in 0..<count {
                #expect(alone[index].isNaN == (index == count - 1), "\(engine.instructionSet)")
                #expect(fused[16 * index..<16 * index + 16].allSatisfy { $0.isNaN == (index == count - 1) }, "\(engine.instructionSet)")
            }
        }
    }
}
