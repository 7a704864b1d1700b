import Foundation
import RainCPU
import RainGraph
import Testing

@Suite struct TuningTests {
    /// Convolutions with a choice and one without: two of 9 × 7 pixels, one enlarged, one of stride 2.
    private static func program(channels: Int = 64) throws -> Program {
        let g = GraphBuilder()
        let same = Convolution(padding: [1, 1, 1, 1])
        var x = try g.input("x", [2, 9, 7, channels])
        x = try x.convolved(g.parameter("a", [channels, channels, 3, 3]), same)
        x = try x.convolved(g.parameter("b", [channels, channels, 3, 3]), same)
        x = try x.convolved(g.parameter("c", [8, channels, 3, 3]), Convolution(padding: [1, 1, 1, 1], upsample: true))
        g.output("y", try x.convolved(g.parameter("d", [5, 8, 3, 3]), Convolution(stride: 2, padding: [1, 1, 1, 1])))
        return try Program(g.graph())
    }

    private static func values(_ name: String, _ shape: Shape) -> [Float] {
        (0..<shape.count).map { Float(($0 * 7 + name.utf8.reduce(0) { $0 + Int($1) }) % 19) / 19 - 0.5 }
    }

    private static func result(_ engine: CPUEngine, channels: Int = 64) throws -> [Float] {
        let executable = try engine.compile(program(channels: channels))
        try executable.load(values)
        try executable.write("x", values("x", [2, 9, 7, channels]))
        try executable.run(.step)
        return try executable.read("y")
    }

    /// What a file would say that knows these shapes and wants one algorithm everywhere.
    private static func tuning(
        _ algorithm: Tuning.Algorithm, channels: Int = 64, threads: Int = 2, instructions: CPUEngine.InstructionSet
    ) throws -> Tuning {
        let shapes = [
            "2×9×7×\(channels) → 9×7×\(channels), 3×3", "2×9×7×\(channels) → 18×14×8, 3×3, enlarged twice",
            "2×18×14×8 → 9×7×5, 3×3, stride 2",
        ]
        let rows = shapes.map {
            """
            {"convolution": "\($0)", "count": 1, "direct": 1, "winograd": 1, "expected": "direct", "chosen": "\(algorithm.rawValue)"}
            """
        }
        let engine = #""threads": \#(threads), "instructions": "\#(instructions.rawValue)""#
        let text = #"{\#(engine), "convolutions": [\#(rows.joined(separator: ","))]}"#
        return try JSONDecoder().decode(Tuning.self, from: Data(text.utf8))
    }

    private static let exactSets = CPUEngine.InstructionSet.allCases.filter { $0.isAvailable && $0 != .amx }

    @Test(arguments: exactSets)
    func choicesAreObeyed(_ set: CPUEngine.InstructionSet) throws {
        let direct = try Self.result(CPUEngine(threads: 2, instructionSet: set, arithmetic: .exact))
        func result(_ tuning: Tuning) throws -> [Float] { try Self.result(CPUEngine(threads: 2, instructionSet: set, tuning: tuning)) }
        #expect(try result(Self.tuning(.direct, instructions: set)) == direct)
        let winograd = try result(Self.tuning(.winograd, instructions: set))
        #expect(winograd != direct, "the other algorithm rounds otherwise")
        let largest = direct.map(abs).max()!
        #expect(zip(winograd, direct).allSatisfy { abs($0 - $1) < 1e-4 * largest })
    }

    @Test func choicesOfAnotherEngineAreNot() throws {
        let set = Self.exactSets.last!
        func result(_ tuning: Tuning?) throws -> [Float] { try Self.result(CPUEngine(threads: 2, instructionSet: set, tuning: tuning)) }
        let usual = try result(nil)
        let algorithms: [Tuning.Algorithm] = [.direct, .winograd]
        for algorithm in algorithms {
            #expect(try result(Self.tuning(algorithm, threads: 3, instructions: set)) == usual)
            #expect(try result(Self.tuning(algorithm, instructions: set == .generic ? .avx2 : .generic)) == usual)
        }
        #expect(try algorithms.contains { try result(Self.tuning($0, instructions: set)) != usual })
    }

    /// Products of few channels lose too much when they are split.
    @Test(.enabled(if: CPUEngine.InstructionSet.amx.isAvailable))
    func whatIsNotAllowedIsDoneDirectly() throws {
        func result(_ algorithm: Tuning.Algorithm) throws -> [Float] {
            let tuning = try Self.tuning(algorithm, channels: 24, instructions: .amx)
            return try Self.result(CPUEngine(threads: 2, instructionSet: .amx, tuning: tuning), channels: 24)
        }
        #expect(try result(.winograd) == result(.direct))
    }

    @Test(arguments: CPUEngine.InstructionSet.allCases.filter(\.isAvailable))
    func measurementsSayWhatWasMeasured(_ set: CPUEngine.InstructionSet) throws {
        let engine = CPUEngine(threads: 2, instructionSet: set)
        var (prepared, runs) = (0, 0)
        let tuning = try engine.measureConvolutions(of: [Self.program(), Self.program()], rounds: 3) { executable in
            prepared += 1
            try executable.load(Self.values)
            try executable.write("x", Self.values("x", [2, 9, 7, 64]))
        } progress: {
            runs += 1
        }
        #expect(prepared == 4 && runs == 8)
        #expect(tuning.threads == 2 && tuning.instructions == set)
        let counts = Dictionary(uniqueKeysWithValues: tuning.convolutions.map { ($0.convolution, $0.count) })
        #expect(counts == ["2×9×7×64 → 9×7×64, 3×3": 4, "2×9×7×64 → 18×14×8, 3×3, enlarged twice": 2])
        for row in tuning.convolutions {
            #expect(row.direct > 0 && row.winograd > 0)
            let other: Tuning.Algorithm = row.expected == .direct ? .winograd : .direct
            let isClear = row.seconds(row.expected) > Tuning.clearRatio * row.seconds(other)
            #expect(row.chosen == (isClear ? other : row.expected), "\(row)")
        }
        let again = try JSONDecoder().decode(Tuning.self, from: JSONEncoder().encode(tuning))
        #expect(again == tuning)
        #expect(try Self.result(CPUEngine(threads: 2, instructionSet: set, tuning: tuning)).allSatisfy(\.isFinite))
    }

    @Test func programsWithoutAChoiceAreNotRun() throws {
        let g = GraphBuilder()
        let x = try g.input("x", [1, 4, 4, 3])
        g.output("y", try x.convolved(g.parameter("a", [3, 3, 1, 1]), Convolution(padding: [0, 0, 0, 0])))
        let program = try Program(g.graph())
        var runs = 0
        let engine = CPUEngine(threads: 1)
        let count = { runs += 1 }
        let tuning = try engine.measureConvolutions(of: [program], rounds: 1, prepare: { _ in count() }, progress: count)
        #expect(tuning.convolutions.isEmpty && runs == 0)
    }
}
