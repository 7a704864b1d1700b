import RainGraph
import Testing

@Suite struct DumpTests {
    @Test func aProgramReads() throws {
        let builder = GraphBuilder()
        let x = try builder.input("x", [2, 4, 4, 2])
        let y = try builder.scoped("block") {
            let bias = try builder.input("knob", [2, 3], .reference).silu().reshaped([2, 1, 1, 3])
            let hidden = try x.convolved(
                builder.parameter("conv.weight", [3, 2, 3, 3]), bias: builder.parameter("conv.bias", [3]),
                Convolution(stride: 2, padding: [1, 1, 1, 1]))
            return try hidden.adding(bias).unary(.relu)
        }
        builder.output("y", y)
        let program = try Program(try builder.graph()).rewritten(for: .all)
        #expect(
            program.dump() == """
                input 'x' [2, 4, 4, 2], changes with the step
                input 'knob' [2, 3], changes with the reference
                2 parameters, 57 elements

                weights: 0 operations, 0.0 million multiply-adds

                reference: 1 operations, 0.0 million multiply-adds
                  %2 = silu ('knob') → [2, 3]  // block

                step: 1 operations, 0.0 million multiply-adds
                  %5 = convolution 3×3 stride 2 padding 1 ('x', .conv.weight) + bias .conv.bias + sample bias %2 + relu → [2, 2, 2, 3]  // block

                output 'y' = %5 [2, 2, 2, 3], made by the step stage
                """)
    }

    @Test func everyOperationHasALine() throws {
        let builder = GraphBuilder()
        let x = try builder.input("x", [2, 4, 6])
        builder.output("a", try x.attention(keys: x, values: x, heads: 2).transposed([1, 0, 2]).sliced(axis: 0, start: 1, count: 2))
        builder.output(
            "b", try builder.one(.pad(axis: 2, before: 1, after: 2), x.scaled(by: 2).adding(builder.constant([1, 2, 3, 4, 5, 6], [6]))))
        #expect(
            try builder.graph().description == """
                %0 = input 'x' (step) → [2, 4, 6]
                %1 = attention 2 heads ('x', 'x', 'x') → [2, 4, 6]
                %2 = transpose [1, 0, 2] (%1) → [4, 2, 6]
                %3 = slice axis 0 1..<3 (%2) → [2, 2, 6]
                %4 = affine · 2.0 + 0.0 ('x') → [2, 4, 6]
                %5 = constant 1.0, 2.0, 3.0, 4.0, … → [6]
                %6 = add (%4, %5) → [2, 4, 6]
                %7 = pad axis 2 1 before 2 after (%6) → [2, 4, 9]
                output a = %3
                output b = %7
                """)
    }

    /// Operation, operands, multiply-adds counted by hand.
    private static let counted: [(RainGraph.Operation, [Shape], Int)] = {
        let same = Convolution(padding: [1, 1, 1, 1])
        var counted: [(RainGraph.Operation, [Shape], Int)] = []
        counted.append((.linear(Epilogue(), transposed: false), [[5, 3], [7, 3]], 5 * 3 * 7))
        counted.append((.linear(Epilogue(), transposed: true), [[5, 3], [3, 7]], 5 * 3 * 7))
        counted.append((.linear(Epilogue(gated: true), transposed: false), [[5, 3], [8, 3]], 5 * 3 * 8))
        counted.append((.linearWeightGradient, [[5, 3], [5, 7]], 5 * 3 * 7))
        let convolution = 2 * 4 * 5 * 7 * 27
        counted.append((.convolution(same, Epilogue()), [[2, 4, 5, 3], [7, 3, 3, 3]], convolution))
        counted.append((.convolutionInputGradient(same, height: 4, width: 5), [[2, 4, 5, 7], [7, 3, 3, 3]], convolution))
        counted.append((.convolutionWeightGradient(same, kernelHeight: 3, kernelWidth: 3), [[2, 4, 5, 3], [2, 4, 5, 7]], convolution))
        counted.append((.attention(heads: 2), [[2, 3, 4], [2, 5, 4], [2, 5, 4], [1, 6, 4], [1, 6, 4]], 2 * 2 * 3 * 11 * 4))
        counted.append((.temporalAttention(heads: 2), [[2, 3, 5, 4], [2, 3, 5, 4], [2, 3, 5, 4]], 2 * 2 * 3 * 3 * 5 * 4))
        counted.append((.unary(.silu), [[5]], 0))
        return counted
    }()

    @Test(arguments: counted)
    func multiplyAdds(_ operation: RainGraph.Operation, _ operands: [Shape], _ expected: Int) throws {
        let builder = GraphBuilder()
        let inputs = try operands.enumerated().map { try builder.input("x\($0.offset)", $0.element) }
        builder.output("y", try builder.add(operation, inputs)[0])
        let program = try Program(try builder.graph())
        #expect(program.multiplyAdds(in: .step) == expected)
        #expect(program.multiplyAdds(in: .reference) == 0)
    }
}
