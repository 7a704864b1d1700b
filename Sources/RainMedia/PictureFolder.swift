import RainPictures

/// A folder of numbered PNG files.
final class PictureFolder: FrameOutput {
    private let path: String
    private let isNew: Bool
    private var count = 0

    init(_ path: String) throws {
        self.path = path
        guard !path.isEmpty else { throw Files.unwritable(path, "an empty path") }
        isNew = try Files.makeFolder(path)
        // Frames of an earlier, longer run would be taken for part of this one.
        guard try isNew || Files.names(in: path).isEmpty else {
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
        for index in 0..<count { Files.remove(name(index + 1)) }
        if isNew { Files.removeFolder(path) }
    }

    private func name(_ number: Int) -> String {
        let digits = String(number)
        let padding = String(repeating: "0", count: max(0, 6 - digits.count))
        return "\(path)\(path.hasSuffix("/") ? "" : "/")\(padding)\(digits).png"
    }
}
