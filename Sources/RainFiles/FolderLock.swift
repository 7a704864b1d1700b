import Glibc

/// Holds a folder for one writer, among all programs of the machine, until it is dropped or its program ends, however that ends.
///
/// The lock is the system's, on a file `.lock` in the folder, which stays: to remove it would let two writers hold two files of this name.
public final class FolderLock {
    private let descriptor: Int32

    /// - Returns: nil if another holds it
    /// - Throws: `FileError` if the file cannot be made
    public init?(_ folder: String) throws(FileError) {
        let path = folder + "/.lock"
        descriptor = open(path.systemPath, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError(path: path, found: systemMessage(errno)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let failure = errno
            // A class that fails in its initialiser after all properties are set is deinitialised.
            if failure == EWOULDBLOCK { return nil }
            throw FileError(path: path, found: systemMessage(failure))
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
