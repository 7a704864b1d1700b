extension Graph {
    /// Removes what does nothing and merges what follows itself: reshapes, transposes, slices, concatenations, padding, broadcasts, sums
    /// and arithmetic with constants.
    func withoutIdentities() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            let x = site.node.operands
            switch site.node.operation {
            case .reshape: return try simplerReshape(site, &new)
            case .transpose(let order): return try simplerTranspose(order, site, &new)
            case .slice(let axis, let start, let count): return try simplerSlice(axis, start, count, site, &new)
            case .concatenate(let axis): return try simplerConcatenation(axis, site, &new)
            case .pad(let axis, let before, let after):
                if before + after == 0 { return [new.image(x[0])] }
                guard case .pad(axis, let earlierBefore, let earlierAfter) = site.producer(x[0]).operation else { return nil }
                let merged = Operation.pad(axis: axis, before: before + earlierBefore, after: after + earlierAfter)
                return [try new.one(merged, new.image(site.producer(x[0]).operands[0]))]
            case .broadcast(let shape):
                if site.graph.shape(x[0]) == shape { return [new.image(x[0])] }
                if case .broadcast = site.producer(x[0]).operation {
                    return [try new.one(.broadcast(shape), new.image(site.producer(x[0]).operands[0]))]
                }
                guard let values = site.constant(x[0]), values.count == 1 else { return nil }
                return [try new.one(.constant(values, shape))]
            case .sum(let axes):
                if site.graph.shape(x[0]) == site.shape { return [new.image(x[0])] }
                guard case .sum(let earlier) = site.producer(x[0]).operation else { return nil }
                return [try new.one(.sum(axes: Set(axes + earlier).sorted()), new.image(site.producer(x[0]).operands[0]))]
            case .affine(let scale, let offset):
                if scale == 1, offset == 0 { return [new.image(x[0])] }
                guard case .affine(let earlierScale, let earlierOffset) = site.producer(x[0]).operation else { return nil }
                let merged = Operation.affine(scale: scale * earlierScale, offset: scale * earlierOffset + offset)
                return [try new.one(merged, new.image(site.producer(x[0]).operands[0]))]
            case .binary(let kind): return try simplerBinary(kind, site, &new)
            default: return nil
            }
        }
    }
}

private func simplerReshape(_ site: Site, _ new: inout Rewriter) throws(GraphError) -> [ValueID]? {
    let x = site.node.operands[0]
    if site.graph.shape(x) == site.shape { return [new.image(x)] }
    switch site.producer(x).operation {
    case .reshape: return [try new.reshape(new.image(site.producer(x).operands[0]), to: site.shape)]
    case .constant(let values, _): return [try new.one(.constant(values, site.shape))]
    default: return nil
    }
}

private func simplerTranspose(_ order: [Int], _ site: Site, _ new: inout Rewriter) throws(GraphError) -> [ValueID]? {
    let x = site.node.operands[0]
    let shape = site.graph.shape(x)
    // Only the order of axes longer than 1 moves elements.
    let moving = order.filter { shape[$0] != 1 }
    if moving == moving.sorted() { return [try new.reshape(new.image(x), to: site.shape)] }
    guard case .transpose(let earlier) = site.producer(x).operation else { return nil }
    return [try new.one(.transpose(order.map { earlier[$0] }), new.image(site.producer(x).operands[0]))]
}

private func simplerSlice(
    _ axis: Int, _ start: Int, _ count: Int, _ site: Site, _ new: inout Rewriter
) throws(GraphError) -> [ValueID]? {
    let x = site.node.operands[0]
    if count == site.graph.shape(x)[axis] { return [new.image(x)] }
    let producer = site.producer(x)
    switch producer.operation {
    case .slice(axis, let earlier, _):
        return [try new.one(.slice(axis: axis, start: earlier + start, count: count), new.image(producer.operands[0]))]
    case .pad(axis, let before, _):
        let length = site.graph.shape(producer.operands[0])[axis]
        guard start >= before, start + count <= before + length else { return nil }
        return [try new.one(.slice(axis: axis, start: start - before, count: count), new.image(producer.operands[0]))]
    case .concatenate(axis):
        // From the operands that the slice meets.
        var position = 0
        var parts: [ValueID] = []
        for operand in producer.operands {
            let length = site.graph.shape(operand)[axis]
            let (first, last) = (max(start, position), min(start + count, position + length))
            if first < last {
                let isWhole = last - first == length
                let part = new.image(operand)
                parts.append(isWhole ? part : try new.one(.slice(axis: axis, start: first - position, count: last - first), part))
            }
            position += length
        }
        return parts.count == 1 ? parts : try new.add(.concatenate(axis: axis), parts)
    default: return nil
    }
}

private func simplerConcatenation(_ axis: Int, _ site: Site, _ new: inout Rewriter) throws(GraphError) -> [ValueID]? {
    let x = site.node.operands
    if x.count == 1 { return [new.image(x[0])] }
    func isNested(_ operand: ValueID) -> Bool {
        let producer = site.producer(operand)
        return producer.operation == .concatenate(axis: axis) && producer.lifetime == site.node.lifetime && site.isUsedOnce(operand)
    }
    if x.contains(where: isNested) {
        return try new.add(.concatenate(axis: axis), x.flatMap { isNested($0) ? site.producer($0).operands : [$0] }.map(new.image))
    }
    // Neighbouring slices of one value are one slice.
    for position in x.indices.dropLast() {
        let (a, b) = (site.producer(x[position]), site.producer(x[position + 1]))
        guard case .slice(axis, let start, let count) = a.operation, case .slice(axis, start + count, let more) = b.operation,
            a.operands == b.operands
        else { continue }
        let merged = try new.one(.slice(axis: axis, start: start, count: count + more), new.image(a.operands[0]))
        let operands = x[..<position].map(new.image) + [merged] + x[(position + 2)...].map(new.image)
        return operands.count == 1 ? operands : try new.add(.concatenate(axis: axis), operands)
    }
    return nil
}

/// Arithmetic with one number for all elements.
private func simplerBinary(_ kind: Binary, _ site: Site, _ new: inout Rewriter) throws(GraphError) -> [ValueID]? {
    let x = site.node.operands
    for (position, other) in [(1, 0), (0, 1)] {
        guard let values = site.constant(x[position]), values.count == 1, let number = values.first,
            site.graph.shape(x[other]) == site.shape
        else { continue }
        let value = new.image(x[other])
        switch (kind, position) {
        case (.add, _): return [try new.one(.affine(scale: 1, offset: number), value)]
        case (.subtract, 1): return [try new.one(.affine(scale: 1, offset: -number), value)]
        case (.subtract, _): return [try new.one(.affine(scale: -1, offset: number), value)]
        case (.multiply, _): return [try new.one(.affine(scale: number, offset: 0), value)]
        case (.divide, 1) where number == 1: return [value]
        case (.divide, _), (.minimum, _), (.maximum, _), (.prelu, _): continue
        }
    }
    return nil
}
