import RainGraph
import RainTesting
import Testing

/// The oracle against numbers worked out elsewhere, and against the definitions written as plain loops.
@Suite struct InterpreterTests {
    private func run(_ operation: RainGraph.Operation, _ operands: (Shape, [Float])...) throws -> [Float] {
        try Interpreter.evaluate(operation, operands.map { (shape: $0.0, elements: $0.1) })[0]
    }

    private func expectClose(_ found: [Float], _ expected: [Float], _ tolerance: Float = 3e-7, location: SourceLocation = #_sourceLocation)
    {
        let difference = largestDifference(found, expected)
        #expect((difference?.relative ?? 0) <= tolerance, "\(difference.map(\.description) ?? "")", sourceLocation: location)
    }

    /// Values of f at 0.5 and -2 (from tables).
    @Test(arguments: [
        (Unary.silu, [0.31122967, -0.23840584]), (.gelu, [0.34573123, -0.04550026]), (.quickGELU, [0.35038844, -0.06434138]),
        (.relu, [0.5, 0]), (.tanh, [0.46211716, -0.96402758]), (.sigmoid, [0.62245933, 0.11920292]), (.exp, [1.64872127, 0.13533528]),
        (.sin, [0.47942554, -0.90929743]), (.cos, [0.87758256, -0.41614684]), (.square, [0.25, 4]), (.reciprocal, [2, -0.5]),
        (.absolute, [0.5, 2]),
    ])
    func unaries(_ kind: Unary, _ expected: [Float]) throws {
        expectClose(try run(.unary(kind), ([2], [0.5, -2])), expected, 2e-7)
    }

    @Test func rootsAndLogarithms() throws {
        expectClose(try run(.unary(.squareRoot), ([2], [2, 9])), [1.41421356, 3])
        expectClose(try run(.unary(.logarithm), ([2], [2, 10])), [0.69314718, 2.30258509])
    }

    /// float32 arguments are taken at their word, however large: sin and cos of the float32 numbers nearest 999 and 123456.789.
    @Test func largeAnglesAreReducedExactly() throws {
        expectClose(try run(.unary(.sin), ([2], [999, 123456.789])), [-0.02646075, -0.99866085])
    }

    @Test func arithmeticBroadcasts() throws {
        #expect(try run(.binary(.subtract), ([2, 1], [10, 20]), ([3], [1, 2, 3])) == [9, 8, 7, 19, 18, 17])
        #expect(try run(.binary(.divide), ([], [6]), ([2], [2, 3])) == [3, 2])
        #expect(try run(.affine(scale: 2, offset: -1), ([2], [3, 4])) == [5, 7])
    }

    @Test func structure() throws {
        let x: (Shape, [Float]) = ([2, 3], [1, 2, 3, 4, 5, 6])
        #expect(try run(.transpose([1, 0]), x) == [1, 4, 2, 5, 3, 6])
        #expect(try run(.concatenate(axis: 1), x, ([2, 1], [7, 8])) == [1, 2, 3, 7, 4, 5, 6, 8])
        #expect(try run(.slice(axis: 1, start: 1, count: 2), x) == [2, 3, 5, 6])
        #expect(try run(.pad(axis: 1, before: 1, after: 0), x) == [0, 1, 2, 3, 0, 4, 5, 6])
        #expect(try run(.broadcast([2, 2, 1]), ([2, 1], [1, 2])) == [1, 2, 1, 2])
        #expect(try run(.sum(axes: [0]), x) == [5, 7, 9])
        #expect(try run(.sum(axes: [1]), x) == [6, 15])
        #expect(try run(.upsampleNearest, ([1, 1, 2, 1], [1, 2])) == [1, 1, 2, 2, 1, 1, 2, 2])
        #expect(try run(.sumPool, ([1, 2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8])) == [14, 22])
    }

    @Test func linearWithEpilogue() throws {
        let x: (Shape, [Float]) = ([1, 2, 2], [1, 2, 3, 4])
        let w: (Shape, [Float]) = ([3, 2], [1, 0, 0, 1, 1, 1])
        #expect(try run(.linear(Epilogue(), transposed: false), x, w) == [1, 2, 3, 3, 4, 7])
        #expect(try run(.linear(Epilogue(), transposed: true), x, ([2, 3], [1, 0, 1, 0, 1, 1])) == [1, 2, 3, 3, 4, 7])
        let gates = Epilogue(bias: true, gated: true)
        expectClose(
            try run(.linear(gates, transposed: false), ([2, 1], [1, 2]), ([4, 1], [2, 3, 0.5, -2]), ([4], [0, 1, 0, 0])),
            [0.69146246, -0.18200105, 3.3653790, -0.00088671])
        let all = Epilogue(bias: true, sampleBias: true, residual: true, activation: .relu)
        let operands: [(Shape, [Float])] = [([3], [1, 1, -9]), ([1, 3], [10, 0, 0]), ([1, 2, 3], [0, 0, 0, 0, 0, 1])]
        #expect(try run(.linear(all, transposed: false), x, w, operands[0], operands[1], operands[2]) == [12, 3, 0, 14, 5, 0])
    }

    @Test(arguments: [
        Convolution(padding: [1, 1, 1, 1]), Convolution(stride: 2, padding: [0, 0, 1, 1]),
        Convolution(padding: [0, 2, 1, 0], upsample: true),
        Convolution(stride: 3, padding: [2, 0, 0, 1]),
    ])
    func convolutionIsItsDefinition(_ geometry: Convolution) throws {
        let (x, w): (Shape, Shape) = ([2, 4, 5, 3], [2, 3, 3, 2])
        let (input, weight) = (seeded("x", x), seeded("w", w))
        guard let size = geometry.resultSize(height: 4, width: 5, kernelHeight: 3, kernelWidth: 2) else { return }
        let factor = geometry.upsample ? 2 : 1
        var expected: [Float] = []
        for n in 0..<2 {
            for row in 0..<size.height {
                for column in 0..<size.width {
                    for o in 0..<2 {
                        var sum = 0.0
                        for (ky, kx, c) in (0..<18).map({ ($0 / 6, $0 / 3 % 2, $0 % 3) }) {
                            let (y, z) = (
                                row * geometry.stride + ky - geometry.padding[0], column * geometry.stride + kx - geometry.padding[1]
                            )
                            guard (0..<4 * factor).contains(y), (0..<5 * factor).contains(z) else { continue }
                            let value = input[((n * 4 + y / factor) * 5 + z / factor) * 3 + c]
                            sum += Double(value) * Double(weight[((o * 3 + c) * 3 + ky) * 2 + kx])
                        }
                        expected.append(Float(sum))
                    }
                }
            }
        }
        expectClose(try run(.convolution(geometry, Epilogue()), (x, input), (w, weight)), expected)
    }

    /// Two heads of one channel; scores 0 and ln 3 make probabilities ¼ and ¾.
    @Test func attentionByHand() throws {
        let ln3: Float = 1.0986123
        let q: (Shape, [Float]) = ([1, 1, 2], [1, 1])
        let k: (Shape, [Float]) = ([1, 2, 2], [0, ln3, ln3, 0])
        let v: (Shape, [Float]) = ([1, 2, 2], [4, 40, 8, 80])
        expectClose(try run(.attention(heads: 2), q, k, v), [7, 50])
        // The same keys, one of them from the reference that both samples share.
        let shared = try run(
            .attention(heads: 2), ([2, 1, 2], [1, 1, 1, 1]), ([2, 1, 2], [0, ln3, 0, ln3]), ([2, 1, 2], [4, 40, 4, 40]),
            ([1, 1, 2], [ln3, 0]), ([1, 1, 2], [8, 80]))
        expectClose(shared, [7, 50, 7, 50])
    }

    @Test func temporalAttentionIsAttentionAtEachPosition() throws {
        let shape: Shape = [2, 3, 5, 4]
        let parts = ["q", "k", "v"].map { seeded($0, shape) }
        let found = try run(.temporalAttention(heads: 2), (shape, parts[0]), (shape, parts[1]), (shape, parts[2]))
        let moved = try parts.map { try run(.transpose([0, 2, 1, 3]), (shape, $0)) }
        let flat: Shape = [10, 3, 4]
        let attended = try run(.attention(heads: 2), (flat, moved[0]), (flat, moved[1]), (flat, moved[2]))
        expectClose(found, try run(.transpose([0, 2, 1, 3]), ([2, 5, 3, 4], attended)))
    }

    @Test func normsByHand() throws {
        // Two groups of two channels at two positions; means 2.5 and 0, variances 1.25 and 1.
        let x: (Shape, [Float]) = ([1, 2, 4], [1, 2, -1, 1, 3, 4, 1, -1])
        let (gamma, beta): ((Shape, [Float]), (Shape, [Float])) = (([4], [1, 1, 2, 1]), ([4], [0, 0, 0, 5]))
        let s: Float = 0.89442719
        expectClose(
            try run(.groupNorm(groups: 2, epsilon: 0, activation: nil), x, gamma, beta),
            [-1.5 * s, -0.5 * s, -2, 6, 0.5 * s, 1.5 * s, 2, 4])
        expectClose(
            try run(.groupNorm(groups: 2, epsilon: 0, activation: .relu), x, gamma, beta), [0, 0, 0, 6, 0.5 * s, 1.5 * s, 2, 4])
        expectClose(
            try run(.layerNorm(epsilon: 3), ([2, 2], [1, 3, 5, 5]), ([2], [2, 2]), ([2], [1, 1])), [0, 2, 1, 1])
        expectClose(try run(.geglu, ([1, 4], [2, 3, 0.5, -2])), [0.69146246, -0.13650079])
    }

    @Test func evaluateChecksItsOperands() {
        #expect(throws: GraphError.self) { try Interpreter.evaluate(.unary(.silu), [(shape: [2], elements: [1])]) }
        #expect(throws: GraphError.self) { try Interpreter.evaluate(.binary(.add), [(shape: [2], elements: [1, 2])]) }
    }
}
