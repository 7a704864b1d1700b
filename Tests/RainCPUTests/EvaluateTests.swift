import RainCPU
import RainGraph
import RainTesting
import Testing

/// Programs that run once, with parameters that come and go, and programs that share what they packed.
@Suite struct EvaluateTests {
    private static let engine = CPUEngine(threads: 2, arithmetic: .exact)

    @Test(arguments: UInt64(0)..<60)
    func onceIsAsOften(_ seed: UInt64) throws {
        let program = try Program(RandomGraph.make(seed: seed))
        let inputs = program.graph.inputs.reduce(into: [:]) { $0[$1.name] = seeded($1.name, $1.type.shape) }
        let once = try Self.engine.evaluate(program, inputs: inputs) { seeded($0, $1) }
        #expect(try once == outputs(of: program.rewritten(for: Self.engine.capabilities), on: Self.engine))
        #expect(try largestDifference(once, Interpreter().evaluate(program, inputs: inputs) { seeded($0, $1) }) < 3e-5)
    }

    @Test func failuresOfParametersEndTheRun() throws {
        struct Lost: Error {}
        let graph = try RandomGraph.make(seed: 3)
        #expect(throws: Lost.self) { try Self.engine.evaluate(Program(graph), inputs: [:]) { _, _ in throw Lost() } }
        #expect(throws: GraphError.self) { try Self.engine.evaluate(Program(graph), inputs: [:]) { _, _ in [] } }
    }

    /// A parameter that is an output itself, and one that nothing needs.
    @Test func parametersMayBeOutputs() throws {
        let g = GraphBuilder()
        let weight = try g.parameter("w", [2, 3])
        g.output("w", weight)
        g.output("alone", try g.parameter("alone", [2]).reshaped([1, 2]))
        g.output("y", try g.input("x", [1, 3]).linear(weight))
        let found = try Self.engine.evaluate(Program(g.graph()), inputs: ["x": [1, 2, 3]]) { name, shape in
            name == "w" ? [1, 0, 0, 0, 1, 1] : (0..<shape.count).map { Float($0) + 5 }
        }
        #expect(found == ["w": [1, 0, 0, 0, 1, 1], "alone": [5, 6], "y": [1, 5]])
    }

    /// The stream's beginning, middle and end are programs over the same weights.
    @Test func packedWeightsAreShared() throws {
        func program(_ rows: Int) throws -> Program {
            let g = GraphBuilder()
            let x = try g.input("x", [rows, 4, 4, 16])
            let w = try g.parameter("conv", [16, 16, 3, 3])
            let y = try x.convolved(w, bias: g.parameter("bias", [16]), Convolution(padding: [1, 1, 1, 1]))
            // Used at load and at every step, as by positions added before a projection.
            let linear = try g.parameter("linear", [8, 16])
            g.output("y", try y.linear(linear).adding(g.parameter("positions", [4, 16]).linear(linear)))
            return try Program(g.graph())
        }
        let first = try Self.engine.compile(program(1))
        try first.load { seeded($0, $1) }
        let second = try Self.engine.compile(program(3), beside: first)
        var asked: [String] = []
        try second.load { name, shape in
            asked.append(name)
            return seeded(name, shape)
        }
        #expect(asked.sorted() == ["bias", "positions"])
        let x = seeded("x", [3, 4, 4, 16])
        try second.write("x", x)
        try second.run(.step)
        let alone = try Self.engine.evaluate(program(3), inputs: ["x": x]) { seeded($0, $1) }
        #expect(try second.read("y") == alone["y"])
        // What is loaded later is not taken for these.
        let other = try Self.engine.compile(program(3), beside: first)
        for _ in 0..<2 { try other.load { name, shape in seeded(name + "'", shape) } }
        try other.write("x", x)
        try other.run(.step)
        #expect(try other.read("y") != alone["y"])
    }
}
