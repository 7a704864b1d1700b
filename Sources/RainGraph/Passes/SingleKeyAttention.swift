extension Graph {
    /// Attention over a single key is its value, whatever the queries: softmax of one score is 1.
    ///
    /// This turns cross-attention to RAIN's one image token into a vector that depends on the reference alone.
    func withSingleKeyAttentionResolved() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            let x = site.node.operands
            switch site.node.operation {
            case .attention where x.count == 3 && site.graph.shape(x[1])[1] == 1:
                return [try new.broadcast(new.image(x[2]), to: site.shape)]
            case .temporalAttention where site.shape[1] == 1: return [new.image(x[2])]
            default: return nil
            }
        }
    }
}
