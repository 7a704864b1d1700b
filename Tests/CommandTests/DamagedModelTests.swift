import Foundation
import RainAnimation
import RainCheckpoints
import RainTesting
import Testing

/// Models that are not whole are refused before anything is computed or written, with the reason.
@Suite struct DamagedModelTests {
    let workplace: Workplace

    init() throws { workplace = try Workplace.withTinyModel() }

    enum Damage: String, CaseIterable, Sendable {
        case wrongShape, missingTensor, surplusTensor, emptyWeights, weightsWithoutHeader, halfOfTheWeights, noWeights,
            weightsAreAFolder, emptyDescription, halfOfTheDescription, descriptionOfAnother

        /// What its one sentence must name.
        var words: [String] {
            switch self {
            case .wrongShape: ["denoising_unet.conv_in.weight", "[8, 4, 3, 3]", "[4, 8, 3, 3]"]
            case .missingTensor: ["denoising_unet.conv_in.weight"]
            case .surplusTensor: ["surplus.weight"]
            case .emptyWeights, .weightsWithoutHeader, .halfOfTheWeights, .noWeights, .weightsAreAFolder: ["tiny.safetensors"]
            case .emptyDescription, .halfOfTheDescription: ["model.json"]
            case .descriptionOfAnother: ["expected"]
            }
        }
    }

    private func inflict(_ damage: Damage) throws {
        let (weights, description) = ("tiny/tiny.safetensors", "tiny/model.json")
        switch damage {
        case .wrongShape: try rewrite { name, shape in if name == "denoising_unet.conv_in.weight" { shape = [4, 8, 3, 3] } }
        case .missingTensor: try rewrite(without: "denoising_unet.conv_in.weight") { _, _ in }
        case .surplusTensor: try rewrite(with: "surplus.weight") { _, _ in }
        case .emptyWeights: try workplace.write(weights, [])
        case .weightsWithoutHeader: try workplace.write(weights, Array(workplace.bytes(weights).prefix(5)))
        case .halfOfTheWeights:
            let bytes = try workplace.bytes(weights)
            try workplace.write(weights, Array(bytes.prefix(bytes.count / 2)))
        case .noWeights, .weightsAreAFolder:
            try FileManager.default.removeItem(atPath: workplace.path + "/" + weights)
            guard damage == .weightsAreAFolder else { return }
            try FileManager.default.createDirectory(atPath: workplace.path + "/" + weights, withIntermediateDirectories: false)
        case .emptyDescription: try workplace.write(description, [])
        case .halfOfTheDescription:
            let bytes = try workplace.bytes(description)
            try workplace.write(description, Array(bytes.prefix(bytes.count / 2)))
        case .descriptionOfAnother:
            var other = TinyModel.configuration
            other.latentChannels = 5
            try workplace.write(description, other.json())
        }
    }

    /// Replaces the weights by changed ones.
    private func rewrite(
        without dropped: String? = nil, with added: String? = nil,
        _ change: (_ name: String, _ shape: inout [Int]) -> Void
    ) throws {
        let path = workplace.path + "/tiny/tiny.safetensors"
        let file = try Checkpoint(path: path)
        var tensors: [SafetensorsWriter.Tensor] = []
        for name in file.names where name != dropped {
            var shape = try file.info(name).shape
            change(name, &shape)
            tensors.append((name, shape, .float16, try file.floats(name)))
        }
        if let added { tensors.append((added, [1], .float16, [1])) }
        try SafetensorsWriter.write(to: path, tensors: tensors)
    }

    @Test(arguments: Damage.allCases, ["animate", "evaluate"])
    func isRefused(_ damage: Damage, by command: String) throws {
        try inflict(damage)
        let before = try workplace.contents
        let arguments =
            command == "animate"
            ? ["--reference", "hero.png", "--driving", "motion.json", "--output", "o.mp4"] : ["--characters", "1", "--frames", "4"]
        let outcome = try workplace.run([command, "--model", "tiny", "--threads", "1"] + arguments)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty && outcome.errorLines.count == 1, "\(outcome.errors)")
        for word in damage.words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }
}
