import RainONNX

/// Elements of a weight by its name and shape, row-major, of about unit gain.
public typealias WeightMaker = (_ name: String, _ shape: [Int]) -> [Float]

/// The layers that both kinds of detectors are made of, written as the authors' exports have them: batch norms folded into convolutions.
final class LayerWriter {
    var network: NetworkWriter
    private let weights: WeightMaker

    /// So that signals keep their size where SiLU, which takes two fifths of it, follows.
    static let gain: Float = 1.7
    /// The same where the result is added to what went in, many times over.
    static let residualGain: Float = 0.5

    init(_ network: NetworkWriter, weights: @escaping WeightMaker) {
        self.network = network
        self.weights = weights
    }

    func weight(_ name: String, _ shape: [Int], gain: Float = 1) -> String {
        network.weight(name, shape, weights(name, shape).map { gain * $0 })
    }

    func node(_ kind: String, _ inputs: [String], _ attributes: [String: NetworkWriter.Attribute] = [:]) -> String {
        network.node(kind, inputs, attributes)[0]
    }

    /// A square convolution of odd width over as much padding as keeps the size at stride 1.
    ///
    /// - Parameters:
    ///   - channels: in and out
    ///   - bias: of all channels; `nil` for small random ones
    func convolution(
        _ x: String, _ name: String, _ channels: (into: Int, out: Int), kernel: Int = 1, stride: Int = 1, groups: Int = 1,
        gain: Float = 1, bias: Float? = nil
    ) -> String {
        let kernels = weight(name + ".weight", [channels.out, channels.into / groups, kernel, kernel], gain: gain)
        let biases =
            bias.map { network.weight(name + ".bias", [channels.out], Array(repeating: $0, count: channels.out)) }
            ?? weight(name + ".bias", [channels.out])
        return node(
            "Conv", [x, kernels, biases],
            [
                "dilations": .integers([1, 1]), "group": .integer(groups), "kernel_shape": .integers([kernel, kernel]),
                "pads": .integers(Array(repeating: kernel / 2, count: 4)), "strides": .integers([stride, stride]),
            ])
    }

    /// A convolution and its SiLU.
    func block(
        _ x: String, _ name: String, _ channels: (into: Int, out: Int), kernel: Int = 1, stride: Int = 1, groups: Int = 1,
        gain: Float = LayerWriter.gain
    ) -> String {
        silu(convolution(x, name + ".conv", channels, kernel: kernel, stride: stride, groups: groups, gain: gain))
    }

    func silu(_ x: String) -> String { node("Mul", [x, node("Sigmoid", [x])]) }

    func concatenated(_ parts: [String], axis: Int) -> String { node("Concat", parts, ["axis": .integer(axis)]) }

    /// The largest of neighbourhoods of several widths, side by side, between two convolutions.
    ///
    /// - Source: spatial pyramid pooling as in YOLOv3 and its successors
    func pyramidPooling(_ x: String, _ name: String, _ channels: Int) -> String {
        let inner = block(x, name + ".conv1", (channels, channels / 2))
        let pooled = [5, 9, 13].map { width in
            node(
                "MaxPool", [inner],
                [
                    "kernel_shape": .integers([width, width]), "pads": .integers(Array(repeating: width / 2, count: 4)),
                    "strides": .integers([1, 1]),
                ])
        }
        return block(concatenated([inner] + pooled, axis: 1), name + ".conv2", (channels * 2, channels))
    }

    /// `x · W` with a matrix of `into` × `out`.
    func linear(_ x: String, _ name: String, _ into: Int, _ out: Int, gain: Float = 1) -> String {
        // Made as [out, into], whose fan-in is the second extent.
        let values = weights(name + ".weight", [out, into])
        var turned = [Float](repeating: 0, count: values.count)
        for row in 0..<out { for column in 0..<into { turned[column * out + row] = gain * values[row * into + column] } }
        return node("MatMul", [x, network.weight(name + ".weight", [into, out], turned)])
    }
}
