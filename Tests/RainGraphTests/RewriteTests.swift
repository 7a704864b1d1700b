import RainTesting
import Testing

@testable import RainGraph

/// A graph, what the rewrites should make of it, and a name.
struct RewriteCase: Sendable, CustomTestStringConvertible {
    let name: String
    let build: @Sendable (GraphBuilder) throws -> Value
    /// Whether the optimised graph shows that the rewrite happened.
    let fired: @Sendable (Graph) -> Bool

    init(_ name: String, _ build: @escaping @Sendable (GraphBuilder) throws -> Value, fired: @escaping @Sendable (Graph) -> Bool) {
        self.name = name
        self.build = build
        self.fired = fired
    }

    var testDescription: String { name }

    func graph() throws -> Graph {
        let builder = GraphBuilder()
        builder.output("y", try build(builder))
        return try builder.graph()
    }

    /// Operations other than parameters and inputs.
    private static func operations(_ graph: Graph) -> [RainGraph.Operation] {
        graph.nodes.map(\.operation).filter { operation in
            switch operation {
            case .parameter, .input: false
            default: true
            }
        }
    }

    private static func only(_ operation: RainGraph.Operation) -> @Sendable (Graph) -> Bool { { operations($0) == [operation] } }
    private static func nothing(_ graph: Graph) -> Bool { operations(graph).isEmpty }

    static let all: [RewriteCase] = identities + fusions + attention

    static let identities: [RewriteCase] = [
        RewriteCase(
            "dead code",
            { g in
                let x = try g.input("x", [2, 3])
                _ = try x.linear(g.parameter("unused", [4, 3]))
                return try x.silu()
            }, fired: only(.unary(.silu))),
        RewriteCase(
            "reshape of reshape", { g in try g.input("x", [2, 6]).reshaped([12]).reshaped([3, 4]) }, fired: only(.reshape([3, 4]))),
        RewriteCase("reshape there and back", { g in try g.input("x", [2, 6]).reshaped([12]).reshaped([2, 6]) }, fired: nothing),
        RewriteCase(
            "transpose there and back",
            { g in
                try g.input("x", [2, 3, 5]).transposed([2, 0, 1]).transposed([1, 2, 0])
            }, fired: nothing),
        RewriteCase(
            "transposes merged",
            { g in
                try g.input("x", [2, 3, 5]).transposed([1, 0, 2]).transposed([0, 2, 1])
            }, fired: only(.transpose([1, 2, 0]))),
        RewriteCase(
            "transpose of unit axes is a reshape",
            { g in
                try g.input("x", [2, 1, 5]).transposed([1, 0, 2])
            }, fired: only(.reshape([1, 2, 5]))),
        RewriteCase(
            "slice of slice",
            { g in
                try g.input("x", [9, 2]).sliced(axis: 0, start: 2, count: 6).sliced(axis: 0, start: 1, count: 3)
            }, fired: only(.slice(axis: 0, start: 3, count: 3))),
        RewriteCase(
            "slice of concatenation: one part",
            { g in
                let (a, b) = (try g.input("a", [2, 3]), try g.input("b", [2, 4]))
                return try a.concatenated(with: [b], axis: 1).sliced(axis: 1, start: 3, count: 4)
            }, fired: nothing),
        RewriteCase(
            "slice of concatenation: inside a part",
            { g in
                let (a, b) = (try g.input("a", [2, 3]), try g.input("b", [2, 4]))
                return try a.concatenated(with: [b], axis: 1).sliced(axis: 1, start: 4, count: 2)
            }, fired: only(.slice(axis: 1, start: 1, count: 2))),
        RewriteCase(
            "slice of concatenation: across parts",
            { g in
                let parts = try ["a", "b", "c"].map { try g.input($0, [2, 3]) }
                return try parts[0].concatenated(with: [parts[1], parts[2]], axis: 1).sliced(axis: 1, start: 2, count: 4)
            }, fired: { graph in graph.nodes.contains { $0.operation == .concatenate(axis: 1) && $0.operands.count == 2 } }),
        RewriteCase(
            "concatenation of neighbouring slices",
            { g in
                let x = try g.input("x", [2, 7])
                let parts = try [(0, 2), (2, 4), (6, 1)].map { try x.sliced(axis: 1, start: $0.0, count: $0.1) }
                return try parts[0].concatenated(with: [parts[1], parts[2]], axis: 1)
            }, fired: nothing),
        RewriteCase(
            "concatenation of concatenations",
            { g in
                let x = try (0..<4).map { try g.input("x\($0)", [2, 3]) }
                return try x[0].concatenated(with: [x[1]], axis: 0).concatenated(with: [x[2].concatenated(with: [x[3]], axis: 0)], axis: 0)
            }, fired: { $0.count("concatenate") == 1 }),
        RewriteCase(
            "slice of padding",
            { g in
                let x = try g.input("x", [2, 5])
                return try g.one(.pad(axis: 1, before: 2, after: 1), x).sliced(axis: 1, start: 2, count: 5)
            }, fired: nothing),
        RewriteCase(
            "padding of padding",
            { g in
                let x = try g.input("x", [2, 5])
                return try g.one(.pad(axis: 1, before: 0, after: 3), g.one(.pad(axis: 1, before: 2, after: 1), x))
            }, fired: only(.pad(axis: 1, before: 2, after: 4))),
        RewriteCase(
            "sum of sum", { g in try g.input("x", [2, 3, 5]).summed(axes: [2]).summed(axes: [0]) }, fired: only(.sum(axes: [0, 2]))),
        RewriteCase(
            "affine of affine",
            { g in
                try g.input("x", [5]).scaled(by: 2, plus: 1).scaled(by: 0.5, plus: -0.5)
            }, fired: nothing),
        RewriteCase(
            "multiplication by a number",
            { g in
                try g.input("x", [2, 5]).multiplied(by: g.constant([0.5], [5]))
            }, fired: only(.affine(scale: 0.5, offset: 0))),
        RewriteCase(
            "a number minus",
            { g in
                try g.constant([1], []).subtracting(g.input("x", [2, 5]))
            }, fired: only(.affine(scale: -1, offset: 1))),
        RewriteCase(
            "constants folded",
            { g in
                let y = try g.constant([1, 2, 3], [3]).scaled(by: 2).unary(.square)
                return try g.input("x", [2, 3]).adding(y)
            }, fired: { $0.count("constant") == 1 && $0.nodes.count == 3 }),
        RewriteCase(
            "broadcast into arithmetic",
            { g in
                try g.input("x", [2, 3, 5]).adding(g.input("e", [1, 1, 5]).broadcasted(to: [2, 3, 5]))
            }, fired: only(.binary(.add))),
        RewriteCase(
            "broadcast behind linear, unary and reshape",
            { g in
                let x = try g.input("x", [2, 1, 6]).broadcasted(to: [2, 35, 6])
                let y = try x.linear(g.parameter("w", [4, 6]), bias: g.parameter("b", [4])).silu().reshaped([2, 5, 7, 4])
                return try y.multiplied(by: g.input("z", [2, 5, 7, 4]))
            }, fired: { $0.count("broadcast") == 0 && $0.nodes.first { $0.operation.name == "linear" }?.results == [[2, 1, 4]] }),
    ]

    static let fusions: [RewriteCase] = [
        RewriteCase(
            "group norm and activation",
            { g in
                let norm = try g.input("x", [2, 3, 4, 6]).groupNorm(
                    gamma: g.parameter("g", [6]), beta: g.parameter("b", [6]), groups: 3, epsilon: 1e-5)
                return try norm.silu()
            }, fired: only(.groupNorm(groups: 3, epsilon: 1e-5, activation: .silu))),
        RewriteCase(
            "group norm, reshape and activation",
            { g in
                let norm = try g.input("x", [2, 3, 4, 6]).groupNorm(
                    gamma: g.parameter("g", [6]), beta: g.parameter("b", [6]), groups: 3, epsilon: 1e-5)
                return try norm.reshaped([2, 12, 6]).unary(.relu)
            }, fired: { $0.count("relu") == 0 && $0.count("groupNorm") == 1 }),
        RewriteCase(
            "convolution + time + residual, silu",
            { g in
                let x = try g.input("x", [3, 4, 5, 2])
                let time = try g.input("t", [3, 7]).linear(g.parameter("tw", [2, 7])).reshaped([3, 1, 1, 2])
                let y = try x.convolved(g.parameter("w", [2, 2, 3, 3]), bias: g.parameter("b", [2]), Convolution(padding: [1, 1, 1, 1]))
                return try y.adding(time).adding(x).silu()
            },
            fired: { graph in
                graph.count { operation in
                    guard case .convolution(_, let epilogue) = operation else { return false }
                    return epilogue == Epilogue(bias: true, sampleBias: true, residual: true, activation: .silu)
                } == 1 && graph.count("add") == 0
            }),
        RewriteCase(
            "a column added is a bias",
            { g in
                try g.input("x", [3, 5]).linear(g.parameter("w", [4, 5])).adding(g.parameter("b", [4]))
            }, fired: only(.linear(Epilogue(bias: true), transposed: false))),
        RewriteCase(
            "a second column joins the bias at loading",
            { g in
                try g.input("x", [3, 5]).linear(g.parameter("w", [4, 5]), bias: g.parameter("b", [4])).adding(g.parameter("c", [1, 4]))
            }, fired: { graph in graph.nodes.contains { $0.operation == .binary(.add) && $0.lifetime == .weights } }),
        RewriteCase(
            "residual behind a reshape",
            { g in
                let x = try g.input("x", [2, 3, 5, 4])
                return try x.reshaped([2, 15, 4]).linear(g.parameter("w", [4, 4])).reshaped([2, 3, 5, 4]).adding(x)
            },
            fired: { graph in
                graph.count("add") == 0 && graph.count { $0 == .linear(Epilogue(residual: true), transposed: false) } == 1
            }),
        RewriteCase(
            "a term per frame behind the first axis",
            { g in
                let x = try g.input("x", [2, 3, 5, 4])
                return try x.linear(g.parameter("w", [6, 4])).adding(g.parameter("e", [1, 3, 1, 6]))
            },
            fired: { graph in
                graph.count("add") == 0 && graph.count { $0 == .linear(Epilogue(sampleBias: true), transposed: false) } == 1
            }),
        RewriteCase(
            "linear of a sum with positions",
            { g in
                let x = try g.input("x", [2, 3, 5, 4])
                let sum = try x.adding(g.parameter("pe", [1, 3, 1, 4]))
                let (q, k) = (try sum.linear(g.parameter("q", [4, 4])), try sum.linear(g.parameter("k", [4, 4])))
                return try q.temporalAttention(keys: k, values: k, heads: 2)
            },
            fired: { graph in
                graph.nodes.allSatisfy { $0.lifetime == .weights || $0.operation != .binary(.add) }
                    && graph.count { $0 == .linear(Epilogue(sampleBias: true), transposed: false) } == 2
            }),
        RewriteCase(
            "a convolution with a kernel of one pixel",
            { g in
                try g.input("x", [2, 3, 4, 5]).convolved(
                    g.parameter("w", [6, 5, 1, 1]), bias: g.parameter("b", [6]), Convolution(padding: [0, 0, 0, 0])
                )
                .silu()
            },
            fired: { graph in graph.count { $0 == .linear(Epilogue(bias: true, activation: .silu), transposed: false) } == 1 }),
        RewriteCase(
            "linear, geglu",
            { g in try g.input("x", [2, 3, 5]).linear(g.parameter("w", [8, 5]), bias: g.parameter("b", [8])).geglu() },
            fired: only(.linear(Epilogue(bias: true, gated: true), transposed: false))),
        RewriteCase(
            "a residual that is gated with the rest stays apart",
            { g in
                try g.input("x", [3, 5]).linear(g.parameter("w", [8, 5])).adding(g.input("r", [3, 8])).geglu()
            }, fired: { $0.count("geglu") == 1 && $0.count("add") == 0 }),
        RewriteCase(
            "upsampled convolution",
            { g in
                let x = try g.input("x", [1, 3, 4, 2])
                return try x.upsampledNearest().convolved(g.parameter("w", [3, 2, 3, 3]), Convolution(padding: [1, 1, 1, 1]))
            }, fired: only(.convolution(Convolution(padding: [1, 1, 1, 1], upsample: true), Epilogue()))),
    ]

    static let attention: [RewriteCase] = [
        RewriteCase(
            "attention over a single key",
            { g in
                let x = try g.input("x", [4, 7, 6])
                let token = try g.input("token", [1, 1, 5], .reference)
                func repeated(_ name: String) throws -> Value {
                    try token.linear(g.parameter(name, [6, 5])).reshaped([1, 1, 1, 6]).broadcasted(to: [1, 4, 1, 6]).reshaped([4, 1, 6])
                }
                let normed = try x.layerNorm(gamma: g.parameter("g", [6]), beta: g.parameter("b", [6]), epsilon: 1e-5)
                let attended = try normed.linear(g.parameter("q", [6, 6])).attention(keys: repeated("k"), values: repeated("v"), heads: 2)
                return try x.adding(attended.linear(g.parameter("o", [6, 6]), bias: g.parameter("ob", [6])))
            },
            fired: { graph in
                // Of the step, the addition of a vector remains.
                let step = graph.nodes.filter { $0.lifetime == .step }.map(\.operation.name)
                return step == ["input", "add"] && graph.parameters.map(\.name).sorted() == ["o", "ob", "v"]
            }),
        RewriteCase(
            "temporal attention over a single frame",
            { g in
                let x = try g.input("x", [2, 1, 5, 4])
                let parts = try ["q", "k", "v"].map { try x.linear(g.parameter($0, [4, 4])) }
                return try parts[0].temporalAttention(keys: parts[1], values: parts[2], heads: 2)
            }, fired: only(.linear(Epilogue(), transposed: false))),
    ]
}

@Suite struct RewriteTests {
    @Test(arguments: RewriteCase.all)
    func leavesResultsUnchangedAndFires(_ rewrite: RewriteCase) throws {
        let graph = try rewrite.graph()
        let optimized = try graph.optimizedForInference()
        #expect(rewrite.fired(optimized), "\(optimized)")
        #expect(!rewrite.fired(graph), "the graph shows it without the rewrite")
        #expect(try largestDifference(outputs(of: optimized), outputs(of: graph)) < 1e-6)
        let again = try optimized.optimizedForInference()
        #expect(again.nodes == optimized.nodes && again.outputs == optimized.outputs)
    }

    /// RAIN's cross-attention to its one image token ends in the bias of the layer before it, fused with the reference.
    @Test func crossAttentionBecomesPartOfABias() throws {
        let g = GraphBuilder()
        let x = try g.input("x", [4, 7, 6])
        let token = try g.input("token", [1, 1, 5], .reference)
        func repeated(_ name: String) throws -> Value {
            try token.linear(g.parameter(name, [6, 5])).reshaped([1, 1, 1, 6]).broadcasted(to: [1, 4, 1, 6]).reshaped([4, 1, 6])
        }
        let before = try x.silu().linear(g.parameter("w", [6, 6]), bias: g.parameter("wb", [6])).adding(x)
        let attended = try before.attention(keys: repeated("k"), values: repeated("v"), heads: 2)
        g.output("y", try before.adding(attended.linear(g.parameter("o", [6, 6]), bias: g.parameter("ob", [6]))))
        let graph = try g.graph().optimizedForInference()
        let step = graph.nodes.filter { $0.lifetime == .step && $0.operation.name != "input" }.map(\.operation)
        #expect(step == [.unary(.silu), .linear(Epilogue(bias: true, residual: true), transposed: false)])
        #expect(try largestDifference(outputs(of: graph), outputs(of: g.graph())) < 1e-6)
    }

    /// Merging may not make a step repeat what a stage before it did once.
    @Test func workStaysInItsStage() throws {
        let g = GraphBuilder()
        let (x, reference) = (try g.input("x", [2, 5, 4]), try g.input("reference", [2, 5, 4], .reference))
        let known = try reference.linear(g.parameter("w", [4, 4]))
        g.output("sum", try x.adding(known))
        g.output(
            "upsampled",
            try x.reshaped([2, 5, 1, 4]).upsampledNearest().adding(
                known.reshaped([2, 5, 1, 4]).upsampledNearest().convolved(
                    g.parameter("c", [4, 4, 3, 3]), Convolution(padding: [1, 1, 1, 1]))))
        let graph = try g.graph().optimizedForInference()
        for node in graph.nodes where ["linear", "convolution"].contains(node.operation.name) { #expect(node.lifetime == .reference) }
        #expect(try largestDifference(outputs(of: graph), outputs(of: g.graph())) < 1e-6)
    }

    @Test func whatIsNeededElsewhereIsNotMerged() throws {
        let g = GraphBuilder()
        let hidden = try g.input("x", [3, 4]).linear(g.parameter("w", [4, 4]))
        g.output("hidden", hidden)
        g.output("y", try hidden.silu())
        let graph = try g.graph()
        #expect(try graph.optimizedForInference().nodes == graph.nodes)
    }

    @Test func trainingKeepsActivationsApartExceptRelu() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let x = try g.input("x", [3, 4])
        let a = try x.linear(g.parameter("a", [4, 4])).silu().linear(g.parameter("b", [4, 4])).unary(.relu).adding(x)
        g.output("loss", try a.summed(axes: [0, 1]))
        let graph = try g.graph().optimizedForTraining()
        #expect(graph.count("silu") == 1 && graph.count("relu") == 0)
        #expect(graph.count { $0 == .linear(Epilogue(activation: .relu), transposed: false) } == 1)
    }

    @Test func trainingKeepsGatesApart() throws {
        let g = GraphBuilder(parameterLifetime: .step)
        let y = try g.input("x", [3, 4]).linear(g.parameter("a", [8, 4])).geglu()
        g.output("loss", try y.summed(axes: [0, 1]))
        let graph = try g.graph().optimizedForTraining()
        #expect(graph.count("geglu") == 1 && graph.count { $0 == .linear(Epilogue(), transposed: false) } == 1)
    }

    @Test func deadParametersGoUnlessTrained() throws {
        for (lifetime, expected) in [(Lifetime.weights, ["w"]), (.step, ["w", "unused"])] {
            let g = GraphBuilder(parameterLifetime: lifetime)
            let x = try g.input("x", [3, 4])
            _ = try g.input("idle", [2])
            g.output("y", try x.linear(g.parameter("w", [4, 4])))
            _ = try x.linear(g.parameter("unused", [4, 4]))
            let graph = try g.graph().optimizedForInference()
            #expect(graph.parameters.map(\.name) == expected)
            #expect(graph.inputs.map(\.name) == ["x", "idle"])
        }
    }

    /// Every way to cut rows anew, against broadcasting written out.
    @Test(
        arguments: [
            ([1, 1, 6], [2, 5, 6], [10, 6], [1, 6]), ([2, 1, 6], [2, 6, 6], [2, 2, 3, 6], [2, 1, 1, 6]),
            ([4, 1], [4, 6], [2, 2, 6], [2, 2, 1]),
            ([1, 1, 1, 5], [1, 16, 1, 5], [16, 1, 5], [1, 1, 5]), ([3, 1, 4], [3, 2, 4], [6, 4], nil),
            ([1, 3, 1], [2, 3, 4], [2, 12], nil),
        ] as [([Int], [Int], [Int], [Int]?)])
    func broadcastsMoveBehindReshapes(_ small: [Int], _ full: [Int], _ shape: [Int], _ expected: [Int]?) {
        #expect(reshaped(Shape(small), broadcastTo: Shape(full), as: Shape(shape)) == expected.map(Shape.init))
    }
}
