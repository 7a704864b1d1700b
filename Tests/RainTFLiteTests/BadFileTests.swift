import Foundation
import RainNetworks
import Testing

@testable import RainTFLite

/// Files that break the format.
@Suite struct BadFileTests {
    @Test(arguments: ["", "TFL3", "<!DOCTYPE html><html>", "PK\u{3}\u{4}TFL4", "\u{8}\0\0\0TFL2\0\0\0\0"])
    func otherFilesAreNoModels(_ text: String) {
        let error = #expect(throws: NetworkError.self) { try TFLiteModel(Data(text.utf8), name: "page.tflite") }
        #expect(error?.code == .malformed && error?.description.contains("TFL3 at byte 4") == true)
    }

    /// The bound holds for bytes as for files: one byte more is refused unread.
    @Test func filesOfMoreBytesThanAnyModel() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("rain-large-\(UUID().uuidString).tflite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let limit = TFLiteModel.maximumByteCount
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: UInt64(limit + 1))
        try file.close()
        let errors = [
            #expect(throws: NetworkError.self) { try TFLiteModel(path: path) },
            #expect(throws: NetworkError.self) { try TFLiteModel(Data(count: limit + 1), name: path) },
        ]
        for error in errors {
            #expect(error?.code == .tooLarge)
            #expect(error?.description.contains("expected a network of at most \(limit) bytes, found \(limit + 1) bytes") == true)
        }
        #expect(errors[0] == errors[1])
        let largest = #expect(throws: NetworkError.self) { try TFLiteModel(Data(count: limit), name: path) }
        #expect(largest?.code == .malformed)
    }

    @Test func truncatedFilesAreRefused() throws {
        let whole = try operatorsFile()
        for part in 0..<40 {
            let data = whole.prefix(whole.count * part / 40)
            let error = #expect(throws: NetworkError.self) { try TFLiteModel(data, name: "part.tflite").network() }
            #expect(error?.code == .malformed)
        }
    }

    @Test(arguments: ["/nowhere/net.tflite", "/tmp", "a\0b", "/dev/zero", "a\nb\u{202E}"])
    func pathsThatAreNoFiles(_ path: String) throws {
        let error = try #require(#expect(throws: NetworkError.self) { try TFLiteModel(path: path) })
        #expect(error.code == .unreadable)
        expectReadable(error)
    }

    /// Bytes that begin elsewhere than at 0 are read alike.
    @Test func slicesAreFiles() throws {
        let whole = try operatorsFile()
        #expect(try TFLiteModel((Data([1, 2, 3]) + whole)[3...], name: "slice").outputs == TFLiteModel(whole, name: "whole").outputs)
    }

    /// In the files of these tests, the model's layout begins at byte 8, its table at 22: the offset to its layout, the version, lists.
    static let faults = [
        Fault("another version", .malformed, "expected version 3 of the format, found 2") { $0.version = 2 },
        Fault("a root outside", .malformed, "an offset inside", damage: { $0.patch(.max, at: 0) }),
        Fault("a root at the end", .malformed, "an offset inside", damage: { $0.patch($0.count - 3, at: 0) }),
        Fault("a layout before the file", .malformed, "found -", damage: { $0.patch(1 << 20, at: 22) }),
        Fault("a layout behind the file", .malformed, "an offset inside", damage: { $0.patch(1 << 31, at: 22) }),
        Fault("a layout too small", .malformed, "at least 4 bytes, found 2", damage: { $0.patch(2, at: 8, 2) }),
        Fault("a layout too large", .malformed, "65535 more", damage: { $0.patch(65535, at: 8, 2) }),
        Fault("a field outside", .malformed, "and 4 more", damage: { $0.patch(65535, at: 12, 2) }),
        Fault("a list outside", .malformed, "an offset inside") { $0.model[4] = .number(.max) },
        Fault("a list without end", .malformed, "more") { $0.model[4] = .raw([255, 255, 255, 255]) },
        Fault("a name without end", .malformed, "more") { $0.tensors[0][3] = .raw([255, 255, 255, 127]) },
        Fault("a table outside", .malformed, "an offset inside") { $0.model[4] = .integers([-1]) },
        Fault("no graph", .malformed, "a graph, found none") { $0.model[2] = .list([]) },
        Fault("many graphs", .tooLarge, "at most 64 elements of a list, found 65") {
            $0.model[2] = .repeated(.table([:]), 65)
        },
        Fault("many buffers", .tooLarge, "at most 65536 elements") {
            $0.model[4] = .repeated(.table([:]), 65537)
        },
        Fault("many tensors", .tooLarge, "found 70000") { $0.graph[0] = .repeated(.table([:]), 70000) },
        Fault("many operators", .tooLarge, "at most 4096 elements of a list, found 4097") {
            $0.graph[3] = .repeated(.table($0.operators[0]), 4097)
        },
        Fault("many axes", .tooLarge, "at most 8 elements of a list, found 9") {
            $0.tensors[0][0] = .integers(Array(repeating: 1, count: 9))
        },
        Fault("many operands", .tooLarge, "at most 4096 elements") {
            $0.operators[0][1] = .integers(Array(repeating: 0, count: 4097))
        },
        Fault("many operators with the same many operands", .malformed, "1048576 operands") {
            $0.operators[0][1] = .integers(Array(repeating: 0, count: 4096))
            $0.graph[3] = .repeated(.table($0.operators[0]), 257)
        },
        Fault("many tensors with the same long name", .malformed, "bytes of names") {
            $0.tensors[0][3] = .bytes(Array(repeating: 0x41, count: 4096))
            $0.graph[0] = .repeated(.table($0.tensors[0]), 65536)
        },
        Fault("many operators' kinds with the same long name", .malformed, "bytes of names") {
            $0.model[1] = .repeated(.table([0: .byte(32), 1: .bytes(Array(repeating: 0x41, count: 4096))]), 65536)
        },
        Fault("a buffer that is not there", .malformed, "one of 1 buffers, found buffer 1") {
            $0.tensors[0][2] = .number(1)
        },
        Fault("a buffer below 0", .malformed, "buffer 4294967295") { $0.tensors[0][2] = .number(-1) },
        Fault("a kind that is not there", .malformed, "one of 1 operators, found operator 7") {
            $0.operators[0][0] = .number(7)
        },
        Fault("an operand that is not there", .malformed, "tensors 0 to 1, found [2]") {
            $0.operators[0][1] = .integers([2])
        },
        Fault("an operand below -1", .malformed, "found [0, -2]") { $0.operators[0][1] = .integers([0, -2]) },
        Fault("a result left out", .malformed, "found [-1]") { $0.operators[0][2] = .integers([-1]) },
        Fault("an input that is not there", .malformed, "tensors 0 to 1") { $0.graph[1] = .integers([.max]) },
        Fault("an output that is not there", .malformed, "tensors 0 to 1") { $0.graph[2] = .integers([.min]) },
    ]

    @Test(arguments: faults)
    func brokenRulesAreNamed(_ fault: Fault) throws {
        var maker = NetworkMaker()
        maker.node(.relu, [0])
        fault.build(&maker)
        var data = maker.file
        fault.damage(&data)
        try fault.check { _ = try TFLiteModel(data, name: "made.tflite") }
    }
}
