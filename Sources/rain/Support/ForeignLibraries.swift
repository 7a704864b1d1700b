import Glibc

/// What can be learnt at run time about libraries that are not, or not directly, linked.
enum ForeignLibraries {
    /// A graphics processor as its driver names it.
    struct GraphicsProcessor: Encodable {
        var name: String
        var memoryBytes: Int
    }

    /// Why no graphics processor can be used.
    enum GraphicsAbsence: Error {
        case noDriver
        case noDevice(code: Int32)
    }

    /// Cairo's version; looked up by name because only RainPictures sees Cairo's headers.
    static var cairoVersion: String? {
        typealias Version = @convention(c) () -> UnsafePointer<CChar>
        guard let symbol = dlsym(nil, "cairo_version_string") else { return nil }
        return String(cString: unsafeBitCast(symbol, to: Version.self)())
    }

    /// The NVIDIA graphics processors that the driver offers, asked through `libcuda.so.1` if it is there.
    static func graphicsProcessors() -> Result<[GraphicsProcessor], GraphicsAbsence> {
        guard let library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) else { return .failure(.noDriver) }
        typealias Initialize = @convention(c) (UInt32) -> Int32
        typealias Count = @convention(c) (UnsafeMutablePointer<Int32>) -> Int32
        typealias Name = @convention(c) (UnsafeMutablePointer<CChar>, Int32, Int32) -> Int32
        typealias Memory = @convention(c) (UnsafeMutablePointer<Int>, Int32) -> Int32
        guard let initialize = dlsym(library, "cuInit"), let count = dlsym(library, "cuDeviceGetCount"),
            let name = dlsym(library, "cuDeviceGetName"), let memory = dlsym(library, "cuDeviceTotalMem_v2")
        else { return .failure(.noDriver) }
        var devices: Int32 = 0
        var code = unsafeBitCast(initialize, to: Initialize.self)(0)
        if code == 0 { code = unsafeBitCast(count, to: Count.self)(&devices) }
        guard code == 0, devices > 0 else { return .failure(.noDevice(code: code)) }
        return .success(
            (0..<devices).map { device in
                var bytes = 0
                _ = unsafeBitCast(memory, to: Memory.self)(&bytes, device)
                let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                    buffer.initialize(repeating: 0)
                    _ = unsafeBitCast(name, to: Name.self)(buffer.baseAddress!, Int32(buffer.count), device)
                    return String(cString: buffer.baseAddress!)
                }
                return GraphicsProcessor(name: text, memoryBytes: bytes)
            })
    }
}
