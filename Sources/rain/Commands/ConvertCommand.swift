import ArgumentParser
import Foundation
import RainCheckpoints
import RainFiles
import RainMedia
import RainModels

/// Makes one file of a published model.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Makes one memory-mapped file of a published model, or of a single checkpoint.",
        discussion: """
            The source is a checkpoint of any format (.pth, .bin, .safetensors), or a folder of the published layout \
            (reference_unet.pth, motion_unet.pth, pose_guider.pth, taesdv.pth, sd-vae-ft-mse/, image_encoder/). Out of a folder, names \
            are prefixed by their part, as in "motion_unet.conv_in.weight", and the small files that describe the parts are kept in the \
            metadata, as "file.<name>". Detectors (.onnx) are programs rather than tensors and stay files of their own.

            The metadata holds the SHA-256 of every source file, as "sha256.<name>": what the place of a download shows for it.

            Example: rain convert downloads/RAIN rain.safetensors --dtype fp16
            """)

    /// What floating-point tensors are stored as.
    enum StoredType: String, ExpressibleByArgument, CaseIterable {
        case fp32, fp16, bf16

        var elementType: ElementType {
            switch self {
            case .fp32: .float32
            case .fp16: .float16
            case .bf16: .bfloat16
            }
        }
    }

    @Argument(help: ArgumentHelp("A checkpoint, or a folder of the published layout.", valueName: "source"))
    var source: String

    @Argument(help: ArgumentHelp("Where the file goes.", valueName: "file.safetensors"))
    var destination: String

    @Option(help: "How floating-point numbers are stored: fp32, fp16 or bf16; by default as they are.")
    var dtype: StoredType?

    func validate() throws {
        guard destination.lowercased().hasSuffix(".safetensors") else {
            throw ValidationError("expected a destination ending in .safetensors, found '\(destination)'")
        }
    }

    func run() throws {
        Interrupt.install()
        // Found out before the work, not after it.
        _ = try ReplacementFile(path: destination)
        let (sources, metadata) = try gathered()
        var checksums = ProgressLine("checksums", unit: "MB", total: Self.megabytes(sources.reduce(0) { $0 + $1.checkpoint.fileByteCount }))
        var all = metadata
        all["format"] = "pt"
        var hashed = 0
        for (name, _, checkpoint) in sources {
            all["sha256.\(name)"] = try Self.checksum(checkpoint) { bytes in
                hashed += bytes
                checksums.update(Self.megabytes(hashed))
            }
        }
        checksums.finish(Self.megabytes(hashed))
        var (progress, converted): (ProgressLine?, Int) = (nil, 0)
        try CheckpointConverter.convert(
            sources.map { ($0.prefix, $0.checkpoint) }, to: destination, type: dtype?.elementType, metadata: all
        ) { done, total in
            try Interrupt.check()
            var line = progress ?? ProgressLine("converting", unit: "MB", total: Self.megabytes(total))
            line.update(Self.megabytes(done))
            (progress, converted) = (line, done)
        }
        progress?.finish(Self.megabytes(converted))
        Terminal.note("\(destination): \(try Checkpoint(path: destination).names.count) tensors of \(sources.count) files")
    }

    private typealias Source = (name: String, prefix: String, checkpoint: Checkpoint)

    private func gathered() throws -> (sources: [Source], metadata: [String: String]) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder), isFolder.boolValue else {
            return ([(source.split(separator: "/").last.map(String.init) ?? source, "", try Checkpoint(path: source))], [:])
        }
        func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(source)/\(name)") }
        let parts = PublishedConfiguration.Part.allCases.map { (part: $0, names: Self.names(of: $0)) }
        let missing = parts.filter { !$0.names.contains(where: exists) }
        guard missing.isEmpty else {
            throw ModelError(
                .checkpoint, at: source,
                "expected a checkpoint or the files of a published model, found \(parts.count - missing.count) of \(parts.count) files; "
                    + "missing are " + missing.map { $0.names.joined(separator: " or ") }.joined(separator: ", "))
        }
        let sources = try parts.compactMap { part, names -> Source? in
            try names.first(where: exists).map { ($0, part.rawValue + ".", try Checkpoint(path: "\(source)/\($0)")) }
        }
        var metadata: [String: String] = [:]
        for name in Self.descriptions where exists(name) { metadata["file.\(name)"] = try Self.text("\(source)/\(name)") }
        return (sources, metadata)
    }

    /// What the checkpoint of a part may be called, the published name first.
    private static func names(of part: PublishedConfiguration.Part) -> [String] {
        let others =
            switch part {
            case .referenceUNet, .motionUNet, .poseGuider, .taesdv: part.rawValue + ".safetensors"
            case .autoencoder: part.rawValue + "/diffusion_pytorch_model.bin"
            case .imageEncoder: part.rawValue + "/model.safetensors"
            }
        return [PublishedConfiguration.weightsFile(of: part), others]
    }

    private static let descriptions = ["unet.json", "sd-vae-ft-mse/config.json", "image_encoder/config.json", "rain_morpher.yaml"]

    private static func text(_ path: String) throws -> String {
        let limit = 1 << 20
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        guard size <= limit, let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8) else {
            throw CheckpointError(
                .unreadable, file: path, expected: "a text of at most \(limit) bytes", found: "\(size) bytes or something else",
                advice: "check that this is the file of the published model")
        }
        return text
    }

    private static func checksum(_ checkpoint: Checkpoint, progress: (Int) -> Void) throws -> String {
        let checksum = Checksum()
        let piece = 16 << 20
        for start in stride(from: 0, to: checkpoint.fileByteCount, by: piece) {
            try Interrupt.check()
            let range = start..<min(start + piece, checkpoint.fileByteCount)
            checkpoint.withFileBytes(range) { checksum.update($0) }
            checkpoint.release(range)
            progress(range.count)
        }
        return checksum.finish()
    }

    private static func megabytes(_ bytes: Int) -> Int { bytes / 1_000_000 }
}

extension Interrupt {
    /// Ends what cannot be left half done.
    static func check() throws {
        if requested { throw Interrupted() }
    }

    struct Interrupted: Error, CustomStringConvertible {
        var description: String { "interrupted; nothing was written" }
    }
}
