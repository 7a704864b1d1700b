import Foundation
import RainGraph
import RainNetworks
import SwiftProtobuf

@testable import RainONNX

/// Where the reference cases lie.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")
    .path

/// The tiny networks of the cases.
let tinyNetworks = ["tiny_yolox", "tiny_yolox_opset11", "tiny_rtmpose", "tiny_rtmpose_opset11"]

func bytes(of name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(name).onnx")) }

/// Networks written by hand.
struct NetworkMaker {
    var model = Onnx_ModelProto()

    /// - Parameter input: extents of the input `x`; `nil` leaves one open.
    init(version: Int64 = 17, input: [Int64?] = [1, 4, 6, 6], outputs: [String] = ["y"]) {
        model.irVersion = 8
        model.opsetImport = [.with { $0.version = version }]
        model.graph.input = [Self.port("x", input)]
        model.graph.output = outputs.map { Self.port($0, []) }
    }

    static func port(_ name: String, _ shape: [Int64?]) -> Onnx_ValueInfoProto {
        .with {
            $0.name = name
            $0.type.tensorType.elemType = 1
            $0.type.tensorType.shape.dim = shape.map { extent in
                .with { if let extent { $0.dimValue = extent } else { $0.dimParam = "size" } }
            }
        }
    }

    mutating func node(
        _ kind: String, _ inputs: [String], _ outputs: [String], domain: String = "", _ attributes: [Onnx_AttributeProto] = []
    ) {
        model.graph.node.append(
            .with {
                $0.opType = kind
                $0.name = "the \(kind)"
                $0.input = inputs
                $0.output = outputs
                $0.domain = domain
                $0.attribute = attributes
            })
    }

    mutating func integers(_ name: String, _ values: [Int64], shape: [Int64]? = nil) {
        model.graph.initializer.append(
            .with {
                $0.name = name
                $0.dims = shape ?? [Int64(values.count)]
                $0.dataType = TensorElement.int64.rawValue
                $0.int64Data = values
            })
    }

    mutating func floats(_ name: String, _ values: [Float], shape: [Int64]) {
        model.graph.initializer.append(
            .with {
                $0.name = name
                $0.dims = shape
                $0.dataType = TensorElement.float.rawValue
                $0.floatData = values
            })
    }

    func read() throws -> ONNXModel { try ONNXModel(model.serializedBytes() as Data, name: "made.onnx") }
    func network() throws -> ImportedNetwork { try read().network() }
}

extension Onnx_AttributeProto {
    static func ints(_ name: String, _ values: [Int64]) -> Self {
        .with {
            $0.name = name
            $0.ints = values
        }
    }

    static func int(_ name: String, _ value: Int64) -> Self {
        .with {
            $0.name = name
            $0.i = value
        }
    }
}
