import RainCheckpoints
import RainGraph
import RainNetworks

extension Importer {
    /// Operators whose results are known on import: literals, shapes and what is made of them.
    static let constants: [String: Translation] = [
        "Constant": { importer, node in
            if let tensor = try node.tensor("value") { return [.host(tensor)] }
            if let list = try node.integers("value_ints") { return [.host(HostTensor(list))] }
            if let list = node.floats("value_floats") { return [.host(HostTensor([list.count], .floats(list)))] }
            if node.has("value_int") { return [.host(HostTensor([], .integers([Int64(try node.integer("value_int", 0))])))] }
            if node.has("value_float") { return [.host(HostTensor([], .floats([node.float("value_float", 0)])))] }
            throw node.unsupported("a tensor, numbers or a number", "something else")
        },
        "ConstantOfShape": { importer, node in
            let shape = try node.integers(0, "extents")
            let value = try node.tensor("value") ?? HostTensor([1], .floats([0]))
            guard let count = HostTensor.count(shape), value.count == 1 else {
                throw node.fault(.tooLarge, "a possible shape and one value", "\(shape.prefix(12))")
            }
            try importer.fold(count, node)
            return [.host(value.gathered(Array(repeating: 0, count: count), shape: shape))]
        },
        "Shape": { importer, node in
            let shape = try node.input(0).shape
            func bound(_ given: Int) -> Int { min(max(given < 0 ? given + shape.count : given, 0), shape.count) }
            let (start, end) = (bound(try node.integer("start", 0)), bound(try node.integer("end", shape.count)))
            return [.host(HostTensor(start < end ? Array(shape[start..<end]) : []))]
        },
        "Size": { importer, node in
            [.host(HostTensor([], .integers([Int64(try node.input(0).shape.reduce(1, *))])))]
        },
        "Range": { importer, node in
            let (start, limit, step) = (try node.number(0, "start"), try node.number(1, "limit"), try node.number(2, "step"))
            let count = ((limit - start) / step).rounded(.up)
            guard count.isFinite, count <= 65536 else { throw node.fault(.tooLarge, "a range of at most 65536 numbers", "\(count)") }
            let values = (0..<Int(max(0, count))).map { start + Float($0) * step }
            guard try node.host(0, "start").isInteger else { return [.host(HostTensor([values.count], .floats(values)))] }
            guard values.allSatisfy({ abs($0) <= 0x1p24 }) else { throw node.fault(.tooLarge, "numbers up to 16777216", "more") }
            return [.host(HostTensor(values.map { Int($0) }))]
        },
        "Cast": { try $0.cast($1) },
        "Floor": { try $0.rounded(.down, $1) },
        "Ceil": { try $0.rounded(.up, $1) },
        "Round": { try $0.rounded(.toNearestOrEven, $1) },
        "Equal": { try $0.compared($1) { $0 == $1 } },
        "Greater": { try $0.compared($1) { $0 > $1 } },
        "Less": { try $0.compared($1) { $0 < $1 } },
        "Where": { importer, node in
            let parts = try (0..<3).map { try node.host($0, "choices") }
            guard let two = importer.broadcast(parts[1].shape, parts[2].shape), let shape = importer.broadcast(parts[0].shape, two),
                let count = HostTensor.count(shape)
            else { throw node.fault(.inconsistent, "shapes that broadcast", "\(parts.map(\.shape))") }
            try importer.fold(count, node)
            let (choice, yes, no) = (parts[0].broadcasted(to: shape), parts[1].broadcasted(to: shape), parts[2].broadcasted(to: shape))
            let chosen = choice.floats
            if case .integers(let a) = yes.elements, case .integers(let b) = no.elements {
                return [.host(HostTensor(shape, .integers(chosen.indices.map { chosen[$0] != 0 ? a[$0] : b[$0] })))]
            }
            let (a, b) = (yes.floats, no.floats)
            return [.host(HostTensor(shape, .floats(chosen.indices.map { chosen[$0] != 0 ? a[$0] : b[$0] })))]
        },
    ]

    private func cast(_ node: NodeReader) throws -> [Imported] {
        let input = try node.input(0)
        guard let type = TensorElement(rawValue: Int32(clamping: try node.integer("to", 0))), type != .string else {
            throw node.unsupported("a type of number", "another")
        }
        let isFloat = [.float, .double, .float16, .bfloat16].contains(type)
        guard case .host(let tensor) = input else {
            guard isFloat else { throw node.unsupported("casts to floats of what is computed when the network runs", "\(type)") }
            // Everything that runs is computed in 32 bits.
            return [input]
        }
        try fold(tensor.count, node)
        switch type {
        case .float16:
            let values = tensor.floats.map { HalfPrecision.float(fromFloat16: HalfPrecision.float16(from: $0)) }
            return [.host(HostTensor(tensor.shape, .floats(values)))]
        case .bfloat16:
            let values = tensor.floats.map { HalfPrecision.float(fromBFloat16: HalfPrecision.bfloat16(from: $0)) }
            return [.host(HostTensor(tensor.shape, .floats(values)))]
        case .float, .double: return [.host(HostTensor(tensor.shape, .floats(tensor.floats)))]
        default: break
        }
        let values: [Int64]
        switch tensor.elements {
        case .integers(let list): values = list
        case .floats(let list):
            values = try list.map { value in
                guard let whole = Int64(exactly: value.rounded(.towardZero)) else {
                    throw node.fault(.inconsistent, "numbers of 64 bits", "\(value)")
                }
                return whole
            }
        }
        return [.host(HostTensor(tensor.shape, .integers(type == .bool ? values.map { $0 == 0 ? 0 : 1 } : values)))]
    }

    private func rounded(_ rule: FloatingPointRoundingRule, _ node: NodeReader) throws -> [Imported] {
        let tensor = try node.host(0, "numbers")
        try fold(tensor.count, node)
        return [.host(HostTensor(tensor.shape, .floats(tensor.floats.map { $0.rounded(rule) })))]
    }

    private func compared(_ node: NodeReader, _ holds: (Double, Double) -> Bool) throws -> [Imported] {
        let (a, b) = (try node.host(0, "numbers"), try node.host(1, "numbers"))
        guard let shape = broadcast(a.shape, b.shape), let count = HostTensor.count(shape) else {
            throw node.fault(.inconsistent, "shapes that broadcast", "\(a.shape) and \(b.shape)")
        }
        try fold(count, node)
        let results = zip(a.broadcasted(to: shape).doubles, b.broadcasted(to: shape).doubles).map { holds($0, $1) ? Int64(1) : 0 }
        return [.host(HostTensor(shape, .integers(results)))]
    }
}

extension HostTensor {
    fileprivate var doubles: [Double] {
        switch elements {
        case .floats(let values): values.map(Double.init)
        case .integers(let values): values.map(Double.init)
        }
    }
}
