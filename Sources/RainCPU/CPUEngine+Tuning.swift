import CPUKernels
public import RainGraph
import RainNumbers

extension CPUEngine {
    /// Measures the convolutions of programs that more than one algorithm may compute, each in its place among the other operations:
    /// the programs run in turn with one algorithm wherever it is allowed, and with the other.
    ///
    /// - Parameters:
    ///   - rounds: measured runs of each program with each algorithm, after one that is not; at least 1
    ///   - prepare: loads an executable, and gives it inputs
    ///   - progress: called after every run of a program with both algorithms
    /// - Throws: what `prepare` and `progress` throw; `CPUError` if the machine lacks the instruction set, threads or memory
    public func measureConvolutions(
        of programs: [Program], rounds: Int, prepare: (CPUExecutable) throws -> Void, progress: () throws -> Void
    ) throws -> Tuning {
        let pool = try pool()
        var found: [String: (count: Int, expected: Tuning.Algorithm, direct: Double, winograd: Double)] = [:]
        for program in programs {
            let direct = CPUExecutable(try Plan(program, pool: pool, choice: .wherePossible(.direct)))
            let open = direct.plan.openConvolutions
            guard !open.isEmpty else { continue }
            try prepare(direct)
            // They share all weights but those of convolutions with a choice.
            let winograd = CPUExecutable(
                try Plan(program, pool: pool, choice: .wherePossible(.winograd), beside: direct.plan), beside: direct.plan)
            try prepare(winograd)
            for convolution in open.values {
                found[convolution.description, default: (0, convolution.expected, 0, 0)].count += 1
            }
            var rows: [String: (direct: [Double], winograd: [Double])] = [:]
            for round in 0...rounds {
                let times = [direct, winograd].map { executable in
                    executable.runTimed(.step).reduce(into: [String: Double]()) { sums, time in
                        if let convolution = open[time.node] { sums[convolution.description, default: 0] += time.seconds }
                    }
                }
                for name in times[0].keys where round > 0 {
                    rows[name, default: ([], [])].direct.append(times[0][name]!)
                    rows[name]!.winograd.append(times[1][name]!)
                }
                try progress()
            }
            for (name, row) in rows {
                found[name]!.direct += row.direct.median ?? 0
                found[name]!.winograd += row.winograd.median ?? 0
            }
        }
        let measurements = found.map { name, row in
            Tuning.Measurement(convolution: name, count: row.count, direct: row.direct, winograd: row.winograd, expected: row.expected)
        }
        let sorted = measurements.sorted { ($0.seconds($0.chosen), $0.convolution) > ($1.seconds($1.chosen), $1.convolution) }
        return Tuning(threads: threads, instructions: instructionSet, convolutions: sorted)
    }
}

extension Plan {
    /// The forward convolutions of the step that more than one algorithm may compute, by node: how `Tuning` calls them, and what the
    /// model of cost takes.
    fileprivate var openConvolutions: [Int: (description: String, expected: Tuning.Algorithm)] {
        var found: [Int: (description: String, expected: Tuning.Algorithm)] = [:]
        for index in program.stages[.step] ?? [] {
            guard case .convolution = graph.nodes[index].operation, var geometry = convolution(index)?.geometry,
                rain_conv_allows(pool.pointer, &geometry, RAIN_CONV_WINOGRAD) != 0
            else { continue }
            found[index] = (geometry.description, Tuning.Algorithm(rain_conv_choose(pool.pointer, &geometry)))
        }
        return found
    }
}
