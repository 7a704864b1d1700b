import Foundation
import RainCPU
import RainTesting
import SwiftProtobuf
import Testing

@testable import RainONNX

/// Damages networks at random, always in the same way: whatever comes out is refused with an error or runs. `RAIN_FUZZ_ROUNDS` damages each
/// of them as often.
@Suite struct FuzzTests {
    static let rounds = ProcessInfo.processInfo.environment["RAIN_FUZZ_ROUNDS"].flatMap { UInt64($0) } ?? 150
    private let engine = CPUEngine(threads: 1)
    static let files = tinyNetworks + ["onnx_operators_opset11", "onnx_operators_opset17"]

    @Test(arguments: files)
    func damagedBytes(_ name: String) throws {
        let whole = try bytes(of: name)
        var outcomes = DamageOutcomes()
        for round in 0..<Self.rounds {
            var numbers = SeededNumbers(seed: round &* 977 &+ UInt64(whole.count))
            var data = whole
            for _ in 0...numbers.next() % 6 { Self.damage(&data, &numbers) }
            outcomes.note(on: engine) { try ONNXModel(data, name: "damaged.onnx").network() }
        }
        print("\(name), bytes: \(outcomes)")
        #expect(outcomes.refused + outcomes.imported == Int(Self.rounds))
    }

    /// Messages that are sound but say something else, which get further.
    @Test(arguments: files)
    func damagedMessages(_ name: String) throws {
        let whole = try Onnx_ModelProto(serializedBytes: bytes(of: name))
        var outcomes = DamageOutcomes()
        for round in 0..<Self.rounds {
            var numbers = SeededNumbers(seed: round &* 1597 &+ 3)
            var model = whole
            for _ in 0...numbers.next() % 3 { Self.damage(&model.graph, &numbers) }
            let data: Data = try model.serializedBytes()
            outcomes.note(on: engine) { try ONNXModel(data, name: "damaged.onnx").network() }
        }
        print("\(name), messages: \(outcomes)")
        #expect(outcomes.refused + outcomes.imported == Int(Self.rounds))
    }

    static let extremes: [Int64] = [0, 1, -1, 2, 127, 128, 255, 65535, 1 << 20, 1 << 31, 1 << 32, .max, .min, -2, 7, 1 << 40]

    static func pick<T>(_ values: [T], _ numbers: inout SeededNumbers) -> T { values[Int(numbers.next() % UInt64(values.count))] }

    static func damage(_ data: inout Data, _ numbers: inout SeededNumbers) {
        guard data.count > 16 else { return }
        let at = Int(numbers.next() % UInt64(data.count))
        let length = min(Int(1 + numbers.next() % 64), data.count - at)
        switch numbers.next() % 6 {
        case 0: data[at] ^= UInt8(1 << (numbers.next() % 8))
        case 1: data[at] = UInt8(truncatingIfNeeded: numbers.next())
        case 2: data = data.prefix(at)
        case 3: data.replaceSubrange(at..<at + length, with: Data())
        case 4: data.insert(contentsOf: Data(data[at..<at + length]), at: Int(numbers.next() % UInt64(data.count)))
        default: data.replaceSubrange(at..<at + length, with: Data(repeating: pick([0, 127, 128, 255], &numbers), count: length))
        }
    }

    static func damage(_ graph: inout Onnx_GraphProto, _ numbers: inout SeededNumbers) {
        func below(_ count: Int) -> Int { Int(numbers.next() % UInt64(max(count, 1))) }
        guard !graph.node.isEmpty else { return }
        let node = below(graph.node.count)
        switch below(10) {
        case 0:
            guard !graph.node[node].attribute.isEmpty else { return }
            let attribute = below(graph.node[node].attribute.count)
            if graph.node[node].attribute[attribute].ints.isEmpty {
                graph.node[node].attribute[attribute].i = pick(extremes, &numbers)
            } else {
                let place = below(graph.node[node].attribute[attribute].ints.count)
                graph.node[node].attribute[attribute].ints[place] = pick(extremes, &numbers)
            }
        case 1: graph.node[node].opType = pick(Importer.operators.keys.sorted(), &numbers)
        case 2:
            guard !graph.node[node].input.isEmpty else { return }
            let names = graph.node.flatMap(\.output) + graph.initializer.map(\.name) + [""]
            graph.node[node].input[below(graph.node[node].input.count)] = pick(names, &numbers)
        case 3: graph.node[node].input.append(pick(graph.initializer.map(\.name) + ["x"], &numbers))
        case 4: graph.node.remove(at: node)
        case 5: graph.node.swapAt(node, below(graph.node.count))
        case 6:
            guard !graph.initializer.isEmpty else { return }
            let tensor = below(graph.initializer.count)
            graph.initializer[tensor].dims = (0..<below(6)).map { _ in pick(extremes, &numbers) }
        case 7:
            let tensors = graph.node.indices.filter { graph.node[$0].attribute.contains { $0.hasT } }
            guard !tensors.isEmpty else { return }
            let chosen = pick(tensors, &numbers)
            graph.node[chosen].attribute[0].t = .with { tensor in
                let count = below(5)
                tensor.dims = [Int64(count)]
                tensor.dataType = TensorElement.int64.rawValue
                tensor.int64Data = (0..<count).map { _ in pick(extremes, &numbers) }
            }
        case 8:
            let axis = below(graph.input[0].type.tensorType.shape.dim.count)
            guard !graph.input[0].type.tensorType.shape.dim.isEmpty else { return }
            graph.input[0].type.tensorType.shape.dim[axis].dimValue = pick(extremes, &numbers)
        default:
            let name = pick(["axes", "pads", "split", "perm", "kernel_shape"], &numbers)
            graph.node[node].attribute.append(.ints(name, [pick(extremes, &numbers)]))
        }
    }
}
