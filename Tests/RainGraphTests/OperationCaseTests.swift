import RainGraph
import RainTesting
import Testing

@Suite struct OperationCaseTests {
    /// An engine that is wrong by a little in one element of every output: the table must notice.
    private struct Wrong: Engine {
        let name = "wrong"
        var capabilities: EngineCapabilities { .none }
        func buffer(_ type: TensorType) -> any EngineBuffer { Interpreter().buffer(type) }
        func compile(_ program: Program, _ options: CompileOptions) throws -> any Executable {
            WrongExecutable(try Interpreter().compile(program, options))
        }
    }

    private final class WrongExecutable: Executable {
        private let right: any Executable
        var program: Program { right.program }
        init(_ right: any Executable) { self.right = right }
        func load(_ parameters: any TensorSource) throws { try right.load(parameters) }
        func submit(_ stage: Lifetime) throws -> any Completion { try right.submit(stage) }
        func buffer(_ port: TensorPort) throws -> any EngineBuffer {
            let buffer = try right.buffer(port)
            if case .output = port { return WrongBuffer(buffer) }
            return buffer
        }
    }

    private final class WrongBuffer: EngineBuffer {
        private let right: any EngineBuffer
        var type: TensorType { right.type }
        init(_ right: any EngineBuffer) { self.right = right }
        func write<Scalar: TensorScalar>(_ body: (inout MutableSpan<Scalar>) -> Void) throws { try right.write(body) }
        func read<Scalar: TensorScalar, Result>(_ body: (Span<Scalar>) -> Result) throws -> Result {
            var values = try right.read { (span: Span<Scalar>) in span.indices.map { span[$0] } }
            let middle = values.count / 2
            let largest = values.map { abs($0.float) }.max() ?? 0
            let error = Scalar.element == .float32 ? max(largest, 1e-3) * 1e-3 : 1
            values[middle] = Scalar(nearest: values[middle].float + (values[middle].float > 0 ? -error : error))
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
            "composite", "over", "colors", "convert",
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
