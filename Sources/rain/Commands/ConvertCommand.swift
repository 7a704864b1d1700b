import ArgumentParser
import Foundation
import RainAnimation
import RainCheckpoints
import RainDetection
import RainFiles

/// Makes one file of a published model.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Makes one memory-mapped file of a model's folder, or of a single checkpoint.",
        discussion: """
            The source is the folder of a model (with model.json, or of the published layout), or a checkpoint of any format (.pth, .bin, \
            .safetensors).

            Out of a folder comes what 'rain animate --model file.safetensors' runs: the tensors that Rain uses, under the names of \
            Docs/ModelFormat.md, with the model's description in the metadata. Detectors (.onnx) are programs rather than tensors: put \
            them into the folder of the new file, where they are looked for. A single checkpoint keeps all of its tensors and their names.

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

    @Argument(help: ArgumentHelp("A model's folder, or a checkpoint.", valueName: "source"), completion: .file())
    var source: String

    @Argument(help: ArgumentHelp("Where the file goes; an existing one is replaced.", valueName: "file.safetensors"), completion: .file())
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
        var files = FileRoles(reading: [:], writing: ["<file.safetensors>": destination])
        if !FileSystem.isFolder(source) { files.read("<source>", source) }
        try files.check()
        let source = try Source(path: source)
        // Of a folder, what is read of it: the new file may well lie there.
        for file in source.files { files.read("<source>", file.file.path) }
        try files.check()
        let checksums = SourceChecksums(source.files)
        var (progress, converted): (ProgressLine?, Int) = (nil, 0)
        try CheckpointConverter.convert(
            source.tensors, to: destination, type: dtype?.elementType,
            metadata: source.metadata.merging(checksums.placeholders) { $1 }.merging(["format": "pt"]) { $1 },
            progress: { done, total in
                try Interrupt.check()
                var line = progress ?? ProgressLine("converting", unit: "MB", total: Self.megabytes(total))
                line.update(Self.megabytes(done))
                (progress, converted) = (line, done)
            }, reading: { try checksums.follow($0, to: $1) }, completing: { try checksums.finish() })
        progress?.finish(Self.megabytes(converted))
        let count = source.files.count
        Terminal.note("\(destination): \(source.tensors.count) tensors of \(count) \(count == 1 ? "file" : "files")\(source.note)")
    }

    /// What is converted.
    private struct Source {
        let tensors: [CheckpointConverter.Tensor]
        /// All files that are read, with the names under which the new file remembers them.
        let files: [(name: String, file: Checkpoint)]
        let metadata: [String: String]
        /// What to say in the end.
        let note: String

        init(path: String) throws {
            guard FileSystem.isFolder(path) else {
                let file = try Checkpoint(path: path)
                tensors = file.tensors()
                files = [(path.split(separator: "/").last.map(String.init) ?? path, file)]
                // So that a model in one file stays one.
                metadata = file.format == .safetensors ? file.metadata : [:]
                note = ""
                return
            }
            let model = try ModelFiles(path: path)
            tensors = try model.tensors()
            files = model.checkpoints
            metadata = try model.description()
            note = (try? DetectorFiles(folder: path)) == nil ? "" : "; the detectors (.onnx) stay files of their own: copy them beside it"
        }
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
