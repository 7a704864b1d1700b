import Foundation
import RainCPU
import RainGraph
import RainNetworks
import Testing

@testable import RainTFLite

/// Where the reference case lies, without its ending.
private let operators = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/tflite_operators").path

/// The file of the case.
func operatorsFile() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: operators + ".tflite")) }

/// What LiteRT was given and computed, by the tensors' names in the file.
struct Reference {
    var tensors: [String: [Float]] = [:]
    /// Inner tensors come last.
    var outputs: [String] { tensors.keys.sorted() }

    /// Reads a safetensors file of 32-bit floats.
    init() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: operators + ".safetensors"))
        let start = 8 + Int(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
        let header = try JSONSerialization.jsonObject(with: data[8..<start]) as? [String: [String: Any]] ?? [:]
        for (key, entry) in header {
            guard let name = key.split(separator: "/", maxSplits: 1).last, let place = entry["data_offsets"] as? [Int] else { continue }
            let bytes = data[start + place[0]..<start + place[1]]
            tensors[String(name)] = bytes.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) }
            }
        }
    }
}

/// An engine that runs networks.
enum Contestant: String, CaseIterable {
    case interpreter, directKernels, shipped

    func prepare(_ network: ImportedNetwork) throws -> any Executable {
        switch self {
        case .interpreter:
            let executable = try Interpreter().compile(Program(network.graph))
            try executable.load { try network.parameter($0, $1) }
            return executable
        case .directKernels: return try network.prepared(on: CPUEngine(threads: 1, arithmetic: .exact))
        case .shipped: return try network.prepared(on: CPUEngine(threads: 1))
        }
    }
}

/// A network that is refused, and what its error says.
struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: NetworkError.Code
    let fragment: String
    var input: [Int32]
    var inputType: Int8
    let build: @Sendable (inout NetworkMaker) -> Void
    let damage: @Sendable (inout Data) -> Void

    init(
        _ what: String, _ code: NetworkError.Code, _ fragment: String, input: [Int32] = [1, 4, 6, 2], inputType: Int8 = 0,
        build: @escaping @Sendable (inout NetworkMaker) -> Void = { _ in }, damage: @escaping @Sendable (inout Data) -> Void = { _ in }
    ) {
        testDescription = what
        self.code = code
        self.fragment = fragment
        self.input = input
        self.inputType = inputType
        self.build = build
        self.damage = damage
    }

    /// Checks the error that something throws.
    func check(_ body: () throws -> Void) throws {
        let error = try #require(#expect(throws: NetworkError.self) { try body() })
        #expect(error.code == code)
        #expect(error.description.contains(fragment), "\(error)")
        expectReadable(error)
    }
}

/// What an error promises whatever the file holds: one line of bounded length, all of it printable.
func expectReadable(_ error: NetworkError) {
    #expect(error.description.unicodeScalars.count < 2500)
    #expect(error.description.unicodeScalars.allSatisfy { ![.control, .format, .lineSeparator].contains($0.properties.generalCategory) })
}
