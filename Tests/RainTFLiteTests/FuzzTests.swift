import Foundation
import RainCPU
import RainTesting
import Testing

@testable import RainTFLite

/// Damages networks at random: whatever comes out is refused with an error or runs. `RAIN_FUZZ_ROUNDS` damages each of them as often.
@Suite struct FuzzTests {
    static let rounds = ProcessInfo.processInfo.environment["RAIN_FUZZ_ROUNDS"].flatMap { UInt64($0) } ?? 150

    @Test(arguments: Victim.allCases, ["bytes", "numbers"])
    func damagedFiles(_ victim: Victim, _ kind: String) throws {
        let whole = try victim.file()
        let damage = try Damage(whole)
        var outcomes = DamageOutcomes()
        note(whole, &outcomes)
        #expect(outcomes.run == 1)
        for round in 0..<Self.rounds {
            let seed = round &* 977 &+ UInt64(whole.count)
            note(kind == "bytes" ? damage.bytes(seed: seed) : damage.numbers(seed: seed), &outcomes)
        }
        print("\(victim), \(kind): \(outcomes)")
        #expect(outcomes.refused + outcomes.imported == Int(Self.rounds) + 1)
    }

    private func note(_ data: Data, _ outcomes: inout DamageOutcomes) {
        let error = outcomes.note(on: CPUEngine(threads: 1)) { try TFLiteModel(data, name: "damaged.tflite").network() }
        if let error { expectReadable(error) }
    }
}
