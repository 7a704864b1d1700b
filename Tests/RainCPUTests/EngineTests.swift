import RainCPU
import RainGraph
import RainTesting
import Testing

@Suite struct EngineTests {
    static let engines: [CPUEngine] = CPUEngine.InstructionSet.allCases.filter { $0.isAvailable }.flatMap { set in
        [1, 2].map { CPUEngine(threads: $0, instructionSet: set, arithmetic: .exact) }
    }

    @Test(arguments: OperationCase.all)
    func agreesWithTheInterpreter(_ operation: OperationCase) throws {
        for engine in Self.engines {
            for lifetime in [Lifetime.weights, .step] {
                let found = try operation.disagreement(
                    of: engine, parameterLifetime: lifetime, factor: engine.instructionSet.roundingFactor)
                #expect(found == nil, "\(engine.instructionSet), \(engine.threads) threads, \(lifetime): \(found ?? "")")
            }
        }
    }

    /// Winograd's transforms multiply rounding errors some ten times (arXiv 1509.09308, section 5), split products more.
    @Test(arguments: OperationCase.all)
    func shippedConvolutionsStayClose(_ operation: OperationCase) throws {
        let found = try operation.disagreement(of: CPUEngine(threads: 2), parameterLifetime: .step, factor: 64)
        #expect(found == nil, "\(found ?? "")")
    }

    @Test(arguments: OperationCase.all)
    func repeatsBitForBit(_ operation: OperationCase) throws {
        let engine = CPUEngine(threads: 2)
        let first = try operation.results(on: engine)
        #expect(try operation.results(on: engine) == first)
    }
}

extension CPUEngine.InstructionSet {
    /// How much worse than float32's the rounding of products may be.
    var roundingFactor: Float { self == .amx ? 64 : 1 }
}
