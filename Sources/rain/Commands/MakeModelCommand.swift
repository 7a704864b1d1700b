import ArgumentParser
import Foundation
import RainCheckpoints
import RainDetection
import RainModels

/// Writes a model of the published layout that has learnt nothing.
struct MakeModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-model",
        abstract: "Writes a folder of exactly the published layout with random weights.",
        discussion: """
            For tests, for measuring speed and memory, and for trying the commands without the download: every file, name, shape and \
            type is as the authors' files have it, but the model has learnt nothing, so its pictures are noise. The same seed \
            always gives the same files. The published size takes 10 GB, half with --dtype fp16. The detectors (yolox_s.onnx, \
            dw-ll_ucoco_384.onnx) are among the files, as large and of the same operators as the published ones; they find \
            nobody, and points anywhere in the picture.

            --config names a size: "published", "tiny" (17 MB) or a JSON file with any of the keys unet, pose_guider, \
            taesdv_channels, autoencoder, image_encoder, scheduler, size, frames_per_group, levels, steps and guidance_scale.

            Example: rain make-model --config published --seed 1 --dtype fp16 random-rain
            """)

    @Option(help: ArgumentHelp("How large: published, tiny, or a JSON file.", valueName: "size"), completion: .file())
    var config: String

    @Option(help: "Which model: 0 or any larger number.")
    var seed: UInt64

    @Option(help: "How numbers are stored: fp32, fp16 or bf16.")
    var dtype = ConvertCommand.StoredType.fp32

    @Argument(help: ArgumentHelp("Where the files go; made if need be.", valueName: "folder"), completion: .directory)
    var folder: String

    func run() throws {
        Interrupt.install()
        let configuration = try PublishedConfiguration(described: config)
        var (progress, written): (ProgressLine?, Int) = (nil, 0)
        try configuration.writeRandomModel(to: folder, seed: seed, type: dtype.elementType, others: detectors) { done, total in
            try Interrupt.check()
            var line = progress ?? ProgressLine("writing", unit: "MB", total: total / 1_000_000)
            line.update(done / 1_000_000)
            (progress, written) = (line, done)
        }
        progress?.finish(written / 1_000_000)
        Terminal.note("\(folder): a random model of the published layout")
    }

    /// The two networks that find landmarks, at the published size or as small as they can be.
    private var detectors: [(name: String, write: (_ path: String) throws -> Void)] {
        let isTiny = config == "tiny"
        let detector = isTiny ? YOLOXNetwork(depth: 0.33, width: 0.125, size: 64) : .small
        let estimator = isTiny ? DWPoseNetwork(depth: 0.2, channelFactor: 0.0625, width: 64, height: 64) : .large
        let weights = RandomWeights(seed: seed)
        return [
            ("yolox_s.onnx", { try detector.write(to: $0) { weights.values($0, $1, in: "yolox") } }),
            ("dw-ll_ucoco_384.onnx", { try estimator.write(to: $0) { weights.values($0, $1, in: "dwpose") } }),
        ]
    }
}
