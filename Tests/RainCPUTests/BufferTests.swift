import CPUKernels
import RainGraph
import RainTesting
import Testing

@testable import RainCPU

/// Engines that buffers are tried on.
enum BufferEngine: String, CaseIterable, CustomTestStringConvertible {
    case interpreter, cpu, toy

    var testDescription: String { rawValue }
    var engine: any Engine {
        switch self {
        case .interpreter: Interpreter()
        case .cpu: CPUEngine(threads: 2)
        case .toy: ToyEngine()
        }
    }
}

@Suite struct BufferTests {
    /// `y = 2x + 1`.
    private func line(_ shape: Shape) throws -> Program {
        let g = GraphBuilder()
        g.output("y", try g.input("x", shape).scaled(by: 2, plus: 1))
        return try Program(g.graph())
    }

    @Test("What one executable makes, another finds", arguments: BufferEngine.allCases)
    func buffersAreShared(_ kind: BufferEngine) throws {
        let engine = kind.engine
        let between = try engine.buffer(TensorType([3, 5]))
        let first = try engine.compile(line([3, 5]), CompileOptions(buffers: [.output("y"): between]))
        let second = try engine.compile(line([3, 5]), CompileOptions(buffers: [.input("x"): between]))
        for executable in [first, second] { try executable.load { _, _ in [] } }
        try first.write("x", (0..<15).map { Float($0) })
        let ends = try [first.submit(.step), second.submit(.step)]
        for end in ends { try end.wait() }
        #expect(try second.read("y") == (0..<15).map { Float(4 * $0 + 3) })
        #expect(try first.read("y") == (0..<15).map { Float(2 * $0 + 1) })
    }

    @Test("A state changes when its stage has ended", arguments: BufferEngine.allCases)
    func statesAreCarried(_ kind: BufferEngine) throws {
        let engine = kind.engine
        let g = GraphBuilder()
        let x = try g.input("x", [33])
        let next = try x.scaled(by: 2, plus: 1)
        g.output("next", next)
        // Reads the state after what replaces it has been made.
        g.output("sum", try next.adding(x))
        let state = try engine.buffer(TensorType([33]))
        let executable = try engine.compile(
            Program(g.graph()), CompileOptions(buffers: [.input("x"): state, .output("next"): state]))
        try executable.load { _, _ in [] }
        for _ in 0..<3 { _ = try executable.submit(.step) }
        // 0, 1, 3, 7.
        #expect(try executable.read("sum") == [Float](repeating: 10, count: 33))
        #expect(try executable.read("next") == [Float](repeating: 7, count: 33))
        let held = try state.read { (span: Span<Float>) in span[32] }
        #expect(held == 7)
    }

    @Test("Elements of every type go in and come out", arguments: BufferEngine.allCases)
    func elementsTravel(_ kind: BufferEngine) throws {
        let g = GraphBuilder()
        let shape: Shape = [2, 7]
        let bytes = try g.input("bytes", TensorType(shape, .uint8)).converted(to: .float32)
        let numbers = try g.input("numbers", TensorType(shape, .int32)).converted(to: .float32)
        let halves = try g.input("halves", TensorType(shape, .float16)).converted(to: .float32)
        let sum = try bytes.adding(numbers).adding(halves)
        for element in Element.allCases { g.output(element.rawValue, try sum.converted(to: element)) }
        let executable = try kind.engine.compile(Program(g.graph()))
        try executable.load { _, _ in [] }
        try executable.write("bytes", [UInt8]((0..<14).map { $0 * 3 }))
        try executable.write("numbers", [Int32]((0..<14).map { $0 - 20 }))
        let quarters: [Half] = (0..<14).map { Half(nearest: Float($0) / 4) }
        try executable.write("halves", quarters)
        try executable.run(.step)
        let expected: [Float] = (0..<14).map { index in Float(4 * index - 20) + Float(index) / 4 }
        for element in Element.allCases { #expect(try executable.read(element.rawValue) == expected.map(element.nearest), "\(element)") }
        let wrong = #expect(throws: GraphError.self) { try executable.write("bytes", [Float](repeating: 0, count: 14)) }
        #expect(wrong?.code == .shapeMismatch)
    }

    @Test("Buffers that do not fit are refused", arguments: BufferEngine.allCases)
    func buffersAreChecked(_ kind: BufferEngine) throws {
        let engine = kind.engine
        for type in [TensorType([5]), TensorType([4], .float16)] {
            let buffer = try engine.buffer(type)
            for port in [TensorPort.input("x"), .output("y")] {
                #expect(throws: GraphError.self) { try engine.compile(line([4]), CompileOptions(buffers: [port: buffer])) }
            }
        }
        let foreign = BufferEngine.allCases.filter { $0 != kind }
        for other in foreign {
            let buffer = try other.engine.buffer(TensorType([4]))
            #expect(throws: GraphError.self) { try engine.compile(line([4]), CompileOptions(buffers: [.input("x"): buffer])) }
        }
    }

    @Test("Weights reach every engine as they are stored", arguments: BufferEngine.allCases, [Element.float32, .float16, .bfloat16])
    func weightsAreTyped(_ kind: BufferEngine, _ element: Element) throws {
        struct Stored: TensorSource {
            let element: Element
            func withTensor<R>(_ name: String, _ shape: Shape, _ body: (Element, RawSpan) throws -> R) throws -> R {
                let values = seeded(name, shape)
                switch element {
                case .float16:
                    let halves = values.map { Half(nearest: $0) }
                    return try body(element, halves.span.bytes)
                case .bfloat16:
                    let halves = values.map { BrainFloat(nearest: $0) }
                    return try body(element, halves.span.bytes)
                default: return try body(.float32, values.span.bytes)
                }
            }
        }
        let g = GraphBuilder()
        let x = try g.input("x", [3, 37])
        let hidden = try x.linear(g.parameter("w", [41, 37]), bias: g.parameter("b", [41]))
        g.output("y", hidden)
        let program = try Program(g.graph())
        let found = try kind.engine.evaluate(program, inputs: ["x": seeded("x", [3, 37])], parameters: Stored(element: element))
        let expected = try Interpreter().evaluate(program, inputs: ["x": seeded("x", [3, 37])]) { name, shape in
            seeded(name, shape).map(element.nearest)
        }
        #expect(largestDifference(found, expected) < (kind == .toy ? 5e-3 : 3e-5))
    }

    /// All halves there are, at an address that is not even, and floats around every one of them.
    @Test func conversionsAreExact() throws {
        let pool = try CPUEngine(threads: 2).pool()
        func convert<From: TensorScalar, To: TensorScalar>(_ values: [From], to: To.Type) -> [To] {
            var result = [To](repeating: To(nearest: 0), count: values.count)
            let bytes = [UInt8(0)] + values.withUnsafeBytes { [UInt8]($0) }
            bytes.withUnsafeBytes { from in
                result.withUnsafeMutableBytes { to in
                    rain_convert(pool.pointer, values.count, From.element.kernel, from.baseAddress! + 1, To.element.kernel, to.baseAddress!)
                }
            }
            return result
        }
        let halves = (0...UInt16.max).map { Half(bits: $0) }
        let widened = convert(halves, to: Float.self)
        #expect(zip(widened, halves).allSatisfy { $0.0.bitPattern == $0.1.float.bitPattern || ($0.0.isNaN && $0.1.float.isNaN) })
        var floats: [Float] = [
            .nan, .infinity, -.infinity, 0, -0.0, 0.5, 1.5, 2.5, 254.5, 255.5, -0.5, 0.49999997, 3e9, -3e9, 65519.99, 65520,
        ]
        for half in halves where half.float.isFinite {
            let next = Half(bits: half.bits & 0x7FFF == 0x7BFF ? half.bits : half.bits + 1).float
            let middle = (half.float + next) / 2
            floats += [half.float, middle, middle.nextUp, middle.nextDown]
        }
        func check<To: TensorScalar>(_ type: To.Type) {
            let found = convert(floats, to: type)
            let wrong = zip(found, floats).filter { found, value in
                let expected = To.element.nearest(value)
                return found.float != expected && !(found.float.isNaN && expected.isNaN)
            }
            #expect(wrong.isEmpty, "\(To.element): \(wrong.prefix(5))")
        }
        check(Float.self)
        check(Half.self)
        check(BrainFloat.self)
        check(Int32.self)
        check(UInt8.self)
    }
}
