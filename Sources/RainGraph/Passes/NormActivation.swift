extension Graph {
    /// Lets group norms apply the activation that follows.
    func withNormsActivated() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            guard case .unary(let activation) = site.node.operation, Epilogue.activations.contains(activation) else { return nil }
            let source = site.behindReshape(site.node.operands[0])
            let norm = site.producer(source)
            guard case .groupNorm(let groups, let epsilon, nil) = norm.operation, site.isUsedOnce(source) else { return nil }
            let activated = try new.add(
                .groupNorm(groups: groups, epsilon: epsilon, activation: activation), norm.operands.map(new.image))[0]
            return [try new.reshape(activated, to: site.shape)]
        }
    }
}
