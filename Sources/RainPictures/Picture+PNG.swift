import CCairo
public import Foundation
import RainFiles

extension Picture {
    /// The picture as a PNG file's bytes (8-bit RGB).
    ///
    /// - Throws: `PictureError.Code.size` for a side above `Canvas.largestSide`, `.drawing` if Cairo cannot encode it
    public func pngBytes() throws(PictureError) -> [UInt8] {
        guard width <= Canvas.largestSide, height <= Canvas.largestSide else {
            throw PictureError(
                .size, "a PNG picture has at most \(Canvas.largestSide) pixels a side, found \(width) × \(height); scale it down first")
        }
        let canvas = Canvas(self)
        var bytes: [UInt8] = []
        let status = canvas.withSurface { surface in
            withUnsafeMutablePointer(to: &bytes) { target in
                cairo_surface_write_to_png_stream(
                    surface,
                    { closure, data, count in
                        guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
                        closure.assumingMemoryBound(to: [UInt8].self).pointee
                            .append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
                        return CAIRO_STATUS_SUCCESS
                    }, target)
            }
        }
        guard status == CAIRO_STATUS_SUCCESS else {
            throw PictureError(.drawing, "could not encode a \(width) × \(height) picture as PNG: \(Canvas.reason(status))")
        }
        return bytes
    }

    /// Writes the picture as PNG, under a temporary name first and moved into place when it is complete.
    ///
    /// - Throws: `PictureError`; its file errors name the file and the reason
    public func writePNG(to file: URL) throws(PictureError) {
        let bytes = try pngBytes()
        do {
            try ReplacementFile.write(bytes, to: file.path)
        } catch {
            throw PictureError(.file, "could not write picture \(error)")
        }
    }
}
