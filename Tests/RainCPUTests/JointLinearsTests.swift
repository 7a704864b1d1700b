import RainGraph
import Testing

@testable import RainCPU

/// Linear layers of the same rows run together, and give what they give one by one.
@Suite struct JointLinearsTests {
    /// A network, and how many layers of it run together with how many others.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let groups: [Int]
        let build: @Sendable (GraphBuilder, Value) throws -> [Value]
    }

    private static func layer(_ g: GraphBuilder, _ x: Value, _ name: String, _ columns: Int = 24) throws -> Value {
        try x.linear(g.parameter(name, [columns, x.shape.last]), bias: nil)
    }

    static let cases = [
        Case(testDescription: "query, key, value", groups: [3]) { g, x in
            try ["q", "k", "v"].map { try layer(g, x, $0) }
        },
        Case(testDescription: "of different widths, with biases", groups: [2]) { g, x in
            try [("a", 7), ("b", 33)].map { name, columns in
                try x.linear(g.parameter(name, [columns, x.shape.last]), bias: g.parameter("\(name).bias", [columns]))
            }
        },
        // What a layer reads besides the rows must still be there when it runs with a later one.
        Case(testDescription: "a residual that nobody wants later", groups: [2]) { g, x in
            let a = try layer(g, x, "a", 96).adding(x.unary(.square))
            let other = try layer(g, x.silu(), "o")
            return try [a, other, layer(g, x, "b")]
        },
        Case(testDescription: "one reads another", groups: []) { g, x in
            let a = try layer(g, x, "a")
            return try [a, layer(g, x, "b").adding(a)]
        },
        Case(testDescription: "something reads one before the next", groups: [2]) { g, x in
            let square = try layer(g, x, "a").unary(.square)
            return try [square, layer(g, x, "b"), layer(g, x, "c")]
        },
        Case(testDescription: "more than run together", groups: [4, 2]) { g, x in
            try (0..<6).map { try layer(g, x, "l\($0)") }
        },
        Case(testDescription: "of two rows, mixed", groups: [2, 2]) { g, x in
            let z = try x.unary(.square)
            return try [layer(g, x, "a"), layer(g, z, "b"), layer(g, x, "c"), layer(g, z, "d")]
        },
    ]

    private static func values(_ name: String, _ shape: Shape) -> [Float] {
        (0..<shape.count).map { Float(($0 * 7 + name.utf8.reduce(0) { $0 + Int($1) }) % 23) / 23 - 0.5 }
    }

    private func result(_ program: Program, on engine: some Engine) throws -> [[Float]] {
        let executable = try engine.compile(program)
        try executable.load(Self.values)
        try executable.write("x", Self.values("x", [70, 96]))
        try executable.run(.step)
        return try program.graph.outputs.map { try executable.read($0.name) }
    }

    @Test(arguments: cases)
    func areWhatTheyAreAlone(_ network: Case) throws {
        let g = GraphBuilder()
        for (index, value) in try network.build(g, g.input("x", [70, 96])).enumerated() { g.output("y\(index)", value) }
        let program = try Program(g.graph()).rewritten(for: .all)
        let expected = try result(program, on: Interpreter())
        for set in CPUEngine.InstructionSet.allCases where set.isAvailable {
            let engine = CPUEngine(threads: 2, instructionSet: set)
            for (found, expected) in try zip(result(program, on: engine), expected) {
                let largest = expected.map(abs).max()!
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 * largest }, "\(set)")
            }
            let plan = try engine.compileForTraining(program).plan
            let groups = Set(plan.jointLinears().values)
            #expect(groups.map(\.count).sorted() == network.groups.sorted(), "\(set)")
        }
    }

    /// In training weights are packed in the step, each just before its layer.
    @Test func notInTraining() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let layers = try Self.cases[0].build(g, g.input("x", [5, 96]))
        let sum = try layers[0].adding(layers[1]).adding(layers[2])
        g.output("loss", try sum.unary(.square).summed(axes: [0, 1]).reshaped([]))
        let plan = try CPUEngine(threads: 1).compileForTraining(Program.training(g.graph(), loss: "loss")).plan
        #expect(plan.jointLinears().isEmpty)
    }
}
