import RainGraph
import RainNetworks

extension Importer {
    /// Convolutions, pooling and products of matrices.
    static let contractions: [String: Translation] = [
        "Conv": { try $0.convolved($1) },
        "MaxPool": { try $0.maxPooled($1) },
        "GlobalAveragePool": { importer, node in
            let x = try importer.carried(node.input(0))
            guard x.rank >= 3 else { throw node.fault(.inconsistent, "a picture", "\(x.shape)") }
            return [.graph(try importer.mean(x, Array(2..<x.rank)))]
        },
        "MatMul": { try $0.multiplied($1) },
        "Gemm": { try $0.general($1) },
    ]

    /// Window, stride and padding of a convolution or of pooling, checked.
    private struct Window {
        var height: Int
        var width: Int
        var geometry: Convolution
    }

    /// - Parameter size: height and width of the input
    private func window(_ kernel: [Int], size: (Int, Int), dilations: [Int], _ node: NodeReader) throws -> Window {
        guard kernel.count == 2, kernel.allSatisfy({ (1...512).contains($0) }) else {
            throw node.unsupported("a window of two axes, 1 to 512", "\(kernel.prefix(8))")
        }
        let strides = try node.integers("strides") ?? [1, 1]
        guard strides.count == 2, strides[0] == strides[1], (1...512).contains(strides[0]) else {
            throw node.unsupported("one stride for both axes", "\(strides.prefix(8))")
        }
        let extents = [size.0, size.1]
        let reach = (0..<2).map { (kernel[$0] - 1) * dilations[$0] + 1 }
        var pads = try node.integers("pads") ?? [0, 0, 0, 0]
        let automatic = node.string("auto_pad", "NOTSET")
        switch automatic {
        case "NOTSET": break
        case "VALID": pads = [0, 0, 0, 0]
        case "SAME_UPPER", "SAME_LOWER":
            pads = [0, 0, 0, 0]
            for axis in 0..<2 {
                let results = (extents[axis] + strides[axis] - 1) / strides[axis]
                let total = max(0, (results - 1) * strides[axis] + reach[axis] - extents[axis])
                let smaller = total / 2
                pads[axis] = automatic == "SAME_UPPER" ? smaller : total - smaller
                pads[axis + 2] = total - pads[axis]
            }
        default: throw node.unsupported("NOTSET, VALID or SAME padding", automatic)
        }
        guard pads.count == 4, pads.allSatisfy({ (0...4096).contains($0) }) else {
            throw node.unsupported("padding of 0 to 4096 on four sides", "\(pads.prefix(8))")
        }
        return Window(height: reach[0], width: reach[1], geometry: Convolution(stride: strides[0], padding: pads))
    }

    private func dilations(_ node: NodeReader) throws -> [Int] {
        let dilations = try node.integers("dilations") ?? [1, 1]
        guard dilations.count == 2, dilations.allSatisfy({ (1...64).contains($0) }) else {
            throw node.unsupported("two dilations of 1 to 64", "\(dilations.prefix(8))")
        }
        return dilations
    }

    private func convolved(_ node: NodeReader) throws -> [Imported] {
        let x = try carried(node.input(0))
        var weight = try node.host(1, "weights")
        let shape = x.shape
        guard shape.count == 4, weight.shape.count == 4 else {
            throw node.unsupported("a picture [n, c, h, w] and weights [o, c, kh, kw]", "\(shape) and \(weight.shape)")
        }
        let kernel = Array(weight.shape[2...])
        guard try node.integers("kernel_shape").map({ $0 == kernel }) ?? true else {
            throw node.fault(.inconsistent, "the kernel_shape of the weights", "another")
        }
        let (groups, dilations) = (try node.integer("group", 1), try dilations(node))
        let window = try window(kernel, size: (shape[2], shape[3]), dilations: dilations, node)
        guard groups >= 1, shape[1] % groups == 0, weight.shape[0] % groups == 0, weight.shape[1] == shape[1] / groups else {
            throw node.fault(.inconsistent, "\(groups) groups of the channels of \(shape)", "weights \(weight.shape)")
        }
        let bias = try node.isGiven(2) ? node.host(2, "biases") : nil
        if let bias, bias.shape != [weight.shape[0]] {
            throw node.fault(.inconsistent, "\(weight.shape[0]) biases", "\(bias.shape)")
        }
        if dilations != [1, 1] { weight = try dilated(weight, window, dilations, node) }
        let picture = try x.channelsLast()
        let result: Value
        if groups == 1 {
            result = try picture.convolved(self.weight(weight), bias: bias.map { try self.weight($0) }, window.geometry)
        } else if groups == shape[1], weight.shape[0] == groups {
            // [c, 1, kh, kw] → [kh, kw, c]
            let kernel = try self.weight(weight, order: [2, 3, 0, 1]).reshaped([window.height, window.width, groups])
            result = try picture.convolvedByChannel(kernel, bias: bias.map { try self.weight($0) }, window.geometry)
        } else {
            result = try grouped(picture, weight, bias, groups, window.geometry, node)
        }
        return [.graph(Carried(result, order: [0, 2, 3, 1]))]
    }

    /// Few groups of many channels: a convolution each.
    private func grouped(
        _ x: Value, _ weight: HostTensor, _ bias: HostTensor?, _ groups: Int, _ geometry: Convolution, _ node: NodeReader
    ) throws -> Value {
        guard groups <= 64 else { throw node.unsupported("up to 64 groups, or one per channel", "\(groups)") }
        let (into, out) = (x.shape[3] / groups, weight.shape[0] / groups)
        let parts = try (0..<groups).map { group in
            guard case .host(let kernel) = try cut(.host(weight), axis: 0, start: group * out, count: out, step: 1, node) else { return x }
            var own: Value?
            if let bias, case .host(let part) = try cut(.host(bias), axis: 0, start: group * out, count: out, step: 1, node) {
                own = try self.weight(part)
            }
            return try x.sliced(axis: 3, start: group * into, count: into).convolved(self.weight(kernel), bias: own, geometry)
        }
        return try parts[0].concatenated(with: Array(parts.dropFirst()), axis: 3)
    }

    /// A kernel with zeros between its taps.
    private func dilated(_ weight: HostTensor, _ window: Window, _ dilations: [Int], _ node: NodeReader) throws -> HostTensor {
        let (taps, columns) = (weight.shape[2] * weight.shape[3], weight.shape[3])
        let target = [weight.shape[0], weight.shape[1], window.height, window.width]
        guard let count = HostTensor.count(target) else { throw node.fault(.tooLarge, "a possible kernel", "\(target)") }
        try fold(count, node)
        var values = [Float](repeating: 0, count: count)
        for (index, value) in weight.floats.enumerated() {
            let (row, column) = (index % taps / columns * dilations[0], index % columns * dilations[1])
            values[(index / taps * window.height + row) * window.width + column] = value
        }
        return HostTensor(target, .floats(values))
    }

    private func maxPooled(_ node: NodeReader) throws -> [Imported] {
        let x = try carried(node.input(0))
        let shape = x.shape
        guard shape.count == 4 else { throw node.unsupported("a picture [n, c, h, w]", "\(shape)") }
        guard try dilations(node) == [1, 1] else { throw node.unsupported("pooling without dilation", "dilations") }
        _ = try node.integer("storage_order", 0)
        var window = try window(node.integers("kernel_shape") ?? [], size: (shape[2], shape[3]), dilations: [1, 1], node)
        if try node.integer("ceil_mode", 0) != 0 {
            // A last window that is partly outside, if it begins inside the picture or the padding before it.
            let stride = window.geometry.stride
            for (axis, reach) in [window.height, window.width].enumerated() {
                let (before, after) = (window.geometry.padding[axis], window.geometry.padding[axis + 2])
                let left = shape[axis + 2] + before + after - reach
                guard left >= 0, left % stride != 0 else { continue }
                if (left / stride + 1) * stride < shape[axis + 2] + before { window.geometry.padding[axis + 2] += stride - left % stride }
            }
        }
        let result = try x.channelsLast().pooled(height: window.height, width: window.width, window.geometry)
        return [.graph(Carried(result, order: [0, 2, 3, 1]))]
    }

    // MARK: Matrices

    private func multiplied(_ node: NodeReader) throws -> [Imported] {
        let (left, right) = (try node.input(0), try node.input(1))
        guard left.shape.count >= 2, right.shape.count >= 2 else {
            throw node.unsupported("matrices", "\(left.shape) and \(right.shape)")
        }
        guard left.shape.last == right.shape[right.shape.count - 2] else {
            throw node.fault(.inconsistent, "matrices that fit", "\(left.shape) and \(right.shape)")
        }
        if case .host(let matrix) = right, matrix.shape.dropLast(2).allSatisfy({ $0 == 1 }), matrix.shape.count <= left.shape.count {
            let two = Array(matrix.shape.suffix(2))
            let weight = matrix.shape.count == 2 ? matrix : HostTensor(two, matrix.elements)
            // Rows may be carried in any order.
            let x = try carried(left)
            let last = x.rank - 1
            let order = x.order.filter { $0 != last } + [last]
            let product = try builder.one(
                .linear(Epilogue(), transposed: true), x.ordered(order), self.weight(weight).reshaped(Shape(two)))
            return [.graph(Carried(product, order: order))]
        }
        return [.graph(try products(carried(left), carried(right), node))]
    }

    /// Matrix by matrix.
    private func products(_ left: Carried, _ right: Carried, _ node: NodeReader) throws -> Carried {
        let rank = max(left.rank, right.rank)
        let (a, b) = (try left.lifted(to: rank), try right.lifted(to: rank))
        let (m, k, n) = (a.shape[rank - 2], a.shape[rank - 1], b.shape[rank - 1])
        guard let batch = broadcast(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2))) else {
            throw node.fault(.inconsistent, "matrices that fit", "\(left.shape) and \(right.shape)")
        }
        let count = batch.reduce(1, *)
        guard count <= 256 else { throw node.unsupported("at most 256 products at once", "\(count)") }
        // The second as it is carried: [k, n], or [n, k] after a transpose that then need not be done.
        let turned = Array(0..<rank - 2) + [rank - 1, rank - 2]
        let isTurned = b.order == turned
        let rows = try a.plain().broadcasted(to: Shape(batch + [m, k])).reshaped([count, m, k])
        let columns = isTurned ? [n, k] : [k, n]
        let weights = try (isTurned ? b.value : b.plain()).broadcasted(to: Shape(batch + columns)).reshaped(Shape([count] + columns))
        let parts = try (0..<count).map { index in
            let x = try rows.sliced(axis: 0, start: index, count: 1)
            let weight = try weights.sliced(axis: 0, start: index, count: 1).reshaped(Shape(columns))
            return try builder.one(.linear(Epilogue(), transposed: !isTurned), x, weight)
        }
        let all = parts.count == 1 ? parts[0] : try parts[0].concatenated(with: Array(parts.dropFirst()), axis: 0)
        return Carried(try all.reshaped(Shape(batch + [m, n])))
    }

    /// alpha · A · B + beta · C
    private func general(_ node: NodeReader) throws -> [Imported] {
        let a = try carried(node.input(0))
        let b = try carried(node.input(1))
        guard a.rank == 2, b.rank == 2 else { throw node.fault(.inconsistent, "two matrices", "\(a.shape) and \(b.shape)") }
        let rows = try node.integer("transA", 0) != 0 ? a.ordered([1, 0]) : a.plain()
        let transposed = try node.integer("transB", 0) != 0
        var result = try builder.one(.linear(Epilogue(), transposed: !transposed), rows, b.plain())
        let (alpha, beta) = (node.float("alpha", 1), node.float("beta", 1))
        if alpha != 1 { result = try result.scaled(by: alpha) }
        if node.isGiven(2), beta != 0 {
            var addend = try carried(node.input(2)).plain()
            if beta != 1 { addend = try addend.scaled(by: beta) }
            guard Shape.broadcast(addend.shape, result.shape) == result.shape else {
                throw node.fault(.inconsistent, "an addend for \(result.shape)", "\(addend.shape)")
            }
            result = try result.adding(addend)
        }
        return [.graph(Carried(result))]
    }
}
