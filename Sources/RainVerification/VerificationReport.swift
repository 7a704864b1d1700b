import RainCheckpoints
import RainModels

/// How far an engine is from the authors' implementation in one reference case.
public struct VerificationReport: Sendable, Encodable {
    public struct Output: Sendable, Encodable {
        public let name: String
        /// Largest difference divided by the largest expected magnitude; infinite for anything not finite.
        public let error: Float
        public let tolerance: Float
        public var passes: Bool { error <= tolerance }

        enum CodingKeys: String, CodingKey { case name, error, tolerance, passes }

        public init(name: String, error: Float, tolerance: Float) {
            self.name = name
            self.error = error
            self.tolerance = tolerance
        }

        public func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(name, forKey: .name)
            // JSON has no infinity.
            try values.encode(error.isFinite ? error : nil, forKey: .error)
            try values.encode(tolerance, forKey: .tolerance)
            try values.encode(passes, forKey: .passes)
        }
    }

    public let `case`: String
    public let engine: String
    /// In order of computation.
    public internal(set) var outputs: [Output] = []

    public var passes: Bool { !outputs.isEmpty && outputs.allSatisfy(\.passes) }
    /// The first output, in order of computation, that is beyond its tolerance.
    public var firstDisagreement: Output? { outputs.first { !$0.passes } }
    public var largestError: Float { outputs.map(\.error).max() ?? 0 }

    enum CodingKeys: String, CodingKey {
        case `case`, engine, passes, outputs
        case firstDisagreement = "first_disagreement"
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(`case`, forKey: .case)
        try values.encode(engine, forKey: .engine)
        try values.encode(passes, forKey: .passes)
        try values.encode(firstDisagreement?.name, forKey: .firstDisagreement)
        try values.encode(outputs, forKey: .outputs)
    }

    init(case name: String, engine: String) {
        self.case = name
        self.engine = engine
    }
}

/// How exact an engine claims to be.
public enum Strictness: String, Sendable, CaseIterable {
    /// Direct arithmetic in float32: 2e-5 for one pass of a network, 1e-4 for loops.
    case exact
    /// With algorithms that round more, such as Winograd's convolution: 2e-4 and 1e-3.
    case shipped
    /// Values in float16: 2e-2 of the largest, and 5e-2 for loops.
    case half

    func tolerance(loop: Bool) -> Float {
        switch self {
        case .exact: loop ? 1e-4 : 2e-5
        case .shipped: loop ? 1e-3 : 2e-4
        case .half: loop ? 5e-2 : 2e-2
        }
    }
}

/// Compares results with the outputs of a case and notes them in a report.
struct Comparison {
    let reference: ReferenceCase
    let tolerance: Float
    private(set) var report: VerificationReport

    init(_ reference: ReferenceCase, engine: String, tolerance: Float) {
        self.reference = reference
        self.tolerance = tolerance
        report = VerificationReport(case: reference.name, engine: engine)
    }

    /// - Parameters:
    ///   - name: of the output, without `outputs/`
    ///   - values: in the file's layout
    ///   - limit: instead of the case's tolerance
    ///   - label: how the report calls it, where several results are held to one output
    mutating func compare(_ name: String, _ values: [Float], limit: Float? = nil, label: String? = nil) throws {
        let stored = "outputs/" + name
        let expected = try reference.tensor(stored)
        guard expected.values.count == values.count else {
            throw ModelError(
                .verification, at: "\(reference.path): \(stored)",
                "expected \(expected.values.count) values of shape \(expected.shape), computed \(values.count)")
        }
        // Stored rounded to half precision, so nothing finer can be asked for.
        let isHalf = try reference.file.info(stored).dtype.byteCount == 2
        let base = limit ?? tolerance
        report.outputs.append(
            VerificationReport.Output(
                name: label ?? name, error: Self.error(values, expected.values), tolerance: isHalf ? max(base, 1e-3) : base))
    }

    /// Notes what was compared in another way.
    mutating func add(_ output: VerificationReport.Output) { report.outputs.append(output) }

    static func error(_ values: [Float], _ expected: [Float]) -> Float {
        var (difference, magnitude): (Float, Float) = (0, 0)
        for (a, b) in zip(values, expected) {
            guard a.isFinite else { return .infinity }
            difference = max(difference, abs(a - b))
            magnitude = max(magnitude, abs(b))
        }
        return magnitude > 0 ? difference / magnitude : difference
    }
}
