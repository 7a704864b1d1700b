internal import CFFmpeg

/// FFmpeg's libraries as they are found at run time.
public enum FFmpeg {
    /// The versions of the libraries Rain uses, e.g. `("libavcodec", "59.37.100")`.
    public static var libraryVersions: [(name: String, version: String)] {
        let libraries = [
            ("libavutil", RainLibraryUtil), ("libavcodec", RainLibraryCodec), ("libavformat", RainLibraryFormat),
            ("libswscale", RainLibraryScale), ("libswresample", RainLibraryResample), ("libavdevice", RainLibraryDevice),
        ]
        return libraries.map { name, library in
            let version = rain_library_version(library)
            return (name, "\(version >> 16).\(version >> 8 & 0xFF).\(version & 0xFF)")
        }
    }

    /// Whether this build of FFmpeg can encode with `name`, e.g. "libx264".
    public static func hasEncoder(_ name: String) -> Bool {
        rain_has_encoder(name) != 0
    }

    /// Whether this build of FFmpeg can open devices of a capture system, e.g. "v4l2".
    public static func hasDevices(_ system: String) -> Bool {
        rain_has_device_system(system) != 0
    }

    /// Whether this build of FFmpeg can write to a network protocol, e.g. "rtmp".
    static func hasOutput(protocol name: String) -> Bool { rain_has_output_protocol(name) != 0 }

    /// Whether this build of FFmpeg can write to devices of a system, e.g. "v4l2".
    static func hasOutput(device name: String) -> Bool { rain_has_output_device(name) != 0 }

    /// Silences FFmpeg's own chatter, once; its errors come back as codes.
    static let silenced: Void = rain_silence()

    /// FFmpeg's words for an error code.
    static func message(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            rain_error_text(code, buffer.baseAddress!, buffer.count)
            return String(cString: buffer.baseAddress!)
        }
    }

    /// Whether `code` means that the other end of a pipe is closed.
    static func isBrokenPipe(_ code: Int32) -> Bool {
        rain_error_errno(code) == brokenPipe
    }

    /// Whether `code` means that our own patience has ended.
    static func isInterrupted(_ code: Int32) -> Bool { code == rain_error_interrupted() }

    /// Whether `code` means that this build lacks the encoder.
    static func isEncoderMissing(_ code: Int32) -> Bool {
        code == rain_error_encoder_not_found()
    }
}
