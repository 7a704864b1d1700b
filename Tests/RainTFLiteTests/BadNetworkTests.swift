import Foundation
import RainGraph
import RainNetworks
import Testing

@testable import RainTFLite

/// Files that keep to the format and ask for what is wrong, too much or not supported.
@Suite struct BadNetworkTests {
    typealias Make = NetworkMaker
    static func same(_ more: [Int: Flat] = [:]) -> [Int: Flat] { Make.window(0, 1, more) }

    static let graphs = [
        Fault("an input that nothing makes", .inconsistent, "made before, found 'ghost'") {
            $0.node(.add, [0, $0.tensor("ghost", [1])])
        },
        Fault("an output that nothing makes", .inconsistent, "output 'ghost': expected an operator that makes it") {
            $0.node(.relu, [0])
            $0.outputs = [$0.tensor("ghost", [1])]
        },
        Fault("a cycle", .inconsistent, "operator 0 (ADD): expected an input that is a constant or made before") {
            $0.node(.add, [0, 1])
        },
        Fault("a use before its maker", .inconsistent, "made before, found 'y1'") {
            $0.node(.relu, [2])
            $0.node(.relu, [0])
            $0.outputs = [1]
        },
        Fault("two makers", .inconsistent, "one operator that makes 'y0', found operators 0 and 1") {
            $0.node(.relu, [0])
            $0.node(.logistic, [0])
            $0.operators[1][2] = .integers([1])
            $0.outputs = [1]
        },
        Fault("a constant that is made later", .inconsistent, "an output of its own") {
            let constant = $0.floats([2])
            $0.node(.add, [0, constant])
            $0.node(.relu, [constant])
            $0.operators[1][2] = .integers([constant])
            $0.outputs = [2, constant]
        },
        Fault("two results", .unsupported, "one output, found 2") {
            $0.node(.relu, [0])
            $0.operators[0][2] = .integers([1, $0.tensor("more", [1])])
        },
        Fault("one output twice", .inconsistent, "output 'y0'") {
            $0.node(.relu, [0])
            $0.outputs = [1, 1]
        },
        Fault("another declared result", .inconsistent, "a result [1, 4, 6, 3], found [1, 4, 6, 2]") {
            $0.node(.relu, [0], shape: [1, 4, 6, 3])
        },
        Fault("an input of bytes", .unsupported, "input 'x': expected 32-bit floats, found uint8", inputType: 3) {
            $0.node(.relu, [0])
        },
        Fault("an input of a new type", .unsupported, "found other", inputType: 77) { $0.node(.relu, [0]) },
        Fault("no extent", .tooLarge, "a possible shape", input: [1, 0, 4, 2]) { $0.node(.relu, [0]) },
        Fault("a negative extent", .tooLarge, "found [1, -1, 4, 2]", input: [1, -1, 4, 2]) { $0.node(.relu, [0]) },
        Fault("huge extents", .tooLarge, "input 'x'", input: [.max, .max, .max, .max]) { $0.node(.relu, [0]) },
        Fault("a doubling without end", .tooLarge, "in all values together") { maker in
            for _ in 0..<40 { maker.node(.concatenation, [maker.result, maker.result]) }
        },
        Fault("a product of long axes", .tooLarge, "operator 1 (ADD)", input: [1 << 20, 1]) {
            $0.node(.reshape, [0], shape: [1, 1 << 20])
            $0.node(.add, [0, 1])
        },
        Fault("many pads", .inconsistent, "larger than a tensor can be", input: Array(repeating: 1, count: 8)) {
            $0.node(.pad, [0, $0.tensor("pads", [16], type: 4, bytes: (0..<16).flatMap { _ in [0, 16, 0, 0, 0, 0, 0, 0] })])
        },
    ]

    static let constants = [
        Fault("too few bytes", .malformed, "16 bytes for the constant 'w' [4], found 15") {
            $0.node(.add, [0, $0.tensor("w", [4], bytes: Array(repeating: 0, count: 15))])
        },
        Fault("too many bytes", .malformed, "4 bytes for the constant 'w' [], found 8") {
            $0.node(.add, [0, $0.tensor("w", [], bytes: Array(repeating: 0, count: 8))])
        },
        Fault("an empty constant", .tooLarge, "found [0]") { $0.node(.add, [0, $0.tensor("w", [0], bytes: [0])]) },
        Fault("a negative constant", .tooLarge, "found [-4]") { $0.node(.add, [0, $0.tensor("w", [-4], bytes: [0])]) },
        Fault("a huge constant", .tooLarge, "a possible shape") {
            $0.node(.add, [0, $0.tensor("w", [.max, .max, .max, .max], bytes: [0])])
        },
        Fault("a constant of 1 GiB", .malformed, "bytes for the constant 'w'") {
            $0.node(.add, [0, $0.tensor("w", [1 << 27], bytes: [0])])
        },
        Fault("a sparse constant", .unsupported, "dense constants, found the constant 'w1', which is sparse") {
            $0.floats([2])
            $0.tensors[1][6] = .table([:])
            $0.node(.add, [0, 1])
        },
        Fault("a quantised constant", .unsupported, "the constant 'w' of int8") {
            $0.node(.dequantize, [$0.tensor("w", [1], type: 9, bytes: [0])])
        },
        Fault("whole numbers that are quantised", .unsupported, "constants of 16-bit floats") {
            $0.node(.dequantize, [$0.integers(1, 2)])
        },
        Fault("a constant of a new type", .unsupported, "the constant 'w' of other") {
            $0.node(.add, [0, $0.tensor("w", [1], type: 99, bytes: [0])])
        },
        Fault("a computed value that is widened", .unsupported, "input 0 known before the network runs") {
            $0.node(.dequantize, [0])
        },
        Fault("many constants of the same bytes", .tooLarge, "constants of at most twice the file's", input: [1]) { maker in
            for _ in 0..<3 {
                maker.node(.add, [maker.result, maker.floats([1 << 16])])
                maker.tensors[maker.tensors.count - 2][2] = .number(1)
            }
            maker.buffers.removeSubrange(2...)
        },
    ]

    static let operators = [
        Fault("options of another kind", .malformed, "options of kind 1, found kind 5") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], same())
            $0.operators[0][3] = .byte(5)
        },
        Fault("no options", .unsupported, "one stride of 1 to 512 for both axes, found 0 and 0") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], nil)
        },
        Fault("unequal strides", .unsupported, "found 1 and 2") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], same([1: .number(2)]))
        },
        Fault("a stride below 0", .unsupported, "found -1 and -1") {
            $0.node(.depthwise, [0, $0.floats([1, 1, 1, 2])], Make.window(0, -1))
        },
        Fault("a long stride", .unsupported, "2147483647") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], Make.window(0, .max))
        },
        Fault("another padding", .malformed, "padding SAME or VALID, found 2") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], Make.window(2))
        },
        Fault("a dilation", .unsupported, "without dilation, found [1, 2]") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], same([5: .number(2)]))
        },
        Fault("a dilation by channel", .unsupported, "without dilation, found [0, 1]") {
            $0.node(.depthwise, [0, $0.floats([1, 1, 1, 2])], same([5: .number(0)]))
        },
        Fault("another activation", .unsupported, "found activation 2") {
            $0.node(.add, [0, 0], [0: .byte(2)])
        },
        Fault("weights for other channels", .inconsistent, "weights for 2 channels, found [1, 3, 3, 4]") {
            $0.node(.convolution, [0, $0.floats([1, 3, 3, 4])], same())
        },
        Fault("weights that are computed", .unsupported, "input 1 known before") {
            $0.node(.convolution, [0, 0], same())
        },
        Fault("weights of 3 axes", .inconsistent, "weights of 4 axes") {
            $0.node(.depthwise, [0, $0.floats([3, 3, 2])], same())
        },
        Fault("a window of 513", .inconsistent, "windows of at most 512, found [1, 513, 1, 2]") {
            $0.node(.convolution, [0, $0.floats([1, 513, 1, 2])], same())
        },
        Fault("two results a channel", .unsupported, "weights [1, h, w, 2], one result a channel") {
            $0.node(.depthwise, [0, $0.floats([1, 3, 3, 4])], same([3: .number(2)]))
        },
        Fault("too many biases", .inconsistent, "1 biases, found [2]") {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2]), $0.floats([2])], same())
        },
        Fault("no weights", .inconsistent, "input 1, found none") { $0.node(.convolution, [0, -1], same()) },
        Fault("a picture of 3 axes", .inconsistent, "a picture [n, h, w, c], found [4, 6, 2]", input: [4, 6, 2]) {
            $0.node(.convolution, [0, $0.floats([1, 1, 1, 2])], same())
        },
        Fault("a picture smaller than its window", .inconsistent, "does not fit") {
            $0.node(.convolution, [0, $0.floats([1, 5, 5, 2])], Make.window(1))
        },
        Fault("no window", .unsupported, "a window of 1 to 512, found 0 × 0") { $0.node(.maxPool, [0], same()) },
        Fault("a long window", .unsupported, "found 2147483647 × 2") {
            $0.node(.maxPool, [0], same([3: .number(2), 4: .number(.max)]))
        },
        Fault("pooled rows", .inconsistent, "a picture [n, h, w, c]", input: [2]) {
            $0.node(.maxPool, [0], same([3: .number(2), 4: .number(2)]))
        },
        Fault("shapes that do not fit", .inconsistent, "[1, 4, 6, 2] and [3] do not broadcast") {
            $0.node(.multiply, [0, $0.floats([3])])
        },
        Fault("a slope for other channels", .inconsistent, "operator 0 (PRELU)") {
            $0.node(.prelu, [0, $0.floats([1, 1, 3])])
        },
        Fault("one operand", .inconsistent, "input 1, found none") { $0.node(.add, [0]) },
        Fault("no operand", .inconsistent, "input 0, found none") { $0.node(.logistic, []) },
        Fault("nothing to join", .inconsistent, "at least one input") { $0.node(.concatenation, []) },
        Fault("joined where there is no axis", .inconsistent, "an axis of 4, found -5") {
            $0.node(.concatenation, [0, 0], [0: .number(-5)])
        },
        Fault("joined with another shape", .inconsistent, "operands that fit") {
            $0.node(.concatenation, [0, $0.floats([1, 4, 5, 2])], [0: .number(1)])
        },
        Fault("a reshape to other elements", .inconsistent, "as many elements as [1, 4, 6, 2], found [7]") {
            $0.node(.reshape, [0], shape: [7])
        },
        Fault("an open reshape", .inconsistent, "found [1, -1]") { $0.node(.reshape, [0], shape: [1, -1]) },
        Fault("a reshape whose product overflows", .inconsistent, "as many elements") {
            $0.node(.reshape, [0], shape: Array(repeating: .max, count: 8))
        },
        Fault("pads for other axes", .unsupported, "each of 4 axes, found [0, 1]") {
            $0.node(.pad, [0, $0.integers(0, 1)])
        },
        Fault("a pad below 0", .unsupported, "0 to 4096 zeros") {
            $0.node(.pad, [0, $0.integers(0, 0, -1, 0, 0, 0, 0, 0)])
        },
        Fault("a long pad", .unsupported, "0 to 4096 zeros") {
            $0.node(.pad, [0, $0.integers(0, 0, 0, .max, 0, 0, 0, 0)])
        },
        Fault("pads that are computed", .unsupported, "input 1 known before") { $0.node(.pad, [0, 0]) },
        Fault("pads of floats", .inconsistent, "a short list of whole numbers") {
            $0.node(.pad, [0, $0.floats([8])])
        },
        Fault("pads without end", .inconsistent, "a short list of whole numbers") {
            $0.node(.pad, [0, $0.tensor("pads", [65], type: 4, bytes: Array(repeating: 0, count: 65 * 8))])
        },
        slice("a step of 2", .unsupported, "a stride of 1 for each of 4 axes", steps: [1, 2, 1, 1]),
        slice("a slice of 3 axes", .unsupported, "each of 4 axes", from: [0, 0, 0]),
        slice("an axis that is dropped", .unsupported, "slices that keep all axes", [4: .number(1)]),
        slice("an end counted from the begin", .unsupported, "offset 1", [5: .byte(1)]),
        slice("a slice of nothing", .inconsistent, "a slice with elements, found 3 to -3", from: [0, 0, 3, 0], to: [1, 4, -3, 2]),
        slice("a slice behind the end", .inconsistent, "a slice with elements", from: [.max, 0, 0, 0], to: [.max, 4, 6, 2]),
    ]

    static func slice(
        _ what: String, _ code: NetworkError.Code, _ fragment: String, from: [Int32] = [0, 0, 0, 0], to: [Int32] = [1, 4, 6, 2],
        steps: [Int32] = [1, 1, 1, 1], _ options: [Int: Flat] = [:]
    ) -> Fault {
        Fault(what, code, fragment) { maker in
            func list(_ values: [Int32]) -> Int32 {
                maker.tensor("list", [Int32(values.count)], type: 2, bytes: values.flatMap { little(Int($0)) })
            }
            maker.node(.slice, [0, list(from), list(to), list(steps)], options)
        }
    }

    @Test(arguments: graphs + constants + operators)
    func faultsAreNamed(_ fault: Fault) throws {
        var maker = NetworkMaker(input: fault.input, type: fault.inputType)
        fault.build(&maker)
        let model = try TFLiteModel(maker.file, name: "made.tflite")
        try fault.check { _ = try model.network() }
    }

    @Test func namesEveryUnknownOperatorAtOnce() throws {
        var maker = NetworkMaker()
        for kind in [Kind.relu, .softmax, .gelu, .averagePool, .custom, .split, .softmax] { maker.node(kind, [maker.result]) }
        maker.codes[4][1] = .string("Blend\n")
        let error = #expect(throws: NetworkError.self) { try TFLiteModel(maker.file, name: "made.tflite").network() }
        let expected = "5 others: AVERAGE_POOL_2D, SOFTMAX, SPLIT, custom operator Blend\u{FFFD}, operator 150;"
        #expect(error?.code == .unsupported && error?.description.contains(expected) == true, "\(error as Any)")
    }

    @Test(arguments: [(["ghost"], nil, "ghost"), (nil, ["y0", "y9"], "y9"), (["x", ""], nil, "")] as [([String]?, [String]?, String)])
    func unknownNames(_ inputs: [String]?, _ outputs: [String]?, _ name: String) throws {
        var maker = NetworkMaker()
        maker.node(.relu, [0])
        let model = try TFLiteModel(maker.file, name: "made.tflite")
        let error = #expect(throws: NetworkError.self) { try model.network(inputs: inputs, outputs: outputs) }
        #expect(error?.code == .inconsistent && error?.description.contains("a tensor '\(name)', found none of that name") == true)
    }

    /// Line breaks, what reorders a line, a million letters, and what is no text at all.
    static let names: [[UInt8]] = [
        Array("a\n\r\u{2028}\u{202E}\u{7}".utf8), Array(repeating: 0x41, count: 1 << 20), [0xFF, 0xFE, 0xC0, 0x80], [0xED, 0xA0, 0x80],
    ]

    @Test(arguments: names.indices)
    func errorsAreReadableWhateverTheNames(_ index: Int) throws {
        let name = Self.names[index]
        let faults: [(inout NetworkMaker) -> Void] = [
            { $0.node(.add, [0, $0.tensor("w", [2])]) },
            { $0.node(.add, [0, $0.tensor("w", [2], bytes: [0])]) },
            { $0.node(.add, [0, $0.tensor("w", [2], type: 9, bytes: [0])]) },
            { $0.node(.custom, [0]) },
            { $0.tensors[0][1] = .byte(9) },
            { $0.outputs = [$0.tensor("w", [2])] },
        ]
        for build in faults {
            var maker = NetworkMaker()
            build(&maker)
            for index in maker.tensors.indices { maker.tensors[index][3] = .bytes(name + [UInt8(0x61 + index)]) }
            for index in maker.codes.indices { maker.codes[index][1] = .bytes(name) }
            let data = maker.file
            let error = #expect(throws: NetworkError.self) { try TFLiteModel(data, name: String(decoding: name, as: UTF8.self)).network() }
            expectReadable(try #require(error))
        }
    }

    /// It would not be known which one is meant.
    @Test func namesThatOccurTwiceAreRefused() throws {
        var maker = NetworkMaker()
        maker.node(.relu, [0])
        maker.tensors[1][3] = .string("x")
        let error = #expect(throws: NetworkError.self) { try TFLiteModel(maker.file, name: "made.tflite").network() }
        #expect(error?.description.contains("one tensor 'x', found 2 of that name") == true)
    }

    /// What one constant costs is spent once, however many operators read it.
    @Test(.timeLimit(.minutes(1)))
    func sharedWeightsAreReadOnce() throws {
        var maker = NetworkMaker(input: [1, 1, 1, 128])
        let weights = maker.floats([128, 3, 3, 128])
        maker.node(.convolution, [0, weights], Self.same())
        for _ in 0..<4000 { maker.node(.convolution, [maker.result, weights], Self.same()) }
        #expect(try TFLiteModel(maker.file, name: "made.tflite").network().graph.parameters.count == 1)
    }
}
