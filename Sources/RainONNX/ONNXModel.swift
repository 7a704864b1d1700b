public import Foundation
public import RainNetworks
import SwiftProtobuf

/// An ONNX file in memory, checked as far as it can be without understanding its operators.
///
/// Nothing in it is executed or followed: weights in other files are refused, and so are subgraphs.
/// - Source: https://github.com/onnx/onnx/blob/main/docs/IR.md
public struct ONNXModel: Sendable {
    /// The file as the caller named it.
    public let file: String
    /// Size in bytes.
    public let byteCount: Int
    let proto: Onnx_ModelProto

    /// The largest file that is read; the limit of protocol buffers.
    public static let maximumByteCount = (1 << 31) - 1

    /// Reads a file.
    ///
    /// - Throws: `NetworkError` for a file that is missing, unreadable, too large or not ONNX, with external data named.
    public init(path: String) throws(NetworkError) {
        try self.init(NetworkFile.bytes(path, kind: "an ONNX file", limit: Self.maximumByteCount), name: path)
    }

    /// Reads the bytes of a file.
    ///
    /// - Parameter name: stands for the path in errors.
    public init(_ data: Data, name: String) throws(NetworkError) {
        func malformed(_ found: String) -> NetworkError {
            NetworkError(
                .malformed, file: name, expected: "an ONNX model", found: found,
                advice: "the file is damaged or something else; download it again")
        }
        guard !data.isEmpty else { throw malformed("0 bytes") }
        try NetworkFile.check(data.count, of: name, limit: Self.maximumByteCount)
        guard let census = MessageCensus(data.span) else { throw malformed("\(data.count) bytes of something else") }
        guard census.isReasonable else {
            throw NetworkError(
                .tooLarge, file: name,
                expected: "at most \(MessageCensus.mostRecords) messages and \(MessageCensus.mostPackedBytes) bytes of packed integers",
                found: "more", advice: "use the published files")
        }
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 16
        options.discardUnknownFields = true
        do {
            proto = try Onnx_ModelProto(serializedBytes: data, extensions: nil, partial: false, options: options)
        } catch {
            throw malformed("bytes that do not decode")
        }
        guard proto.hasGraph, !proto.opsetImport.isEmpty, !proto.graph.output.isEmpty else {
            throw malformed("no graph, operator set or output")
        }
        file = name
        byteCount = data.count
        try checkExternalData()
    }

    private func checkExternalData() throws(NetworkError) {
        let external = proto.graph.initializer.filter { !$0.externalData.isEmpty || $0.dataLocation != 0 }
        guard let first = external.first else { return }
        let location = first.externalData.first { $0.key == "location" }?.value ?? "another file"
        throw NetworkError(
            .externalData, file: file, place: "tensor '\(first.name)'", expected: "all weights inside the file",
            found: "\(external.count) tensors in external data ('\(location)'), which is not supported",
            advice: "save the model as one file (onnx.save with save_as_external_data=False)")
    }

    /// Operator set versions by domain; the standard one is the empty string.
    public var operatorSets: [String: Int] {
        Dictionary(
            proto.opsetImport.map { ($0.domain == "ai.onnx" ? "" : $0.domain, Int($0.version)) }, uniquingKeysWith: { max($0, $1) })
    }
}

extension ONNXModel {
    /// The network as a graph: every operator translated, shapes inferred, what depends on shapes alone computed here.
    ///
    /// - Parameter inputShapes: extents by input, for those the file leaves open; a batch left open is 1.
    /// - Throws: `NetworkError`, naming every operator that is not supported, or the node that contradicts itself.
    public func network(inputShapes: [String: [Int]] = [:]) throws(NetworkError) -> ImportedNetwork {
        try Importer(self).network(inputShapes)
    }
}
