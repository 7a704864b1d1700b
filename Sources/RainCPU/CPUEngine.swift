import CPUKernels
public import RainGraph
import Synchronization

/// The CPU engine: plans programs onto the kernels of `CPUKernels`.
///
/// Layout is rows of channels everywhere; numbers are float32. Repeated runs are bit-identical for a given machine,
/// instruction set and thread count.
public struct CPUEngine: TrainingEngine {
    /// Instruction sets the kernels are compiled for.
    public enum InstructionSet: String, Sendable, CaseIterable {
        case generic, avx2, avx512
        /// AVX-512 and the matrix unit: products of floats split into two bfloat16. A linear layer is exact to about 10⁻⁵ of its largest
        /// result, a 3×3 convolution to 10⁻⁴ (2·10⁻⁵ in the root mean square).
        case amx
        /// 64-bit ARM's.
        case neon

        var code: RainISA {
            switch self {
            case .generic: RAIN_ISA_GENERIC
            case .avx2: RAIN_ISA_AVX2
            case .avx512: RAIN_ISA_AVX512
            case .amx: RAIN_ISA_AMX
            case .neon: RAIN_ISA_NEON
            }
        }

        /// Whether this machine has it.
        public var isAvailable: Bool { rain_machine_has(code) }

        /// The best one this machine has.
        public static var best: InstructionSet {
            rain_best_isa() == RAIN_ISA_AMX ? .amx : bestExact
        }

        /// The best one whose products are those of float32.
        static var bestExact: InstructionSet {
            switch rain_best_isa() {
            case RAIN_ISA_AMX: .avx512
            case RAIN_ISA_AVX512: .avx512
            case RAIN_ISA_AVX2: .avx2
            case RAIN_ISA_NEON: .neon
            default: .generic
            }
        }
    }

    /// How sums of products are computed.
    public enum Arithmetic: Sendable {
        /// The fastest way for each shape. Winograd's convolutions round some times worse than direct ones, the matrix unit's products
        /// are exact to about 10⁻⁵ of the largest.
        case fastest
        /// Direct convolutions, and float32 products only unless the instruction set is given: for comparisons with a reference.
        case exact
    }

    public let name = "cpu"
    /// Processors this process may use.
    public static var processorCount: Int { Int(rain_processor_count()) }
    /// The most threads an engine can have.
    public static let mostThreads = 1024

    public let threads: Int
    public let instructionSet: InstructionSet
    public let arithmetic: Arithmetic
    /// Which algorithms convolutions take, where it was measured; `nil` for what a model of cost expects.
    public let tuning: Tuning?
    private let pools = PoolOwner()

    /// - Parameters:
    ///   - threads: the caller's counts as one; `nil` takes one per processor.
    ///   - instructionSet: `nil` takes the best this machine has.
    ///   - tuning: of no effect on exact arithmetic, or if measured with other threads or another instruction set.
    public init(
        threads: Int? = nil, instructionSet: InstructionSet? = nil, arithmetic: Arithmetic = .fastest, tuning: Tuning? = nil
    ) {
        self.threads = min(max(1, threads ?? Self.processorCount), Self.mostThreads)
        self.instructionSet = instructionSet ?? (arithmetic == .exact ? .bestExact : .best)
        self.arithmetic = arithmetic
        self.tuning = tuning
    }

    /// How this engine's convolutions choose their algorithms.
    private var choice: AlgorithmChoice {
        if arithmetic == .exact { return .wherePossible(.direct) }
        guard let tuning, tuning.threads == threads, tuning.instructions == instructionSet else { return .byCost }
        return .measured(tuning)
    }

    func pool() throws -> Pool { try pools.pool(threads: threads, instructionSet) }

    public var capabilities: EngineCapabilities { .all }

    public func buffer(_ type: TensorType) throws -> any EngineBuffer { try CPUBuffer(type) }

    public func compile(_ program: Program, _ options: CompileOptions) throws -> any Executable {
        let pool = try pool()
        var neighbour = (options.neighbour as? CPUExecutable)?.plan
        // One of another engine could run at the same time.
        if neighbour?.pool !== pool { neighbour = nil }
        let buffers = try options.buffers.reduce(into: [TensorPort: CPUBuffer]()) { buffers, entry in
            guard let buffer = entry.value as? CPUBuffer else {
                throw GraphError(.malformed, at: "\(entry.key)", "expected a buffer of this engine")
            }
            buffers[entry.key] = buffer
        }
        let rewritten = options.isRewritten ? try program.rewritten(for: capabilities) : program
        return CPUExecutable(try Plan(rewritten, pool: pool, choice: choice, beside: neighbour, buffers: buffers), beside: neighbour)
    }

    public func compile(_ program: Program, sharing other: (any TrainableExecutable)?) throws -> any TrainableExecutable {
        try compileForTraining(program, sharing: other)
    }

    public func evaluate(_ program: Program, inputs: [String: [Float]], parameters: any TensorSource) throws -> [String: [Float]] {
        let pool = try pool()
        let rewritten = try program.rewritten(for: capabilities)
        let executable = CPUExecutable(try Plan(rewritten, pool: pool, choice: choice, runsOnce: true))
        for (name, values) in inputs { try executable.write(name, values) }
        try executable.runOnce(parameters)
        return try program.graph.outputs.reduce(into: [:]) { $0[$1.name] = try executable.read($1.name) }
    }

    /// As `compile`, with the methods of a program that trains.
    ///
    /// - Parameter other: an executable of this engine whose parameters, gradients and moments the new one shares.
    /// - Throws: `CPUError` if the machine lacks the instruction set, threads or memory.
    public func compileForTraining(_ program: Program, sharing other: (any TrainableExecutable)? = nil) throws -> CPUExecutable {
        let pool = try pool()
        var sharing: Plan?
        if let other {
            guard let executable = other as? CPUExecutable, executable.plan.pool === pool else {
                throw CPUError(message: "only its own executables can share parameters")
            }
            sharing = executable.plan
        }
        return CPUExecutable(try Plan(program.rewritten(for: capabilities), pool: pool, choice: choice, sharing: sharing))
    }
}

/// What keeps the CPU engine from running a program.
public struct CPUError: Error, CustomStringConvertible, Sendable {
    public let message: String
    public var description: String { "cpu engine: " + message }
}

/// Owns a thread pool of the kernels, which all executables of an engine share. One of them runs at a time.
final class Pool: @unchecked Sendable {
    // Safe: the pointer never changes, and `running` admits one user of the pool at a time.
    let pointer: OpaquePointer
    let running = Mutex(())

    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { rain_pool_destroy(pointer) }
}

/// Starts an engine's pool when the first program is prepared.
private final class PoolOwner: Sendable {
    private let made = Mutex<Pool?>(nil)

    func pool(threads: Int, _ set: CPUEngine.InstructionSet) throws -> Pool {
        try made.withLock { made in
            if let made { return made }
            guard let pointer = rain_pool_create(Int32(threads), set.code) else {
                throw CPUError(
                    message: "cannot start \(threads) threads with \(set.rawValue) kernels; this machine's best is "
                        + CPUEngine.InstructionSet.best.rawValue)
            }
            let pool = Pool(pointer)
            made = pool
            return pool
        }
    }
}
