import ArgumentParser
import RainCPU
import RainGraph
import RainVerification

/// Compares an engine with the authors' implementation.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares an engine with reference results of the authors' implementation.",
        discussion: """
            CASE.json describes a module and CASE.safetensors, beside it, holds its weights, inputs and outputs. Prints the \
            largest error of every output, relative to its largest value, in order of computation. Exits with 1 if any is \
            beyond its tolerance.

            Example: rain verify Tests/Fixtures/denoising_unet.json --engine interpreter
            """)

    /// What computes.
    enum Choice: String, ExpressibleByArgument, CaseIterable {
        case interpreter, cpu
        case cpuDirect = "cpu-direct"

        func verifier(_ processor: EngineOptions) throws -> CaseVerifier {
            switch self {
            case .interpreter: CaseVerifier(engine: Interpreter(), strictness: .exact)
            case .cpu: try CaseVerifier(engine: processor.cpu(), strictness: .shipped)
            case .cpuDirect: try CaseVerifier(engine: processor.cpu(arithmetic: .exact), strictness: .exact)
            }
        }
    }

    @Argument(help: "The .json file of a case; several are run one after the other.", completion: .file())
    var cases: [String]

    @Option(help: "interpreter, cpu (as shipped) or cpu-direct (without Winograd's algorithm, held to stricter tolerances).")
    var engine = Choice.cpu

    @OptionGroup var processor: EngineOptions

    @OptionGroup var result: ResultOptions

    mutating func validate() throws {
        guard engine == .cpu || processor.tuning == nil else {
            throw ValidationError("--tuning: only with --engine cpu, since \(engine.rawValue) has no choice")
        }
        guard engine != .cpuDirect || processor.instructions != CPUEngine.InstructionSet.amx.rawValue else {
            throw ValidationError("--instructions: amx splits floats, and --engine cpu-direct is exact")
        }
    }

    func run() async throws {
        let verifier = try engine.verifier(processor)
        var reports: [VerificationReport] = []
        for path in cases {
            let report = try verifier.verify(path: path)
            reports.append(report)
            if !result.json { Self.printTable(report) }
        }
        if result.json { try Terminal.printJSON(["cases": reports]) }
        if !reports.allSatisfy(\.passes) { throw ExitCode(1) }
    }

    private static func printTable(_ report: VerificationReport) {
        let width = max(report.outputs.map(\.name.count).max() ?? 0, 6)
        func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
        print("\(report.case) on \(report.engine)")
        print("  \(pad("output", width))  \(pad("error", 10))tolerance")
        for output in report.outputs {
            print(
                "  \(pad(output.name, width))  \(pad(scientific(output.error), 10))\(scientific(output.tolerance))\(output.passes ? "" : "  beyond")"
            )
        }
        if let first = report.firstDisagreement {
            let count = report.outputs.count { !$0.passes }
            print("disagrees: \(count) of \(report.outputs.count) outputs; the first in order of computation is \(first.name)")
        } else {
            print("agrees: \(report.outputs.count) outputs")
        }
    }

    /// `1.2e-06`, two digits.
    private static func scientific(_ value: Float) -> String {
        guard value.isFinite else { return "infinite" }
        guard value > 0 else { return "0" }
        var exponent = 0
        var mantissa = Double(value)
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        let tenths = Int((mantissa * 10).rounded())
        let (digits, carried) = tenths == 100 ? (10, exponent + 1) : (tenths, exponent)
        return "\(digits / 10).\(digits % 10)e\(carried)"
    }
}
