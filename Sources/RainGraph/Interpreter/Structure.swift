func concatenate(_ x: [Tensor], _ axis: Int, _ result: Shape) -> [Float] {
    var y: [Float] = []
    y.reserveCapacity(result.count)
    let (outer, inner) = result.around(axis)
    for block in 0..<outer {
        for operand in x {
            let count = operand.shape[axis] * inner
            y.append(contentsOf: operand.elements[block * count..<(block + 1) * count])
        }
    }
    return y
}

func pad(_ x: Tensor, _ axis: Int, _ before: Int, _ result: Shape) -> [Float] {
    var y = [Float](repeating: 0, count: result.count)
    let (outer, inner) = result.around(axis)
    let count = x.shape[axis] * inner
    for block in 0..<outer {
        let target = (block * result[axis] + before) * inner
        for index in 0..<count { y[target + index] = x.elements[block * count + index] }
    }
    return y
}

/// Sums over the axes that have size 1 in the result.
func sum(_ x: Tensor, _ result: Shape) -> [Float] {
    var sums = [Double](repeating: 0, count: result.count)
    let strides = result.strides(broadcastTo: x.shape)
    let inner = strides.last ?? 0
    var source = 0
    x.shape.forEachRow(strides: strides) { start in
        var target = start
        for _ in 0..<x.shape.last {
            sums[target] += Double(x.elements[source])
            source += 1
            target += inner
        }
    }
    return sums.map { Float($0) }
}

func upsampleNearest(_ x: Tensor, _ result: Shape) -> [Float] {
    var y: [Float] = []
    y.reserveCapacity(result.count)
    let (height, width, channels) = (result[1], result[2], result[3])
    for row in 0..<result[0] * height {
        for column in 0..<width {
            let start = (row / 2 * (width / 2) + column / 2) * channels
            y.append(contentsOf: x.elements[start..<start + channels])
        }
    }
    return y
}

func sumPool(_ x: Tensor, _ result: Shape) -> [Float] {
    var sums = [Double](repeating: 0, count: result.count)
    let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
    for row in 0..<x.shape[0] * height {
        for column in 0..<width {
            let source = (row * width + column) * channels
            let target = (row / 2 * (width / 2) + column / 2) * channels
            for channel in 0..<channels { sums[target + channel] += Double(x.elements[source + channel]) }
        }
    }
    return sums.map { Float($0) }
}
