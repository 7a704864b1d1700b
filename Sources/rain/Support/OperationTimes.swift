import RainGraph

/// The time that operations of one kind take in a run.
struct OperationTimes: Encodable {
    var operation: String
    var count = 0
    var seconds = 0.0
    var multiplyAdds = 0

    /// 10⁹ operations per second, two per multiply-add of the plain algorithm.
    var gigaflops: Double { seconds > 0 ? 2e-9 * Double(multiplyAdds) / seconds : 0 }

    /// Sums per kind of what `CPUExecutable.runTimed` gives, the longest first.
    static func sums(of times: [(node: Int, seconds: Double)], in program: Program) -> [OperationTimes] {
        var sums: [String: OperationTimes] = [:]
        var counted: Set<Int> = []
        for (node, seconds) in times {
            let name = program.graph.nodes[node].operation.name
            sums[name, default: OperationTimes(operation: name)].seconds += seconds
            // Packing a weight in the step is a part of its node's time, and no second run of it.
            guard counted.insert(node).inserted else { continue }
            sums[name]!.count += 1
            sums[name]!.multiplyAdds += program.multiplyAdds(of: node)
        }
        return sums.values.sorted { $0.seconds > $1.seconds }
    }
}
