import RainGraph
import RainModels

/// Names of tensors behind what training scripts put before them: wrappers of PyTorch (`module.`, `_orig_mod.`), and the keys of files that
/// hold more than a model (`model`, `ema`).
struct WrappedNames {
    /// The parts of names that are known to stand before those of a network.
    private static let wrappers: Set = [
        "module", "_orig_mod", "model", "ema", "state_dict", "params", "ema_model", "model_ema", "params_ema", "model_state_dict",
    ]
    /// What stands beside a model in a training script's files and is none of it.
    private static let trainingState: Set = [
        "optimizer", "optimizers", "optimizer_states", "optimizer_state_dict", "lr_scheduler", "lr_schedulers", "scheduler", "scaler",
        "grad_scaler", "callbacks", "rng_state", "random_states",
    ]

    private let part: PublishedConfiguration.Part
    /// A tensor that the part has whatever its size.
    private let landmark: String

    init(_ part: PublishedConfiguration.Part) {
        self.part = part
        landmark =
            switch part {
            case .referenceUNet, .motionUNet, .poseGuider: "conv_in.weight"
            case .taesdv: "decoder.1.weight"
            case .autoencoder: "encoder.conv_in.weight"
            case .imageEncoder: "visual_projection.weight"
            }
    }

    /// The part's tensors under their own names.
    ///
    /// - Throws: `ModelError.checkpoint` if they are there more than once
    func unwrap(_ source: ParameterSource) throws -> ParameterSource {
        // A network whose layers were compiled one by one has the wrapper between their names.
        let source = source.renamed { $0.replacing("._orig_mod.", with: ".") }
        let prefixes = prefixes(source.names).filter { prefix in
            prefix.split(separator: ".").allSatisfy { Self.wrappers.contains(String($0)) }
        }
        guard prefixes.count <= 1 else {
            let places = prefixes.map { $0.isEmpty ? "without a prefix" : "behind '\($0)'" }.joined(separator: ", ")
            throw ModelError(
                .checkpoint, at: source.description,
                "expected the tensors of \(part.title) once, found '\(landmark)' \(places); save the ones that are to be used alone")
        }
        guard let prefix = prefixes.first, !prefix.isEmpty else { return source }
        return source.renamed { name in
            if name.hasPrefix(prefix) { return String(name.dropFirst(prefix.count)) }
            return Self.trainingState.contains(String(name.prefix { $0 != "." })) ? nil : name
        }
    }

    /// What stands before the part's names that is no known wrapper; `nil` if nothing does.
    ///
    /// - Parameters:
    ///   - names: what a file holds
    ///   - parameters: the names of the part, more than half of which must be behind the prefix
    func foreignPrefix(_ names: [String], parameters: [String]) -> String? {
        let found = Set(names)
        return prefixes(names).first { prefix in
            !prefix.isEmpty && 2 * parameters.count { found.contains(prefix + $0) } > parameters.count
        }
    }

    /// What stands before the landmark, wherever it is found.
    private func prefixes(_ names: [String]) -> [String] {
        names.compactMap { name in
            guard name.hasSuffix(landmark) else { return nil }
            let prefix = name.dropLast(landmark.count)
            return prefix.isEmpty || prefix.hasSuffix(".") ? String(prefix) : nil
        }
    }
}
