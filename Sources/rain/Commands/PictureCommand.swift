import ArgumentParser
import Foundation
import RainFiles
import RainMedia
import RainPictures

/// Shows pictures as Rain reads them.
struct PictureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "picture",
        abstract: "Shows pictures as Rain reads them: upright, in sRGB, with their transparency.",
        discussion: """
            A picture that looks wrong on stage was perhaps read wrong: this writes what Rain sees of it as PNG. Files that cannot be read \
            are named and why; the exit status is 1 if there were any.

            Example: rain picture photo.heic --output seen
            Example: rain picture *.tif --json
            """)

    @Argument(help: "Picture files.", completion: .file())
    var files: [String]

    @Option(
        help: ArgumentHelp("A folder for the PNG files, each named after its file; existing files are replaced.", valueName: "folder"),
        completion: .file())
    var output: String?

    @OptionGroup var result: ResultOptions

    func run() throws {
        if let output {
            do {
                try FileSystem.makeFolders(output)
            } catch {
                throw MediaError(
                    .unwritable, file: output, expected: "a folder that can be made", found: error.found, advice: "name another folder")
            }
        }
        var entries: [Entry] = []
        for file in files {
            var entry = Entry(file: file)
            do {
                let layer = try PictureReader.readLayer(file)
                (entry.width, entry.height) = (layer.width, layer.height)
                if let output { try PictureWriter.write(layer, to: "\(output)/\(URL(fileURLWithPath: file).lastPathComponent).png") }
            } catch let error as MediaError where error.file == file {
                entry.error = "\(error)"
            }
            if !result.json { Terminal.note(entry.error ?? "\(file): \(entry.width ?? 0)×\(entry.height ?? 0)") }
            entries.append(entry)
        }
        if result.json { try Terminal.printJSON(entries) }
        if entries.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }

    private struct Entry: Encodable {
        var file: String
        var width: Int?
        var height: Int?
        var error: String?
    }
}
