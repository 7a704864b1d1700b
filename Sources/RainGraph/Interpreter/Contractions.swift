/// Adds what follows a contraction, in float64 until the last rounding.
///
/// - Parameter operands: bias, sample bias and residual, as far as the epilogue has them.
func finish(_ sums: Matrix, _ epilogue: Epilogue, _ operands: ArraySlice<Tensor>, _ result: Shape) -> [Float] {
    var operands = operands
    let bias = epilogue.bias ? operands.removeFirst().elements : nil
    let sampleBias = epilogue.sampleBias ? operands.removeFirst().elements : nil
    let residual = epilogue.residual ? operands.removeFirst().elements : nil
    let columns = sums.columns
    if epilogue.gated { return gated(sums, bias: bias) }
    let rowsPerSample = sums.rows / (result.dimensions.first ?? 1)
    var y: [Float] = []
    y.reserveCapacity(result.count)
    for row in 0..<sums.rows {
        for column in 0..<columns {
            let index = row * columns + column
            var value = sums.elements[index]
            if let bias { value += Double(bias[column]) }
            if let sampleBias { value += Double(sampleBias[row / rowsPerSample * columns + column]) }
            if let residual { value += Double(residual[index]) }
            if let activation = epilogue.activation { value = activation(value) }
            y.append(Float(value))
        }
    }
    return y
}

/// The first half of each row, times gelu of the second.
private func gated(_ sums: Matrix, bias: [Float]?) -> [Float] {
    let half = sums.columns / 2
    return (0..<sums.rows * half).map { index in
        let (row, column) = (index / half, index % half)
        func sum(_ column: Int) -> Double { sums.elements[row * sums.columns + column] + Double(bias?[column] ?? 0) }
        return Float(sum(column) * Unary.gelu(sum(half + column)))
    }
}

func linear(_ x: [Tensor], _ epilogue: Epilogue, transposed: Bool, _ result: Shape) -> [Float] {
    let (input, weight) = (x[0], x[1])
    let w = Matrix(weight.elements, rows: weight.shape[0], columns: weight.shape[1])
    let rows = Matrix(input.elements, rows: input.shape.count / input.shape.last, columns: input.shape.last)
    return finish(rows * (transposed ? w : w.transposed), epilogue, x[2...], result)
}

func linearWeightGradient(_ x: Tensor, _ dy: Tensor) -> [Float] {
    let rows = x.shape.count / x.shape.last
    let input = Matrix(x.elements, rows: rows, columns: x.shape.last)
    return (Matrix(dy.elements, rows: rows, columns: dy.shape.last).transposed * input).floats
}

/// Calls `body` with the row of the patch matrix (a pixel of the result), the column at which a tap starts and the offset of
/// the pixel under it, for every tap of one sample that falls inside the input. Columns are ordered kernel row, kernel column, channel.
func forEachTap(
    _ geometry: Convolution, input: Shape, kernel: (height: Int, width: Int), result: (height: Int, width: Int),
    _ body: (_ row: Int, _ column: Int, _ pixel: Int) -> Void
) {
    let factor = geometry.upsample ? 2 : 1
    let (height, width, channels) = (input[1], input[2], input[3])
    for y in 0..<result.height {
        for x in 0..<result.width {
            for ky in 0..<kernel.height {
                let sourceY = y * geometry.stride + ky - geometry.padding[0]
                guard sourceY >= 0, sourceY < height * factor else { continue }
                for kx in 0..<kernel.width {
                    let sourceX = x * geometry.stride + kx - geometry.padding[1]
                    guard sourceX >= 0, sourceX < width * factor else { continue }
                    let pixel = (sourceY / factor * width + sourceX / factor) * channels
                    body(y * result.width + x, (ky * kernel.width + kx) * channels, pixel)
                }
            }
        }
    }
}

/// The input values under the kernel, one row per pixel of the result, for one sample.
private func patches(
    _ x: Tensor, sample: Int, _ geometry: Convolution, kernel: (height: Int, width: Int), result: (height: Int, width: Int)
) -> Matrix {
    let channels = x.shape[3]
    let start = sample * x.shape[1] * x.shape[2] * channels
    var matrix = Matrix(zeros: result.height * result.width, kernel.height * kernel.width * channels)
    let columns = matrix.columns
    forEachTap(geometry, input: x.shape, kernel: kernel, result: result) { row, column, pixel in
        let target = row * columns + column
        for channel in 0..<channels { matrix.elements[target + channel] = Double(x.elements[start + pixel + channel]) }
    }
    return matrix
}

/// Weights `[o, c, kh, kw]` as a matrix with the columns of `patches`.
private func kernelRows(_ weight: Tensor) -> Matrix {
    let (o, c, taps) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
    var matrix = Matrix(zeros: o, taps * c)
    for out in 0..<o {
        for channel in 0..<c {
            for tap in 0..<taps {
                matrix.elements[(out * taps + tap) * c + channel] = Double(weight.elements[(out * c + channel) * taps + tap])
            }
        }
    }
    return matrix
}

func convolution(_ x: [Tensor], _ geometry: Convolution, _ epilogue: Epilogue, _ result: Shape) -> [Float] {
    let kernel = (x[1].shape[2], x[1].shape[3])
    let weights = kernelRows(x[1]).transposed
    var sums: [Double] = []
    sums.reserveCapacity(result.count)
    for sample in 0..<result[0] {
        let rows = patches(x[0], sample: sample, geometry, kernel: kernel, result: (result[1], result[2]))
        sums += (rows * weights).elements
    }
    return finish(Matrix(rows: result.count / result[3], columns: result[3], sums), epilogue, x[2...], result)
}

func convolutionInputGradient(_ dy: Tensor, _ weight: Tensor, _ geometry: Convolution, _ result: Shape) -> [Float] {
    let weights = kernelRows(weight)
    let (pixels, columns, channels) = (dy.shape[1] * dy.shape[2], dy.shape[3], result[3])
    var sums = [Double](repeating: 0, count: result.count)
    for sample in 0..<result[0] {
        let rows = Matrix(dy.elements, rows: pixels, columns: columns, start: sample * pixels * columns) * weights
        let start = sample * result[1] * result[2] * channels
        forEachTap(geometry, input: result, kernel: (weight.shape[2], weight.shape[3]), result: (dy.shape[1], dy.shape[2])) {
            row, column, pixel in
            let source = row * rows.columns + column
            for channel in 0..<channels { sums[start + pixel + channel] += rows.elements[source + channel] }
        }
    }
    return sums.map { Float($0) }
}

func convolutionWeightGradient(_ x: Tensor, _ dy: Tensor, _ geometry: Convolution, _ result: Shape) -> [Float] {
    let (o, c, kernel) = (result[0], result[1], (height: result[2], width: result[3]))
    let pixels = dy.shape[1] * dy.shape[2]
    let taps = kernel.height * kernel.width
    var sums = [Double](repeating: 0, count: o * taps * c)
    for sample in 0..<x.shape[0] {
        let rows = patches(x, sample: sample, geometry, kernel: kernel, result: (dy.shape[1], dy.shape[2]))
        let gradient = Matrix(dy.elements, rows: pixels, columns: o, start: sample * pixels * o)
        (gradient.transposed * rows).add(to: &sums, start: 0, rowStride: taps * c)
    }
    var dw = [Float](repeating: 0, count: result.count)
    for out in 0..<o {
        for channel in 0..<c {
            for tap in 0..<taps { dw[(out * c + channel) * taps + tap] = Float(sums[(out * taps + tap) * c + channel]) }
        }
    }
    return dw
}
