extension Graph {
    /// A convolution with a 1×1 kernel is a linear layer on pixels: one kind of operation less to make fast, and gradients with epilogues.
    func withPointwiseConvolutionsAsLinear() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            guard case .convolution(Convolution(padding: [0, 0, 0, 0]), let epilogue) = site.node.operation else { return nil }
            let x = site.node.operands
            let weight = site.graph.shape(x[1])
            guard weight.dimensions[2...] == [1, 1] else { return nil }
            let matrix = try new.reshape(new.image(x[1]), to: [weight[0], weight[1]])
            return try new.add(.linear(epilogue, transposed: false), [new.image(x[0]), matrix] + x.dropFirst(2).map(new.image))
        }
    }
}
