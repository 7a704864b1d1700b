#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The functions, in float64.
private func value(_ kind: Unary, _ x: Double) -> Double {
    switch kind {
    case .silu: x * sigmoid(x)
    case .gelu: x * normalDistribution(x)
    case .quickGELU: x * sigmoid(1.702 * x)
    case .relu: x > 0 || x.isNaN ? x : 0
    case .tanh: tanh(x)
    case .sigmoid: sigmoid(x)
    case .exp: exp(x)
    case .sin: sin(x)
    case .cos: cos(x)
    case .square: x * x
    case .squareRoot: x.squareRoot()
    case .reciprocal: 1 / x
    case .absolute: abs(x)
    case .logarithm: log(x)
    }
}

/// Their derivatives, in float64; 0 in the kinks of relu and absolute.
private func slope(_ kind: Unary, _ x: Double) -> Double {
    switch kind {
    case .silu: sigmoid(x) * (1 + x * (1 - sigmoid(x)))
    case .gelu: normalDistribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    case .quickGELU: sigmoid(1.702 * x) * (1 + 1.702 * x * (1 - sigmoid(1.702 * x)))
    case .relu: x > 0 ? 1 : 0
    case .tanh: 1 - tanh(x) * tanh(x)
    case .sigmoid: sigmoid(x) * (1 - sigmoid(x))
    case .exp: exp(x)
    case .sin: cos(x)
    case .cos: -sin(x)
    case .square: 2 * x
    case .squareRoot: 0.5 / x.squareRoot()
    case .reciprocal: -1 / (x * x)
    case .absolute: x > 0 ? 1 : x < 0 ? -1 : 0
    case .logarithm: 1 / x
    }
}

extension Unary {
    func callAsFunction(_ x: Double) -> Double { value(self, x) }

    func derivative(_ x: Double) -> Double { slope(self, x) }

    func map(_ x: [Float]) -> [Float] { x.map { Float(self(Double($0))) } }

    func mapGradient(_ x: [Float], _ dy: [Float]) -> [Float] { zip(x, dy).map { Float(Double($1) * derivative(Double($0))) } }
}

private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// The standard normal distribution function.
private func normalDistribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

extension Binary {
    /// In float32, as every engine does it: the arguments of time embeddings must round alike.
    func map(_ a: [Float], _ b: [Float]) -> [Float] {
        switch self {
        case .add: zip(a, b).map(+)
        case .subtract: zip(a, b).map(-)
        case .multiply: zip(a, b).map(*)
        case .divide: zip(a, b).map(/)
        case .minimum: zip(a, b).map { $1 < $0 || $1.isNaN ? $1 : $0 }
        case .maximum: zip(a, b).map { $1 > $0 || $1.isNaN ? $1 : $0 }
        case .prelu: zip(a, b).map { $0 > 0 ? $0 : $0 * $1 }
        }
    }
}

/// scale · x + offset, the product rounded before the sum.
func affine(_ x: [Float], _ scale: Float, _ offset: Float) -> [Float] { x.map { scale * $0 + offset } }

func geglu(_ x: Tensor) -> [Float] {
    let channels = x.shape.last / 2
    var y: [Float] = []
    y.reserveCapacity(x.elements.count / 2)
    for start in stride(from: 0, to: x.elements.count, by: 2 * channels) {
        for channel in start..<start + channels {
            y.append(Float(Double(x.elements[channel]) * Unary.gelu(Double(x.elements[channel + channels]))))
        }
    }
    return y
}

func gegluGradient(_ x: Tensor, _ dy: Tensor) -> [Float] {
    let channels = dy.shape.last
    var dx = [Float](repeating: 0, count: x.elements.count)
    for index in dy.elements.indices {
        let value = index / channels * 2 * channels + index % channels
        let gate = value + channels
        let (v, g, d) = (Double(x.elements[value]), Double(x.elements[gate]), Double(dy.elements[index]))
        dx[value] = Float(d * Unary.gelu(g))
        dx[gate] = Float(d * v * Unary.gelu.derivative(g))
    }
    return dx
}

/// Bytes of colours, and whether each picture is finite.
func colors(_ x: Tensor) -> [[Float]] {
    let (channels, pixels) = (x.shape.last, x.shape.count / x.shape.last)
    var bytes: [Float] = []
    for pixel in 0..<pixels {
        for channel in 0..<3 {
            let value = x.elements[pixel * channels + channel]
            bytes.append(value.isNaN ? 0 : (min(max(value, 0), 1) * 255 + 0.5).rounded(.down))
        }
    }
    let size = x.shape.count / x.shape[0]
    let finite = (0..<x.shape[0]).map { picture -> Float in
        x.elements[(picture * size)..<((picture + 1) * size)].allSatisfy(\.isFinite) ? 1 : 0
    }
    return [bytes, finite]
}
