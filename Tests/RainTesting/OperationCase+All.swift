import RainGraph

extension OperationCase {
    /// Every operation with odd, prime and unit sizes.
    public static let all: [OperationCase] = elementwise + structure + linear + convolution + windows + sampling + attention + norms

    static let elementwise: [OperationCase] = {
        var cases: [OperationCase] = []
        for kind in Unary.allCases {
            let range: ClosedRange<Float> =
                switch kind {
                case .squareRoot, .reciprocal, .logarithm, .relu, .absolute: 0.5...3
                default: -4...4
                }
            cases.append(OperationCase(.unary(kind), [[2, 3, 37]], range: range))
            cases.append(OperationCase(.unaryGradient(kind), [[5, 7], [5, 7]], range: range))
        }
        for kind in [Unary.relu, .absolute] {
            cases.append(OperationCase(.unary(kind), [[101]], range: -2...2, isSmooth: false))
            cases.append(OperationCase(.unaryGradient(kind), [[101], [101]], range: -2...2))
        }
        for kind in [Unary.silu, .gelu, .quickGELU, .tanh, .sigmoid] {
            cases.append(OperationCase(.unary(kind), [[257]], range: -60...60, isSmooth: false))
            cases.append(OperationCase(.unaryGradient(kind), [[257], [257]], range: -60...60))
        }
        // Arguments of time and guidance embeddings.
        for kind in [Unary.sin, .cos] { cases.append(OperationCase(.unary(kind), [[1031]], range: -1e6...1e6, isSmooth: false)) }
        cases.append(OperationCase(.affine(scale: -1.5, offset: 0.25), [[3, 7]]))
        cases.append(OperationCase(.affine(scale: 3, offset: 0), [[]]))
        let pairs: [[Shape]] = [
            [[3, 5], [3, 5]], [[2, 3, 5, 7], [7]], [[2, 1, 1, 7], [2, 3, 5, 7]], [[3, 1], [1, 5]], [[], [2, 3]], [[2, 3, 1], [2, 3, 17]],
            [[1], [1]], [[5, 1, 3], [1, 7, 1]], [[2, 3, 4, 5, 6], [3, 1, 5, 1]],
        ]
        for kind in Binary.allCases {
            // Where one operand overtakes the other, or zero, differences are no slopes.
            let isSmooth = ![.minimum, .maximum, .prelu].contains(kind)
            for pair in pairs {
                cases.append(OperationCase(.binary(kind), pair, range: kind == .divide ? 0.5...2 : -1...1, isSmooth: isSmooth))
            }
        }
        for rows in [[1], [3], [2, 5]] {
            for channels in [1, 5, 32] {
                let (input, output) = (Shape(rows + [2 * channels]), Shape(rows + [channels]))
                cases.append(OperationCase(.geglu, [input], range: -3...3))
                cases.append(OperationCase(.gegluGradient, [input, output], range: -3...3))
            }
        }
        return cases
    }()

    static let structure: [OperationCase] = [
        OperationCase(.constant([1, -2, 3, 4.5, 5, 6], [2, 3]), []),
        OperationCase(.constant([0.75], [3, 1, 7]), []),
        OperationCase(.reshape([3, 10]), [[5, 6]]),
        OperationCase(.reshape([]), [[1, 1]]),
        OperationCase(.transpose([1, 0]), [[3, 7]]),
        OperationCase(.transpose([0, 2, 1]), [[2, 5, 3]]),
        OperationCase(.transpose([2, 0, 1]), [[2, 5, 3]]),
        OperationCase(.transpose([0, 2, 1, 3]), [[2, 3, 5, 7]]),
        OperationCase(.transpose([3, 1, 0, 2]), [[2, 3, 5, 7]]),
        OperationCase(.concatenate(axis: 0), [[3, 2], [1, 2]]),
        OperationCase(.concatenate(axis: 1), [[2, 3, 5], [2, 1, 5], [2, 4, 5]]),
        OperationCase(.concatenate(axis: 3), [[1, 3, 2, 7], [1, 3, 2, 5]]),
        OperationCase(.concatenate(axis: 0), [[3]]),
        OperationCase(.slice(axis: 0, start: 1, count: 1), [[3, 2]]),
        OperationCase(.slice(axis: 1, start: 2, count: 3), [[2, 7, 3]]),
        OperationCase(.slice(axis: 3, start: 0, count: 5), [[1, 2, 3, 7]]),
        OperationCase(.pad(axis: 0, before: 2, after: 0), [[3, 5]]),
        OperationCase(.pad(axis: 1, before: 1, after: 3), [[2, 3, 5]]),
        OperationCase(.pad(axis: 2, before: 0, after: 1), [[2, 3, 5]]),
        OperationCase(.broadcast([2, 3, 5]), [[3, 1]]),
        OperationCase(.broadcast([3, 7]), [[]]),
        OperationCase(.broadcast([2, 4, 3, 5]), [[2, 1, 1, 5]]),
        OperationCase(.sum(axes: [0]), [[5, 7]]),
        OperationCase(.sum(axes: [1]), [[5, 7]]),
        OperationCase(.sum(axes: [0, 2]), [[3, 5, 7]]),
        OperationCase(.sum(axes: [1, 2]), [[2, 13, 11, 3]]),
        OperationCase(.sum(axes: [0, 1, 2, 3]), [[2, 3, 5, 7]]),
        OperationCase(.sum(axes: []), [[2, 3]]),
        OperationCase(.upsampleNearest, [[1, 1, 1, 1]]),
        OperationCase(.upsampleNearest, [[2, 3, 5, 7]]),
        OperationCase(.sumPool, [[1, 2, 2, 1]]),
        OperationCase(.sumPool, [[2, 6, 10, 3]]),
    ]

    /// Epilogues with the shapes of their operands for a result.
    static func epilogues(_ result: Shape) -> [(Epilogue, [Shape])] {
        let (bias, sampleBias): (Shape, Shape) = ([result.last], [result[0], result.last])
        return [
            (Epilogue(), []),
            (Epilogue(bias: true), [bias]),
            (Epilogue(residual: true), [result]),
            (Epilogue(activation: .silu), []),
            (Epilogue(bias: true, activation: .relu), [bias]),
            (Epilogue(bias: true, residual: true, activation: .gelu), [bias, result]),
            (Epilogue(sampleBias: true), [sampleBias]),
            (Epilogue(bias: true, sampleBias: true, residual: true, activation: .quickGELU), [bias, sampleBias, result]),
            (Epilogue(bias: true, residual: true), [bias, result]),
            (Epilogue(bias: true, activation: .tanh), [bias]),
            (Epilogue(activation: .sigmoid), []),
        ]
    }

    static let linear: [OperationCase] = {
        var cases: [OperationCase] = []
        let sizes: [(rows: [Int], n: Int, k: Int)] = [
            ([1], 1, 1), ([5], 7, 3), ([2, 3], 17, 5), ([13], 16, 64), ([3, 11], 33, 20), ([2, 3, 5], 4, 31), ([67], 48, 96),
            ([1], 130, 257),
        ]
        for (index, (rows, n, k)) in sizes.enumerated() {
            let (input, result) = (Shape(rows + [k]), Shape(rows + [n]))
            // Every epilogue meets some size, every size some epilogues.
            for (position, (epilogue, operands)) in epilogues(result).enumerated() where index == 2 || position % sizes.count == index {
                let parameters: Set<Int> = epilogue.bias ? [1, 2] : [1]
                let isSmooth = epilogue.activation != .relu
                cases.append(
                    OperationCase(
                        .linear(epilogue, transposed: false), [input, [n, k]] + operands, parameters: parameters, isSmooth: isSmooth))
            }
            cases.append(OperationCase(.linear(Epilogue(), transposed: true), [input, [k, n]], parameters: [1]))
            cases.append(OperationCase(.linearWeightGradient, [input, result]))
        }
        cases.append(
            OperationCase(.linear(Epilogue(bias: true, activation: .silu), transposed: true), [[4, 9], [9, 6], [6]], parameters: [1, 2]))
        for (rows, n, k) in [([1], 2, 1), ([2, 3], 6, 5), ([13], 34, 64), ([3, 11], 66, 20), ([67], 128, 96), ([5], 10, 1301)] {
            let input = Shape(rows + [k])
            cases.append(OperationCase(.linear(Epilogue(gated: true), transposed: true), [input, [k, n]], parameters: [1]))
            cases.append(
                OperationCase(.linear(Epilogue(bias: true, gated: true), transposed: false), [input, [n, k], [n]], parameters: [1, 2]))
        }
        // A weight that is computed at every step.
        cases.append(OperationCase(.linear(Epilogue(), transposed: false), [[5, 19], [7, 19]]))
        return cases
    }()

    static let convolution: [OperationCase] = {
        var cases: [OperationCase] = []
        let same = [1, 1, 1, 1]
        let sizes: [(input: Shape, out: Int, kernel: (Int, Int), geometry: Convolution)] = [
            ([1, 1, 1, 1], 1, (1, 1), Convolution(padding: [0, 0, 0, 0])),
            ([2, 5, 7, 3], 4, (3, 3), Convolution(padding: same)),
            ([1, 8, 8, 16], 16, (3, 3), Convolution(padding: same)),
            ([2, 9, 6, 5], 7, (3, 3), Convolution(stride: 2, padding: same)),
            ([1, 7, 8, 3], 5, (3, 3), Convolution(stride: 2, padding: [0, 0, 1, 1])),
            ([1, 6, 5, 4], 3, (1, 1), Convolution(padding: [0, 0, 0, 0])),
            ([2, 8, 8, 3], 6, (4, 4), Convolution(stride: 4, padding: [0, 0, 0, 0])),
            ([1, 5, 4, 2], 3, (2, 3), Convolution(padding: [1, 0, 0, 2])),
            ([2, 3, 5, 7], 11, (3, 3), Convolution(padding: same, upsample: true)),
            ([1, 4, 4, 3], 2, (1, 1), Convolution(padding: [0, 0, 0, 0], upsample: true)),
            ([1, 6, 10, 33], 17, (3, 3), Convolution(padding: same)),
            ([3, 1, 2, 3], 4, (3, 3), Convolution(padding: same)),
            ([1, 9, 11, 1], 1, (5, 7), Convolution(padding: [2, 3, 2, 3])),
        ]
        for (index, (input, out, kernel, geometry)) in sizes.enumerated() {
            let weight: Shape = [out, input[3], kernel.0, kernel.1]
            guard
                let size = geometry.resultSize(height: input[1], width: input[2], kernelHeight: kernel.0, kernelWidth: kernel.1)
            else { preconditionFailure("no convolution: \(input) \(weight)") }
            let result: Shape = [input[0], size.height, size.width, out]
            for (position, (epilogue, operands)) in epilogues(result).enumerated()
            where index == 1 || position == 0 || position % sizes.count == index {
                let parameters: Set<Int> = epilogue.bias ? [1, 2] : [1]
                let isSmooth = epilogue.activation != .relu
                cases.append(
                    OperationCase(.convolution(geometry, epilogue), [input, weight] + operands, parameters: parameters, isSmooth: isSmooth))
            }
            if geometry.upsample { continue }
            cases.append(
                OperationCase(
                    .convolutionInputGradient(geometry, height: input[1], width: input[2]), [result, weight], parameters: [1]))
            cases.append(
                OperationCase(
                    .convolutionWeightGradient(geometry, kernelHeight: kernel.0, kernelWidth: kernel.1), [input, result]))
        }
        // Large enough that a tiled algorithm has inner tiles, ragged edges and a full block of channels.
        cases.append(
            OperationCase(
                .convolution(Convolution(padding: same), Epilogue(bias: true, sampleBias: true, activation: .silu)),
                [[2, 14, 19, 20], [36, 20, 3, 3], [36], [2, 36]], parameters: [1, 2]))
        return cases
    }()

    static let windows: [OperationCase] = {
        var cases: [OperationCase] = []
        let sizes: [(input: Shape, kernel: (Int, Int), geometry: Convolution)] = [
            ([1, 1, 1, 1], (1, 1), Convolution(padding: [0, 0, 0, 0])),
            ([2, 5, 7, 3], (3, 3), Convolution(padding: [1, 1, 1, 1])),
            ([1, 9, 23, 37], (5, 5), Convolution(padding: [2, 2, 2, 2])),
            ([1, 11, 14, 16], (3, 3), Convolution(stride: 2, padding: [1, 1, 1, 1])),
            ([2, 6, 9, 65], (2, 4), Convolution(stride: 3, padding: [1, 0, 0, 3])),
            ([1, 2, 3, 5], (5, 7), Convolution(padding: [4, 6, 3, 5])),
            ([1, 13, 13, 8], (13, 13), Convolution(padding: [6, 6, 6, 6])),
        ]
        for (index, (input, kernel, geometry)) in sizes.enumerated() {
            let weight: Shape = [kernel.0, kernel.1, input[3]]
            guard
                let size = geometry.resultSize(height: input[1], width: input[2], kernelHeight: kernel.0, kernelWidth: kernel.1)
            else { preconditionFailure("no window: \(input) \(weight)") }
            let result: Shape = [input[0], size.height, size.width, input[3]]
            for (position, (epilogue, operands)) in epilogues(result).enumerated()
            where index == 1 || position == 0 || position % sizes.count == index {
                let parameters: Set<Int> = epilogue.bias ? [1, 2] : [1]
                cases.append(
                    OperationCase(.depthwiseConvolution(geometry, epilogue), [input, weight] + operands, parameters: parameters))
            }
            cases.append(OperationCase(.maxPool(geometry, kernelHeight: kernel.0, kernelWidth: kernel.1), [input], isSmooth: false))
        }
        // More padding than kernel: some results see nothing of the picture.
        cases.append(
            OperationCase(
                .depthwiseConvolution(Convolution(padding: [4, 4, 4, 4]), Epilogue(bias: true)), [[1, 2, 2, 5], [3, 3, 5], [5]]))
        for shape in [[1], [7], [3, 16], [2, 3, 37], [5, 130]] as [Shape] {
            cases.append(OperationCase(.softmax, [shape], range: -4...4))
            cases.append(OperationCase(.softmax, [shape], range: -90...90, isSmooth: false))
        }
        return cases
    }()

    /// Meshes whose places lie inside the pictures and beyond their edges.
    static let sampling: [OperationCase] = {
        let sizes: [(input: Shape, grid: Shape, height: Int, width: Int)] = [
            ([1, 1, 1, 1], [1, 2, 2, 2], 1, 1), ([1, 5, 7, 4], [3, 2, 2, 2], 6, 67), ([2, 9, 4, 3], [4, 3, 5, 2], 5, 3),
            ([2, 3, 5, 37], [2, 7, 2, 2], 4, 9), ([1, 16, 13, 4], [2, 2, 6, 2], 3, 130), ([3, 2, 2, 1], [3, 4, 4, 2], 2, 2),
        ]
        var cases: [OperationCase] = []
        for (input, grid, height, width) in sizes {
            // Where a place passes a pixel's middle, a result has a kink.
            cases.append(OperationCase(.sample(height: height, width: width), [input, grid], range: -1.3...1.3, isSmooth: false))
            let result: Shape = [grid[0], height, width, input[3]]
            cases.append(OperationCase(.sampleGradient, [input, grid, result], range: -1.3...1.3))
        }
        let stacks: [(layers: Shape, grids: Shape, height: Int, width: Int)] = [
            ([1, 1, 1, 1, 4], [1, 1, 2, 2, 2], 1, 1), ([3, 2, 5, 7, 4], [3, 4, 3, 2, 2], 6, 67),
            ([5, 1, 9, 4, 4], [5, 3, 2, 5, 2], 3, 130),
        ]
        for (layers, grids, height, width) in stacks {
            cases.append(OperationCase(.composite(height: height, width: width), [layers, grids], range: -1.2...1.2))
        }
        for shape in [[4], [3, 4], [2, 5, 33, 4]] as [Shape] { cases.append(OperationCase(.over, [shape, shape])) }
        for shape in [[1, 1, 1, 3], [2, 5, 33, 4], [3, 7, 5, 6]] as [Shape] {
            cases.append(OperationCase(.colors, [shape], range: -0.2...1.2, isSmooth: false))
        }
        for element in Element.allCases {
            cases.append(OperationCase(.convert(element), [[7, 19]], range: -300...300, isSmooth: false))
        }
        // All places between the same four pixels.
        cases.append(OperationCase(.sample(height: 4, width: 5), [[2, 2, 2, 3], [4, 3, 2, 2]], range: -0.45...0.45))
        cases.append(OperationCase(.sample(height: 2, width: 3), [[1, 3, 3, 4], [2, 2, 4, 2]], range: -0.6 ... -0.06))
        return cases
    }()

    static let attention: [OperationCase] = {
        var cases: [OperationCase] = []
        let sizes: [(batch: Int, queries: Int, keys: Int, channels: Int, heads: Int, references: Int, tokens: Int)] = [
            (1, 1, 1, 1, 1, 0, 0), (2, 3, 5, 8, 2, 0, 0), (1, 7, 7, 20, 4, 0, 0), (3, 5, 1, 6, 3, 0, 0), (4, 3, 3, 10, 1, 1, 5),
            (4, 5, 5, 12, 3, 2, 7), (2, 9, 4, 6, 6, 2, 1), (1, 70, 67, 40, 1, 0, 0), (2, 33, 33, 16, 2, 1, 130),
        ]
        for (batch, queries, keys, channels, heads, references, tokens) in sizes {
            let q: Shape = [batch, queries, channels]
            let k: Shape = [batch, keys, channels]
            let reference: Shape = [references, tokens, channels]
            let operands = [q, k, k] + (references > 0 ? [reference, reference] : [])
            cases.append(OperationCase(.attention(heads: heads), operands, range: -2...2))
            cases.append(OperationCase(.attentionGradient(heads: heads), operands + [q], range: -2...2))
        }
        let frames: [(shape: Shape, heads: Int)] = [
            ([1, 1, 1, 1], 1), ([1, 4, 3, 8], 2), ([2, 5, 3, 6], 3), ([1, 16, 7, 40], 8), ([1, 3, 2, 35], 5), ([3, 2, 1, 4], 4),
        ]
        for (shape, heads) in frames {
            cases.append(OperationCase(.temporalAttention(heads: heads), [shape, shape, shape], range: -2...2))
            cases.append(OperationCase(.temporalAttentionGradient(heads: heads), [shape, shape, shape, shape], range: -2...2))
        }
        return cases
    }()

    static let norms: [OperationCase] = {
        var cases: [OperationCase] = []
        let groups: [(shape: Shape, groups: Int)] = [
            ([1, 3, 1], 1), ([2, 5, 6], 3), ([2, 3, 5, 8], 2), ([3, 4, 7], 7), ([1, 9, 11, 32], 4), ([2, 8], 2), ([2, 7, 3, 33], 11),
        ]
        for (index, (shape, groups)) in groups.enumerated() {
            let c: Shape = [shape.last]
            for activation in index == 2 ? [nil, .silu, .gelu, .quickGELU, .tanh, .sigmoid] : [nil, Unary.silu] {
                let norm = Operation.groupNorm(groups: groups, epsilon: 1e-5, activation: activation)
                let gradient = Operation.groupNormGradient(groups: groups, epsilon: 1e-5, activation: activation)
                cases.append(OperationCase(norm, [shape, c, c], parameters: [1, 2]))
                cases.append(OperationCase(gradient, [shape, c, c, shape], parameters: [1, 2]))
            }
        }
        cases.append(
            OperationCase(
                .groupNorm(groups: 2, epsilon: 1e-6, activation: .relu), [[2, 5, 6], [6], [6]], parameters: [1, 2], isSmooth: false))
        // Far from zero: a naive mean of squares loses its digits.
        cases.append(
            OperationCase(
                .groupNorm(groups: 2, epsilon: 1e-6, activation: nil), [[2, 31, 6], [6], [6]], parameters: [1, 2], range: 30...32,
                isSmooth: false))
        for shape in [[3, 7], [5, 1], [2, 3, 16], [1, 2, 3, 65], [1, 320]] as [Shape] {
            let c: Shape = [shape.last]
            cases.append(OperationCase(.layerNorm(epsilon: 1e-5), [shape, c, c], parameters: [1, 2]))
            cases.append(OperationCase(.layerNormGradient(epsilon: 1e-5), [shape, c, shape], parameters: [1]))
        }
        return cases
    }()
}
