public import RainGraph

/// A small network drawn by lot from what models are made of: rewrites meet combinations that no one thought of.
public struct RandomGraph {
    private var numbers: SeededNumbers
    private let g: GraphBuilder
    private var pool: [Value] = []
    private var parameters = 0

    /// A graph with outputs `y`, sometimes others, and the scalar `loss`.
    ///
    /// - Parameter seed: the same graph whenever asked.
    /// - Parameter parameterLifetime: `.step` for a graph to train.
    public static func make(seed: UInt64, parameterLifetime: Lifetime = .weights) throws -> Graph {
        var random = RandomGraph(numbers: SeededNumbers(seed: seed), g: GraphBuilder(parameterLifetime: parameterLifetime))
        return try random.build()
    }

    private mutating func roll(_ count: Int) -> Int { Int(numbers.next() % UInt64(count)) }
    private mutating func pick() -> Value { pool[max(0, pool.count - 1 - roll(4))] }

    private mutating func parameter(_ shape: Shape) throws -> Value {
        parameters += 1
        return try g.parameter("p\(parameters)", shape)
    }

    private mutating func build() throws -> Graph {
        let (n, h, w) = (2 + roll(2), 2 * (1 + roll(2)), 3)
        pool = [
            try g.input("x", [n, h, w, 4]), try g.input("fused", [n, h, w, 4], .reference), try g.input("late", [n, h, w, 4]),
        ]
        let token = try g.input("token", [1, 1, 6], .reference)
        let time = try g.input("time", [n, 1])
        for step in 0..<(6 + roll(12)) {
            let x = pick()
            let c = x.shape.last
            let tokens: Shape = [x.shape[0], x.shape[1] * x.shape[2], c]
            let next: Value
            switch roll(20) {
            case 0: next = try x.silu()
            case 1: next = try x.unary([Unary.gelu, .relu, .tanh, .sigmoid][roll(4)])
            case 2: next = try x.scaled(by: 0.5, plus: roll(2) == 0 ? 0 : 0.25)
            case 3:
                next = try x.convolved(
                    parameter([4, c, 3, 3]), bias: roll(2) == 0 ? nil : parameter([4]), Convolution(padding: [1, 1, 1, 1]))
            case 4: next = try x.convolved(parameter([4, c, 1, 1]), Convolution(padding: [0, 0, 0, 0]))
            case 5:
                next = try x.reshaped(tokens).linear(parameter([4, c]), bias: parameter([4])).reshaped(
                    Shape(x.shape.dimensions.dropLast() + [4]))
            case 6: next = try x.groupNorm(gamma: parameter([c]), beta: parameter([c]), groups: 2, epsilon: 1e-2)
            case 7: next = try x.layerNorm(gamma: parameter([c]), beta: parameter([c]), epsilon: 1e-2)
            case 8:
                let q = try x.reshaped(tokens)
                next = try q.linear(parameter([c, c])).attention(keys: q.linear(parameter([c, c])), values: q, heads: 2).reshaped(x.shape)
            case 9:
                let k = try token.linear(parameter([c, 6])).reshaped([1, 1, 1, c]).broadcasted(to: [1, x.shape[0], 1, c]).reshaped([
                    x.shape[0], 1, c,
                ])
                let attended = try x.reshaped(tokens).attention(keys: k, values: k.linear(parameter([c, c])), heads: 2)
                next = try attended.linear(parameter([c, c]), bias: parameter([c])).reshaped(x.shape).adding(x)
            case 10 where x.shape[0] == n:
                next = try x.adding(time.silu().linear(parameter([c, 1])).reshaped([n, 1, 1, c]))
            case 11: next = try x.adding(parameter([1, 1, 1, c]))
            case 12: next = try x.linear(parameter([2 * c, c])).geglu()
            case 13:
                let frames = try x.reshaped([1, x.shape[0], x.shape[1] * x.shape[2], c])
                let placed = try frames.adding(parameter([1, x.shape[0], 1, c]))
                let (q, k) = (try placed.linear(parameter([c, c])), try placed.linear(parameter([c, c])))
                next = try q.temporalAttention(keys: k, values: placed.linear(parameter([c, c])), heads: 2)
                    .linear(parameter([c, c])).reshaped(x.shape).adding(x)
            case 14 where x.shape[1] <= 4:
                next = try x.upsampledNearest().convolved(parameter([4, c, 3, 3]), Convolution(padding: [1, 1, 1, 1]))
            case 15: next = try x.concatenated(with: [x.silu()], axis: 3).sliced(axis: 3, start: roll(3), count: c)
            case 16: next = try x.transposed([0, 2, 1, 3]).silu().transposed([0, 2, 1, 3])
            case 17: next = try x.concatenated(with: [x.scaled(by: -1)], axis: 0).sliced(axis: 0, start: roll(2), count: x.shape[0])
            case 18: next = try x.multiplied(by: x.summed(axes: [1, 2]).scaled(by: 0.1))
            default:
                let y = pool.filter { $0.shape == x.shape }
                next = try x.adding(y[roll(y.count)])
            }
            pool.append(next)
            if roll(8) == 0 { g.output("y\(step)", next) }
        }
        g.output("y", pool[pool.count - 1])
        let last = pool[pool.count - 1]
        g.output("loss", try last.unary(.square).summed(axes: [0, 1, 2, 3]).reshaped([]).scaled(by: 1 / Float(last.shape.count)))
        return try g.graph()
    }
}
