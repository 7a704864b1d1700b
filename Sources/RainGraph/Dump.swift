extension Graph: CustomStringConvertible {
    /// One line per node, in order.
    public var description: String {
        (nodes.indices.filter { !isParameter($0) }.map(line) + outputs.map { "output \($0.name) = \($0.value)" }).joined(separator: "\n")
    }

    /// Parameters are shown where they are used.
    private func isParameter(_ index: Int) -> Bool { if case .parameter = nodes[index].operation { true } else { false } }

    /// `%12 = convolution 3×3 stride 1 (%3, .conv1.weight) + bias .conv1.bias → [16, 16, 16, 64]  // down_blocks.0.resnets.0`
    ///
    /// Names of parameters that begin with a dot continue the place at the end of the line.
    fileprivate func line(_ index: Int) -> String {
        let node = nodes[index]
        let results = node.results.map { "\(TensorType($0, node.element))" }.joined(separator: ", ")
        let place = node.place.isEmpty ? "" : "  // \(node.place)"
        return "%\(index) = \(text(node)) → \(results)\(place)"
    }

    private func text(_ value: ValueID, in place: String) -> String {
        switch nodes[value.node].operation {
        case .parameter(let name, _): !place.isEmpty && name.hasPrefix(place + ".") ? String(name.dropFirst(place.count)) : name
        case .input(let name, _, _): "'\(name)'"
        case .reshape where isParameter(nodes[value.node].operands[0].node): text(nodes[value.node].operands[0], in: place)
        case .constant(let values, _) where values.count == 1: "\(values[0])"
        default: value.description
        }
    }

    private func text(_ node: Node) -> String {
        let own: String
        switch node.operation {
        case .parameter(let name, _): return "parameter \(name)"
        case .input(let name, _, let lifetime): return "input '\(name)' (\(lifetime))"
        case .constant(let values, _):
            let shown = values.prefix(4).map { "\($0)" }.joined(separator: ", ")
            return "constant \(shown)\(values.count > 4 ? ", …" : "")"
        case .linear(let epilogue, let transposed): return contraction(node, transposed ? "linear transposed" : "linear", epilogue)
        case .convolution(let geometry, let epilogue):
            let kernel = shape(node.operands[1])
            return contraction(node, "convolution \(kernel[2])×\(kernel[3]) \(geometry.text)", epilogue)
        case .depthwiseConvolution(let geometry, let epilogue):
            let kernel = shape(node.operands[1])
            return contraction(node, "depthwise convolution \(kernel[0])×\(kernel[1]) \(geometry.text)", epilogue)
        case .maxPool(let geometry, let height, let width): own = "largest of \(height)×\(width) \(geometry.text)"
        case .sample(let height, let width): own = "sample to \(height)×\(width)"
        case .composite(let height, let width): own = "composite to \(height)×\(width)"
        case .convolutionInputGradient(let geometry, _, _), .convolutionWeightGradient(let geometry, _, _):
            own = "\(node.operation.name) \(geometry.text)"
        case .convert(let element): own = "convert to \(element)"
        case .affine(let scale, let offset): own = "affine · \(scale) + \(offset)"
        case .transpose(let order): own = "transpose \(order)"
        case .concatenate(let axis): own = "concatenate axis \(axis)"
        case .slice(let axis, let start, let count): own = "slice axis \(axis) \(start)..<\(start + count)"
        case .pad(let axis, let before, let after): own = "pad axis \(axis) \(before) before \(after) after"
        case .sum(let axes): own = "sum axes \(axes)"
        case .attention(let heads), .attentionGradient(let heads), .temporalAttention(let heads), .temporalAttentionGradient(let heads):
            own = "\(node.operation.name) \(heads) heads"
        case .groupNorm(let groups, _, let activation), .groupNormGradient(let groups, _, let activation):
            own = "\(node.operation.name) \(groups) groups" + (activation.map { " + \($0.rawValue)" } ?? "")
        default: own = node.operation.name
        }
        return "\(own) (\(node.operands.map { text($0, in: node.place) }.joined(separator: ", ")))"
    }

    private func contraction(_ node: Node, _ name: String, _ epilogue: Epilogue) -> String {
        var operands = node.operands.dropFirst(2)
        func show(_ value: ValueID) -> String { text(value, in: node.place) }
        var line = "\(name) (\(show(node.operands[0])), \(show(node.operands[1])))"
        if epilogue.bias { line += " + bias \(show(operands.removeFirst()))" }
        if epilogue.sampleBias { line += " + sample bias \(show(operands.removeFirst()))" }
        if epilogue.residual { line += " + residual \(show(operands.removeFirst()))" }
        if let activation = epilogue.activation { line += " + \(activation.rawValue)" }
        if epilogue.gated { line += " + geglu" }
        return line
    }
}

extension Convolution {
    fileprivate var text: String {
        let isSymmetric = Set(padding).count == 1
        let around = isSymmetric ? (padding[0] == 0 ? "" : " padding \(padding[0])") : " padding \(padding)"
        return "stride \(stride)\(around)\(upsample ? " upsampled" : "")"
    }
}

extension Program {
    /// A readable listing: inputs, then stage by stage every operation with operands, shape and place, with counts and multiply-adds.
    public func dump() -> String {
        var lines = graph.inputs.map { "input '\($0.name)' \($0.type), changes with the \($0.lifetime)" }
        let parameters = graph.parameters
        lines.append("\(parameters.count) parameters, \(parameters.reduce(0) { $0 + $1.shape.count }) elements")
        for stage in Lifetime.allCases {
            let nodes = stages[stage] ?? []
            lines.append("")
            lines.append("\(stage): \(nodes.count) operations, \(inMillions(multiplyAdds(in: stage))) million multiply-adds")
            lines += nodes.map { "  " + graph.line($0) }
        }
        lines.append("")
        lines += graph.outputs.map {
            "output '\($0.name)' = \($0.value) \(graph.shape($0.value)), made by the \(graph.nodes[$0.value.node].lifetime) stage"
        }
        if !gradients.isEmpty {
            lines.append("")
            lines += zip(graph.trainedParameters, gradients).map { "gradient of \($0.name) = \($1)" }
        }
        return lines.joined(separator: "\n")
    }

    private func inMillions(_ count: Int) -> String {
        let tenths = (count + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
