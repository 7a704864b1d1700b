import RainGraph
import RainNetworks

extension Importer {
    /// Operators on elements: https://github.com/onnx/onnx/blob/main/docs/Operators.md
    static let elementwise: [String: Translation] = [
        "Abs": { try $0.function(.absolute, $1) },
        "Cos": { try $0.function(.cos, $1) },
        "Exp": { try $0.function(.exp, $1) },
        "Log": { try $0.function(.logarithm, $1) },
        "Reciprocal": { try $0.function(.reciprocal, $1) },
        "Relu": { try $0.function(.relu, $1) },
        "Sigmoid": { try $0.function(.sigmoid, $1) },
        "Sin": { try $0.function(.sin, $1) },
        "Sqrt": { try $0.function(.squareRoot, $1) },
        "Tanh": { try $0.function(.tanh, $1) },
        "Neg": { importer, node in
            try importer.binary(.multiply, node.input(0), .host(HostTensor([], .integers([-1]))), node)
        },
        "Add": { try $0.binary(.add, $1.input(0), $1.input(1), $1) },
        "Sub": { try $0.binary(.subtract, $1.input(0), $1.input(1), $1) },
        "Mul": { try $0.binary(.multiply, $1.input(0), $1.input(1), $1) },
        "Div": { try $0.binary(.divide, $1.input(0), $1.input(1), $1) },
        "Max": { try $0.fold(.maximum, $1) },
        "Min": { try $0.fold(.minimum, $1) },
        "Sum": { try $0.fold(.add, $1) },
        "Pow": { try $0.power($1) },
        "Clip": { try $0.clip($1) },
        "HardSigmoid": { importer, node in
            let x = try importer.carried(node.input(0))
            let (alpha, beta) = (node.float("alpha", 0.2), node.float("beta", 0.5))
            return [.graph(Carried(try importer.hardSigmoid(x.value, alpha, beta), order: x.order))]
        },
        // https://arxiv.org/abs/1905.02244
        "HardSwish": { importer, node in
            let x = try importer.carried(node.input(0))
            return [.graph(Carried(try x.value.multiplied(by: importer.hardSigmoid(x.value, 1 / 6, 0.5)), order: x.order))]
        },
        "LeakyRelu": { importer, node in
            let x = try importer.carried(node.input(0))
            let slope = try importer.builder.constant([node.float("alpha", 0.01)], [])
            return [.graph(Carried(try x.value.prelu(slope: slope), order: x.order))]
        },
        "PRelu": { try $0.binary(.prelu, $1.input(0), $1.input(1), $1) },
        "Identity": { [try $1.input(0)] },
        "Dropout": { importer, node in
            _ = (node.float("ratio", 0.5), try node.integer("seed", 0))
            let isTraining = try node.isGiven(2) ? node.number(2, "training mode") != 0 : false
            guard !isTraining else { throw node.unsupported("a network for running", "training mode") }
            return [try node.input(0)]
        },
    ]

    /// The largest tensors that are computed on import rather than by the engine when weights are loaded.
    static let largestFolded = 4096

    private func function(_ kind: Unary, _ node: NodeReader) throws -> [Imported] {
        let input = try node.input(0)
        if case .host(let tensor) = input, tensor.count <= Self.largestFolded {
            try fold(tensor.count, node)
            let values = try Interpreter.evaluate(.unary(kind), [(Shape([tensor.count]), tensor.floats)])[0]
            return [.host(HostTensor(tensor.shape, .floats(values)))]
        }
        let x = try carried(input)
        return [.graph(Carried(try x.value.unary(kind), order: x.order))]
    }

    private func fold(_ kind: Binary, _ node: NodeReader) throws -> [Imported] {
        var result = try node.input(0)
        for index in node.inputs.indices.dropFirst() { result = try binary(kind, result, node.input(index), node)[0] }
        return [result]
    }

    /// min(max(alpha · x + beta, 0), 1)
    private func hardSigmoid(_ x: Value, _ alpha: Float, _ beta: Float) throws -> Value {
        try x.scaled(by: alpha, plus: beta).unary(.relu).atMost(builder.constant([1], []))
    }

    private func power(_ node: NodeReader) throws -> [Imported] {
        let exponent = try node.number(1, "exponent")
        let x = try carried(node.input(0))
        let result: Value
        switch exponent {
        case 1: result = x.value
        case 2: result = try x.value.unary(.square)
        case 3: result = try x.value.multiplied(by: x.value.unary(.square))
        case 0.5: result = try x.value.unary(.squareRoot)
        case -1: result = try x.value.unary(.reciprocal)
        case -0.5: result = try x.value.unary(.squareRoot).unary(.reciprocal)
        default: throw node.unsupported("an exponent of ±1/2, ±1, 2 or 3", "\(exponent)")
        }
        return [.graph(Carried(result, order: x.order))]
    }

    private func clip(_ node: NodeReader) throws -> [Imported] {
        var result = try node.input(0)
        if node.isGiven(1) { result = try binary(.maximum, result, node.input(1), node)[0] }
        if node.isGiven(2) { result = try binary(.minimum, result, node.input(2), node)[0] }
        return [result]
    }

    /// Elementwise with NumPy's broadcasting.
    func binary(_ kind: Binary, _ a: Imported, _ b: Imported, _ node: NodeReader) throws -> [Imported] {
        guard let shape = broadcast(a.shape, b.shape) else {
            throw node.fault(.inconsistent, "shapes that broadcast", "\(a.shape) and \(b.shape)")
        }
        if case .host(let x) = a, case .host(let y) = b,
            let count = HostTensor.count(shape, limit: HostTensor.mostElements), count <= Self.largestFolded || x.isInteger
        {
            return [.host(try folded(kind, x, y, shape, count, node))]
        }
        // The operand of most axes leads: the others are brought into its order.
        let leader: Carried =
            switch (a, b) {
            case (.graph(let x), .graph(let y)): x.rank >= y.rank ? x : y
            case (.graph(let x), _): try x.lifted(to: shape.count)
            case (_, .graph(let y)): try y.lifted(to: shape.count)
            case (.host(let x), .host): Carried(try weight(x.lifted(to: shape.count)))
            }
        if let silu = try silu(kind, a, b) { return [.graph(silu)] }
        let (x, y) = (try operand(a, like: leader), try operand(b, like: leader))
        return [.graph(Carried(try builder.one(.binary(kind), x, y), order: leader.order))]
    }

    private func operand(_ operand: Imported, like leader: Carried) throws -> Value {
        switch operand {
        case .graph(let carried): return try carried.lifted(to: leader.rank).ordered(leader.order)
        case .host(let tensor):
            // One number needs no axes.
            if tensor.count == 1 { return try weight(HostTensor([], tensor.elements, name: tensor.name)) }
            if tensor.shape.count < leader.rank { return try weight(tensor.lifted(to: leader.rank), order: leader.order) }
            return try weight(tensor, order: leader.order)
        }
    }

    /// x · sigmoid(x), which exporters write as two nodes, is one function.
    private func silu(_ kind: Binary, _ a: Imported, _ b: Imported) throws -> Carried? {
        guard kind == .multiply, case .graph(let x) = a, case .graph(let y) = b, x.order == y.order else { return nil }
        for (value, gate) in [(x, y), (y, x)] {
            let maker = builder.nodes[gate.value.id.node]
            if maker.operation == .unary(.sigmoid), maker.operands == [value.value.id] {
                return Carried(try value.value.silu(), order: value.order)
            }
        }
        return nil
    }

    /// The shape two shapes broadcast to; sizes of 0 are those of empty tensors.
    func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
        Shape.broadcast(Shape(a), Shape(b))?.dimensions
    }

    private func folded(
        _ kind: Binary, _ x: HostTensor, _ y: HostTensor, _ shape: [Int], _ count: Int, _ node: NodeReader
    ) throws -> HostTensor {
        try fold(count, node)
        let (a, b) = (x.broadcasted(to: shape), y.broadcasted(to: shape))
        guard case .integers(let left) = a.elements, case .integers(let right) = b.elements else {
            let flat = Shape([max(count, 1)])
            guard count > 0 else { return HostTensor(shape, .floats([])) }
            return HostTensor(shape, .floats(try Interpreter.evaluate(.binary(kind), [(flat, a.floats), (flat, b.floats)])[0]))
        }
        let values = try zip(left, right).map { left, right in
            let (value, overflow): (Int64, Bool) =
                switch kind {
                case .add: left.addingReportingOverflow(right)
                case .subtract: left.subtractingReportingOverflow(right)
                case .multiply: left.multipliedReportingOverflow(by: right)
                case .divide: right == 0 ? (0, true) : left.dividedReportingOverflow(by: right)
                case .minimum: (min(left, right), false)
                case .maximum: (max(left, right), false)
                case .prelu: left > 0 ? (left, false) : left.multipliedReportingOverflow(by: right)
                }
            guard !overflow else { throw node.fault(.inconsistent, "whole numbers of 64 bits", "\(left) and \(right)") }
            return value
        }
        return HostTensor(shape, .integers(values))
    }
}

extension HostTensor {
    /// With axes of size 1 put in front; no longer the initialiser it was unless it has them already.
    func lifted(to rank: Int) -> HostTensor {
        let missing = rank - shape.count
        return missing > 0 ? HostTensor(Array(repeating: 1, count: missing) + shape, elements) : self
    }
}
