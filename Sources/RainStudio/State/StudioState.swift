import Foundation
import RainFiles
import RainMedia
import RainPictures
import RainPose
import Synchronization

/// What the studio keeps: characters, sessions and their settings, in a folder of plain files.
///
/// ```
/// studio.json                          what there is, and what was on stage
/// characters/p0123456789ab.png         a picture as on stage: a square
/// characters/p0123456789ab.landmarks.json   its face, as every command finds it beside a picture
/// characters/p0123456789ab.upload.jpg  the picture as it came
/// ```
///
/// Every file is moved into place, and pictures are there before `studio.json` names them: whenever the program ends, and however, the
/// folder holds the last complete state. Changes come often, as sliders move; they are written some time later, all at once, by `save`.
final class StudioState: Sendable {
    /// How many characters are kept; those longest off stage go.
    static let mostCharacters = 24
    /// The largest `studio.json` that is read.
    private static let largestFile = 1 << 22

    let folder: String
    /// Whether it ends with the studio.
    let isTemporary: Bool
    /// Held as long as the studio runs; two of them would write over each other's state.
    private let lock: Mutex<FolderLock?>
    /// The folders that were made for it, outermost first.
    private let made: [String]

    private struct Contents {
        var state: KeptState
        /// Whether it differs from the file.
        var isChanged = false
        /// Characters whose files are being written.
        var arriving: Set<String> = []
    }
    private let contents: Mutex<Contents>

    /// Opens a state folder, or makes it.
    ///
    /// - Parameters:
    ///   - folder: nil for a temporary one, which goes with this value
    ///   - told: is given what is odd about it, for people
    /// - Throws: `StudioError` of code `failed` for a folder that cannot be made, `busy` for one that another studio uses
    init(folder: String?, told: (String) -> Void = { _ in }) throws(StudioError) {
        isTemporary = folder == nil
        self.folder = folder ?? FileManager.default.temporaryDirectory.appendingPathComponent("rain-studio-\(UUID().uuidString)").path
        let held: FolderLock?
        do throws(FileError) {
            made = try FileSystem.makeFolders(self.folder + "/characters")
            held = try FolderLock(self.folder)
        } catch {
            throw StudioError(
                .failed,
                "--state: expected a folder that can be written, found \(error.path): \(error.found); choose another, or --no-state")
        }
        guard let held else {
            throw StudioError(
                .busy,
                "--state: expected a folder for this studio alone, found \(self.folder), where another studio keeps its state; end that one, "
                    + "or choose another folder, or --no-state")
        }
        lock = Mutex(held)
        contents = Mutex(Contents(state: Self.read(self.folder, told: told)))
        removeOrphans()
    }

    deinit { close() }

    /// Takes back the folder of a studio that does not come to start, if it was made for it.
    func takeBack() {
        close()
        guard made.contains(folder) else { return }
        FileSystem.remove(folder + "/.lock")
        for folder in made.reversed() { FileSystem.removeFolder(folder) }
    }

    /// Lets the folder go, for the next studio; nothing is written any more.
    func close() {
        lock.withLock { $0 = nil }
        if isTemporary { try? FileManager.default.removeItem(atPath: folder) }
    }

    private static func file(_ folder: String) -> String { folder + "/studio.json" }

    /// What the folder's file says; what cannot be read is put aside, so that nothing is lost.
    private static func read(_ folder: String, told: (String) -> Void) -> KeptState {
        let file = file(folder)
        guard FileSystem.exists(file) else { return KeptState() }
        let bytes = try? FileSystem.read(file, upTo: largestFile + 1)
        if let bytes, bytes.count <= largestFile, let state = try? JSONDecoder().decode(KeptState.self, from: Data(bytes)),
            state.version == KeptState.version
        {
            var state = state
            state.characters = Array(state.characters.filter(\.isSound).prefix(mostCharacters))
            return state
        }
        var (aside, number) = (file + ".unreadable", 1)
        while FileSystem.exists(aside) {
            number += 1
            aside = file + ".unreadable-\(number)"
        }
        let isMoved = (try? FileSystem.move(file, to: aside)) != nil
        told("\(file): no state of this version of the studio, which begins anew" + (isMoved ? "; the file is now \(aside)" : ""))
        return KeptState()
    }

    // MARK: Characters

    var characters: [KeptCharacter] { contents.withLock { $0.state.characters } }

    func character(_ id: String) -> KeptCharacter? { characters.first { $0.id == id } }

    /// The id of a picture by the bytes of its file: that of the one whose square it is, or one of its own.
    static func id(of upload: [UInt8]) -> String {
        "p" + String(Checksum.sha256(upload).prefix(KeptCharacter.digits))
    }

    /// The id of a picture file, which may be a kept square itself.
    func id(of file: [UInt8]) -> String {
        let kept = characters.first { $0.seed == nil && FileSystem.size(square($0.id)) == file.count && (try? read(square($0.id))) == file }
        return kept?.id ?? Self.id(of: file)
    }

    /// Where the square of a picture is.
    func square(_ id: String) -> String { "\(folder)/characters/\(id).png" }

    private func landmarks(_ id: String) -> String { "\(folder)/characters/\(id).landmarks.json" }

    private func read(_ path: String) throws(FileError) -> [UInt8] { try FileSystem.read(path, upTo: PictureReader.maximumFileByteCount) }

    /// The file that was uploaded.
    ///
    /// - Throws: `StudioError` of code `notFound` for a character without one
    func upload(of id: String) throws(StudioError) -> [UInt8] {
        guard let name = character(id)?.upload, let bytes = try? read("\(folder)/characters/\(name)") else {
            throw StudioError(.notFound, "character \(id): there is no uploaded picture of it")
        }
        return bytes
    }

    /// Keeps a picture that goes on stage, or how it is placed now.
    ///
    /// - Parameters:
    ///   - upload: the picture as it came; nil where only its landmarks are other
    ///   - name: of the uploaded file
    /// - Throws: `StudioError` of code `failed` for a disk that takes no more
    func keep(_ reference: Reference, upload: [UInt8]? = nil, name: String = "") throws(StudioError) {
        guard reference.seed == nil else { return }
        let id = reference.id
        contents.withLock { _ = $0.arriving.insert(id) }
        defer { contents.withLock { _ = $0.arriving.remove(id) } }
        do {
            if let upload {
                let ending = Self.ending(of: name)
                let file = "\(id).upload" + ending
                try ReplacementFile.write(upload, to: "\(folder)/characters/\(file)")
                try ReplacementFile.write(PictureWriter.png(reference.picture), to: square(id))
                change { state in
                    let character = KeptCharacter(id: id, name: reference.name, upload: file, crop: reference.crop)
                    if let place = state.characters.firstIndex(where: { $0.id == id }) {
                        state.characters[place].upload = file
                        state.characters[place].crop = reference.crop
                    } else {
                        state.characters.insert(character, at: 0)
                    }
                }
            }
            let track = try LandmarkTrack(framesPerSecond: 1, frames: [reference.face], driver: .drawn)
            try ReplacementFile.write(track.json(), to: landmarks(id))
        } catch {
            throw StudioError(.failed, "the picture could not be kept: \(error); free some space, or start the studio with --no-state")
        }
    }

    /// The ending of an uploaded file's name, with its dot, where it is a plain one.
    private static func ending(of name: String) -> String {
        let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        let isPlain =
            name.contains(".") && (1...5).contains(ending.count) && ending.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return isPlain ? "." + ending : ""
    }

    /// A kept picture, ready for the stage.
    ///
    /// - Throws: `StudioError` of code `notFound` for one that is not kept, or whose files are gone
    func reference(_ character: KeptCharacter) throws(StudioError) -> Reference {
        do {
            let picture = try PictureReader.read(square(character.id), maximumPixels: ModelHost.maximumPixels)
            let face = try LandmarkFile(contentsOf: URL(fileURLWithPath: landmarks(character.id)))[0].face
            return Reference(
                picture: picture, landmarks: try face.checkedAsReference(), name: character.name, id: character.id, crop: character.crop)
        } catch {
            throw StudioError(.notFound, "character \(character.id): expected its picture in the state folder, found \(error)")
        }
    }

    /// Forgets a character.
    ///
    /// - Throws: `StudioError` of code `notFound`, or `conflict` for one that is on stage
    func remove(_ id: String) throws(StudioError) {
        let result = contents.withLock { contents -> Result<Void, StudioError> in
            guard contents.state.characters.contains(where: { $0.id == id }) else {
                return .failure(StudioError(.notFound, "character '\(id.prefix(40))': it is not among those that are kept"))
            }
            guard !contents.state.sessions.contains(where: { $0.character == id }) else {
                return .failure(StudioError(.conflict, "character \(id) is on stage; put another there first"))
            }
            contents.state.characters.removeAll { $0.id == id }
            contents.isChanged = true
            return .success(())
        }
        try result.get()
        // `studio.json` no longer names the files before they go.
        try? save()
        removeOrphans()
    }

    // MARK: Sessions

    var sessions: [KeptSession] { contents.withLock { $0.state.sessions } }

    /// Notes how a session is, and that its character is on stage: one that has just come there becomes the first.
    func note(_ session: KeptSession, _ reference: Reference, look: SettingsChange) {
        change { state in
            var isStaying = false
            if let place = state.sessions.firstIndex(where: { $0.id == session.id }) {
                isStaying = state.sessions[place].character == session.character
                state.sessions[place] = session
            } else {
                state.sessions.append(session)
            }
            let place = state.characters.firstIndex { $0.id == reference.id }
            var character = place.map { state.characters.remove(at: $0) } ?? KeptCharacter(id: reference.id, name: reference.name)
            character.look = look
            state.characters.insert(character, at: isStaying ? place ?? 0 : 0)
            let staged = Set(state.sessions.map(\.character))
            while state.characters.count > Self.mostCharacters,
                let last = state.characters.lastIndex(where: { !staged.contains($0.id) })
            {
                state.characters.remove(at: last)
            }
        }
    }

    func forget(session id: String) { change { $0.sessions.removeAll { $0.id == id } } }

    private func change(_ body: (inout KeptState) -> Void) {
        contents.withLock { contents in
            let before = contents.state
            body(&contents.state)
            if contents.state != before { contents.isChanged = true }
        }
    }

    // MARK: Files

    /// Writes what has changed.
    ///
    /// - Throws: `FileError`; what was there before stays, and the next call tries again
    func save() throws(FileError) {
        guard lock.withLock({ $0 != nil }) else { return }
        let state = contents.withLock { contents in
            defer { contents.isChanged = false }
            return contents.isChanged ? contents.state : nil
        }
        guard let state else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do throws(FileError) {
            guard let bytes = try? encoder.encode(state) else { return }
            try ReplacementFile.write([UInt8](bytes) + [0x0A], to: Self.file(folder))
        } catch {
            contents.withLock { $0.isChanged = true }
            throw error
        }
    }

    /// Removes files of characters that are not kept.
    private func removeOrphans() {
        let kept = contents.withLock { Set($0.state.characters.map(\.id)).union($0.arriving) }
        for name in (try? FileSystem.names(in: folder + "/characters")) ?? [] {
            let id = String(name.prefix { $0 != "." })
            if !kept.contains(id) { FileSystem.remove("\(folder)/characters/\(name)") }
        }
    }
}
