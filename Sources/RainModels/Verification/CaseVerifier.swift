import RainCheckpoints
public import RainGraph

/// Rebuilds what a reference case describes, runs it on an engine and measures the difference to the authors' results.
public struct CaseVerifier {
    let engine: any Engine
    let strictness: Strictness

    /// - Parameter strictness: what the engine claims; the interpreter and direct kernels are exact.
    public init(engine: any Engine, strictness: Strictness = .exact) {
        self.engine = engine
        self.strictness = strictness
    }

    /// The cases this verifier knows.
    public static let supported = [
        "unet_blocks", "denoising_unet", "reference_unet", "pose_guider", "taesdv", "lcm_scheduler", "stream", "stream_warmup",
        "pipeline_lcm",
    ]

    /// Runs the case of a `.json` file, whose tensors lie in the `.safetensors` file beside it.
    ///
    /// - Throws: `ModelError`, `CheckpointError`, `GraphError` or what the engine throws: for a case that cannot be read or run. One
    ///   that merely disagrees does not throw; see `VerificationReport.passes`.
    public func verify(path: String) throws -> VerificationReport {
        let reference = try ReferenceCase(path: path)
        let report =
            switch reference.name {
            case "unet_blocks": try blocks(reference)
            case "denoising_unet": try denoisingUNet(reference)
            case "reference_unet": try referenceUNet(reference)
            case "pose_guider": try poseGuider(reference)
            case "taesdv": try taesdv(reference)
            case "lcm_scheduler": try scheduler(reference)
            case "stream": try stream(reference)
            case "stream_warmup": try warmUp(reference)
            case "pipeline_lcm": try pipeline(reference)
            default:
                throw ModelError(
                    .verification, at: path,
                    "case '\(reference.name.prefix(80))' is not supported; supported are \(Self.supported.joined(separator: ", "))")
            }
        guard !report.outputs.isEmpty else { throw ModelError(.verification, at: path, "has no outputs to compare with") }
        return report
    }

    func comparison(_ reference: ReferenceCase, loop: Bool = false) -> Comparison {
        Comparison(reference, engine: engine.name, tolerance: strictness.tolerance(loop: loop))
    }

    /// Plans and loads a graph.
    ///
    /// - Parameter isWhole: whether the weights must hold nothing but this graph's parameters
    func prepared(_ graph: Graph, _ weights: ParameterSource, isWhole: Bool) throws -> any Executable {
        try weights.check(graph.parameters, ignoring: { _ in !isWhole })
        // As shipped means rewritten too; the stricter engines run the graph as the model wrote it.
        let executable = try engine.prepare(Program(strictness == .shipped ? graph.optimizedForInference() : graph))
        try executable.load { try weights($0, $1) }
        return executable
    }
}

/// Results a model names while it is built, of which those become outputs that a case has.
final class Recording {
    private(set) var values: [(name: String, value: Value)] = []

    func callAsFunction(_ name: String, _ value: Value) { values.append((name, value)) }

    /// Adds the wanted results to the graph's outputs, in order of computation.
    func outputs(_ g: GraphBuilder, wanted: Set<String>) -> [(name: String, shape: Shape)] {
        let chosen = values.filter { wanted.contains($0.name) }.sorted { $0.value.id.node < $1.value.id.node }
        for (name, value) in chosen { g.output(name, value) }
        return chosen.map { ($0.name, $0.value.shape) }
    }
}
