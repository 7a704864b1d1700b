#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

func depthwiseConvolution(_ x: [Tensor], _ geometry: Convolution, _ epilogue: Epilogue, _ result: Shape) -> [Float] {
    let (input, weight) = (x[0], x[1])
    let (channels, pixels) = (result[3], result[1] * result[2])
    var sums = Matrix(zeros: result[0] * pixels, channels)
    for sample in 0..<result[0] {
        let start = sample * input.shape[1] * input.shape[2] * channels
        forEachTap(geometry, input: input.shape, kernel: (weight.shape[0], weight.shape[1]), result: (result[1], result[2])) {
            row, tap, pixel in
            let target = (sample * pixels + row) * channels
            for channel in 0..<channels {
                sums.elements[target + channel] += Double(input.elements[start + pixel + channel]) * Double(weight.elements[tap + channel])
            }
        }
    }
    return finish(sums, epilogue, x[2...], result)
}

func maxPool(_ x: Tensor, _ geometry: Convolution, kernel: (height: Int, width: Int), _ result: Shape) -> [Float] {
    let (channels, pixels) = (result[3], result[1] * result[2])
    var y = [Float](repeating: -.infinity, count: result.count)
    for sample in 0..<result[0] {
        let start = sample * x.shape[1] * x.shape[2] * channels
        forEachTap(geometry, input: x.shape, kernel: kernel, result: (result[1], result[2])) { row, _, pixel in
            let target = (sample * pixels + row) * channels
            for channel in 0..<channels {
                let value = x.elements[start + pixel + channel]
                if value > y[target + channel] || value.isNaN { y[target + channel] = value }
            }
        }
    }
    return y
}

/// exp(x) / Σ exp(x) of each row, in float64.
func softmax(_ x: Tensor) -> [Float] {
    let columns = x.shape.last
    var y: [Float] = []
    y.reserveCapacity(x.elements.count)
    for start in stride(from: 0, to: x.elements.count, by: columns) {
        let row = x.elements[start..<start + columns]
        let largest = Double(row.max() ?? 0)
        let powers = row.map { exp(Double($0) - largest) }
        let sum = powers.reduce(0, +)
        y += powers.map { Float($0 / sum) }
    }
    return y
}
