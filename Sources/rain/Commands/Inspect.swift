import ArgumentParser
import RainAnimation
import RainCheckpoints
import RainGraph
import RainNetworks
import RainONNX

/// Lists what is in a checkpoint, or what a model computes.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists what is in a checkpoint or an ONNX file, or the program of a model.",
        discussion: """
            Shows every tensor's name, element type, shape and size, the totals and what the file says beside. Reads safetensors and \
            PyTorch's .pth, .pt and .bin, whatever the file is called. Everything that is said about the tensors is checked against the \
            file, so a damaged file is refused with the reason. Nothing in a PyTorch file is ever run: what would be more than tensors \
            and plain containers is refused by its name.

            Of an ONNX file it shows inputs, outputs, operators with their counts, weights and operator sets; with --check also whether \
            Rain can run it.

            With --program it prints instead what a step of the stream computes: every operation with its shapes, stage by stage, as \
            the engine runs it. That of rain-mini, of the model named, or of an ONNX file.

            Example: rain inspect model.safetensors --check
            Example: rain inspect motion_unet.pth
            Example: rain inspect --program --window 1x4
            """)

    @Argument(help: ArgumentHelp("The checkpoint or network, or with --program a model.", valueName: "file"), completion: .file())
    var file: String?

    @Flag(help: "Print the program of a model instead.")
    var program = false

    @Option(help: ArgumentHelp("With --program: frames per group × noise levels; the model's own otherwise.", valueName: "4x4"))
    var window: String?

    @Flag(help: "Also read every value, and fail if one is infinite or not a number; of a network, translate it.")
    var check = false

    @OptionGroup var result: ResultOptions

    func validate() throws {
        if !program {
            if file == nil { throw ValidationError("expected a checkpoint (safetensors or PyTorch), or --program") }
            if window != nil { throw ValidationError("--window: only with --program") }
        } else if check || result.json {
            throw ValidationError("--check and --json: not with --program")
        } else if let window {
            _ = try usage { try StreamSchedule(window: window) }
        }
    }

    func run() throws {
        if program { return try printProgram() }
        guard let file else { return }
        if file.hasSuffix(".onnx") { return try printNetwork(file) }
        let checkpoint = try Checkpoint(path: file)
        let tensors = try checkpoint.names.map { name in
            let info = try checkpoint.info(name)
            return Report.Tensor(
                name: name, dtype: info.dtype.rawValue, shape: info.shape, elements: info.elementCount, bytes: info.byteCount)
        }
        if check { try checkpoint.requireFinite() }
        let report = Report(
            file: file, format: checkpoint.format.rawValue, fileBytes: checkpoint.fileByteCount,
            elements: tensors.reduce(0) { $0 + $1.elements },
            bytes: tensors.reduce(0) { $0 + $1.bytes }, finite: check ? true : nil, metadata: checkpoint.metadata, tensors: tensors)
        if result.json {
            try Terminal.printJSON(report)
        } else {
            report.printTable()
        }
    }
}

extension Inspect {
    private func printProgram() throws {
        if let file, file.hasSuffix(".onnx") {
            return print(try Program(ONNXModel(path: file).network().graph).dump())
        }
        let model = try file.map { try AnimationModel(path: $0) } ?? AnimationModel.embedded()
        let own = model.configuration.window
        let schedule =
            try window.map { try StreamSchedule(window: $0) }
            ?? StreamSchedule(framesPerGroup: own.framesPerGroup, levels: own.levels)
        print(try ModelPrograms(model.configuration).step(schedule).dump())
    }
}

/// What `rain inspect` tells; the keys of its JSON.
private struct Report: Encodable {
    struct Tensor: Encodable {
        var name: String
        var dtype: String
        var shape: [Int]
        var elements: Int
        var bytes: Int
    }

    var file: String
    var format: String
    var fileBytes: Int
    var elements: Int
    var bytes: Int
    var finite: Bool?
    var metadata: [String: String]
    var tensors: [Tensor]

    func printTable() {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            // Descriptions of models are long; --json has them whole.
            let shown = value.utf8.count > 500 ? "\(value.utf8.count) bytes" : value
            print("\(Terminal.harmless(key)): \(Terminal.harmless(shown))")
        }
        if !metadata.isEmpty { print() }
        let rows = tensors.map { tensor in
            [
                Terminal.harmless(tensor.name), tensor.dtype, "[\(tensor.shape.map(String.init).joined(separator: ", "))]",
                Terminal.bytes(tensor.bytes),
            ]
        }
        if !rows.isEmpty { print(Terminal.table(rows, rightAligned: [3]), terminator: "\n\n") }
        let ending = finite == true ? ", all finite" : ""
        print("\(format): \(tensors.count) tensors, \(elements) elements, \(Terminal.bytes(bytes))\(ending)")
    }
}
