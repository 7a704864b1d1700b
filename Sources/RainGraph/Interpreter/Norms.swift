/// Mean and 1/√(variance + epsilon) of the elements of group `group` of a sample: `size` adjacent channels at every position.
private func statistics(
    _ x: [Float], start: Int, positions: Int, channels: Int, size: Int, epsilon: Float
) -> (mean: Double, scale: Double) {
    let count = Double(positions * size)
    var sum = 0.0
    for position in 0..<positions { for channel in 0..<size { sum += Double(x[start + position * channels + channel]) } }
    let mean = sum / count
    var squares = 0.0
    for position in 0..<positions {
        for channel in 0..<size {
            let difference = Double(x[start + position * channels + channel]) - mean
            squares += difference * difference
        }
    }
    return (mean, 1 / (squares / count + Double(epsilon)).squareRoot())
}

/// Calls `body` for every sample and group with the offset of its first element and its first channel.
private func forEachGroup(_ shape: Shape, samples: Int, groups: Int, _ body: (_ start: Int, _ channel: Int) -> Void) {
    let size = shape.last / groups
    for sample in 0..<samples {
        for group in 0..<groups { body(sample * (shape.count / samples) + group * size, group * size) }
    }
}

private func norm(_ x: [Tensor], samples: Int, groups: Int, _ epsilon: Float, _ activation: Unary?) -> [Float] {
    let (input, gamma, beta, shape) = (x[0].elements, x[1].elements, x[2].elements, x[0].shape)
    let (channels, size) = (shape.last, shape.last / groups)
    let positions = shape.count / samples / channels
    var y = [Float](repeating: 0, count: shape.count)
    forEachGroup(shape, samples: samples, groups: groups) { start, first in
        let (mean, scale) = statistics(input, start: start, positions: positions, channels: channels, size: size, epsilon: epsilon)
        for position in 0..<positions {
            for channel in 0..<size {
                let index = start + position * channels + channel
                let value = (Double(input[index]) - mean) * scale * Double(gamma[first + channel]) + Double(beta[first + channel])
                y[index] = Float(activation?(value) ?? value)
            }
        }
    }
    return y
}

/// With x̂ the normalised input and g = dy · gamma: dx = scale · (g − mean(g) − x̂ · mean(g · x̂)).
private func normGradient(
    _ x: Tensor, _ gamma: [Float], _ beta: [Float]?, _ dy: Tensor, samples: Int, groups: Int, _ epsilon: Float, _ activation: Unary?
) -> [[Float]] {
    let (input, shape) = (x.elements, x.shape)
    let (channels, size) = (shape.last, shape.last / groups)
    let positions = shape.count / samples / channels
    let count = Double(positions * size)
    var dx = [Float](repeating: 0, count: shape.count)
    var dgamma = [Double](repeating: 0, count: channels)
    var dbeta = [Double](repeating: 0, count: channels)
    forEachGroup(shape, samples: samples, groups: groups) { start, first in
        let (mean, scale) = statistics(input, start: start, positions: positions, channels: channels, size: size, epsilon: epsilon)
        func normalised(_ index: Int) -> Double { (Double(input[index]) - mean) * scale }
        /// The gradient before the activation.
        func gradient(_ index: Int, _ channel: Int) -> Double {
            let d = Double(dy.elements[index])
            guard let activation, let beta else { return d }
            return d * activation.derivative(normalised(index) * Double(gamma[channel]) + Double(beta[channel]))
        }
        var sum = 0.0
        var product = 0.0
        for position in 0..<positions {
            for channel in first..<first + size {
                let index = start + position * channels + channel - first
                let d = gradient(index, channel)
                let n = normalised(index)
                dgamma[channel] += d * n
                dbeta[channel] += d
                sum += d * Double(gamma[channel])
                product += d * Double(gamma[channel]) * n
            }
        }
        for position in 0..<positions {
            for channel in first..<first + size {
                let index = start + position * channels + channel - first
                let g = gradient(index, channel) * Double(gamma[channel])
                dx[index] = Float(scale * (g - sum / count - normalised(index) * product / count))
            }
        }
    }
    return [dx, dgamma.map { Float($0) }, dbeta.map { Float($0) }]
}

func groupNorm(_ x: [Tensor], _ groups: Int, _ epsilon: Float, _ activation: Unary?) -> [Float] {
    norm(x, samples: x[0].shape[0], groups: groups, epsilon, activation)
}

func groupNormGradient(_ x: [Tensor], _ groups: Int, _ epsilon: Float, _ activation: Unary?) -> [[Float]] {
    normGradient(
        x[0], x[1].elements, x[2].elements, x[3], samples: x[0].shape[0], groups: groups, epsilon, activation)
}

/// A group norm whose samples are the rows and whose one group is all channels.
func layerNorm(_ x: [Tensor], _ epsilon: Float) -> [Float] {
    norm(x, samples: x[0].shape.count / x[0].shape.last, groups: 1, epsilon, nil)
}

func layerNormGradient(_ x: [Tensor], _ epsilon: Float) -> [[Float]] {
    normGradient(x[0], x[1].elements, nil, x[2], samples: x[0].shape.count / x[0].shape.last, groups: 1, epsilon, nil)
}
