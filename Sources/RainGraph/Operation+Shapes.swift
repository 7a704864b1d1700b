extension Operation {
    /// The shapes of the results: the one place that says which operands an operation accepts.
    ///
    /// - Throws: `GraphError.shapeMismatch` or `.invalidAttribute`, naming the shapes and `place`.
    public func resultShapes(_ operands: [Shape], at place: String) throws(GraphError) -> [Shape] {
        switch self {
        case .parameter(_, let shape), .constant(_, let shape), .reshape(let shape), .broadcast(let shape):
            guard shape.isReasonable else {
                throw GraphError(.invalidAttribute, at: here(place), "\(shape) is no shape a tensor can have")
            }
        case .input(_, let type, _):
            guard type.shape.isReasonable else {
                throw GraphError(.invalidAttribute, at: here(place), "\(type) is no shape a tensor can have")
            }
        default: break
        }
        guard hasSoundNumbers else { throw GraphError(.invalidAttribute, at: here(place), "a number is not one, or an epsilon negative") }
        let results = try shapes(operands, at: place)
        for result in results where !result.isReasonable {
            throw GraphError(.invalidAttribute, at: here(place), "a result \(result) of \(operands) is larger than a tensor can be")
        }
        return results
    }

    /// The elements of all results.
    ///
    /// - Throws: `GraphError.invalidAttribute` if an operand is not float32 and this is no conversion
    public func resultElement(_ operands: [Element], at place: String) throws(GraphError) -> Element {
        switch self {
        case .input(_, let type, _): return type.element
        case .convert(let element): return element
        default:
            if let other = operands.first(where: { $0 != .float32 }) {
                throw GraphError(.invalidAttribute, at: here(place), "an operand is \(other); convert it to float32 first")
            }
            return self == .colors ? .uint8 : .float32
        }
    }

    /// NaN equals nothing, itself included: a graph with one would differ from its copies.
    private var hasSoundNumbers: Bool {
        switch self {
        case .constant(let values, _): !values.contains { $0.isNaN }
        case .affine(let scale, let offset): !scale.isNaN && !offset.isNaN
        case .groupNorm(_, let epsilon, _), .groupNormGradient(_, let epsilon, _), .layerNorm(let epsilon), .layerNormGradient(let epsilon):
            epsilon >= 0
        default: true
        }
    }

    /// Where an error is said to be. Made only for errors: graphs are checked after every pass.
    private func here(_ place: String) -> String { place.isEmpty ? name : "\(place): \(name)" }

    /// The shapes of the results, of whatever size.
    private func shapes(_ operands: [Shape], at place: String) throws(GraphError) -> [Shape] {
        func mismatch(_ message: String) -> GraphError { GraphError(.shapeMismatch, at: here(place), message) }
        func invalid(_ message: String) -> GraphError { GraphError(.invalidAttribute, at: here(place), message) }
        func take(_ count: Int) throws(GraphError) {
            guard operands.count == count else { throw mismatch("expected \(count) operands, found \(operands.count)") }
        }
        func same(_ a: Shape, _ b: Shape, _ what: String) throws(GraphError) {
            guard a == b else { throw mismatch("\(what): \(a) and \(b) differ") }
        }
        func axis(_ axis: Int, of shape: Shape) throws(GraphError) {
            guard shape.dimensions.indices.contains(axis) else { throw invalid("axis \(axis) does not exist in \(shape)") }
        }
        func epilogue(_ epilogue: Epilogue, result: Shape) throws(GraphError) {
            guard operands.count == 2 + epilogue.operandCount else {
                throw mismatch("expected \(2 + epilogue.operandCount) operands, found \(operands.count)")
            }
            if let activation = epilogue.activation, !Epilogue.activations.contains(activation) {
                throw invalid("\(activation.rawValue) is no activation of an epilogue")
            }
            var next = 2
            if epilogue.bias {
                guard operands[next] == [result.last] else { throw mismatch("bias \(operands[next]) for a result \(result)") }
                next += 1
            }
            if epilogue.sampleBias {
                guard result.rank >= 2, operands[next] == [result[0], result.last] else {
                    throw mismatch("sample bias \(operands[next]) for a result \(result)")
                }
                next += 1
            }
            if epilogue.residual { try same(operands[next], result, "residual and result") }
            if epilogue.gated {
                guard case .linear = self else { throw invalid("only linear layers are gated") }
                guard !epilogue.sampleBias, !epilogue.residual, epilogue.activation == nil else {
                    throw invalid("a gated layer takes a bias and nothing else")
                }
                guard result.last % 2 == 0 else { throw mismatch("\(result) has no two halves") }
            }
        }
        func mesh(_ grid: Shape, over x: Shape) throws(GraphError) {
            guard x.rank == 4, grid.rank == 4, grid[3] == 2 else {
                throw mismatch("expected [b, h, w, c] and [n, gh, gw, 2], found \(operands)")
            }
            guard x.count > 0, grid[0] % x[0] == 0 else { throw mismatch("\(x[0]) pictures do not divide \(grid[0]) meshes") }
            guard grid[1] >= 2, grid[2] >= 2 else { throw mismatch("a mesh \(grid) has fewer than 2×2 nodes") }
        }
        func heads(_ heads: Int, channels: Int) throws(GraphError) {
            guard heads > 0, channels % heads == 0 else { throw invalid("\(heads) heads do not divide \(channels) channels") }
        }

        switch self {
        case .parameter(_, let shape):
            try take(0)
            return [shape]
        case .input(_, let type, _):
            try take(0)
            return [type.shape]
        case .constant(let values, let shape):
            try take(0)
            guard values.count == shape.count || values.count == 1 else {
                throw mismatch("\(values.count) values for shape \(shape)")
            }
            return [shape]
        case .convert, .unary, .affine:
            try take(1)
            return [operands[0]]
        case .unaryGradient:
            try take(2)
            try same(operands[0], operands[1], "input and gradient")
            return [operands[0]]
        case .binary:
            try take(2)
            guard let result = Shape.broadcast(operands[0], operands[1]) else {
                throw mismatch("\(operands[0]) and \(operands[1]) do not broadcast")
            }
            return [result]
        case .colors:
            try take(1)
            guard operands[0].rank == 4, operands[0][3] >= 3 else { throw mismatch("expected [n, h, w, 3 or more], found \(operands[0])") }
            return [[operands[0][0], operands[0][1], operands[0][2], 3], [operands[0][0]]]
        case .geglu:
            try take(1)
            guard operands[0].rank > 0, operands[0].last % 2 == 0 else { throw mismatch("\(operands[0]) has no two halves") }
            var result = operands[0]
            result[result.rank - 1] /= 2
            return [result]
        case .gegluGradient:
            try take(2)
            guard operands[0].rank > 0, operands[0].last == 2 * operands[1].last,
                operands[0].dimensions.dropLast() == operands[1].dimensions.dropLast()
            else { throw mismatch("input \(operands[0]) and gradient \(operands[1])") }
            return [operands[0]]
        case .reshape(let shape):
            try take(1)
            guard shape.count == operands[0].count else { throw mismatch("\(operands[0]) cannot become \(shape)") }
            return [shape]
        case .transpose(let order):
            try take(1)
            guard order.sorted() == Array(0..<operands[0].rank) else { throw invalid("\(order) is no order of the axes of \(operands[0])") }
            return [Shape(order.map { operands[0][$0] })]
        case .concatenate(let position):
            guard let first = operands.first else { throw mismatch("nothing to concatenate") }
            try axis(position, of: first)
            var result = first
            for operand in operands.dropFirst() {
                var aligned = operand
                guard operand.rank == first.rank else { throw mismatch("\(first) and \(operand) along axis \(position)") }
                aligned[position] = first[position]
                guard aligned == first else { throw mismatch("\(first) and \(operand) along axis \(position)") }
                result[position] += operand[position]
            }
            return [result]
        case .slice(let position, let start, let count):
            try take(1)
            try axis(position, of: operands[0])
            guard start >= 0, count > 0, start + count <= operands[0][position] else {
                throw invalid("\(start)..<\(start + count) of axis \(position) of \(operands[0])")
            }
            var result = operands[0]
            result[position] = count
            return [result]
        case .pad(let position, let before, let after):
            try take(1)
            try axis(position, of: operands[0])
            guard before >= 0, after >= 0 else { throw invalid("negative padding") }
            var result = operands[0]
            result[position] += before + after
            return [result]
        case .broadcast(let shape):
            try take(1)
            guard Shape.broadcast(operands[0], shape) == shape else { throw mismatch("\(operands[0]) does not broadcast to \(shape)") }
            return [shape]
        case .sum(let axes):
            try take(1)
            var result = operands[0]
            for position in axes {
                try axis(position, of: result)
                result[position] = 1
            }
            return [result]
        case .upsampleNearest:
            try take(1)
            guard operands[0].rank == 4 else { throw mismatch("expected [n, h, w, c], found \(operands[0])") }
            return [[operands[0][0], operands[0][1] * 2, operands[0][2] * 2, operands[0][3]]]
        case .sumPool:
            try take(1)
            guard operands[0].rank == 4, operands[0][1] % 2 == 0, operands[0][2] % 2 == 0 else {
                throw mismatch("expected [n, 2h, 2w, c], found \(operands[0])")
            }
            return [[operands[0][0], operands[0][1] / 2, operands[0][2] / 2, operands[0][3]]]
        case .linear(let after, let transposed):
            guard operands.count >= 2, operands[0].rank >= 1, operands[1].rank == 2 else {
                throw mismatch("expected an input and a weight matrix, found \(operands)")
            }
            let (n, k) = transposed ? (operands[1][1], operands[1][0]) : (operands[1][0], operands[1][1])
            guard operands[0].last == k else { throw mismatch("input \(operands[0]) and weight \(operands[1])") }
            var result = operands[0]
            result[result.rank - 1] = n
            try epilogue(after, result: result)
            if after.gated { result[result.rank - 1] = n / 2 }
            return [result]
        case .linearWeightGradient:
            try take(2)
            guard operands[0].rank >= 1, operands[0].dimensions.dropLast() == operands[1].dimensions.dropLast() else {
                throw mismatch("input \(operands[0]) and gradient \(operands[1])")
            }
            return [[operands[1].last, operands[0].last]]
        case .convolution(let geometry, let after):
            guard operands.count >= 2, operands[0].rank == 4, operands[1].rank == 4 else {
                throw mismatch("expected [n, h, w, c] and [o, c, kh, kw], found \(operands)")
            }
            let (x, w) = (operands[0], operands[1])
            guard geometry.isSound else {
                throw invalid("stride \(geometry.stride), padding \(geometry.padding)")
            }
            guard x[3] == w[1] else { throw mismatch("input \(x) has \(x[3]) channels, weight \(w) expects \(w[1])") }
            guard let size = geometry.resultSize(height: x[1], width: x[2], kernelHeight: w[2], kernelWidth: w[3]) else {
                throw mismatch("kernel \(w) does not fit input \(x)")
            }
            let result: Shape = [x[0], size.height, size.width, w[0]]
            try epilogue(after, result: result)
            return [result]
        case .depthwiseConvolution(let geometry, let after):
            guard operands.count >= 2, operands[0].rank == 4, operands[1].rank == 3 else {
                throw mismatch("expected [n, h, w, c] and [kh, kw, c], found \(operands)")
            }
            let (x, w) = (operands[0], operands[1])
            guard geometry.isSound, !geometry.upsample else { throw invalid("stride \(geometry.stride), padding \(geometry.padding)") }
            guard x[3] == w[2] else { throw mismatch("input \(x) has \(x[3]) channels, weight \(w) is for \(w[2])") }
            guard let size = geometry.resultSize(height: x[1], width: x[2], kernelHeight: w[0], kernelWidth: w[1]) else {
                throw mismatch("kernel \(w) does not fit input \(x)")
            }
            let result: Shape = [x[0], size.height, size.width, x[3]]
            try epilogue(after, result: result)
            return [result]
        case .maxPool(let geometry, let kernelHeight, let kernelWidth):
            try take(1)
            let x = operands[0]
            guard x.rank == 4 else { throw mismatch("expected [n, h, w, c], found \(x)") }
            // With less padding than window, every window meets the picture.
            guard geometry.isSound, !geometry.upsample, kernelHeight > 0, kernelWidth > 0,
                max(geometry.padding[0], geometry.padding[2]) < kernelHeight, max(geometry.padding[1], geometry.padding[3]) < kernelWidth
            else {
                throw invalid("window \(kernelHeight)×\(kernelWidth), stride \(geometry.stride), padding \(geometry.padding)")
            }
            guard let size = geometry.resultSize(height: x[1], width: x[2], kernelHeight: kernelHeight, kernelWidth: kernelWidth) else {
                throw mismatch("a window of \(kernelHeight)×\(kernelWidth) does not fit input \(x)")
            }
            return [[x[0], size.height, size.width, x[3]]]
        case .sample(let height, let width):
            try take(2)
            guard height > 0, width > 0 else { throw invalid("a result of \(height)×\(width)") }
            let (x, grid) = (operands[0], operands[1])
            try mesh(grid, over: x)
            return [[grid[0], height, width, x[3]]]
        case .sampleGradient:
            try take(3)
            let (x, grid, dy) = (operands[0], operands[1], operands[2])
            try mesh(grid, over: x)
            guard dy.rank == 4, dy[0] == grid[0], dy[3] == x[3] else { throw mismatch("input \(x), mesh \(grid) and gradient \(dy)") }
            return [x, grid]
        case .composite(let height, let width):
            try take(2)
            guard height > 0, width > 0 else { throw invalid("a result of \(height)×\(width)") }
            let (layers, grids) = (operands[0], operands[1])
            guard layers.rank == 5, layers[4] == 4, grids.rank == 5, layers[0] == grids[0], layers[0] > 0 else {
                throw mismatch("expected [k, b, h, w, 4] and [k, n, gh, gw, 2], found \(operands)")
            }
            try mesh(Shape(Array(grids.dimensions.dropFirst())), over: Shape(Array(layers.dimensions.dropFirst())))
            return [[grids[1], height, width, 4], [grids[1], height, width, layers[0]]]
        case .over:
            try take(2)
            try same(operands[0], operands[1], "front and back")
            guard operands[0].rank > 0, operands[0].last == 4 else { throw mismatch("expected […, 4], found \(operands[0])") }
            return [operands[0]]
        case .softmax:
            try take(1)
            guard operands[0].rank > 0 else { throw mismatch("a scalar has no axis") }
            return [operands[0]]
        case .convolutionInputGradient(let geometry, let height, let width):
            try take(2)
            let (dy, w) = (operands[0], operands[1])
            guard dy.rank == 4, w.rank == 4, dy[3] == w[0], !geometry.upsample,
                let size = geometry.resultSize(height: height, width: width, kernelHeight: w[2], kernelWidth: w[3]),
                size == (dy[1], dy[2])
            else { throw mismatch("gradient \(dy) and weight \(w) for an input of \(height)×\(width)") }
            return [[dy[0], height, width, w[1]]]
        case .convolutionWeightGradient(let geometry, let kernelHeight, let kernelWidth):
            try take(2)
            let (x, dy) = (operands[0], operands[1])
            guard x.rank == 4, dy.rank == 4, x[0] == dy[0], !geometry.upsample,
                let size = geometry.resultSize(height: x[1], width: x[2], kernelHeight: kernelHeight, kernelWidth: kernelWidth),
                size == (dy[1], dy[2])
            else { throw mismatch("input \(x) and gradient \(dy) for a kernel of \(kernelHeight)×\(kernelWidth)") }
            return [[dy[3], x[3], kernelHeight, kernelWidth]]
        case .attention(let count), .attentionGradient(let count):
            let forward = if case .attention = self { true } else { false }
            let inputs = forward ? operands.count : operands.count - 1
            guard inputs == 3 || inputs == 5, operands.allSatisfy({ $0.rank == 3 }) else {
                throw mismatch("expected q, k, v and optionally a reference's k, v, all [b, l, c]; found \(operands)")
            }
            let (q, k) = (operands[0], operands[1])
            try same(k, operands[2], "keys and values")
            guard q[0] == k[0], q[2] == k[2] else { throw mismatch("queries \(q) and keys \(k)") }
            try heads(count, channels: q[2])
            if inputs == 5 {
                try same(operands[3], operands[4], "reference keys and values")
                guard operands[3][2] == q[2], operands[3][0] > 0, q[0] % operands[3][0] == 0 else {
                    throw mismatch("queries \(q) and reference \(operands[3])")
                }
            }
            if forward { return [q] }
            try same(operands[inputs], q, "gradient and queries")
            return Array(operands.prefix(inputs))
        case .temporalAttention(let count):
            try take(3)
            guard operands[0].rank == 4 else { throw mismatch("expected [b, f, p, c], found \(operands[0])") }
            try same(operands[0], operands[1], "queries and keys")
            try same(operands[1], operands[2], "keys and values")
            try heads(count, channels: operands[0][3])
            return [operands[0]]
        case .temporalAttentionGradient(let count):
            try take(4)
            for operand in operands { try same(operand, operands[0], "operands") }
            guard operands[0].rank == 4 else { throw mismatch("expected [b, f, p, c], found \(operands[0])") }
            try heads(count, channels: operands[0][3])
            return [operands[0], operands[0], operands[0]]
        case .groupNorm(let groups, _, let activation), .groupNormGradient(let groups, _, let activation):
            let gradient = if case .groupNormGradient = self { true } else { false }
            try take(gradient ? 4 : 3)
            let x = operands[0]
            guard x.rank >= 2, operands[1] == [x.last], operands[2] == [x.last] else {
                throw mismatch("input \(x), gamma \(operands[1]), beta \(operands[2])")
            }
            guard groups > 0, x.last % groups == 0 else { throw invalid("\(groups) groups do not divide \(x.last) channels") }
            if let activation, !Epilogue.activations.contains(activation) {
                throw invalid("\(activation.rawValue) cannot follow a norm")
            }
            if !gradient { return [x] }
            try same(x, operands[3], "input and gradient")
            return [x, [x.last], [x.last]]
        case .layerNorm:
            try take(3)
            let x = operands[0]
            guard x.rank >= 1, operands[1] == [x.last], operands[2] == [x.last] else {
                throw mismatch("input \(x), gamma \(operands[1]), beta \(operands[2])")
            }
            return [x]
        case .layerNormGradient:
            try take(3)
            let x = operands[0]
            guard x.rank >= 1, operands[1] == [x.last] else { throw mismatch("input \(x), gamma \(operands[1])") }
            try same(x, operands[2], "input and gradient")
            return [x, [x.last], [x.last]]
        }
    }
}

extension Convolution {
    /// Whether stride and padding are possible at all.
    fileprivate var isSound: Bool { stride > 0 && padding.count == 4 && padding.allSatisfy { $0 >= 0 } }
}
