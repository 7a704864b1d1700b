import RainGraph
import Testing

/// An operation on operands that do not fit, and what the message must contain.
struct Misfit: Sendable, CustomTestStringConvertible {
    let operation: RainGraph.Operation
    let operands: [Shape]
    let code: GraphError.Code
    let mentions: [String]

    init(_ operation: RainGraph.Operation, _ operands: [Shape], _ code: GraphError.Code = .shapeMismatch, _ mentions: String...) {
        self.operation = operation
        self.operands = operands
        self.code = code
        self.mentions = mentions
    }

    var testDescription: String { "\(operation.name) on \(operands)" }

    private static let plain = Convolution(padding: [0, 0, 0, 0])

    static let all: [Misfit] = [
        Misfit(.unary(.silu), [], .shapeMismatch, "1 operands", "found 0"),
        Misfit(.unaryGradient(.silu), [[2, 3], [3, 2]], .shapeMismatch, "[2, 3]", "[3, 2]"),
        Misfit(.binary(.add), [[2, 3], [4]], .shapeMismatch, "[2, 3]", "[4]"),
        Misfit(.geglu, [[2, 3]], .shapeMismatch, "[2, 3]"),
        Misfit(.gegluGradient, [[2, 6], [2, 2]], .shapeMismatch, "[2, 6]", "[2, 2]"),
        Misfit(.constant([1, 2], [3]), [], .shapeMismatch, "2 values", "[3]"),
        Misfit(.constant([.nan], [3]), [], .invalidAttribute, "not one"),
        Misfit(.affine(scale: .nan, offset: 0), [[3]], .invalidAttribute, "not one"),
        Misfit(.layerNorm(epsilon: -1), [[2, 5], [5], [5]], .invalidAttribute, "epsilon"),
        Misfit(.reshape([4]), [[2, 3]], .shapeMismatch, "[2, 3]", "[4]"),
        Misfit(.reshape([-2, -3]), [[2, 3]], .invalidAttribute, "[-2, -3]"),
        Misfit(.parameter("p", [0, 3]), [], .invalidAttribute, "[0, 3]"),
        Misfit(.input("x", TensorType([1 << 40, 1 << 40]), .step), [], .invalidAttribute, "\(1 << 40)"),
        Misfit(.colors, [[2, 3, 4, 2]], .shapeMismatch, "[2, 3, 4, 2]"),
        Misfit(.broadcast([1 << 30, 1 << 30]), [[1, 1]], .invalidAttribute, "\(1 << 30)"),
        Misfit(.transpose([0, 0]), [[2, 3]], .invalidAttribute, "[0, 0]", "[2, 3]"),
        Misfit(.concatenate(axis: 1), [[2, 3], [3, 3]], .shapeMismatch, "[2, 3]", "[3, 3]"),
        Misfit(.concatenate(axis: 2), [[2, 3], [2, 3]], .invalidAttribute, "axis 2", "[2, 3]"),
        Misfit(.concatenate(axis: 0), [], .shapeMismatch, "nothing"),
        Misfit(.slice(axis: 1, start: 2, count: 2), [[2, 3]], .invalidAttribute, "2..<4", "[2, 3]"),
        Misfit(.slice(axis: -1, start: 0, count: 1), [[2, 3]], .invalidAttribute, "axis -1"),
        Misfit(.pad(axis: 0, before: -1, after: 0), [[2]], .invalidAttribute, "negative"),
        Misfit(.broadcast([2, 3]), [[2]], .shapeMismatch, "[2]", "[2, 3]"),
        Misfit(.sum(axes: [3]), [[2, 3]], .invalidAttribute, "axis 3"),
        Misfit(.upsampleNearest, [[2, 3, 4]], .shapeMismatch, "[2, 3, 4]"),
        Misfit(.sumPool, [[1, 3, 4, 2]], .shapeMismatch, "[1, 3, 4, 2]"),
        Misfit(.linear(Epilogue(), transposed: false), [[2, 3], [5, 4]], .shapeMismatch, "[2, 3]", "[5, 4]"),
        Misfit(.linear(Epilogue(), transposed: true), [[2, 3], [5, 3]], .shapeMismatch, "[2, 3]", "[5, 3]"),
        Misfit(.linear(Epilogue(bias: true), transposed: false), [[2, 3], [5, 3], [3]], .shapeMismatch, "[3]", "[2, 5]"),
        Misfit(
            .linear(Epilogue(sampleBias: true), transposed: false), [[2, 7, 3], [5, 3], [7, 5]], .shapeMismatch, "[7, 5]", "[2, 7, 5]"),
        Misfit(.linear(Epilogue(residual: true), transposed: false), [[2, 3], [5, 3], [2, 3]], .shapeMismatch, "[2, 3]", "[2, 5]"),
        Misfit(.linear(Epilogue(activation: .exp), transposed: false), [[2, 3], [5, 3]], .invalidAttribute, "exp"),
        Misfit(.linear(Epilogue(bias: true), transposed: false), [[2, 3], [5, 3]], .shapeMismatch, "3 operands", "found 2"),
        Misfit(.linear(Epilogue(gated: true), transposed: false), [[2, 3], [5, 3]], .shapeMismatch, "[2, 5]"),
        Misfit(.linear(Epilogue(bias: true, gated: true), transposed: false), [[2, 3], [6, 3], [3]], .shapeMismatch, "[3]", "[2, 6]"),
        Misfit(.linear(Epilogue(residual: true, gated: true), transposed: false), [[2, 3], [6, 3], [2, 6]], .invalidAttribute, "bias"),
        Misfit(.linear(Epilogue(activation: .silu, gated: true), transposed: false), [[2, 3], [6, 3]], .invalidAttribute, "bias"),
        Misfit(.convolution(plain, Epilogue(gated: true)), [[1, 4, 4, 3], [8, 3, 3, 3]], .invalidAttribute, "linear"),
        Misfit(.linearWeightGradient, [[2, 3], [3, 5]], .shapeMismatch, "[2, 3]", "[3, 5]"),
        Misfit(.convolution(plain, Epilogue()), [[1, 4, 4, 3], [8, 2, 3, 3]], .shapeMismatch, "[1, 4, 4, 3]", "[8, 2, 3, 3]"),
        Misfit(.convolution(plain, Epilogue()), [[1, 2, 4, 3], [8, 3, 3, 3]], .shapeMismatch, "[8, 3, 3, 3]", "[1, 2, 4, 3]"),
        Misfit(
            .convolution(Convolution(stride: 0, padding: [0, 0, 0, 0]), Epilogue()), [[1, 4, 4, 3], [8, 3, 3, 3]], .invalidAttribute,
            "stride 0"),
        Misfit(.convolution(Convolution(padding: [1]), Epilogue()), [[1, 4, 4, 3], [8, 3, 3, 3]], .invalidAttribute, "[1]"),
        Misfit(.convolutionInputGradient(plain, height: 5, width: 4), [[1, 2, 2, 8], [8, 3, 3, 3]], .shapeMismatch, "5×4"),
        Misfit(.convolutionWeightGradient(plain, kernelHeight: 3, kernelWidth: 3), [[1, 4, 4, 3], [1, 4, 4, 8]], .shapeMismatch, "3×3"),
        Misfit(.attention(heads: 3), [[1, 2, 4], [1, 3, 4], [1, 3, 4]], .invalidAttribute, "3 heads", "4 channels"),
        Misfit(.attention(heads: 2), [[1, 2, 4], [2, 3, 4], [2, 3, 4]], .shapeMismatch, "[1, 2, 4]", "[2, 3, 4]"),
        Misfit(.attention(heads: 2), [[1, 2, 4], [1, 3, 4], [1, 2, 4]], .shapeMismatch, "[1, 3, 4]", "[1, 2, 4]"),
        Misfit(
            .attention(heads: 2), [[3, 2, 4], [3, 2, 4], [3, 2, 4], [2, 5, 4], [2, 5, 4]], .shapeMismatch, "[3, 2, 4]", "[2, 5, 4]"),
        Misfit(.attention(heads: 0), [[1, 2, 4], [1, 2, 4], [1, 2, 4]], .invalidAttribute, "0 heads"),
        Misfit(
            .temporalAttention(heads: 2), [[1, 2, 3, 4], [1, 3, 3, 4], [1, 3, 3, 4]], .shapeMismatch, "[1, 2, 3, 4]", "[1, 3, 3, 4]"),
        Misfit(.groupNorm(groups: 3, epsilon: 1e-5, activation: nil), [[2, 5, 4], [4], [4]], .invalidAttribute, "3 groups", "4 channels"),
        Misfit(.groupNorm(groups: 2, epsilon: 1e-5, activation: nil), [[2, 5, 4], [5], [4]], .shapeMismatch, "[5]", "[2, 5, 4]"),
        Misfit(.groupNorm(groups: 2, epsilon: 1e-5, activation: .sin), [[2, 5, 4], [4], [4]], .invalidAttribute, "sin"),
        Misfit(.layerNorm(epsilon: 1e-5), [[2, 5], [4], [5]], .shapeMismatch, "[4]", "[2, 5]"),
        Misfit(.layerNormGradient(epsilon: 1e-5), [[2, 5], [5], [5, 2]], .shapeMismatch, "[5, 2]", "[2, 5]"),
    ]
}

@Suite struct ShapeErrorTests {
    @Test(arguments: Misfit.all)
    func namesShapesAndPlace(_ misfit: Misfit) {
        let builder = GraphBuilder()
        let error = #expect(throws: GraphError.self) {
            try builder.scoped("down_blocks.0") {
                let operands = try misfit.operands.enumerated().map { try builder.input("x\($0.offset)", $0.element) }
                _ = try builder.add(misfit.operation, operands)
            }
        }
        #expect(error?.code == misfit.code)
        #expect(error?.place == "down_blocks.0: \(misfit.operation.name)")
        for mention in misfit.mentions { #expect(error?.message.contains(mention) == true, "'\(error?.message ?? "")' lacks '\(mention)'") }
    }

    @Test func aParameterHasOneShape() throws {
        let builder = GraphBuilder()
        let error = #expect(throws: GraphError.self) {
            try builder.scoped("a") {
                _ = try builder.parameter("weight", [2, 3])
                _ = try builder.parameter("weight", [3, 2])
            }
        }
        #expect(error?.code == .name)
        #expect(error?.description == "a.weight: asked for as [3, 2], earlier as [2, 3]")
    }

    @Test func nothingIsBuiltTwice() throws {
        let builder = GraphBuilder()
        let x = try builder.input("x", [2, 3])
        let w = try builder.parameter("w", [4, 3])
        #expect(try x.linear(w).id == x.linear(builder.parameter("w", [4, 3])).id)
        #expect(builder.nodes.count == 3)
    }
}
