import RainONNX

/// The network of a YOLOX person detector, as the authors export it: pictures `[1, 3, size, size]` to `[1, cells, 5 + classes]`.
///
/// For files with made-up weights; the published ones come with their own graph.
///
/// - Source: arXiv 2107.08430, section 2
public struct YOLOXNetwork: Sendable, Hashable {
    /// Layers in each stage, relative to the largest published one's.
    public var depth: Double
    /// Channels, relative to the second largest published one's.
    public var width: Double
    /// Of the pictures it looks at: a multiple of 32.
    public var size: Int
    /// What it tells apart; people are the first.
    public var classes = 80

    public init(depth: Double, width: Double, size: Int = 640) {
        self.depth = depth
        self.width = width
        self.size = size
    }

    /// YOLOX-s, -m and -l.
    public static let small = YOLOXNetwork(depth: 0.33, width: 0.5)
    public static let medium = YOLOXNetwork(depth: 0.67, width: 0.75)
    public static let large = YOLOXNetwork(depth: 1, width: 1)

    /// Writes the network.
    ///
    /// Scores of objects and classes begin where a training begins, so that next to nothing is found anywhere.
    ///
    /// - Throws: `FileError`
    public func write(to path: String, weights: @escaping WeightMaker) throws {
        let layers = LayerWriter(NetworkWriter(name: "yolox", operatorSet: 11), weights: weights)
        layers.network.input("images", [1, 3, size, size])
        let cells = [8, 16, 32].reduce(0) { $0 + (size / $1) * (size / $1) }
        heads(layers, neck(layers, backbone(layers, "images")), output: "output")
        layers.network.output("output", [1, cells, 5 + classes])
        try layers.network.write(to: path)
    }

    private var channels: Int { Int(64 * width) }
    private func repeats(_ count: Int) -> Int { count * max(1, Int((3 * depth).rounded())) }

    /// Cross stage partial layers.
    private func partial(
        _ l: LayerWriter, _ x: String, _ name: String, _ channels: (into: Int, out: Int), count: Int, adds: Bool
    ) -> String {
        let hidden = channels.out / 2
        var y = l.block(x, name + ".conv1", (channels.into, hidden))
        for index in 0..<count {
            let inner = l.block(y, "\(name).m.\(index).conv1", (hidden, hidden))
            let result = l.block(
                inner, "\(name).m.\(index).conv2", (hidden, hidden), kernel: 3, gain: adds ? LayerWriter.residualGain : LayerWriter.gain)
            y = adds ? l.node("Add", [result, y]) : result
        }
        let short = l.block(x, name + ".conv2", (channels.into, hidden))
        return l.block(l.concatenated([y, short], axis: 1), name + ".conv3", (2 * hidden, channels.out))
    }

    /// Three pictures of features, the finest first.
    private func backbone(_ l: LayerWriter, _ images: String) -> [String] {
        let c = channels
        // Four neighbouring pixels become channels.
        func everySecond(_ x: String, from start: Int, axis: Int) -> String {
            l.node("Slice", [x] + [start, Int(Int32.max), axis, 2].map { l.network.constant([$0]) })
        }
        let quarters = [(0, 0), (1, 0), (0, 1), (1, 1)].map { row, column in
            everySecond(everySecond(images, from: row, axis: 2), from: column, axis: 3)
        }
        // Pictures come as 0 to 255.
        var x = l.block(
            l.concatenated(quarters, axis: 1), "backbone.backbone.stem.conv", (12, c), kernel: 3, gain: LayerWriter.gain / 128)
        var features: [String] = []
        for (index, layers) in [1, 3, 3, 1].enumerated() {
            let name = "backbone.backbone.dark\(index + 2)"
            let (into, out) = (c << index, c << (index + 1))
            x = l.block(x, name + ".0", (into, out), kernel: 3, stride: 2)
            let isLast = index == 3
            if isLast { x = l.pyramidPooling(x, name + ".1", out) }
            x = partial(l, x, "\(name).\(isLast ? 2 : 1)", (out, out), count: repeats(layers), adds: !isLast)
            if index > 0 { features.append(x) }
        }
        return features
    }

    /// Features at three sizes, each of which has seen the others.
    private func neck(_ l: LayerWriter, _ features: [String]) -> [String] {
        let c = channels
        let count = repeats(1)
        func doubled(_ x: String) -> String {
            let factors = l.network.weight("\(x)_scales", [4], [1, 1, 2, 2])
            return l.node(
                "Resize", [x, "", factors],
                ["coordinate_transformation_mode": .text("asymmetric"), "mode": .text("nearest"), "nearest_mode": .text("floor")])
        }
        let top = l.block(features[2], "backbone.lateral_conv0", (16 * c, 8 * c))
        let joined = l.concatenated([doubled(top), features[1]], axis: 1)
        let middle = partial(l, joined, "backbone.C3_p4", (16 * c, 8 * c), count: count, adds: false)
        let reduced = l.block(middle, "backbone.reduce_conv1", (8 * c, 4 * c))
        let fine = partial(
            l, l.concatenated([doubled(reduced), features[0]], axis: 1), "backbone.C3_p3", (8 * c, 4 * c), count: count, adds: false)
        let down = l.block(fine, "backbone.bu_conv2", (4 * c, 4 * c), kernel: 3, stride: 2)
        let second = partial(
            l, l.concatenated([down, reduced], axis: 1), "backbone.C3_n3", (8 * c, 8 * c), count: count, adds: false)
        let further = l.block(second, "backbone.bu_conv1", (8 * c, 8 * c), kernel: 3, stride: 2)
        let third = partial(
            l, l.concatenated([further, top], axis: 1), "backbone.C3_n4", (16 * c, 16 * c), count: count, adds: false)
        return [fine, second, third]
    }

    /// Box, objectness and classes of every cell.
    private func heads(_ l: LayerWriter, _ features: [String], output: String) {
        let hidden = 4 * channels
        // One in a hundred, as at the start of the authors' training.
        let rare: Float = -4.6
        let levels = features.enumerated().map { level, x in
            let stem = l.block(x, "head.stems.\(level)", (hidden << level, hidden))
            func tower(_ kind: String) -> String {
                (0..<2).reduce(stem) { l.block($0, "head.\(kind)_convs.\(level).\($1)", (hidden, hidden), kernel: 3) }
            }
            let (classified, boxed) = (tower("cls"), tower("reg"))
            let kinds = l.convolution(classified, "head.cls_preds.\(level)", (hidden, classes), gain: 0.001, bias: rare)
            let boxes = l.convolution(boxed, "head.reg_preds.\(level)", (hidden, 4), gain: 0.1, bias: 0)
            let objects = l.convolution(boxed, "head.obj_preds.\(level)", (hidden, 1), gain: 0.001, bias: rare)
            let all = l.concatenated([boxes, l.node("Sigmoid", [objects]), l.node("Sigmoid", [kinds])], axis: 1)
            return l.node("Reshape", [all, l.network.constant([1, 5 + classes, -1])])
        }
        l.network.node("Transpose", [l.concatenated(levels, axis: 2)], ["perm": .integers([0, 2, 1])], outputs: [output])
    }
}
