import RainGraph

/// A value of the graph under construction that stands for an ONNX value.
///
/// ONNX thinks of pictures as `[n, c, h, w]`, Rain as `[n, h, w, c]`. So a value is carried in any order of axes, and operators work in
/// terms of ONNX's: a `Transpose` changes only the order it is carried in, and elements move only where an operator wants another one.
struct Carried {
    var value: Value
    /// Axis `i` of `value` is axis `order[i]` of the ONNX value.
    var order: [Int]

    init(_ value: Value, order: [Int]? = nil) {
        self.value = value
        self.order = order ?? Array(0..<value.shape.rank)
    }

    var rank: Int { order.count }

    /// Extents in ONNX's order.
    var shape: [Int] {
        var shape = [Int](repeating: 1, count: rank)
        for (axis, extent) in zip(order, value.shape.dimensions) { shape[axis] = extent }
        return shape
    }

    /// The axis of `value` that is ONNX's `axis`.
    func position(_ axis: Int) -> Int { order.firstIndex(of: axis) ?? axis }

    /// The value in this order of axes.
    func ordered(_ wanted: [Int]) throws(GraphError) -> Value {
        wanted == order ? value : try value.transposed(wanted.map(position))
    }

    /// The value as ONNX has it.
    func plain() throws(GraphError) -> Value { try ordered(Array(0..<rank)) }

    /// A picture as Rain has it.
    func channelsLast() throws(GraphError) -> Value { try ordered([0, 2, 3, 1]) }

    /// With axes of size 1 put in front, in ONNX's order.
    func lifted(to rank: Int) throws(GraphError) -> Carried {
        let missing = rank - self.rank
        guard missing > 0 else { return self }
        let shape = Shape(Array(repeating: 1, count: missing) + value.shape.dimensions)
        return Carried(try value.reshaped(shape), order: Array(0..<missing) + order.map { $0 + missing })
    }

    /// Another shape of the same elements in ONNX's order. Where the order carried allows it, nothing moves.
    func reshaped(_ target: [Int]) throws(GraphError) -> Carried {
        if let order = carriedOrder(target) {
            return Carried(try value.reshaped(Shape(order.map { target[$0] })), order: order)
        }
        return Carried(try plain().reshaped(Shape(target)))
    }

    /// The order in which `target` can be carried without moving an element: source and target fall into groups of neighbouring axes
    /// with equal products, and the order carried must keep each group of the source together.
    private func carriedOrder(_ target: [Int]) -> [Int]? {
        let source = shape
        var groups: [(source: [Int], target: [Int])] = []
        var (i, j) = (0, 0)
        // Axes of size 1 belong nowhere: they join the group at hand.
        while i < source.count || j < target.count {
            var group: (source: [Int], target: [Int]) = ([], [])
            var (a, b) = (1, 1)
            repeat {
                if a <= b, i < source.count {
                    a *= source[i]
                    group.source.append(i)
                    i += 1
                } else if j < target.count {
                    b *= target[j]
                    group.target.append(j)
                    j += 1
                } else if i < source.count {
                    a *= source[i]
                    group.source.append(i)
                    i += 1
                } else {
                    return nil
                }
            } while a != b
            groups.append(group)
        }
        // Axes that move elements, as carried, with the group of each.
        var groupOf = [Int](repeating: 0, count: source.count)
        for (index, group) in groups.enumerated() { for axis in group.source { groupOf[axis] = index } }
        let moving = order.filter { source[$0] > 1 }
        var sequence: [Int] = []
        for (place, axis) in moving.enumerated() {
            if place > 0, groupOf[moving[place - 1]] == groupOf[axis] {
                guard moving[place - 1] < axis else { return nil }
            } else {
                guard !sequence.contains(groupOf[axis]) else { return nil }
                sequence.append(groupOf[axis])
            }
        }
        let silent = groups.indices.filter { !sequence.contains($0) }
        return (silent + sequence).flatMap { groups[$0].target }
    }
}
