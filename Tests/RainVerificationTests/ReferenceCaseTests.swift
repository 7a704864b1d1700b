import Foundation
import RainCPU
import RainCheckpoints
import RainGraph
import RainModels
import RainTesting
import RainVerification
import Testing

/// An engine with the tolerance it is held to.
enum Contestant: String, CaseIterable, CustomTestStringConvertible {
    case interpreter, directKernels, shipped, toy

    var testDescription: String { rawValue }

    var verifier: CaseVerifier {
        switch self {
        case .interpreter: CaseVerifier(engine: Interpreter())
        case .directKernels: CaseVerifier(engine: CPUEngine(arithmetic: .exact))
        case .shipped: CaseVerifier(engine: CPUEngine(), strictness: .shipped)
        case .toy: CaseVerifier(engine: ToyEngine(), strictness: .half)
        }
    }
}

@Suite struct ReferenceCaseTests {
    @Test(arguments: CaseVerifier.supported + ["onnx_operators"], Contestant.allCases)
    func agrees(_ name: String, _ contestant: Contestant) throws {
        // A table of operators at the limits of float32, and detectors, which no float16 engine is asked to run.
        if contestant == .toy, name.hasPrefix("onnx") { return }
        let report = try contestant.verifier.verify(path: "\(fixtures)/\(name).json")
        let beyond = report.outputs.filter { !$0.passes }.map { "\($0.name): \($0.error) > \($0.tolerance)" }
        #expect(report.passes, "\(beyond)")
    }

    /// A copy of a case, in which the first element of one parameter, stored in half precision, may have been replaced.
    private func copy(_ name: String, to folder: String, replacing parameter: String? = nil, with half: UInt16 = 0) throws -> String {
        var data = try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(name).safetensors"))
        if let parameter {
            let length = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any]
            let entry = try #require(header?["weights/" + parameter] as? [String: Any])
            let start = 8 + length + (try #require((entry["data_offsets"] as? [Int])?.first))
            #expect(entry["dtype"] as? String == "F16")
            data[start] = UInt8(half & 255)
            data[start + 1] = UInt8(half >> 8)
        }
        try data.write(to: URL(fileURLWithPath: "\(folder)/\(name).safetensors"))
        try FileManager.default.copyItem(atPath: "\(fixtures)/\(name).json", toPath: "\(folder)/\(name).json")
        return "\(folder)/\(name).json"
    }

    @Test func namesTheFirstIntermediateThatDisagrees() throws {
        try withTemporaryFolder { folder in
            // 4 where there were small numbers.
            let path = try copy(
                "denoising_unet", to: folder, replacing: "down_blocks.1.attentions.0.proj_out.bias", with: 0x4400)
            let report = try CaseVerifier(engine: CPUEngine()).verify(path: path)
            #expect(!report.passes)
            #expect(report.firstDisagreement?.name == "down1_attention0")
            #expect(report.outputs.first { $0.name == "down1_resnet0" }?.passes == true)
        }
    }

    @Test func refusesCasesItDoesNotKnow() throws {
        try withTemporaryFolder { folder in
            let path = try copy("pose_guider", to: folder)
            try #"{"case": "vision", "config": {}}"#.write(toFile: path, atomically: true, encoding: .utf8)
            let failure = #expect(throws: ModelError.self) { try CaseVerifier(engine: Interpreter()).verify(path: path) }
            #expect(failure?.description.contains("unet_blocks, denoising_unet") == true)
        }
    }

    @Test(arguments: ["../pose_guider", "/etc/passwd", "", ".hidden"])
    func takesWeightsOnlyFromCasesBesideIt(_ other: String) throws {
        try withTemporaryFolder { folder in
            let path = try copy("pose_guider", to: folder)
            try #"{"case": "pose_guider", "config": {"conditioning_embedding_channels": 32}, "weights_from": {"": "\#(other)"}}"#
                .write(toFile: path, atomically: true, encoding: .utf8)
            let failure = #expect(throws: ModelError.self) { try CaseVerifier(engine: Interpreter()).verify(path: path) }
            #expect(failure?.description.contains("weights_from") == true)
        }
    }

    @Test(arguments: [
        ("{", "JSON"), (#"{"case": "pose_guider"}"#, "config"),
        (#"{"case": "pose_guider", "config": {}}"#, "conditioning_embedding_channels"),
        (#"{"case": "pose_guider", "config": {"conditioning_embedding_channels": "many"}}"#, "conditioning_embedding_channels"),
        (#"{"case": "pose_guider", "config": {"conditioning_embedding_channels": 48}}"#, "conv_out.weight"),
        (#"{"case": "denoising_unet", "config": {"block_out_channels": []}}"#, "block_out_channels"),
        (#"{"case": "denoising_unet", "config": {"block_out_channels": [32], "attention_head_dim": 5}}"#, "attention_head_dim"),
        (#"{"case": "taesdv", "config": {"channels": -1}}"#, "channels"),
        (#"{"case": "stream", "config": {"temporal_window_size": 0}}"#, "temporal_adaptive_step"),
    ])
    func saysWhatIsWrongWithACase(_ json: String, _ expected: String) throws {
        try withTemporaryFolder { folder in
            let path = try copy(json.contains("taesdv") ? "taesdv" : "pose_guider", to: folder)
            try json.write(toFile: path, atomically: true, encoding: .utf8)
            let failure = #expect(throws: ModelError.self) { try CaseVerifier(engine: Interpreter()).verify(path: path) }
            #expect(failure?.description.contains(expected) == true, "\(failure?.description ?? "")")
        }
    }

    private static let loopClaims =
        ["stream", "stream_warmup", "pipeline_lcm"].flatMap { name in
            [
                ("temporal_window_size", "4000000000000000000"), ("temporal_window_size", "1000"), ("temporal_window_size", "0"),
                ("temporal_window_size", "-1"), ("temporal_adaptive_step", "4000000000000000000"), ("temporal_adaptive_step", "0"),
            ].map { (name, $0, $1) }
        } + [
            ("stream", "num_inference_steps", "4000000000000000000"), ("stream_warmup", "num_inference_steps", "4000000000000000000"),
            ("pipeline_lcm", "steps", "[4000000000000000000]"), ("pipeline_lcm", "steps", "[0]"),
        ]

    /// What a file may claim that its tensors do not hold.
    @Test(arguments: loopClaims)
    func believesNoLoopItsSize(_ name: String, _ field: String, _ value: String) throws {
        try withTemporaryFolder { folder in
            for file in try FileManager.default.contentsOfDirectory(atPath: fixtures) where file != "\(name).json" {
                try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(file)", withDestinationPath: "\(fixtures)/\(file)")
            }
            let json = try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(name).json"))
            var whole = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
            var configuration = try #require(whole["config"] as? [String: Any])
            #expect(configuration[field] != nil)
            configuration[field] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
            whole["config"] = configuration
            let path = "\(folder)/\(name).json"
            try JSONSerialization.data(withJSONObject: whole).write(to: URL(fileURLWithPath: path))
            let failure = #expect(throws: ModelError.self) { try CaseVerifier(engine: Interpreter()).verify(path: path) }
            #expect(failure?.description.contains("expected") == true, "\(failure?.description ?? "")")
        }
    }

    @Test func refusesWeightsThatAreNotFinite() throws {
        try withTemporaryFolder { folder in
            // Not a number.
            let path = try copy("pose_guider", to: folder, replacing: "blocks.2.weight", with: 0x7E00)
            let failure = #expect(throws: CheckpointError.self) { try CaseVerifier(engine: Interpreter()).verify(path: path) }
            #expect(failure?.tensor == "weights/blocks.2.weight")
        }
    }
}
