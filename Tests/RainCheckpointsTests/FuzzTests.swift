import Foundation
import Testing

@testable import RainCheckpoints

/// Damaged and malicious variants of valid files: each is either refused with our error or leaves a file whose every tensor can be
/// read, and nothing asks for more memory than the file's size accounts for.
///
/// `RAIN_FUZZ_ROUNDS` asks for more rounds than the default, which takes a second or two.
@Suite struct FuzzTests {
    static let rounds = ProcessInfo.processInfo.environment["RAIN_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 1000

    static let seeds: [(name: String, bytes: [UInt8])] = {
        let files = [
            "torch_pickle_zip.pth", "torch_pickle_legacy.pth", "torch_pickle_nested_zip.pth", "torch_pickle_nested_legacy.pth",
            "torch_pickle_parameter_zip.pth", "torch_pickle_protocol4_zip.pth", "torch_pickle.safetensors",
        ]
        let tensor = Pickle.tensor(count: 6, offset: 1, shape: [2, 1, 3], strides: [0, 9, 2])
        var wide = Zip(
            pickle: Pickle.dictionary([("w", tensor), ("l", Pickle.list(tensor, tensor))]), storages: [[UInt8](repeating: 1, count: 24)])
        wide.isWide = true
        return files.map { ($0, [UInt8](try! Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\($0)")))) } + [("zip64", wide.bytes)]
    }()

    @Test(arguments: seeds.indices)
    func mutantsAreRefusedOrRead(_ seed: Int) throws {
        let (name, valid) = Self.seeds[seed]
        var random = SeededGenerator(state: UInt64(seed))
        var refused = 0
        for round in 0..<Self.rounds {
            let content = Mutator.mutant(of: valid, using: &random)
            guard !content.isEmpty else { continue }
            do {
                try content.withUnsafeBytes { try Self.readAll(MappedFile(constant: $0, name: "mutant"), "\(name), round \(round)") }
            } catch let error as CheckpointError {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        // Were nearly all accepted, the checks would not be there; were all refused, the mutator would be blunt.
        #expect(refused > Self.rounds / 10 && refused < Self.rounds, "\(name): \(refused) of \(Self.rounds) refused")
    }
}

extension FuzzTests {
    private static func readAll(_ mapping: MappedFile, _ comment: Comment) throws {
        let file = try Checkpoint(mapping)
        var total = 0
        for tensor in file.names {
            let info = try file.info(tensor)
            total += info.byteCount
            #expect(total <= 4 * mapping.count + (64 << 20), comment)
            // Only what is small is read, so that the rounds are quick; what is large is a matter of zero strides.
            guard info.byteCount <= 1 << 16 else { continue }
            #expect(try file.bytes(tensor).count == info.byteCount, comment)
            if info.dtype.isFloatingPoint { _ = try? file.floats(tensor) } else { _ = try? file.integers(tensor) }
            try? file.requireFinite(tensor)
        }
        #expect(file.metadata.reduce(0) { $0 + $1.key.utf8.count } <= (1 << 16) + 16 * mapping.count, comment)
    }
}

/// Small changes to a file: some anywhere, some of the kind that matters to a pickle or an archive.
enum Mutator {
    private static let opcodes: [UInt8] =
        Array("NKMJXUTCB]}()tladeus012qrhjcRbQi.\u{80}".utf8.prefix(33)) + [
            0x81, 0x82, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96,
        ]
    private static let extremes: [UInt64] = [
        0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 62, .max >> 1, 1 << 63, .max,
    ]

    static func mutant(of valid: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        var content = valid
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !content.isEmpty else { return content }
            let position = Int.random(in: 0..<content.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: content[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: content[position] = UInt8.random(in: 0...255, using: &random)
            case 2: content[position] = opcodes.randomElement(using: &random)!
            case 3: content.remove(at: position)
            case 4: content.insert(opcodes.randomElement(using: &random)!, at: position)
            case 5: content.removeSubrange(position...)
            case 6, 7:
                // A length, count or offset.
                let width = [1, 2, 4, 8].randomElement(using: &random)!
                let value = little(extremes.randomElement(using: &random)!)
                for byte in 0..<min(width, content.count - position) { content[position + byte] = value[byte] }
            case 8:
                // A part of the file somewhere else.
                let count = Int.random(in: 1...min(40, content.count), using: &random)
                let source = Int.random(in: 0...(content.count - count), using: &random)
                content.insert(contentsOf: content[source..<source + count], at: position)
            default:
                let count = Int.random(in: 1...min(40, content.count), using: &random)
                let source = Int.random(in: 0...(content.count - count), using: &random)
                let piece = content[source..<source + count]
                for (offset, byte) in piece.enumerated() where position + offset < content.count { content[position + offset] = byte }
            }
        }
        return content
    }
}
