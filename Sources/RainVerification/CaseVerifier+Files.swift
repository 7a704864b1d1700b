import RainCheckpoints
import RainGraph
import RainModels

extension CaseVerifier {
    private struct TorchFiles: Decodable {
        /// Names of files beside the case that hold its inputs, some or all.
        let files: [String: String]
        /// Names of damaged and malicious ones.
        let rejected: [String: String]

        enum CodingKeys: String, CodingKey {
            case files
            case rejected = "must_be_rejected"
        }
    }

    /// Files of PyTorch: each must hold exactly the case's inputs, or be refused. There is nothing between equal and not.
    func torchFiles(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.configuration(TorchFiles.self)
        var report = VerificationReport(case: reference.name, engine: engine.name)
        func note(_ name: String, _ holds: Bool) {
            report.outputs.append(VerificationReport.Output(name: name, error: holds ? 0 : .infinity, tolerance: 0))
        }
        var found: Set<String> = []
        for name in form.files.keys.sorted() {
            let checkpoint = try Checkpoint(path: reference.file(beside: name))
            for tensor in checkpoint.names {
                note("\(name): \(tensor)", try agrees(checkpoint, tensor, reference))
                found.insert(tensor)
            }
        }
        for name in reference.file.names where name.hasPrefix("inputs/") && !found.contains(String(name.dropFirst(7))) {
            note("\(name) in any file", false)
        }
        for name in form.rejected.keys.sorted() {
            // That the file is there is part of the case; opening it is what must fail.
            let path = try reference.file(beside: name)
            do {
                _ = try Checkpoint(path: path)
                note("\(name) is refused", false)
            } catch let error as CheckpointError {
                note("\(name) is refused", error.code != .unreadable)
            }
        }
        return report
    }

    /// Whether type, shape, bytes and, where the case tells them, layout are the expected ones.
    private func agrees(_ checkpoint: Checkpoint, _ name: String, _ reference: ReferenceCase) throws -> Bool {
        guard reference.has("inputs/" + name) else { return false }
        let (found, expected) = (try checkpoint.info(name), try reference.file.info("inputs/" + name))
        guard found.dtype == expected.dtype, found.shape == expected.shape,
            try checkpoint.bytes(name) == reference.file.bytes("inputs/" + name)
        else { return false }
        if reference.has("outputs/\(name)_stride") {
            guard try found.strides.map({ Int64($0) }) == reference.file.integers("outputs/\(name)_stride") else { return false }
        }
        if reference.has("outputs/\(name)_storage_offset") {
            guard try [Int64(found.storageOffset)] == reference.file.integers("outputs/\(name)_storage_offset") else { return false }
        }
        return true
    }
}
