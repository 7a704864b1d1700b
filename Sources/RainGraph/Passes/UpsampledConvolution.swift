extension Graph {
    /// Lets 3×3 convolutions enlarge their input by themselves: kernels can then work on the small grid (4/9 of the work).
    func withUpsamplingInConvolutions() throws(GraphError) -> Graph {
        try rewritten { (site, new) throws(GraphError) in
            let x = site.node.operands
            guard case .convolution(var geometry, let epilogue) = site.node.operation, !geometry.upsample, geometry.stride == 1,
                site.graph.shape(x[1]).dimensions[2...] == [3, 3]
            else { return nil }
            let enlarged = site.producer(x[0])
            guard enlarged.operation == .upsampleNearest, site.isUsedOnce(x[0]) else { return nil }
            geometry.upsample = true
            return try new.add(.convolution(geometry, epilogue), [new.image(enlarged.operands[0])] + x.dropFirst().map(new.image))
        }
    }
}
