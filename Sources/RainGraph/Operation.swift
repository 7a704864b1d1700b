/// Functions of one element, with their usual mathematical meaning in float32.
public enum Unary: String, Hashable, Sendable, CaseIterable {
    case silu, gelu, quickGELU, relu, tanh, sigmoid, exp, sin, cos, square, squareRoot, reciprocal, absolute, logarithm
}

/// Functions of two elements; operands broadcast like NumPy's. The smaller and the larger of a number and NaN are NaN.
public enum Binary: String, Hashable, Sendable, CaseIterable {
    case add, subtract, multiply, divide, minimum, maximum
    /// The first operand where it is above 0, elsewhere times the second, its slope (arXiv 1502.01852).
    case prelu
}

/// What follows a contraction before its result is written:
/// `activation(product + bias[column] + sampleBias[sample, column] + residual)`, or for a gated linear layer `geglu(product + bias)`.
public struct Epilogue: Hashable, Sendable {
    /// An operand `[columns]` is added to every row.
    public var bias = false
    /// An operand `[samples, columns]` is added to every row of its sample (the first axis of the result).
    public var sampleBias = false
    /// An operand of the result's shape is added.
    public var residual = false
    /// Applied last; one of silu, gelu, quickGELU, relu, tanh, sigmoid.
    public var activation: Unary?
    /// The first half of the columns is multiplied with gelu of the second (arXiv 2002.05202): a linear layer's alone, with no other
    /// operand than a bias and no activation.
    public var gated = false

    public init(bias: Bool = false, sampleBias: Bool = false, residual: Bool = false, activation: Unary? = nil, gated: Bool = false) {
        self.bias = bias
        self.sampleBias = sampleBias
        self.residual = residual
        self.activation = activation
        self.gated = gated
    }

    /// The activations kernels can apply on the way out.
    public static let activations: Set<Unary> = [.silu, .gelu, .quickGELU, .relu, .tanh, .sigmoid]

    /// How many operands follow input and weight.
    public var operandCount: Int { (bias ? 1 : 0) + (sampleBias ? 1 : 0) + (residual ? 1 : 0) }
    public var isEmpty: Bool { operandCount == 0 && activation == nil && !gated }
    /// Whether more can be added before the result is written.
    var isOpen: Bool { activation == nil && !gated }
}

/// Geometry of a convolution over `[batch, height, width, channels]` with weights `[out, in, kernelHeight, kernelWidth]`.
public struct Convolution: Hashable, Sendable {
    public var stride: Int
    /// Zeros around the input: top, left, bottom, right.
    public var padding: [Int]
    /// The input is enlarged twice (nearest neighbour) first.
    public var upsample: Bool

    public init(stride: Int = 1, padding: [Int], upsample: Bool = false) {
        self.stride = stride
        self.padding = padding
        self.upsample = upsample
    }

    /// Height and width of the result for an input and a kernel, both `(height, width)`; `nil` if the kernel does not fit.
    public func resultSize(height: Int, width: Int, kernelHeight: Int, kernelWidth: Int) -> (height: Int, width: Int)? {
        let factor = upsample ? 2 : 1
        let tall = height * factor + padding[0] + padding[2] - kernelHeight
        let wide = width * factor + padding[1] + padding[3] - kernelWidth
        guard tall >= 0, wide >= 0 else { return nil }
        return (tall / stride + 1, wide / stride + 1)
    }
}

/// The closed set of operations. Shapes follow from the operation and its operands alone (`resultShapes`), and so do elements (`resultElement`).
///
/// Images are `[batch, height, width, channels]`, tokens `[batch, tokens, channels]`. All arithmetic is float32.
public enum Operation: Hashable, Sendable {
    // Leaves
    case parameter(String, Shape)
    case input(String, TensorType, Lifetime)
    /// A small literal; one element stands for all.
    case constant([Float], Shape)

    /// Pictures `[n, h, w, c]`, whose first three channels are red, green and blue in 0…1, as uint8: `[n, h, w, 3]` from 0 to 255, a NaN
    /// as 0, and `[n]`, 1 for a picture of which all channels are finite, else 0. For running only: it has no gradient.
    case colors
    /// Each element as the nearest of another type. The one operation whose operand may be other than float32.
    case convert(Element)

    // Elementwise
    case unary(Unary)
    /// `(x, dy)` → `dy · f'(x)`
    case unaryGradient(Unary)
    /// `scale · x + offset`
    case affine(scale: Float, offset: Float)
    case binary(Binary)
    /// `[…, 2c]` → `[…, c]`: first half times gelu of the second half (arXiv 2002.05202).
    case geglu
    /// `(x, dy)` → dx
    case gegluGradient

    // Structure
    case reshape(Shape)
    case transpose([Int])
    case concatenate(axis: Int)
    case slice(axis: Int, start: Int, count: Int)
    /// Zeros before and after along one axis.
    case pad(axis: Int, before: Int, after: Int)
    case broadcast(Shape)
    /// Sums over the axes, which stay with size 1.
    case sum(axes: [Int])
    /// `[n, h, w, c]` → `[n, 2h, 2w, c]`, nearest neighbour.
    case upsampleNearest
    /// `[n, 2h, 2w, c]` → `[n, h, w, c]`, sums of 2×2 blocks: the gradient of `upsampleNearest`.
    case sumPool

    // Contractions. Operands: input, weight, then those of the epilogue in the order bias, sampleBias, residual.
    /// `x[…, k] · w[n, k]ᵀ`; with `transposed` the weight is `[k, n]`. Gated, the result has `n / 2` columns.
    case linear(Epilogue, transposed: Bool)
    /// `(x[…, k], dy[…, n])` → `[n, k]`
    case linearWeightGradient
    case convolution(Convolution, Epilogue)
    /// Each channel convolved by itself: `(x[n, h, w, c], weight[kernelHeight, kernelWidth, c])` and the operands of the epilogue, with
    /// no enlargement. For running only: it has no gradient.
    case depthwiseConvolution(Convolution, Epilogue)
    /// `(dy, w)` → dx, for an input of the given height and width.
    case convolutionInputGradient(Convolution, height: Int, width: Int)
    /// `(x, dy)` → dw, for the given kernel.
    case convolutionWeightGradient(Convolution, kernelHeight: Int, kernelWidth: Int)

    // Windows and rows
    /// `[n, h, w, c]`: the largest value under a window, of the pixels inside the picture. The geometry is that of a convolution without
    /// enlargement, padding less than the window. For running only: it has no gradient.
    case maxPool(Convolution, kernelHeight: Int, kernelWidth: Int)
    /// exp(x) / Σ exp(x) over the innermost axis.
    case softmax

    // Sampling
    /// `(x[b, h, w, c], grid[n, gh, gw, 2])` → `[n, height, width, c]`: pictures bent by a mesh; sample `i` reads picture `i / (n / b)`.
    ///
    /// The mesh's nodes lie evenly over the result, the outer ones in its corners; each says from where the result is taken, as x and
    /// y in -1…1 over the picture's edges, and between nodes places are interpolated bilinearly. A mesh of 2×2 nodes is an affine map
    /// where they lie in a parallelogram. Pixels are interpolated bilinearly; beyond the edges the outermost pixel is repeated, and a
    /// place that is not a number is the first pixel's.
    case sample(height: Int, width: Int)
    /// `(x, grid, dy)` → `(dx, dgrid)` of `sample`.
    case sampleGradient
    /// `(layers[k, b, h, w, 4], grids[k, n, gh, gw, 2])` → `[n, height, width, 4]` and `[n, height, width, k]`: `k` layers of premultiplied
    /// colours and alpha, each bent by its own mesh as `sample` does, over each other with the first at the back; and how far each is
    /// there. For running only: it has no gradient.
    case composite(height: Int, width: Int)
    /// `(front[…, 4], back[…, 4])` → premultiplied colours over others: front + back · (1 - front's alpha). For running only: it has no
    /// gradient.
    case over

    // Attention
    /// `(q[b, l, c], k[b, m, c], v)` and optionally `(referenceK[r, t, c], referenceV)`: sample `b` also attends to the tokens of
    /// reference `b / (batch / r)`. Scale 1/√(c / heads).
    case attention(heads: Int)
    /// The operands of `attention`, then dy → gradients of all of them.
    case attentionGradient(heads: Int)
    /// `q, k, v: [b, f, p, c]`: attention over the frames `f` at each position `p`.
    case temporalAttention(heads: Int)
    /// `(q, k, v, dy)` → `(dq, dk, dv)`
    case temporalAttentionGradient(heads: Int)

    // Normalisation
    /// `(x[n, …, c], gamma[c], beta[c])`: statistics per sample and group of adjacent channels, then the activation.
    case groupNorm(groups: Int, epsilon: Float, activation: Unary?)
    /// `(x, gamma, beta, dy)` → `(dx, dgamma, dbeta)`
    case groupNormGradient(groups: Int, epsilon: Float, activation: Unary?)
    /// `(x[…, c], gamma[c], beta[c])`
    case layerNorm(epsilon: Float)
    /// `(x, gamma, dy)` → `(dx, dgamma, dbeta)`
    case layerNormGradient(epsilon: Float)

    /// A short name for dumps and errors.
    public var name: String {
        switch self {
        case .parameter: "parameter"
        case .input: "input"
        case .constant: "constant"
        case .convert: "convert"
        case .colors: "colors"
        case .unary(let kind): kind.rawValue
        case .unaryGradient(let kind): kind.rawValue + "Gradient"
        case .affine: "affine"
        case .binary(let kind): kind.rawValue
        case .geglu: "geglu"
        case .gegluGradient: "gegluGradient"
        case .reshape: "reshape"
        case .transpose: "transpose"
        case .concatenate: "concatenate"
        case .slice: "slice"
        case .pad: "pad"
        case .broadcast: "broadcast"
        case .sum: "sum"
        case .upsampleNearest: "upsampleNearest"
        case .sumPool: "sumPool"
        case .linear: "linear"
        case .linearWeightGradient: "linearWeightGradient"
        case .convolution: "convolution"
        case .depthwiseConvolution: "depthwiseConvolution"
        case .convolutionInputGradient: "convolutionInputGradient"
        case .convolutionWeightGradient: "convolutionWeightGradient"
        case .maxPool: "maxPool"
        case .softmax: "softmax"
        case .sample: "sample"
        case .sampleGradient: "sampleGradient"
        case .composite: "composite"
        case .over: "over"
        case .attention: "attention"
        case .attentionGradient: "attentionGradient"
        case .temporalAttention: "temporalAttention"
        case .temporalAttentionGradient: "temporalAttentionGradient"
        case .groupNorm: "groupNorm"
        case .groupNormGradient: "groupNormGradient"
        case .layerNorm: "layerNorm"
        case .layerNormGradient: "layerNormGradient"
        }
    }
}
