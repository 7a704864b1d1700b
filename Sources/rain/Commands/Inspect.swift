import ArgumentParser
import RainCheckpoints

/// Lists what is in a checkpoint.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the tensors of a safetensors file.",
        discussion: """
            Shows every tensor's name, element type, shape and size, the totals and the file's metadata. The whole header is \
            checked against the file, so a damaged file is refused with the reason.

            Example: rain inspect model.safetensors --check
            """)

    @Argument(help: ArgumentHelp("The checkpoint.", valueName: "file.safetensors"))
    var file: String

    @Flag(help: "Also read every value, and fail if one is infinite or not a number.")
    var check = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    func run() throws {
        let checkpoint = try SafetensorsFile(path: file)
        let tensors = try checkpoint.names.map { name in
            let info = try checkpoint.info(name)
            return Report.Tensor(
                name: name, dtype: info.dtype.rawValue, shape: info.shape, elements: info.elementCount, bytes: info.byteCount)
        }
        if check { try checkpoint.requireFinite() }
        let report = Report(
            file: file, fileBytes: checkpoint.fileByteCount, elements: tensors.reduce(0) { $0 + $1.elements },
            bytes: tensors.reduce(0) { $0 + $1.bytes }, finite: check ? true : nil, metadata: checkpoint.metadata, tensors: tensors)
        if json {
            try Terminal.printJSON(report)
        } else {
            report.printTable()
        }
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
    var fileBytes: Int
    var elements: Int
    var bytes: Int
    var finite: Bool?
    var metadata: [String: String]
    var tensors: [Tensor]

    func printTable() {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            print("\(Terminal.harmless(key)): \(Terminal.harmless(value))")
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
        print("\(tensors.count) tensors, \(elements) elements, \(Terminal.bytes(bytes))\(ending)")
    }
}
