import RainFiles
import RainPictures

/// A folder of numbered PNG files.
final class PictureFolder: FrameOutput {
    private let path: String
    private let isNew: Bool
    private var count = 0

    init(_ path: String) throws {
        self.path = path
        guard !path.isEmpty else { throw Files.unwritable(path, "an empty path") }
        let isEmpty: Bool
        do {
            isNew = try FileSystem.makeFolder(path)
            isEmpty = try FileSystem.names(in: path).isEmpty
        } catch {
            throw Files.unwritable(path, error.found)
        }
        // Frames of an earlier, longer run would be taken for part of this one.
        guard isEmpty else {
            throw MediaError(
                .unwritable, file: path, expected: "a new or empty folder", found: "a folder with files in it",
                advice: "name another folder, or empty it")
        }
    }

    func write(_ picture: Picture) throws {
        try PictureWriter.write(picture, to: name(count + 1))
        count += 1
    }

    func finish() throws {}

    func abandon() {
        for index in 0..<count { FileSystem.remove(name(index + 1)) }
        if isNew { FileSystem.removeFolder(path) }
    }

    private func name(_ number: Int) -> String {
        let digits = String(number)
        let padding = String(repeating: "0", count: max(0, 6 - digits.count))
        return "\(path)\(path.hasSuffix("/") ? "" : "/")\(padding)\(digits).png"
    }
}
