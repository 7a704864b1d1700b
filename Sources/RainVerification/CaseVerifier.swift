import RainCheckpoints
public import RainGraph
import RainModels

/// Rebuilds what a reference case describes, runs it on an engine and measures the difference to the authors' results.
public struct CaseVerifier {
    let engine: any Engine
    let strictness: Strictness

    /// - Parameter strictness: what the engine claims; the interpreter and direct kernels are exact.
    public init(engine: any Engine, strictness: Strictness = .exact) {
        self.engine = engine
        self.strictness = strictness
    }

    /// Rebuilds and compares one kind of case.
    typealias Verification = (CaseVerifier) -> (ReferenceCase) throws -> VerificationReport

    /// The kinds of cases, each in an extension of its own.
    private static var kinds: [(name: String, verification: Verification)] {
        [
            ("unet_blocks", CaseVerifier.blocks),
            ("denoising_unet", CaseVerifier.denoisingUNet),
            ("reference_unet", CaseVerifier.referenceUNet),
            ("pose_guider", CaseVerifier.poseGuider),
            ("taesdv", CaseVerifier.taesdv),
            ("lcm_scheduler", CaseVerifier.scheduler),
            ("stream", CaseVerifier.stream),
            ("stream_warmup", CaseVerifier.warmUp),
            ("pipeline_lcm", CaseVerifier.pipeline),
            ("dwpose_geometry", CaseVerifier.detectorGeometry),
            ("face_tracking", CaseVerifier.faceTracking),
            ("retarget", CaseVerifier.retargeting),
            ("pose_render", CaseVerifier.poseDrawing),
            ("autoencoder_kl", CaseVerifier.autoencoderKL),
            ("clip_vision", CaseVerifier.clipVision),
            ("clip_preprocess", CaseVerifier.clipPreprocess),
            ("torch_pickle", CaseVerifier.torchFiles),
            ("onnx_models", CaseVerifier.networks),
        ]
    }

    /// The cases this verifier knows.
    public static var supported: [String] { kinds.map(\.name) }

    /// Runs the case of a `.json` file, whose tensors lie in the `.safetensors` file beside it.
    ///
    /// - Throws: `ModelError`, `CheckpointError`, `GraphError` or what the engine throws: for a case that cannot be read or run. One
    ///   that merely disagrees does not throw; see `VerificationReport.passes`.
    public func verify(path: String) throws -> VerificationReport {
        let reference = try ReferenceCase(path: path)
        guard let kind = Self.kinds.first(where: { $0.name == reference.name }) else {
            throw ModelError(
                .verification, at: path,
                "case '\(reference.name.prefix(80))' is not supported; supported are \(Self.supported.joined(separator: ", "))")
        }
        let report = try kind.verification(self)(reference)
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
        let executable = try engine.compile(Program(graph), CompileOptions(isRewritten: strictness != .exact))
        try executable.load(weights)
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
