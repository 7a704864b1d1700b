import Foundation
import RainGraph
import RainNetworks
import RainONNX

extension Inspect {
    /// What an ONNX file holds.
    func printNetwork(_ file: String) throws {
        let model = try ONNXModel(path: file)
        let summary = model.summary
        let program = check ? try Program(model.network().graph) : nil
        if result.json {
            try Terminal.printJSON(NetworkReport(file: file, fileBytes: model.byteCount, network: summary))
        } else {
            print("IR \(summary.irVersion), \(Terminal.harmless(summary.producer))")
            for (domain, version) in summary.operatorSets.sorted(by: { $0.key < $1.key }) {
                print("operator set \(Terminal.harmless(domain)) \(version)")
            }
            for (kind, ports) in [("input", summary.inputs), ("output", summary.outputs)] {
                for port in ports {
                    let shape = port.shape.joined(separator: ", ")
                    print("\(kind) \(Terminal.harmless(port.name)): \(port.dtype) [\(Terminal.harmless(shape))]")
                }
            }
            print()
            let operators = summary.operators.map { [Terminal.harmless($0.name), "\($0.count)", $0.supported ? "" : "not supported"] }
            print(Terminal.table(operators, rightAligned: [1]), terminator: "\n\n")
            let weights = summary.initializers.map { [Terminal.harmless($0.name), $0.dtype, "\($0.shape)"] }
            if !weights.isEmpty { print(Terminal.table(weights, rightAligned: []), terminator: "\n\n") }
            let count = summary.operators.reduce(0) { $0 + $1.count }
            print("\(count) operators, \(weights.count) weights, \(Terminal.bytes(model.byteCount))")
        }
        if let program, !result.json {
            let operations = program.stages[.step]?.count ?? 0
            let millions = String(format: "%.1f", Double(program.multiplyAdds(in: .step)) / 1e6)
            print("Rain runs it in \(operations) operations, \(millions) million multiply-adds")
        }
    }
}

/// What `rain inspect --json` tells of a network.
private struct NetworkReport: Encodable {
    var file: String
    var fileBytes: Int
    var network: ONNXSummary

    enum CodingKeys: String, CodingKey {
        case file
        case fileBytes = "file_bytes"
        case network
    }
}
