import Glibc

/// What all writing to open files comes down to.
package enum Descriptor {
    /// Writes all of `bytes`, however slowly they are taken; the error's number if that fails.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let written = Glibc.write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
                if written < 0 {
                    if errno == EINTR { continue }
                    if errno == EAGAIN {
                        // The other end of a non-blocking pipe is slow: wait for it.
                        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        _ = poll(&waiting, 1, -1)
                        continue
                    }
                    return errno
                }
                offset += written
            }
            return nil
        }
    }
}

/// The system's own words for an error number.
package func systemMessage(_ number: Int32) -> String {
    String(cString: strerror(number))
}
