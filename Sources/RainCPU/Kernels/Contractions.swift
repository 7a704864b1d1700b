import CPUKernels
import RainGraph

extension Unary {
    /// The kernels' name for an activation.
    var activation: RainActivation {
        switch self {
        case .silu: RAIN_ACT_SILU
        case .gelu: RAIN_ACT_GELU
        case .quickGELU: RAIN_ACT_QUICK_GELU
        case .relu: RAIN_ACT_RELU
        case .tanh: RAIN_ACT_TANH
        case .sigmoid: RAIN_ACT_SIGMOID
        default: preconditionFailure("the verifier admits no \(rawValue) here")
        }
    }
}

/// How a plan's convolutions choose among the algorithms that are allowed for them.
enum AlgorithmChoice {
    /// The one that a model of cost expects to be fastest.
    case byCost
    /// The measured one where there is a measurement, else as by cost.
    case measured(Tuning)
    /// Always this one; directly where it is not allowed.
    case wherePossible(Tuning.Algorithm)
}

extension Tuning.Algorithm {
    var code: RainConvAlgorithm { self == .direct ? RAIN_CONV_DIRECT : RAIN_CONV_WINOGRAD }

    init(_ code: RainConvAlgorithm) { self = code == RAIN_CONV_DIRECT ? .direct : .winograd }
}

extension RainConv {
    /// All that the time it takes depends on.
    var description: String {
        let padding = [pad_top, pad_left, pad_bottom, pad_right]
        return "\(batch)×\(height)×\(width)×\(channels) → \(out_height)×\(out_width)×\(out_channels), \(kernel_height)×\(kernel_width)"
            + (stride == 1 ? "" : ", stride \(stride)") + (padding == [1, 1, 1, 1] ? "" : ", padding \(padding)")
            + (upsample == 0 ? "" : ", enlarged twice")
    }
}

extension Plan {
    /// A convolution in the kernels' terms, and the algorithm chosen for it.
    struct PlannedConvolution {
        var geometry: RainConv
        var algorithm: RainConvAlgorithm
    }

    /// - Parameters:
    ///   - weight: `[out, in, kernelHeight, kernelWidth]`
    ///   - isGradient: of a kind that no tuning has measured
    ///   - parameter: the weight's name, for one that is a parameter: a choice once made is kept
    func planned(
        _ convolution: Convolution, input: Shape, weight: Shape, result: Shape, isGradient: Bool, parameter: String? = nil
    ) -> PlannedConvolution {
        var geometry = RainConv(
            batch: input[0], height: input[1], width: input[2], channels: input[3],
            out_channels: weight[0], kernel_height: weight[2], kernel_width: weight[3], stride: convolution.stride,
            pad_top: convolution.padding[0], pad_left: convolution.padding[1], pad_bottom: convolution.padding[2],
            pad_right: convolution.padding[3], out_height: result[1], out_width: result[2], upsample: convolution.upsample ? 1 : 0)
        if let parameter, let known = algorithms[parameter] { return PlannedConvolution(geometry: geometry, algorithm: known) }
        let algorithm = chosen(&geometry, isGradient: isGradient)
        if let parameter { algorithms[parameter] = algorithm }
        return PlannedConvolution(geometry: geometry, algorithm: algorithm)
    }

    private func chosen(_ geometry: inout RainConv, isGradient: Bool) -> RainConvAlgorithm {
        let wanted: Tuning.Algorithm? =
            switch choice {
            case .byCost: nil
            case .wherePossible(let algorithm): algorithm
            case .measured(let tuning): isGradient ? nil : tuning.algorithm(for: geometry.description)
            }
        guard let wanted else { return rain_conv_choose(pool.pointer, &geometry) }
        return rain_conv_allows(pool.pointer, &geometry, wanted.code) != 0 ? wanted.code : RAIN_CONV_DIRECT
    }

    /// The convolution behind a node of any of the three kinds.
    func convolution(_ index: Int) -> PlannedConvolution? {
        let node = graph.nodes[index]
        let operands = node.operands.map(graph.shape)
        switch node.operation {
        case .convolution(let geometry, _):
            var name: String?
            let weight = graph.nodes[node.operands[1].node]
            if case .parameter(let parameter, _) = weight.operation, weight.lifetime == .weights { name = "\(parameter) \(geometry)" }
            return planned(geometry, input: operands[0], weight: operands[1], result: node.results[0], isGradient: false, parameter: name)
        case .convolutionInputGradient(let geometry, _, _):
            return planned(geometry, input: node.results[0], weight: operands[1], result: operands[0], isGradient: true)
        case .convolutionWeightGradient(let geometry, _, _):
            return planned(geometry, input: operands[0], weight: node.results[0], result: operands[1], isGradient: true)
        default: return nil
        }
    }

    /// How a node wants its weight packed; `nil` if it takes none.
    func packing(_ index: Int) -> Packing? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        switch node.operation {
        case .linear(let after, let transposed):
            let weight = node.operands[1]
            let shape = graph.shape(weight)
            let (n, k) = transposed ? (shape[1], shape[0]) : (shape[0], shape[1])
            return Packing(
                weight: weight, key: PackKey(weight: weight, form: (transposed ? "transposed" : "linear") + (after.gated ? " gated" : "")),
                bytes: rain_linear_packed_bytes(pool, n, k, after.gated ? 1 : 0)
            ) { rain_linear_pack(pool, $0, n, k, transposed ? 1 : 0, after.gated ? 1 : 0, $1) }
        case .convolution, .convolutionInputGradient:
            let forward = if case .convolution = node.operation { true } else { false }
            let weight = node.operands[1]
            var (geometry, algorithm) = (convolution(index)!.geometry, convolution(index)!.algorithm)
            // The form of packed weights does not depend on the size of what they are applied to.
            let form =
                "\(forward ? "forward" : "gradient") \(algorithm.rawValue) stride \(geometry.stride) upsample \(geometry.upsample) "
                + "padding \(geometry.pad_top) \(geometry.pad_left) \(geometry.pad_bottom) \(geometry.pad_right)"
            let key = PackKey(weight: weight, form: form)
            if forward {
                return Packing(weight: weight, key: key, bytes: rain_conv_packed_bytes(pool, &geometry, algorithm)) {
                    var geometry = geometry
                    rain_conv_pack(pool, &geometry, algorithm, $0, $1)
                }
            }
            return Packing(weight: weight, key: key, bytes: rain_conv_input_gradient_packed_bytes(pool, &geometry, algorithm)) {
                var geometry = geometry
                rain_conv_input_gradient_pack(pool, &geometry, algorithm, $0, $1)
            }
        default: return nil
        }
    }

    /// The epilogue of a contraction whose operands after the weight start at 2.
    func epilogue(_ epilogue: Epilogue, _ index: Int) -> RainEpilogue {
        let node = graph.nodes[index]
        var next = 2
        func take(_ wanted: Bool) -> UnsafePointer<Float>? {
            guard wanted else { return nil }
            defer { next += 1 }
            return UnsafePointer(pointer(node.operands[next]))
        }
        let result = node.results[0]
        return RainEpilogue(
            bias: take(epilogue.bias), sample_bias: take(epilogue.sampleBias),
            rows_per_sample: max(1, result.count / max(1, result.last * (result.rank > 0 ? result[0] : 1))),
            residual: take(epilogue.residual), activation: epilogue.activation?.activation ?? RAIN_ACT_NONE, gated: epilogue.gated ? 1 : 0)
    }

    func contraction(_ index: Int) -> Instruction? {
        let node = graph.nodes[index]
        let pool = self.pool.pointer
        let operands = node.operands.map(graph.shape)
        let scratch = self.scratch(index)
        let result = pointer(ValueID(node: index))
        switch node.operation {
        case .linear(let after, _):
            let (n, k) = (node.results[0].last * (after.gated ? 2 : 1), operands[0].last)
            let m = operands[0].count / k
            let x = parts(node.operands[0]).map { (pointer: pointer($0), width: graph.shape($0).last) }
            let packed = self.packed(index, packing(index)!)
            let after = epilogue(after, index)
            if x.count == 2 {
                let (first, second) = (x[0], x[1])
                return {
                    var after = after
                    rain_linear_of_two(
                        pool, m, n, first.width, second.width, first.pointer, second.pointer, packed.pointer, &after, result)
                }
            }
            let rows = x[0].pointer
            return {
                var after = after
                rain_linear(pool, m, n, k, rows, packed.pointer, &after, result)
            }
        case .linearWeightGradient:
            let (n, k) = (operands[1].last, operands[0].last)
            let m = operands[0].count / k
            let (x, dy) = (pointer(node.operands[0]), pointer(node.operands[1]))
            return { rain_linear_weight_gradient(pool, m, n, k, x, dy, result, scratch) }
        case .convolution(_, let after):
            let planned = convolution(index)!
            let x = pointer(node.operands[0])
            let packed = self.packed(index, packing(index)!)
            let after = epilogue(after, index)
            return {
                var (geometry, after) = (planned.geometry, after)
                rain_conv(pool, &geometry, planned.algorithm, x, packed.pointer, &after, result, scratch)
            }
        case .convolutionInputGradient:
            let planned = convolution(index)!
            let dy = pointer(node.operands[0])
            let packed = self.packed(index, packing(index)!)
            return {
                var geometry = planned.geometry
                rain_conv_input_gradient(pool, &geometry, planned.algorithm, dy, packed.pointer, result, scratch)
            }
        case .convolutionWeightGradient:
            let planned = convolution(index)!
            let (x, dy) = (pointer(node.operands[0]), pointer(node.operands[1]))
            return {
                var geometry = planned.geometry
                rain_conv_weight_gradient(pool, &geometry, planned.algorithm, x, dy, result, scratch)
            }
        default: return nil
        }
    }
}
