import RainCheckpoints
import Testing

@Suite struct CheckpointTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// The reference implementation reads it as no metadata.
    @Test(arguments: ["null", " null ", "{}"]) func metadataMayBeNull(text: String) throws {
        let header = #"{"__metadata__": \#(text), "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}"#
        let file = try Checkpoint(path: folder.file("null.safetensors", safetensors(header, bytes(of: [1, 2] as [Float]))))
        #expect(file.metadata.isEmpty && file.names == ["a"])
        #expect(try file.floats("a") == [1, 2])
    }

    @Test func readsEveryElementType() throws {
        let parts: [(String, String, [UInt8])] = [
            ("f64", "F64", bytes(of: [1.5, -2] as [Double])), ("f32", "F32", bytes(of: [0.25, -8] as [Float])),
            ("f16", "F16", bytes(of: [0x3C00, 0xC000] as [UInt16])), ("bf16", "BF16", bytes(of: [0x3F80, 0xC000] as [UInt16])),
            ("i64", "I64", bytes(of: [Int64.min, 7])), ("i32", "I32", bytes(of: [Int32.min, 7])),
            ("i16", "I16", bytes(of: [Int16.min, 7])), ("i8", "I8", bytes(of: [Int8.min, 7])), ("u8", "U8", [255, 7]),
            ("bool", "BOOL", [0, 1]),
        ]
        var header: [String] = ["\"__metadata__\": {\"format\": \"pt\", \"a\\u00e9\\ud83d\\ude00\\n\": \"\\\"\"}"]
        var data: [UInt8] = []
        for (name, type, content) in parts {
            header.append(
                "\"\(name)\": {\"dtype\":\"\(type)\",\"shape\":[1,2],\"data_offsets\":[\(data.count),\(data.count + content.count)]}")
            data += content
        }
        let path = try folder.file("all.safetensors", safetensors("{\(header.joined(separator: ", "))}   ", data))
        let file = try Checkpoint(path: path)
        #expect(file.names == parts.map(\.0).sorted())
        #expect(file.metadata == ["format": "pt", "aé😀\n": "\""])
        #expect(try file.info("f16").dtype == .float16)
        #expect(try file.info("f16").shape == [1, 2])
        #expect(try file.info("f16").byteCount == 4)
        #expect(try file.floats("f64") == [1.5, -2])
        #expect(try file.floats("f32") == [0.25, -8])
        #expect(try file.floats("f16") == [1, -2])
        #expect(try file.floats("bf16") == [1, -2])
        #expect(try file.integers("i64") == [.min, 7])
        #expect(try file.integers("i32") == [Int64(Int32.min), 7])
        #expect(try file.integers("i16") == [Int64(Int16.min), 7])
        #expect(try file.integers("i8") == [-128, 7])
        #expect(try file.integers("u8") == [255, 7])
        #expect(try file.integers("bool") == [0, 1])
        #expect(try file.bytes("u8") == [255, 7])
        #expect(try file.withBytes("i16") { $0.byteCount } == 4)
        try file.requireFinite()
    }

    @Test func releasedTensorsAreReadAgain() throws {
        let path = try folder.file("file.safetensors", [])
        let tensors = (0..<3).map { index in
            (name: "t\(index)", shape: [5000], dtype: .float32, values: (0..<5000).map { Float($0 * (index + 1)) })
                as SafetensorsWriter.Tensor
        }
        try SafetensorsWriter.write(to: path, tensors: tensors)
        let file = try Checkpoint(path: path)
        for _ in 0..<2 {
            for tensor in tensors {
                #expect(try file.floats(tensor.name) == tensor.values)
                file.release(tensor.name)
            }
        }
    }

    @Test func emptyAndScalarTensors() throws {
        let header = """
            {"none":{"dtype":"F32","shape":[3,0,9223372036854775807],"data_offsets":[4,4]},
             "one":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}
            """
        let file = try Checkpoint(path: folder.file("few.safetensors", safetensors(header, bytes(of: [2.5] as [Float]))))
        #expect(try file.floats("none") == [])
        #expect(try file.floats("one", shape: []) == [2.5])
    }

    @Test func aFileWithoutTensors() throws {
        let file = try Checkpoint(path: folder.file("none.safetensors", safetensors("{}")))
        #expect(file.names.isEmpty)
        #expect(throws: CheckpointError.self) { try file.info("x") }
    }

    @Test(arguments: [
        ("missing", CheckpointError.Code.missingTensor), ("whole", .wrongType), ("shaped", .wrongShape),
    ])
    func asksForTheWrongTensor(name: String, code: CheckpointError.Code) throws {
        let header = """
            {"whole":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"shaped":{"dtype":"F16","shape":[1],"data_offsets":[2,4]}}
            """
        let file = try Checkpoint(path: folder.file("a.safetensors", safetensors(header, [0, 0, 0, 0])))
        let error = #expect(throws: CheckpointError.self) { try file.floats(name, shape: [2]) }
        #expect(error?.code == code)
        #expect(error?.tensor == name)
        #expect(error?.file == file.path)
    }

    @Test(
        arguments: [
            ("F32", bytes(of: [1, .nan] as [Float]), 1), ("F32", bytes(of: [-.infinity, 1] as [Float]), 0),
            ("F64", bytes(of: [1, .infinity] as [Double]), 1), ("F16", bytes(of: [0x7BFF, 0xFC00] as [UInt16]), 1),
            ("BF16", bytes(of: [0x7FC0, 0] as [UInt16]), 0),
        ] as [(String, [UInt8], Int)])
    func findsValuesThatAreNotFinite(type: String, content: [UInt8], index: Int) throws {
        let header = "{\"w\":{\"dtype\":\"\(type)\",\"shape\":[2],\"data_offsets\":[0,\(content.count)]}}"
        let file = try Checkpoint(path: folder.file("w.safetensors", safetensors(header, content)))
        let error = #expect(throws: CheckpointError.self) { try file.requireFinite() }
        #expect(error?.code == .notFinite)
        #expect(error?.tensor == "w")
        #expect(error?.found.hasSuffix("at element \(index)") == true)
    }

    @Test func doublesBeyondFloatsAndOddBooleansAreRefused() throws {
        let header = """
            {"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]}}
            """
        let file = try Checkpoint(path: folder.file("odd.safetensors", safetensors(header, bytes(of: [1e300]) + [2])))
        #expect(throws: CheckpointError.self) { try file.floats("d") }
        #expect(throws: CheckpointError.self) { try file.integers("b") }
    }

    @Test func unreadablePaths() throws {
        for path in [folder.path + "/absent.safetensors", folder.path, "/dev/zero", "a\0b", ""] {
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
            #expect(error?.code == .unreadable)
        }
    }
}
