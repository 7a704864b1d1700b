import CPUKernels
import RainGraph

extension Plan {
    /// Linear layers of the same rows, such as a query's, key's and value's, which run as one in the place of the last: for each of them
    /// all, in order. Rows are then read, and split for a matrix unit, once.
    ///
    /// Only layers whose weights are packed before their stage, and whose rows lie in one place, are joined, and only if nothing in between
    /// reads what one of them gives.
    func jointLinears() -> [Int: [Int]] {
        var joint: [Int: [Int]] = [:]
        for stage in Lifetime.allCases {
            var open: [ValueID: [Int]] = [:]
            func close(_ rows: ValueID) {
                guard let members = open.removeValue(forKey: rows), members.count > 1 else { return }
                for member in members { joint[member] = members }
            }
            for index in program.stages[stage] ?? [] where !isElsewhere(index) {
                let node = graph.nodes[index]
                let read = Set(node.operands.flatMap(parts).map { root($0).root.node })
                for (rows, members) in open where !read.isDisjoint(with: members) { close(rows) }
                guard isJoinable(index) else { continue }
                let rows = node.operands[0]
                open[rows, default: []].append(index)
                if open[rows]!.count == Int(RAIN_MOST_JOINT) { close(rows) }
            }
            for rows in Array(open.keys) { close(rows) }
        }
        return joint
    }

    private func isJoinable(_ index: Int) -> Bool {
        guard case .linear(let after, _) = graph.nodes[index].operation, !after.gated, let packing = packing(index) else { return false }
        return parts(graph.nodes[index].operands[0]).count == 1 && !isPackedInPlace(packing, for: graph.nodes[index])
    }

    /// Runs the layers that `jointLinears` found for the last of them; nothing for the others.
    func jointLinear(_ members: [Int], at index: Int) -> Instruction {
        guard index == members.last else { return {} }
        let pool = self.pool.pointer
        let rows = graph.nodes[index].operands[0]
        let k = graph.shape(rows).last
        let m = graph.shape(rows).count / k
        let x = UnsafePointer(pointer(rows))
        let packed = members.map { self.packed($0, packing($0)!) }
        let layers = JointLayers(
            members.map { member in
                guard case .linear(let after, _) = graph.nodes[member].operation else { preconditionFailure("a linear layer") }
                let n = graph.nodes[member].results[0].last
                return RainLinear(n: n, packed: nil, epilogue: epilogue(after, member), y: pointer(ValueID(node: member)))
            })
        return {
            for position in packed.indices { layers.pointer[position].packed = UnsafeRawPointer(packed[position].pointer) }
            rain_linear_joint(pool, m, k, x, packed.count, layers.pointer)
        }
    }
}

/// What the kernel is told of joint layers; made once, since a step allocates nothing.
private final class JointLayers {
    let pointer: UnsafeMutablePointer<RainLinear>

    init(_ layers: [RainLinear]) {
        pointer = .allocate(capacity: layers.count)
        pointer.initialize(from: layers, count: layers.count)
    }

    deinit { pointer.deallocate() }
}
