import RainGraph
import RainNetworks

extension Importer {
    /// Operators that move elements, on values known on import as well as on those of the graph.
    static let structure: [String: Translation] = [
        "Transpose": { importer, node in
            let input = try node.input(0)
            let rank = input.shape.count
            let order = try node.integers("perm") ?? Array((0..<rank).reversed())
            guard order.sorted() == Array(0..<rank) else { throw node.fault(.inconsistent, "an order of \(rank) axes", "\(order)") }
            switch input {
            case .host(let tensor):
                try importer.fold(tensor.count, node)
                return [.host(tensor.transposed(order))]
            case .graph(let carried):
                // Axis i of the result is axis order[i] of the input: only the names of the axes change.
                return [.graph(Carried(carried.value, order: carried.order.map { order.firstIndex(of: $0) ?? $0 }))]
            }
        },
        "Reshape": { importer, node in
            let input = try node.input(0)
            let keepsZeros = try node.integer("allowzero", 0) != 0
            return [try importer.reshaped(input, wanted(input.shape, node.integers(1, "extents"), keepsZeros, node), node)]
        },
        "Flatten": { importer, node in
            let input = try node.input(0)
            let rank = input.shape.count
            let given = try node.integer("axis", 1)
            let axis = given == rank ? rank : try node.axis(given, rank: max(rank, 1))
            let rows = input.shape.prefix(axis).reduce(1, *)
            return [try importer.reshaped(input, [rows, input.shape.dropFirst(axis).reduce(1, *)], node)]
        },
        "Squeeze": { importer, node in
            let input = try node.input(0)
            let shape = input.shape
            let axes = try node.axes(input: 1, rank: shape.count) ?? shape.indices.filter { shape[$0] == 1 }
            guard axes.allSatisfy({ shape[$0] == 1 }) else { throw node.fault(.inconsistent, "axes of size 1", "\(axes) of \(shape)") }
            return [try importer.reshaped(input, shape.indices.filter { !axes.contains($0) }.map { shape[$0] }, node)]
        },
        "Unsqueeze": { importer, node in
            let input = try node.input(0)
            let given = try node.integers("axes") ?? node.integers(1, "axes")
            guard given.count <= 8 else { throw node.fault(.tooLarge, "at most 8 axes", "\(given.count)") }
            var shape = input.shape
            for axis in try node.axes(given, rank: shape.count + given.count) { shape.insert(1, at: min(axis, shape.count)) }
            return [try importer.reshaped(input, shape, node)]
        },
        "Concat": { try $0.concatenated($1) },
        "Slice": { try $0.sliced($1) },
        "Split": { try $0.split($1) },
        "Gather": { try $0.gathered($1) },
        "Expand": { importer, node in
            let input = try node.input(0)
            guard let shape = importer.broadcast(input.shape, try node.integers(1, "extents")) else {
                throw node.fault(.inconsistent, "a shape \(input.shape) broadcasts to", "another")
            }
            guard let count = HostTensor.count(shape) else { throw node.fault(.tooLarge, "a possible shape", "\(shape.prefix(12))") }
            switch input {
            case .host(let tensor):
                try importer.fold(count, node)
                return [.host(tensor.broadcasted(to: shape))]
            case .graph(let carried):
                let lifted = try carried.lifted(to: shape.count)
                return [.graph(Carried(try lifted.value.broadcasted(to: Shape(lifted.order.map { shape[$0] })), order: lifted.order))]
            }
        },
        "Pad": { try $0.padded($1) },
        "Resize": { try $0.resized($1) },
    ]

    /// The shape `Reshape` asks for: 0 keeps an extent, -1 takes what is left.
    private static func wanted(_ shape: [Int], _ given: [Int], _ keepsZeros: Bool, _ node: NodeReader) throws -> [Int] {
        guard given.count <= 8 else { throw node.fault(.tooLarge, "at most 8 axes", "\(given.count)") }
        var result = given
        for (axis, extent) in given.enumerated() where extent == 0 && !keepsZeros {
            guard axis < shape.count else { throw node.fault(.inconsistent, "an extent to keep", "axis \(axis) of \(shape)") }
            result[axis] = shape[axis]
        }
        if let open = result.firstIndex(of: -1) {
            result[open] = 1
            guard let others = HostTensor.count(result), let count = HostTensor.count(shape), others > 0, count % others == 0 else {
                throw node.fault(.inconsistent, "extents that divide \(shape)", "\(given)")
            }
            result[open] = count / others
        }
        guard let count = HostTensor.count(result), count == HostTensor.count(shape) else {
            throw node.fault(.inconsistent, "as many elements as \(shape)", "\(given)")
        }
        return result
    }

    func reshaped(_ input: Imported, _ shape: [Int], _ node: NodeReader) throws -> Imported {
        switch input {
        case .host(let tensor):
            guard HostTensor.count(shape) == tensor.count else {
                throw node.fault(.inconsistent, "as many elements as \(tensor.shape)", "\(shape.prefix(12))")
            }
            return .host(HostTensor(shape, tensor.elements))
        case .graph(let carried): return .graph(try carried.reshaped(shape))
        }
    }

    private func concatenated(_ node: NodeReader) throws -> [Imported] {
        let inputs = try node.inputs.indices.map { try node.input($0) }
        guard let rank = inputs.first?.shape.count, inputs.allSatisfy({ $0.shape.count == rank }), rank > 0 else {
            throw node.fault(.inconsistent, "values of one rank", "\(inputs.prefix(8).map(\.shape))")
        }
        let axis = try node.axis(node.integer("axis", 1), rank: rank)
        let tensors = inputs.compactMap { if case .host(let tensor) = $0 { tensor } else { nil } }
        if tensors.count == inputs.count { return [.host(try joined(tensors, axis, node))] }
        guard case .graph(let leader) = inputs.first(where: { if case .graph = $0 { true } else { false } }) else { return [] }
        var parts: [Value] = []
        for input in inputs {
            switch input {
            case .graph(let carried): parts.append(try carried.ordered(leader.order))
            case .host(let tensor): if tensor.count > 0 { parts.append(try weight(tensor, order: leader.order)) }
            }
        }
        return [.graph(Carried(try builder.add(.concatenate(axis: leader.position(axis)), parts)[0], order: leader.order))]
    }

    private func joined(_ tensors: [HostTensor], _ axis: Int, _ node: NodeReader) throws -> HostTensor {
        var shape = tensors[0].shape
        shape[axis] = 0
        for tensor in tensors {
            var aligned = tensor.shape
            aligned[axis] = shape[axis]
            guard aligned == shape else { throw node.fault(.inconsistent, "shapes alike but for axis \(axis)", "\(tensor.shape)") }
            shape[axis] += tensor.shape[axis]
        }
        guard let count = HostTensor.count(shape) else { throw node.fault(.tooLarge, "a possible shape", "\(shape)") }
        try fold(count, node)
        let outer = shape[..<axis].reduce(1, *)
        func joined<Element>(_ lists: [[Element]]) -> [Element] {
            (0..<outer).flatMap { block in
                lists.flatMap { list in list[(list.count / outer * block)..<(list.count / outer * (block + 1))] }
            }
        }
        if outer == 0 { return HostTensor(shape, tensors[0].elements) }
        if tensors.allSatisfy(\.isInteger) {
            return HostTensor(
                shape, .integers(joined(tensors.map { if case .integers(let values) = $0.elements { values } else { [] } })))
        }
        return HostTensor(shape, .floats(joined(tensors.map(\.floats))))
    }

    /// `count` of an axis from `start`, `step` apart (at least 1 for values of the graph).
    func cut(_ input: Imported, axis: Int, start: Int, count: Int, step: Int, _ node: NodeReader) throws -> Imported {
        switch input {
        case .host(let tensor):
            let strides = Shape(tensor.shape).strides
            var shape = tensor.shape
            shape[axis] = count
            try fold(HostTensor.count(shape) ?? .max, node)
            var steps = strides
            steps[axis] *= step
            guard !shape.contains(0) else { return .host(tensor.gathered([], shape: shape)) }
            return .host(tensor.gathered(HostTensor.places(shape, strides: steps, offset: start * strides[axis]), shape: shape))
        case .graph(let carried):
            guard step > 0, count > 0 else {
                throw node.unsupported("a slice forwards of at least one element", "step \(step), \(count) of them")
            }
            let position = carried.position(axis)
            let extent = carried.value.shape[position]
            if step == 1 || count == 1 {
                return .graph(Carried(try carried.value.sliced(axis: position, start: start, count: count), order: carried.order))
            }
            // Every step-th element is the first of each group of `step`; the last group may want a few elements more.
            let length = count * step
            let missing = max(0, start + length - extent)
            let whole = missing == 0 ? carried.value : try builder.one(.pad(axis: position, before: 0, after: missing), carried.value)
            let part = try whole.sliced(axis: position, start: start, count: length)
            var groups = part.shape.dimensions
            groups.replaceSubrange(position...position, with: [count, step])
            var result = part.shape
            result[position] = count
            let first = try part.reshaped(Shape(groups)).sliced(axis: position + 1, start: 0, count: 1).reshaped(result)
            return .graph(Carried(first, order: carried.order))
        }
    }

    private func sliced(_ node: NodeReader) throws -> [Imported] {
        var result = try node.input(0)
        let rank = result.shape.count
        let (starts, ends) = (try node.integers(1, "starts"), try node.integers(2, "ends"))
        let axes = try (node.isGiven(3) ? node.integers(3, "axes") : Array(starts.indices)).map { try node.axis($0, rank: rank) }
        let steps = node.isGiven(4) ? try node.integers(4, "steps") : Array(repeating: 1, count: starts.count)
        let counts = [starts.count, ends.count, axes.count, steps.count]
        guard Set(counts).count == 1, Set(axes).count == axes.count else {
            throw node.fault(.inconsistent, "as many starts, ends, axes and steps", "\(counts)")
        }
        for (index, axis) in axes.enumerated() {
            let (extent, step) = (result.shape[axis], steps[index])
            guard step != 0 else { throw node.fault(.inconsistent, "a step other than 0", "0") }
            func counted(_ bound: Int) -> Int { bound < 0 ? bound + extent : bound }
            let (start, count): (Int, Int)
            if step > 0 {
                start = min(max(counted(starts[index]), 0), extent)
                count = (max(min(max(counted(ends[index]), 0), extent) - start, 0) + step - 1) / step
            } else {
                start = min(max(counted(starts[index]), -1), extent - 1)
                let end = min(max(counted(ends[index]), -1), extent - 1)
                count = (max(start - end, 0) - step - 1) / -step
            }
            result = try cut(result, axis: axis, start: start, count: count, step: step, node)
        }
        return [result]
    }

    private func split(_ node: NodeReader) throws -> [Imported] {
        let input = try node.input(0)
        let axis = try node.axis(node.integer("axis", 0), rank: input.shape.count)
        let extent = input.shape[axis]
        let listed = try node.integers("split")
        var sizes = try listed ?? (node.isGiven(1) ? node.integers(1, "sizes") : [])
        if sizes.isEmpty, node.outputCount > 0, extent % node.outputCount == 0 {
            sizes = Array(repeating: extent / node.outputCount, count: node.outputCount)
        }
        guard sizes.count == node.outputCount, sizes.allSatisfy({ $0 >= 0 && $0 <= extent }), sizes.reduce(0, +) == extent else {
            throw node.fault(.inconsistent, "\(node.outputCount) parts of \(extent)", "\(sizes.prefix(12))")
        }
        var start = 0
        return try sizes.map { size in
            defer { start += size }
            return try cut(input, axis: axis, start: start, count: size, step: 1, node)
        }
    }

    private func gathered(_ node: NodeReader) throws -> [Imported] {
        let input = try node.input(0)
        let axis = try node.axis(node.integer("axis", 0), rank: input.shape.count)
        let extent = input.shape[axis]
        let indices = try node.host(1, "indices")
        let places = try node.integers(1, "indices").map { try node.axis($0, rank: extent) }
        var shape = input.shape
        shape.replaceSubrange(axis...axis, with: indices.shape)
        guard !places.isEmpty else { throw node.unsupported("at least one index", "none") }
        // Runs of neighbours are one slice each.
        var runs: [(start: Int, count: Int)] = []
        for place in places {
            if let last = runs.last, last.start + last.count == place {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((place, 1))
            }
        }
        guard runs.count <= 1024 else { throw node.unsupported("at most 1024 runs of indices", "\(runs.count)") }
        let parts = try runs.map { try cut(input, axis: axis, start: $0.start, count: $0.count, step: 1, node) }
        if parts.count == 1 { return [try reshaped(parts[0], shape, node)] }
        switch input {
        case .host:
            let tensors = parts.compactMap { if case .host(let tensor) = $0 { tensor } else { nil } }
            return [try reshaped(.host(joined(tensors, axis, node)), shape, node)]
        case .graph(let carried):
            let values = parts.compactMap { if case .graph(let part) = $0 { part.value } else { nil } }
            let whole = try builder.add(.concatenate(axis: carried.position(axis)), values)[0]
            return [try reshaped(.graph(Carried(whole, order: carried.order)), shape, node)]
        }
    }

    private func padded(_ node: NodeReader) throws -> [Imported] {
        let x = try carried(node.input(0))
        let mode = node.string("mode", "constant")
        guard mode == "constant" else { throw node.unsupported("padding with a constant", mode) }
        if node.isGiven(2), try node.number(2, "value") != 0 { throw node.unsupported("padding with zeros", "another value") }
        let pads = try node.integers(1, "padding")
        guard pads.count == 2 * x.rank, pads.allSatisfy({ $0 >= 0 && $0 <= 1 << 16 }) else {
            throw node.fault(.inconsistent, "\(2 * x.rank) numbers of 0 to 65536", "\(pads.prefix(16))")
        }
        var value = x.value
        for axis in 0..<x.rank where pads[axis] + pads[x.rank + axis] > 0 {
            value = try builder.one(.pad(axis: x.position(axis), before: pads[axis], after: pads[x.rank + axis]), value)
        }
        return [.graph(Carried(value, order: x.order))]
    }

    /// Nearest neighbours at whole multiples of the size, for which every pixel is repeated.
    private func resized(_ node: NodeReader) throws -> [Imported] {
        let x = try carried(node.input(0))
        let mode = (
            node.string("mode", "nearest"), node.string("coordinate_transformation_mode", "half_pixel"),
            node.string("nearest_mode", "round_prefer_floor")
        )
        // Attributes of the other modes.
        _ = (node.float("cubic_coeff_a", -0.75), try node.integer("exclude_outside", 0), node.float("extrapolation_value", 0))
        switch mode {
        case ("nearest", "asymmetric", "floor"), ("nearest", "half_pixel", "round_prefer_floor"),
            ("nearest", "half_pixel", "round_prefer_ceil"), ("nearest", "pytorch_half_pixel", "round_prefer_floor"):
            break
        default: throw node.unsupported("nearest neighbours that repeat every pixel", "\(mode)")
        }
        let shape = x.shape
        guard shape.count == 4 else { throw node.unsupported("a picture [n, c, h, w]", "\(shape)") }
        let factors: [Float]
        if node.isGiven(3), try node.host(3, "sizes").count > 0 {
            let sizes = try node.integers(3, "sizes")
            guard sizes.count == 4 else { throw node.fault(.inconsistent, "4 sizes", "\(sizes.count)") }
            factors = zip(sizes, shape).map { Float($0) / Float($1) }
        } else {
            factors = try node.host(2, "scales").floats
        }
        guard factors.count == 4, factors.allSatisfy({ $0 >= 1 && $0 <= 64 && $0 == $0.rounded() }), factors[0] == 1, factors[1] == 1 else {
            throw node.unsupported("whole factors of 1 to 64 for height and width", "\(factors.prefix(8))")
        }
        let (tall, wide) = (Int(factors[2]), Int(factors[3]))
        let picture = try x.channelsLast()
        if (tall, wide) == (2, 2) { return [.graph(Carried(try picture.upsampledNearest(), order: [0, 2, 3, 1]))] }
        let (n, h, w, c) = (shape[0], shape[2], shape[3], shape[1])
        let repeated = try picture.reshaped([n, h, 1, w, 1, c]).broadcasted(to: [n, h, tall, w, wide, c])
        return [.graph(Carried(try repeated.reshaped([n, h * tall, w * wide, c]), order: [0, 2, 3, 1]))]
    }
}
