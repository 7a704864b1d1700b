/// Where a pixel of a bent picture comes from: the weights of the mesh's four nodes around it, and of the four pixels around its place.
private struct SampledPlace {
    /// Nodes as `(offset in the grid, weight)`.
    var nodes: [(offset: Int, weight: Double)]
    /// Pixels as `(offset of the first channel, weight, weight's slope along x, along y)`; slopes per unit of -1…1.
    var pixels: [(offset: Int, weight: Double, slopeX: Double, slopeY: Double)]

    init(row: Int, column: Int, of size: (height: Int, width: Int), sample: Int, grid: Tensor, x: Shape) {
        let (gridHeight, gridWidth) = (grid.shape[1], grid.shape[2])
        func between(_ index: Int, _ count: Int, _ nodes: Int) -> (first: Int, rest: Double) {
            let place = (Double(index) + 0.5) / Double(count) * Double(nodes - 1)
            let first = min(Int(place), nodes - 2)
            return (first, place - Double(first))
        }
        let (down, across) = (between(row, size.height, gridHeight), between(column, size.width, gridWidth))
        nodes = []
        var place = SIMD2<Double>.zero
        for (y, weightY) in [(0, 1 - down.rest), (1, down.rest)] {
            for (x, weightX) in [(0, 1 - across.rest), (1, across.rest)] {
                let offset = ((sample * gridHeight + down.first + y) * gridWidth + across.first + x) * 2
                nodes.append((offset, weightY * weightX))
                place += weightY * weightX * SIMD2(Double(grid.elements[offset]), Double(grid.elements[offset + 1]))
            }
        }
        func pixel(_ place: Double, _ count: Int) -> (first: Int, second: Int, rest: Double, slope: Double) {
            let pixel = (place + 1) / 2 * Double(count) - 0.5
            guard pixel > 0 else { return (0, 0, 0, 0) }
            guard pixel < Double(count - 1) else { return (count - 1, count - 1, 0, 0) }
            let first = Int(pixel)
            return (first, first + 1, pixel - Double(first), Double(count) / 2)
        }
        let (h, v) = (pixel(place.x, x[2]), pixel(place.y, x[1]))
        let start = sample / (grid.shape[0] / x[0]) * x[1] * x[2] * x[3]
        func offset(_ row: Int, _ column: Int) -> Int { start + (row * x[2] + column) * x[3] }
        pixels = [
            (offset(v.first, h.first), (1 - v.rest) * (1 - h.rest), -(1 - v.rest) * h.slope, -(1 - h.rest) * v.slope),
            (offset(v.first, h.second), (1 - v.rest) * h.rest, (1 - v.rest) * h.slope, -h.rest * v.slope),
            (offset(v.second, h.first), v.rest * (1 - h.rest), -v.rest * h.slope, (1 - h.rest) * v.slope),
            (offset(v.second, h.second), v.rest * h.rest, v.rest * h.slope, h.rest * v.slope),
        ]
    }
}

/// Pictures bent by meshes.
func sample(_ x: Tensor, _ grid: Tensor, _ result: Shape) -> [Float] {
    var y: [Float] = []
    y.reserveCapacity(result.count)
    for sample in 0..<result[0] {
        for row in 0..<result[1] {
            for column in 0..<result[2] {
                let place = SampledPlace(
                    row: row, column: column, of: (result[1], result[2]), sample: sample, grid: grid, x: x.shape)
                for channel in 0..<result[3] {
                    y.append(Float(place.pixels.reduce(0) { $0 + $1.weight * Double(x.elements[$1.offset + channel]) }))
                }
            }
        }
    }
    return y
}

func sampleGradient(_ x: Tensor, _ grid: Tensor, _ dy: Tensor) -> [[Float]] {
    var dx = [Double](repeating: 0, count: x.elements.count)
    var dgrid = [Double](repeating: 0, count: grid.elements.count)
    let (height, width, channels) = (dy.shape[1], dy.shape[2], dy.shape[3])
    for sample in 0..<dy.shape[0] {
        for row in 0..<height {
            for column in 0..<width {
                let place = SampledPlace(row: row, column: column, of: (height, width), sample: sample, grid: grid, x: x.shape)
                let start = ((sample * height + row) * width + column) * channels
                var slope = SIMD2<Double>.zero
                for pixel in place.pixels {
                    for channel in 0..<channels {
                        let gradient = Double(dy.elements[start + channel])
                        dx[pixel.offset + channel] += pixel.weight * gradient
                        slope += gradient * Double(x.elements[pixel.offset + channel]) * SIMD2(pixel.slopeX, pixel.slopeY)
                    }
                }
                for node in place.nodes {
                    dgrid[node.offset] += node.weight * slope.x
                    dgrid[node.offset + 1] += node.weight * slope.y
                }
            }
        }
    }
    return [dx.map { Float($0) }, dgrid.map { Float($0) }]
}

func composite(_ layers: Tensor, _ grids: Tensor, _ results: [Shape]) -> [[Float]] {
    let (count, result) = (layers.shape[0], results[0])
    func layer(_ x: Tensor, _ index: Int) -> Tensor {
        let shape = Shape(Array(x.shape.dimensions.dropFirst()))
        return Tensor(shape, Array(x.elements[(index * shape.count)..<((index + 1) * shape.count)]))
    }
    var picture = [Float](repeating: 0, count: result.count)
    var alphas = [Float](repeating: 0, count: results[1].count)
    for index in 0..<count {
        let moved = sample(layer(layers, index), layer(grids, index), result)
        picture = over(moved, picture)
        for pixel in 0..<(result.count / 4) { alphas[pixel * count + index] = moved[pixel * 4 + 3] }
    }
    return [picture, alphas]
}

func over(_ front: [Float], _ back: [Float]) -> [Float] {
    front.indices.map { front[$0] + back[$0] * (1 - front[$0 / 4 * 4 + 3]) }
}
