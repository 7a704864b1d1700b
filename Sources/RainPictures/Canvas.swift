import CCairo

/// A drawing surface over Cairo that ends as a `Picture`; the only unsafe code of this module besides the PNG encoder.
///
/// It owns its surface and context and frees both. It is not shared between threads; different canvases may be drawn on
/// different threads at once. Numbers that are not finite are our own mistakes: Cairo would silently draw nothing more.
public struct Canvas: ~Copyable {
    public enum LineCap: Sendable { case butt, round }

    /// Where a label sits relative to its point.
    public enum Anchor: Sendable { case left, center, right }

    /// The largest side Cairo's image surfaces allow.
    public static let largestSide = 32_767

    public let width: Int
    public let height: Int
    private let surface: OpaquePointer
    let context: OpaquePointer

    /// A canvas of one colour; sides lie in 1…`largestSide`.
    public init(width: Int, height: Int, background: Color = .black) {
        self.init(width, height, CAIRO_FORMAT_RGB24)
        if background != .black {
            setSource(background)
            cairo_paint(context)
        }
    }

    /// An empty canvas whose drawing ends as a layer; sides lie in 1…`largestSide`.
    public init(transparentWidth width: Int, height: Int) {
        self.init(width, height, CAIRO_FORMAT_ARGB32)
    }

    private init(_ width: Int, _ height: Int, _ format: cairo_format_t) {
        precondition(
            (1...Canvas.largestSide).contains(width) && (1...Canvas.largestSide).contains(height),
            "a canvas side lies in 1…\(Canvas.largestSide), found \(width) × \(height)")
        self.width = width
        self.height = height
        // Cairo answers failure with an inert object and a status, never with a null pointer.
        guard let surface = cairo_image_surface_create(format, Int32(width), Int32(height)),
            let context = cairo_create(surface)
        else { preconditionFailure("Cairo returned no surface for \(width) × \(height)") }
        precondition(cairo_status(context) == CAIRO_STATUS_SUCCESS, "Cairo has no memory for \(width) × \(height)")
        self.surface = surface
        self.context = context
    }

    /// A canvas that begins with a picture.
    public init(_ picture: Picture) {
        self.init(width: picture.width, height: picture.height)
        draw(picture, x: 0, y: 0)
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    // MARK: Shapes

    /// Fills a path (non-zero winding), anti-aliased.
    public mutating func fill(_ path: Path, _ color: Color, opacity: Double = 1) {
        trace(path)
        setSource(color, opacity)
        cairo_fill(context)
    }

    /// Fills a path with colours that change linearly between two points; positions of the stops lie in 0…1.
    public mutating func fill(_ path: Path, from: Point, to: Point, stops: [(position: Double, color: Color)]) {
        let pattern = cairo_pattern_create_linear(from.x, from.y, to.x, to.y)
        defer { cairo_pattern_destroy(pattern) }
        for stop in stops {
            cairo_pattern_add_color_stop_rgb(pattern, stop.position, stop.color.red, stop.color.green, stop.color.blue)
        }
        trace(path)
        cairo_set_source(context, pattern)
        cairo_fill(context)
    }

    /// Draws along a path; `width` is in units of the current transform (pixels at first).
    public mutating func stroke(_ path: Path, _ color: Color, width: Double, cap: LineCap = .round, opacity: Double = 1) {
        trace(path)
        setSource(color, opacity)
        cairo_set_line_width(context, width)
        cairo_set_line_cap(context, cap == .round ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT)
        cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
        cairo_stroke(context)
    }

    // MARK: State

    /// Draws what `body` draws, but only inside `path`.
    public mutating func clipped(to path: Path, _ body: (inout Canvas) throws -> Void) rethrows {
        cairo_save(context)
        defer { cairo_restore(context) }
        trace(path)
        cairo_clip(context)
        try body(&self)
    }

    /// Draws what `body` draws, mapped by `transform` (and by those around it).
    public mutating func transformed(by transform: Transform, _ body: (inout Canvas) throws -> Void) rethrows {
        cairo_save(context)
        defer { cairo_restore(context) }
        var matrix = cairo_matrix_t(
            xx: transform.xx, yx: transform.yx, xy: transform.xy, yy: transform.yy, x0: transform.x0, y0: transform.y0)
        cairo_transform(context, &matrix)
        try body(&self)
    }

    /// Draws what `body` draws, but only where something was drawn before, and keeping its transparency.
    public mutating func atop(_ body: (inout Canvas) throws -> Void) rethrows {
        cairo_save(context)
        defer { cairo_restore(context) }
        cairo_set_operator(context, CAIRO_OPERATOR_ATOP)
        try body(&self)
    }

    // MARK: Text and pictures

    /// Writes one line of text in the system's sans-serif face; `at` lies on its base line, `size` is the em in pixels.
    ///
    /// For labels only: what it looks like depends on the fonts installed.
    public mutating func text(_ text: String, at: Point, size: Double, color: Color, anchor: Anchor = .left) {
        cairo_select_font_face(context, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(context, size)
        let shift: Double =
            switch anchor {
            case .left: 0
            case .center: -advance(text) / 2
            case .right: -advance(text)
            }
        setSource(color)
        cairo_move_to(context, at.x + shift, at.y)
        cairo_show_text(context, Canvas.printable(text))
        cairo_new_path(context)
    }

    /// How far `text` of `size` pixels moves the pen, in pixels.
    public mutating func textWidth(_ text: String, size: Double) -> Double {
        cairo_select_font_face(context, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(context, size)
        return advance(text)
    }

    /// Copies a picture in, pixel for pixel, each pixel enlarged to `scale` × `scale`; what lies outside is cut off.
    ///
    /// Neither transforms nor clips apply.
    public mutating func draw(_ picture: Picture, x: Int, y: Int, scale: Int = 1) {
        precondition(scale > 0, "a picture is enlarged by a positive factor")
        withPixels { pixels, stride in
            for row in max(0, y)..<max(max(0, y), min(height, y + picture.height * scale)) {
                let source = (row - y) / scale * picture.width
                for column in max(0, x)..<max(max(0, x), min(width, x + picture.width * scale)) {
                    let from = (source + (column - x) / scale) * 3
                    pixels[row * stride + column] =
                        UInt32(picture.bytes[from]) << 16 | UInt32(picture.bytes[from + 1]) << 8
                        | UInt32(picture.bytes[from + 2])
                }
            }
        }
    }

    /// What has been drawn so far.
    public func picture() -> Picture {
        precondition(cairo_status(context) == CAIRO_STATUS_SUCCESS, "Cairo stopped: \(Canvas.reason(cairo_status(context)))")
        let bytes = withPixels { pixels, stride in
            [UInt8](unsafeUninitializedCapacity: width * height * 3) { bytes, count in
                var at = 0
                for row in 0..<height {
                    for column in 0..<width {
                        let pixel = pixels[row * stride + column]
                        bytes[at] = UInt8(truncatingIfNeeded: pixel >> 16)
                        bytes[at + 1] = UInt8(truncatingIfNeeded: pixel >> 8)
                        bytes[at + 2] = UInt8(truncatingIfNeeded: pixel)
                        at += 3
                    }
                }
                count = at
            }
        }
        return Picture(width: width, height: height, bytes: bytes)
    }

    /// What has been drawn so far, with its transparency.
    public func layer() -> LayerPicture {
        precondition(cairo_status(context) == CAIRO_STATUS_SUCCESS, "Cairo stopped: \(Canvas.reason(cairo_status(context)))")
        let isOpaque = cairo_image_surface_get_format(surface) == CAIRO_FORMAT_RGB24
        let bytes = withPixels { pixels, stride in
            [UInt8](unsafeUninitializedCapacity: width * height * 4) { bytes, count in
                let words = UnsafeMutableRawBufferPointer(bytes)
                for row in 0..<height {
                    for column in 0..<width {
                        let pixel = pixels[row * stride + column] | (isOpaque ? 0xFF00_0000 : 0)
                        let rgba = pixel & 0xFF00_FF00 | (pixel >> 16) & 0xFF | (pixel & 0xFF) << 16
                        words.storeBytes(of: rgba.littleEndian, toByteOffset: (row * width + column) * 4, as: UInt32.self)
                    }
                }
                count = width * height * 4
            }
        }
        return LayerPicture(width: width, height: height, bytes: bytes)
    }

    // MARK: Cairo

    static func reason(_ status: cairo_status_t) -> String {
        cairo_status_to_string(status).map { String(cString: $0) } ?? "status \(status.rawValue)"
    }

    /// The surface, for the PNG encoder.
    func withSurface<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try body(surface)
    }

    /// The pixels as 0xAARRGGBB in native byte order, alpha without meaning on opaque canvases; the second argument is the row stride in pixels.
    private borrowing func withPixels<Result>(_ body: (UnsafeMutablePointer<UInt32>, Int) -> Result) -> Result {
        cairo_surface_flush(surface)
        defer { cairo_surface_mark_dirty(surface) }
        guard let data = cairo_image_surface_get_data(surface) else {
            preconditionFailure("Cairo lost the pixels of a \(width) × \(height) surface")
        }
        let stride = Int(cairo_image_surface_get_stride(surface)) / 4
        return data.withMemoryRebound(to: UInt32.self, capacity: stride * height) { body($0, stride) }
    }

    private func setSource(_ color: Color, _ opacity: Double = 1) {
        if opacity >= 1 {
            cairo_set_source_rgb(context, color.red, color.green, color.blue)
        } else {
            cairo_set_source_rgba(context, color.red, color.green, color.blue, max(0, opacity))
        }
    }

    func trace(_ path: Path) {
        cairo_new_path(context)
        for element in path.elements {
            switch element {
            case .move(let point): cairo_move_to(context, point.x, point.y)
            case .line(let point): cairo_line_to(context, point.x, point.y)
            case .curve(let a, let b, let point): cairo_curve_to(context, a.x, a.y, b.x, b.y, point.x, point.y)
            case .close: cairo_close_path(context)
            }
        }
    }

    private func advance(_ text: String) -> Double {
        var extents = cairo_text_extents_t()
        cairo_text_extents(context, Canvas.printable(text), &extents)
        return extents.x_advance
    }

    /// Cairo stops at a zero byte and draws control characters as boxes; both become spaces.
    private static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    }
}
