import ArgumentParser
import Foundation
import Glibc
import RainFiles

/// What a command reads and writes, by the options that name it.
///
/// Commands check it before they write anything: an output that is one of the inputs would destroy it, and of two outputs in one file only
/// one would be left. Files are the same by device and inode, so links are followed.
struct FileRoles {
    private typealias Named = (option: String, path: String)

    private var inputs: [Named] = []
    private var outputs: [Named] = []

    /// - Parameters:
    ///   - inputs: files, folders of pictures, models' folders; `nil` for what is not given
    ///   - outputs: the same; what is no file (a server, a pipe) is passed over
    init(reading inputs: KeyValuePairs<String, String?>, writing outputs: KeyValuePairs<String, String?>) {
        for (option, path) in inputs { read(option, path) }
        for (option, path) in outputs { write(option, path) }
    }

    mutating func read(_ option: String, _ path: String?) {
        if let path { inputs.append((option, path)) }
    }

    mutating func write(_ option: String, _ path: String?) {
        if let path { outputs.append((option, path)) }
    }

    /// The files among face parameters, as `--retarget` names them.
    mutating func readParameters(_ text: String?) {
        guard let text else { return }
        read("--retarget", text)
        for part in text.split(separator: ",") { read("--retarget", part.trimmingCharacters(in: .whitespaces)) }
    }

    /// - Throws: `ValidationError` naming both options and the file
    func check() throws {
        var written: [File: Named] = [:]
        for output in outputs {
            guard let file = File(output.path) else { continue }
            if let input = inputs.first(where: { Self.holds($0.path, file) }) {
                let other = input.path == output.path ? "the same file" : "a file that is read as \(input.path)"
                throw ValidationError(
                    "\(output.option): expected a file that \(input.option) does not read, found '\(output.path)', \(other); choose another "
                        + "name, since an existing file is replaced")
            }
            if let other = written[file] {
                let both = other.option == output.option ? "is named twice" : "is what \(other.option) writes"
                throw ValidationError(
                    "\(output.option): expected a file of its own, found '\(output.path)', which \(both); choose another name")
            }
            written[file] = output
        }
    }

    /// Whether an input is a file, or a folder from which it is read.
    private static func holds(_ input: String, _ file: File) -> Bool {
        guard let place = File(input), place.exists else { return false }
        if place == file { return true }
        return place.isFolder && file.exists && isIn(input, file)
    }

    /// Whether a file lies in a folder, or a folder in that, as one that is read; links to other folders are not followed.
    private static func isIn(_ folder: String, _ file: File) -> Bool {
        ((try? FileSystem.names(in: folder)) ?? []).contains { name in
            let path = "\(folder)/\(name)"
            return isReadInFolders(name) && File(path) == file || FileSystem.isRealFolder(path) && isIn(path, file)
        }
    }

    /// Whether a file of this name is read where its folder is an input: pictures, weights, networks and what describes them.
    private static func isReadInFolders(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["model.json", "config.json"].contains(name) || readEndings.contains(URL(fileURLWithPath: name).pathExtension)
    }

    private static let readEndings: Set = [
        "png", "jpg", "jpeg", "webp", "bmp", "pth", "pt", "bin", "ckpt", "safetensors", "onnx", "tflite", "yaml",
    ]
}

/// A regular file or a folder as the system knows it; or the place for one that is not there yet.
private struct File: Hashable {
    private var device: UInt64
    private var inode: UInt64
    /// The name within the folder, for what is not there yet.
    private var name: String?
    private(set) var isFolder: Bool

    var exists: Bool { name == nil }

    /// - Returns: `nil` for what is neither: devices, pipes, servers, and what is in no folder
    init?(_ path: String) {
        var status = stat()
        if stat(path.systemPath, &status) == 0 {
            isFolder = status.st_mode & S_IFMT == S_IFDIR
            guard isFolder || status.st_mode & S_IFMT == S_IFREG else { return nil }
        } else {
            let parts = path.split(separator: "/")
            guard let last = parts.last else { return nil }
            let folder = (path.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
            guard stat(folder.systemPath, &status) == 0 else { return nil }
            (name, isFolder) = (String(last), false)
        }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
