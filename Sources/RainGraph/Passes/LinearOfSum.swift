extension Graph {
    /// `linear(x + e)` with an `e` that is repeated over rows and known earlier than `x`: `linear(x) + linear(e)`, the second term a matter
    /// of an earlier stage. The temporal positions enter the motion modules' projections so.
    ///
    /// Pays only if nothing else needs the sum.
    func withLinearOfSumsSplit() throws(GraphError) -> Graph {
        var otherUses: Set<ValueID> = Set(outputs.map(\.value))
        for node in nodes {
            for (position, operand) in node.operands.enumerated() {
                if case .linear = node.operation, position == 0 { continue }
                otherUses.insert(operand)
            }
        }
        return try rewritten { (site, new) throws(GraphError) in
            guard case .linear(let epilogue, let transposed) = site.node.operation, epilogue.isOpen else { return nil }
            let input = site.node.operands[0]
            let sum = site.producer(input)
            guard sum.operation == .binary(.add), !otherUses.contains(input) else { return nil }
            for (own, early) in [(sum.operands[0], sum.operands[1]), (sum.operands[1], sum.operands[0])] {
                let small = site.graph.shape(early)
                let full = sum.results[0]
                // Neighbouring rows must share a term for it to become a sample bias.
                let isShared = full.rank > 1 && full[full.rank - 2] > 1 && (small.rank < 2 || small[small.rank - 2] == 1)
                guard site.graph.shape(own) == full, small.last == full.last, isShared, site.producer(early).lifetime < sum.lifetime
                else { continue }
                let rest = site.node.operands.dropFirst().map(new.image)
                let product = try new.add(.linear(epilogue, transposed: transposed), [new.image(own)] + rest)[0]
                let addend = try new.one(.linear(Epilogue(), transposed: transposed), new.image(early), rest[0])
                return [try new.one(.binary(.add), product, addend)]
            }
            return nil
        }
    }
}
