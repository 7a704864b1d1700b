import Foundation
import RainCPU
import RainGraph
import RainNetworks
import Testing

@testable import RainTFLite

/// Damages networks at random: whatever comes out is refused with an error or runs. `RAIN_FUZZ_ROUNDS` damages each of them as often.
@Suite struct FuzzTests {
    static let rounds = ProcessInfo.processInfo.environment["RAIN_FUZZ_ROUNDS"].flatMap { UInt64($0) } ?? 150

    @Test(arguments: Victim.allCases, ["bytes", "numbers"])
    func damagedFiles(_ victim: Victim, _ kind: String) throws {
        let whole = try victim.file()
        let damage = try Damage(whole)
        var outcomes = Outcomes()
        outcomes.note(whole)
        #expect(outcomes.run == 1)
        for round in 0..<Self.rounds {
            let seed = round &* 977 &+ UInt64(whole.count)
            outcomes.note(kind == "bytes" ? damage.bytes(seed: seed) : damage.numbers(seed: seed))
        }
        print("\(victim), \(kind): \(outcomes)")
        #expect(outcomes.refused + outcomes.imported == Int(Self.rounds) + 1)
    }

    /// What became of the damaged ones.
    struct Outcomes: CustomStringConvertible {
        var refused = 0
        var imported = 0
        var run = 0
        var description: String { "\(refused) refused, \(imported) imported, \(run) of them run" }

        mutating func note(_ data: Data) {
            do {
                let network = try TFLiteModel(data, name: "damaged.tflite").network()
                imported += 1
                let program = try Program(network.graph.optimizedForInference())
                let elements = program.graph.nodes.reduce(0) { $0 + $1.results.reduce(0) { $0 + $1.count } }
                guard elements < 1 << 21, program.multiplyAdds(in: .step) < 1 << 28 else { return }
                let executable = try CPUEngine(threads: 1).prepare(program)
                try executable.load { try network.parameter($0, $1) }
                try executable.run(.step)
                run += 1
            } catch let error as NetworkError {
                refused += 1
                expectReadable(error)
            } catch {
                // The engine may refuse what the importer does not: it is an answer too.
                #expect(!"\(error)".isEmpty)
            }
        }
    }
}
