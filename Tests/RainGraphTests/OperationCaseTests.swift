import RainGraph
import RainTesting
import Testing

@Suite struct OperationCaseTests {
    /// An engine that is wrong by a little in one element of every output: the table must notice.
    private struct Wrong: Engine {
        let name = "wrong"
        func prepare(_ program: Program) throws -> any Executable { WrongExecutable(try Interpreter().prepare(program)) }
    }

    private final class WrongExecutable: Executable {
        private let right: any Executable
        var program: Program { right.program }
        init(_ right: any Executable) { self.right = right }
        func load(_ parameters: (String, Shape) throws -> [Float]) throws { try right.load(parameters) }
        func write(_ input: String, _ body: (inout MutableSpan<Float>) -> Void) throws { try right.write(input, body) }
        func run(_ stage: Lifetime) throws { try right.run(stage) }
        func read<R>(_ output: String, _ body: (Span<Float>) -> R) throws -> R {
            var values = try right.read(output)
            let largest = values.map(abs).max() ?? 0
            values[values.count / 2] += max(largest, 1e-3) * 1e-3
            return body(values.span)
        }
    }

    @Test(arguments: OperationCase.all)
    func theTableNoticesASmallError(_ operation: OperationCase) throws {
        #expect(try operation.disagreement(of: Wrong()) != nil)
        #expect(try operation.disagreement(of: Interpreter()) == nil)
    }

    @Test func theTableKnowsEveryOperation() {
        let names = Set(OperationCase.all.map(\.operation.name))
        let expected: Set = [
            "constant", "affine", "geglu", "gegluGradient", "reshape", "transpose", "concatenate", "slice", "pad", "broadcast", "sum",
            "upsampleNearest", "sumPool", "linear", "linearWeightGradient", "convolution", "convolutionInputGradient",
            "convolutionWeightGradient", "attention", "attentionGradient", "temporalAttention", "temporalAttentionGradient", "groupNorm",
            "groupNormGradient", "layerNorm", "layerNormGradient", "depthwiseConvolution", "maxPool", "softmax", "sample", "sampleGradient",
            "composite", "over",
        ]
        #expect(names.isSuperset(of: expected.union(Unary.allCases.flatMap { [$0.rawValue, $0.rawValue + "Gradient"] })))
        #expect(names.isSuperset(of: Binary.allCases.map(\.rawValue)))
    }

    @Test func toleranceGrowsWithTheRootOfTheLength() {
        #expect(tolerance(reductionLength: 1) == 20 * .ulpOfOne)
        #expect(tolerance(reductionLength: 10000) == 416 * .ulpOfOne)
    }

    @Test func differencesAreElementwise() {
        // Equal sums, different elements.
        #expect(largestDifference([1, 2], [2, 1])?.relative == 0.5)
        #expect(largestDifference([.nan], [1])?.relative == .infinity)
        #expect(largestDifference([.nan], [.nan])?.relative == 0)
        #expect(largestDifference([], []) == nil)
    }
}
