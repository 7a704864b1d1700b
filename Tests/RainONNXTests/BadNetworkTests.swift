import Foundation
import RainGraph
import RainNetworks
import SwiftProtobuf
import Testing

@testable import RainONNX

@Suite struct BadNetworkTests {
    private func failure(_ maker: NetworkMaker) -> NetworkError? { #expect(throws: NetworkError.self) { try maker.network() } }

    @Test func namesEveryUnknownOperatorAtOnce() throws {
        var maker = NetworkMaker()
        maker.model.opsetImport.append(
            .with {
                $0.domain = "com.example"
                $0.version = 3
            })
        maker.node("Relu", ["x"], ["a"])
        maker.node("Einsum", ["a"], ["b"])
        maker.node("Blend", ["b"], ["y"], domain: "com.example")
        let error = try #require(failure(maker))
        #expect(error.code == .unsupported)
        #expect(error.description.contains("Einsum (node 'the Einsum', ai.onnx 17)"))
        #expect(error.description.contains("Blend (node 'the Blend', com.example 3)"))
        #expect(error.description.contains("2 others") && !error.description.contains("Relu"))
    }

    @Test(arguments: [7, 10, 18, -3, .max] as [Int64])
    func namesTheOperatorSet(_ version: Int64) throws {
        var maker = NetworkMaker(version: version)
        maker.node("Relu", ["x"], ["y"])
        #expect(failure(maker)?.description.contains("operator set 11 to 17, found \(version)") == true)
    }

    @Test func externalDataIsNamed() throws {
        var maker = NetworkMaker()
        maker.node("Relu", ["x"], ["y"])
        maker.floats("w", [1], shape: [1])
        maker.model.graph.initializer[0].dataLocation = 1
        maker.model.graph.initializer[0].externalData = [
            .with {
                $0.key = "location"
                $0.value = "../../secret.bin"
            }
        ]
        let error = try #require(failure(maker))
        #expect(error.code == .externalData)
        #expect(error.description.contains("tensor 'w'") && error.description.contains("secret.bin"))
    }

    @Test(arguments: ["", "<!DOCTYPE html><html>", "PK\u{3}\u{4}", "\u{8}\u{8}"])
    func otherFilesAreNoNetworks(_ text: String) {
        let error = #expect(throws: NetworkError.self) { try ONNXModel(Data(text.utf8), name: "page.onnx") }
        #expect(error?.code == .malformed)
    }

    @Test(arguments: tinyNetworks)
    func truncatedFilesAreRefused(_ name: String) throws {
        let whole = try bytes(of: name)
        for part in 1..<40 {
            #expect(throws: NetworkError.self) { try ONNXModel(whole.prefix(whole.count * part / 40), name: name).network() }
        }
    }

    @Test(arguments: ["/nowhere/net.onnx", "/tmp", "a\0b", "/dev/zero"])
    func pathsThatAreNoFiles(_ path: String) {
        #expect(throws: NetworkError.self) { try ONNXModel(path: path) }
    }

    private static let faults: [(String, @Sendable (inout NetworkMaker) -> Void, String)] = [
        ("attribute nobody knows", { $0.node("Relu", ["x"], ["y"], [.int("twist", 1)]) }, "'twist'"),
        ("input nobody makes", { $0.node("Add", ["x", "ghost"], ["y"]) }, "'ghost'"),
        ("output nobody makes", { $0.node("Relu", ["x"], ["z"]) }, "output 'y'"),
        (
            "two nodes of one name",
            {
                $0.node("Relu", ["x"], ["y"])
                $0.node("Tanh", ["x"], ["y"])
            }, "defined before"
        ),
        ("a cycle", { $0.node("Add", ["x", "y"], ["y"]) }, "'y'"),
        (
            "shapes that do not fit",
            {
                $0.floats("w", [1, 2, 3, 4, 5], shape: [5])
                $0.node("Add", ["x", "w"], ["y"])
            }, "broadcast"
        ),
        (
            "weights of too few elements",
            {
                $0.floats("w", [1, 2], shape: [3])
                $0.node("Add", ["x", "w"], ["y"])
            }, "tensor 'w'"
        ),
        (
            "an impossible shape",
            {
                $0.floats("w", [], shape: [1 << 40, 1 << 40])
                $0.node("Add", ["x", "w"], ["y"])
            }, "tensor 'w'"
        ),
        (
            "a negative extent",
            {
                $0.floats("w", [], shape: [-5])
                $0.node("Add", ["x", "w"], ["y"])
            }, "tensor 'w'"
        ),
        (
            "channels of another layer",
            {
                $0.floats("w", Array(repeating: 1, count: 27), shape: [1, 3, 3, 3])
                $0.node("Conv", ["x", "w"], ["y"])
            }, "groups of the channels"
        ),
        (
            "a picture smaller than the kernel",
            {
                $0.floats("w", Array(repeating: 1, count: 4 * 81), shape: [1, 4, 9, 9])
                $0.node("Conv", ["x", "w"], ["y"])
            }, "does not fit"
        ),
        (
            "padding beyond measure",
            {
                $0.floats("w", Array(repeating: 1, count: 36), shape: [1, 4, 3, 3])
                $0.node("Conv", ["x", "w"], ["y"], [.ints("pads", [.max, 0, 0, 0])])
            }, "padding"
        ),
        (
            "a stride of nothing",
            {
                $0.floats("w", Array(repeating: 1, count: 36), shape: [1, 4, 3, 3])
                $0.node("Conv", ["x", "w"], ["y"], [.ints("strides", [0, 0])])
            }, "stride"
        ),
        (
            "weights that are computed",
            { $0.node("Conv", ["x", "x"], ["y"]) }, "weights that are known"
        ),
        (
            "a reshape to other elements",
            {
                $0.integers("s", [7, -1])
                $0.node("Reshape", ["x", "s"], ["y"])
            }, "extents"
        ),
        (
            "a reshape whose product overflows",
            {
                $0.integers("s", [1 << 31, 1 << 31, 1 << 31])
                $0.node("Reshape", ["x", "s"], ["y"])
            }, "elements"
        ),
        (
            "a slice without step",
            {
                $0.integers("a", [0])
                $0.integers("b", [5])
                $0.integers("c", [2])
                $0.node("Slice", ["x", "a", "b", "c", "a"], ["y"])
            }, "step"
        ),
        (
            "a slice of nothing",
            {
                $0.integers("a", [5])
                $0.node("Slice", ["x", "a", "a"], ["y"])
            }, "at least one"
        ),
        ("an axis that is not there", { $0.node("Softmax", ["x"], ["y"], [.int("axis", 9)]) }, "axis"),
        (
            "a constant without end",
            {
                $0.integers("s", [1 << 20, 1 << 20])
                $0.node("ConstantOfShape", ["s"], ["z"])
                $0.node("Add", ["x", "z"], ["y"])
            }, "possible shape"
        ),
        (
            "division of shapes by zero",
            {
                $0.integers("a", [4])
                $0.integers("b", [0])
                $0.node("Div", ["a", "b"], ["s"])
                $0.node("Reshape", ["x", "s"], ["y"])
            }, "whole numbers"
        ),
    ]

    @Test(arguments: faults.indices)
    func contradictionsAreNamed(_ index: Int) throws {
        let (what, build, expected) = Self.faults[index]
        var maker = NetworkMaker()
        build(&maker)
        let error = try #require(failure(maker), "\(what)")
        #expect(error.description.contains(expected), "\(what): \(error)")
        #expect(!error.description.contains("\n"))
    }

    /// Sixty lines that double a list sixty times.
    @Test(arguments: ["Concat", "Expand"])
    func smallFilesCannotAskForMuch(_ kind: String) throws {
        var maker = NetworkMaker()
        maker.integers("a0", [1, 1])
        maker.integers("big", [1 << 12, 1 << 12])
        for step in 0..<60 {
            if kind == "Concat" {
                maker.node("Concat", ["a\(step)", "a\(step)"], ["a\(step + 1)"], [.int("axis", 0)])
            } else {
                maker.node("Expand", [step == 0 ? "a0" : "x", "big"], ["a\(step + 1)"])
            }
        }
        maker.node("Relu", ["x"], ["y"])
        #expect(failure(maker)?.code == (kind == "Concat" ? .tooLarge : .inconsistent))
    }

    /// Two bytes each, a hundred times that in memory.
    @Test func messagesAreCountedBeforeTheyAreRead() throws {
        var inner = Data()
        for _ in 0..<(1 << 20) + 1 { inner.append(contentsOf: [0x0A, 0]) }
        var data = Data([0x3A])
        var length = inner.count
        while length > 127 {
            data.append(UInt8(length & 127 | 128))
            length >>= 7
        }
        data.append(UInt8(length))
        let error = #expect(throws: NetworkError.self) { try ONNXModel(data + inner, name: "nodes.onnx") }
        #expect(error?.code == .tooLarge)
    }

    @Test func heightsLeftOpenAreNamed() {
        var maker = NetworkMaker(input: [1, 4, nil, 6])
        maker.node("Relu", ["x"], ["y"])
        #expect(failure(maker)?.description.contains("input 'x'") == true)
    }
}
