import CPUKernels
import RainGraph
import RainTesting
import Testing

@testable import RainCPU

/// Concatenations that are not made, since their readers take both operands.
@Suite struct ConcatenationTests {
    /// Bit for bit as of one tensor, wherever the border lies in a vector, in a block of the matrix unit and in long rows.
    @Test(arguments: KernelSet.available)
    func linear(_ set: KernelSet) {
        let sizes = [
            (1, 1, 1, 1), (2, 3, 1, 2), (7, 17, 3, 1), (13, 33, 7, 3), (31, 16, 17, 5), (40, 5, 5, 60), (300, 64, 64, 64),
            (64, 96, 128, 96),
            (270, 33, 96, 64), (33, 40, 40, 24), (20, 17, 31, 33), (65, 33, 640, 320), (37, 20, 1300, 1290), (9, 1030, 17, 3000),
            (35, 20, 2565, 2700),
        ]
        for (m, n, first, second) in sizes {
            let linear = KernelsMatrixTests.Linear(
                m: m, n: n, k: first + second, epilogue: (m + n) % 8, activation: KernelsMatrixTests.activations[(m + first) % 7],
                transposed: (m + second) % 2 == 0)
            #expect(linear.run(plainPool(), first: first) == linear.run(plainPool()), "\(first) of \(linear)")
            for pool in [1, 2].map(set.pool) {
                #expect(linear.run(pool, first: first) == linear.run(pool), "\(first) of \(linear)")
            }
        }
    }

    /// `[2, 3, 5, first + second]`, normalised and projected as in a residual block, and what else the case reads of it.
    private static func graph(
        first: Int, second: Int, groups: Int, parameterLifetime: Lifetime = .weights,
        further: (GraphBuilder, Value) throws -> Void = { _, _ in }
    ) throws -> Graph {
        let g = GraphBuilder(parameterLifetime: parameterLifetime)
        // The operands' memory is wanted by what is computed in between, unless it is known to be read later.
        let x = try g.input("x", [2, 3, 5, first]).unary(.square)
        let z = try g.input("z", [2, 3, 5, second]).unary(.silu)
        let both = try x.concatenated(with: [z], axis: 3)
        let channels = first + second
        let normed = try both.groupNorm(
            gamma: g.parameter("gamma", [channels]), beta: g.parameter("beta", [channels]), groups: groups, epsilon: 1e-5
        ).silu()
        let hidden = try normed.linear(g.parameter("hidden", [40, channels])).silu().linear(g.parameter("back", [9, 40]))
        let shortcut = try both.linear(g.parameter("shortcut", [9, channels]), bias: g.parameter("bias", [9]))
        g.output("y", try hidden.adding(shortcut))
        g.output("same rows", try both.linear(g.parameter("second", [5, channels])))
        try further(g, both)
        return try Program(g.graph()).rewritten(for: .all).graph
    }

    private static func isMade(_ program: Program) -> Bool {
        program.graph.nodes.contains { if case .concatenate = $0.operation { true } else { false } } && Plan.unmade(in: program).isEmpty
    }

    @Test(arguments: [(1, 3, 2), (17, 5, 11), (64, 64, 8), (7, 1, 1), (40, 88, 32), (96, 64, 8)])
    func areThoseOfTheCopy(_ first: Int, _ second: Int, _ groups: Int) throws {
        let program = try Program(Self.graph(first: first, second: second, groups: groups))
        let copied = try Program(Self.graph(first: first, second: second, groups: groups) { g, both in g.output("both", both) })
        #expect(Plan.unmade(in: program).count == 1 && Self.isMade(copied))
        let expected = try outputs(of: program)
        for set in CPUEngine.InstructionSet.allCases where set.isAvailable {
            for threads in [1, 2] {
                let engine = CPUEngine(threads: threads, instructionSet: set)
                let found = try outputs(of: program, on: engine)
                let copy = try outputs(of: copied, on: engine)
                #expect(found["y"] == copy["y"] && found["same rows"] == copy["same rows"], "\(set), \(threads) threads")
                #expect(largestDifference(found, expected) < (set == .amx ? 3e-4 : 3e-5), "\(set), \(threads) threads")
                let inputs = program.graph.inputs.reduce(into: [:]) { $0[$1.name] = seeded($1.name, $1.type.shape) }
                #expect(try engine.evaluate(program, inputs: inputs) { seeded($0, $1) } == found, "once, \(set), \(threads) threads")
            }
        }
    }

    @Test func areNoInstructions() throws {
        let engine = CPUEngine(threads: 1)
        let program = try Program(Self.graph(first: 64, second: 64, groups: 8))
        let executable = try #require(try engine.compile(program) as? CPUExecutable)
        try executable.load { seeded($0, $1) }
        let ran = executable.runTimed(.step).map { program.graph.nodes[$0.node].operation.name }
        #expect(ran.contains("groupNorm") && !ran.contains("concatenate"))
    }

    /// Whoever else reads a concatenation, or reads it in another stage, wants it made.
    @Test func areMadeForOthers() throws {
        #expect(
            try Self.isMade(Program(Self.graph(first: 8, second: 8, groups: 2) { g, both in g.output("root", try both.unary(.square)) })))
        #expect(
            try Self.isMade(
                Program(Self.graph(first: 8, second: 8, groups: 2) { g, both in g.output("rows", try both.reshaped([30, 16])) })))
        // As a residual, and as what is gated.
        #expect(
            try Self.isMade(
                Program(
                    Self.graph(first: 8, second: 8, groups: 2) { g, both in
                        g.output("sum", try both.adding(both.linear(g.parameter("w", [16, 16]))))
                    })))
        #expect(
            try Self.isMade(
                Program(
                    Self.graph(first: 8, second: 8, groups: 2) { g, both in
                        g.output("gated", try both.linear(g.parameter("w", [6, 16])).geglu())
                    })))

        let g = GraphBuilder()
        let x = try g.input("x", [4, 3, 8], .reference)
        let both = try x.concatenated(with: [x], axis: 2)
        let gamma = try g.input("gamma", [16])
        g.output("y", try both.groupNorm(gamma: gamma, beta: g.parameter("beta", [16]), groups: 4, epsilon: 1e-5))
        let program = try Program(g.graph())
        #expect(Self.isMade(program))
        let expected = try outputs(of: program)
        #expect(try largestDifference(outputs(of: program, on: CPUEngine(threads: 2, arithmetic: .exact)), expected) < 3e-5)
    }

    /// Layers of the same rows run as one in the place of the last, but not if one of them is read before by way of a concatenation.
    @Test func layersAreThereWhenRead() throws {
        let g = GraphBuilder()
        let x = try g.input("x", [2, 3, 5, 8])
        let first = try x.linear(g.parameter("first", [8, 8]))
        let normed = try first.concatenated(with: [x], axis: 3)
            .groupNorm(gamma: g.parameter("gamma", [16]), beta: g.parameter("beta", [16]), groups: 4, epsilon: 1e-5)
        g.output("y", try normed.adding(x.linear(g.parameter("second", [16, 8])).unary(.square)))
        let program = try Program(g.graph())
        #expect(!Self.isMade(program))
        let expected = try outputs(of: program)
        #expect(try largestDifference(outputs(of: program, on: CPUEngine(threads: 1, arithmetic: .exact)), expected) < 3e-5)
    }

    /// Weights packed at every step, and gradients, which want it made.
    @Test func trainingIsAsOnTheInterpreter() throws {
        let graph = try Self.graph(first: 7, second: 9, groups: 4, parameterLifetime: .step)
        let g = GraphBuilder(parameterLifetime: .step)
        let x = try g.input("x", [2, 3, 5, 7]).linear(g.parameter("before", [7, 7]))
        let both = try x.concatenated(with: [g.input("z", [2, 3, 5, 9])], axis: 3)
        let y = try both.groupNorm(gamma: g.parameter("gamma", [16]), beta: g.parameter("beta", [16]), groups: 4, epsilon: 1e-5).silu()
            .adding(both.linear(g.parameter("w", [16, 16])))
        g.output("loss", try y.unary(.square).summed(axes: [0, 1, 2, 3]).reshaped([]))
        let program = try Program.training(g.graph(), loss: "loss")
        #expect(try largestDifference(gradients(of: program, on: CPUEngine(threads: 2, arithmetic: .exact)), gradients(of: program)) < 1e-3)
        #expect(try largestDifference(outputs(of: graph, on: CPUEngine(threads: 2, arithmetic: .exact)), outputs(of: graph)) < 3e-5)
    }
}
