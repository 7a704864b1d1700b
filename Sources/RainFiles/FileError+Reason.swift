import Foundation

extension FileError {
    /// Why a file could not be read or written, in the system's own words: Foundation's say that an operation could not be completed.
    ///
    /// - Parameter error: of Foundation, with what the system said inside
    public static func reason(_ error: any Error) -> String {
        var inner = error as NSError
        while let next = inner.userInfo[NSUnderlyingErrorKey] as? NSError { inner = next }
        if inner.domain == NSPOSIXErrorDomain, let number = Int32(exactly: inner.code) { return String(cString: strerror(number)) }
        switch CocoaError.Code(rawValue: inner.code) {
        case .fileNoSuchFile, .fileReadNoSuchFile: return String(cString: strerror(ENOENT))
        case .fileReadNoPermission, .fileWriteNoPermission: return String(cString: strerror(EACCES))
        case .fileWriteOutOfSpace: return String(cString: strerror(ENOSPC))
        case .fileWriteFileExists: return String(cString: strerror(EEXIST))
        default: return "an error of the system"
        }
    }
}
