import RainGraph
import RainModels
import RainNetworks
import RainONNX

extension CaseVerifier {
    // MARK: onnx_models

    private struct NetworksForm: Decodable {
        struct File: Decodable {
            let network: String
            let input: String?
            let inputs: [String]?
            let outputs: [String]
        }

        let files: [String: File]
    }

    /// Networks in ONNX files beside the case, each with its inputs and outputs.
    func networks(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.configuration(NetworksForm.self)
        var comparison = comparison(reference)
        for (name, file) in form.files.sorted(by: { $0.key < $1.key }) {
            // A name, never a path: the case comes from outside.
            guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
                throw ModelError(
                    .verification, at: reference.path, "files names '\(name.prefix(80))', expected the name of a file beside this one")
            }
            let folder = reference.path.lastIndex(of: "/").map { String(reference.path[...$0]) } ?? ""
            var inputs: [String: CaseTensor] = [:]
            for input in file.inputs ?? [file.input].compactMap({ $0 }) { inputs[input] = try reference.input("\(file.network)/\(input)") }
            let network = try ONNXModel(path: folder + name).network(inputShapes: inputs.mapValues(\.shape))
            let executable = try engine.compile(Program(network.graph), CompileOptions(isRewritten: strictness != .exact))
            try executable.load { try network.parameter($0, $1) }
            for (name, tensor) in inputs { try executable.write(name, tensor.values) }
            try executable.run(.step)
            for output in file.outputs {
                try comparison.compare(
                    "\(file.network)/\(output)", executable.read(output), limit: 1e-4, label: "\(name) \(output)")
            }
        }
        return comparison.report
    }
}
