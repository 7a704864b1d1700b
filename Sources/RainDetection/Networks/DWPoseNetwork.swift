import RainONNX
import RainPose

/// The network of a DWPose (RTMPose) estimator of whole bodies, as the authors export it: pictures `[1, 3, height, width]` to
/// `simcc_x` `[1, 133, 2 · width]` and `simcc_y` `[1, 133, 2 · height]`.
///
/// For files with made-up weights; the published ones come with their own graph.
///
/// - Source: arXiv 2303.07399 (RTMPose), section 3; arXiv 2212.07784 (CSPNeXt), section 3
public struct DWPoseNetwork: Sendable, Hashable {
    /// Layers in each stage, relative to the large one's.
    public var depth: Double
    /// Channels, relative to the large one's.
    public var channelFactor: Double
    /// Of the pictures it looks at: multiples of 32.
    public var width: Int
    public var height: Int

    public init(depth: Double, channelFactor: Double, width: Int, height: Int) {
        self.depth = depth
        self.channelFactor = channelFactor
        self.width = width
        self.height = height
    }

    /// `dw-ll_ucoco_384.onnx`
    public static let large = DWPoseNetwork(depth: 1, channelFactor: 1, width: 288, height: 384)

    /// Writes the network.
    ///
    /// - Throws: `FileError`
    public func write(to path: String, weights: @escaping WeightMaker) throws {
        let layers = LayerWriter(NetworkWriter(name: "dwpose", operatorSet: 11), weights: weights)
        layers.network.input("input", [1, 3, height, width])
        head(layers, backbone(layers, "input"))
        layers.network.output("simcc_x", [1, WholeBody.detectedCount, Int(SimCC.binsPerPixel) * width])
        layers.network.output("simcc_y", [1, WholeBody.detectedCount, Int(SimCC.binsPerPixel) * height])
        try layers.network.write(to: path)
    }

    private func channels(_ count: Int) -> Int { max(2, Int(Double(count) * channelFactor)) }

    private func backbone(_ l: LayerWriter, _ input: String) -> String {
        let first = channels(64)
        var x = l.block(input, "backbone.stem.0", (3, first / 2), kernel: 3, stride: 2)
        x = l.block(x, "backbone.stem.1", (first / 2, first / 2), kernel: 3)
        x = l.block(x, "backbone.stem.2", (first / 2, first), kernel: 3)
        for (index, count) in [3, 6, 6, 3].enumerated() {
            let name = "backbone.stage\(index + 1)"
            let (into, out) = (channels(64 << index), channels(128 << index))
            let isLast = index == 3
            x = l.block(x, name + ".0", (into, out), kernel: 3, stride: 2)
            if isLast { x = l.pyramidPooling(x, name + ".1", out) }
            let repeats = max(1, Int((Double(count) * depth).rounded()))
            x = partial(l, x, "\(name).\(isLast ? 2 : 1)", out, count: repeats, adds: !isLast)
        }
        return x
    }

    /// Cross stage partial layers with large kernels for each channel, and attention over channels.
    private func partial(_ l: LayerWriter, _ x: String, _ name: String, _ channels: Int, count: Int, adds: Bool) -> String {
        let hidden = channels / 2
        let short = l.block(x, name + ".short_conv", (channels, hidden))
        var y = l.block(x, name + ".main_conv", (channels, hidden))
        for index in 0..<count {
            let block = "\(name).blocks.\(index)"
            var z = l.block(y, block + ".conv1", (hidden, hidden), kernel: 3)
            z = l.block(z, block + ".conv2.depthwise_conv", (hidden, hidden), kernel: 5, groups: hidden)
            z = l.block(
                z, block + ".conv2.pointwise_conv", (hidden, hidden), gain: adds ? LayerWriter.residualGain : LayerWriter.gain)
            y = adds ? l.node("Add", [z, y]) : z
        }
        let both = l.concatenated([y, short], axis: 1)
        let squeezed = l.convolution(l.node("GlobalAveragePool", [both]), name + ".attention.fc", (2 * hidden, 2 * hidden))
        let share = l.node("HardSigmoid", [squeezed], ["alpha": .number(1 / 6), "beta": .number(0.5)])
        return l.block(l.node("Mul", [both, share]), name + ".final_conv", (2 * hidden, channels))
    }

    /// A gated attention unit over the points, then a line of bins for each axis.
    private func head(_ l: LayerWriter, _ features: String) {
        let (points, hidden) = (WholeBody.detectedCount, 256)
        let cells = (width / 32) * (height / 32)
        let maps = l.convolution(features, "head.final_layer", (channels(1024), points), kernel: 7)
        let rows = l.node("Reshape", [maps, l.network.constant([1, points, -1])])
        var x = l.linear(scaled(l, rows, "head.mlp.0.g", cells), "head.mlp.1", cells, hidden)
        x = gated(l, x, hidden)
        let bins = Int(SimCC.binsPerPixel)
        for (name, output, count) in [("head.cls_x", "simcc_x", bins * width), ("head.cls_y", "simcc_y", bins * height)] {
            l.network.node("Identity", [l.linear(x, name, hidden, count)], outputs: [output])
        }
    }

    /// Each row divided by its length and multiplied by the same number.
    private func scaled(_ l: LayerWriter, _ x: String, _ name: String, _ count: Int) -> String {
        let length = l.node("ReduceL2", [x], ["axes": .integers([-1]), "keepdims": .integer(1)])
        let norm = l.node("Mul", [length, l.network.weight(name + ".scale", [], [1 / Float(count).squareRoot()])])
        let safe = l.node("Clip", [norm, l.network.weight(name + ".least", [], [1e-5])])
        return l.node("Mul", [l.node("Div", [x, safe]), l.network.weight(name, [1], [1])])
    }

    /// - Source: arXiv 2202.10447, section 3.2
    private func gated(_ l: LayerWriter, _ x: String, _ hidden: Int) -> String {
        let (expanded, shared) = (2 * hidden, 128)
        let mixed = l.silu(l.linear(scaled(l, x, "head.gau.ln.g", hidden), "head.gau.uv", hidden, 2 * expanded + shared, gain: 1.7))
        let parts = l.network.node(
            "Split", [mixed], ["axis": .integer(2), "split": .integers([expanded, expanded, shared])],
            outputs: ["gau_u", "gau_v", "gau_base"])
        let base = l.node("Unsqueeze", [parts[2]], ["axes": .integers([2])])
        let gamma = l.network.weight("head.gau.gamma", [1, 1, 2, shared], Array(repeating: 1, count: 2 * shared))
        let moved = l.node("Add", [l.node("Mul", [base, gamma]), l.weight("head.gau.beta.bias", [2, shared])])
        let both = l.network.node("Split", [moved], ["axis": .integer(2), "split": .integers([1, 1])], outputs: ["gau_q", "gau_k"])
        let (queries, keys) = (
            l.node("Squeeze", [both[0]], ["axes": .integers([2])]), l.node("Squeeze", [both[1]], ["axes": .integers([2])])
        )
        let products = l.node("MatMul", [queries, l.node("Transpose", [keys], ["perm": .integers([0, 2, 1])])])
        let root = l.network.weight("head.gau.sqrt_s", [], [Float(shared).squareRoot()])
        let positive = l.node("Relu", [l.node("Div", [products, root])])
        let attended = l.node("MatMul", [l.node("Mul", [positive, positive]), parts[1]])
        let result = l.linear(l.node("Mul", [parts[0], attended]), "head.gau.o", expanded, hidden, gain: 0.1)
        let kept = l.node("Mul", [x, l.network.weight("head.gau.res_scale.scale", [hidden], Array(repeating: 1, count: hidden))])
        return l.node("Add", [kept, result])
    }
}
