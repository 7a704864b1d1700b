import CCairo

/// A place along a gradient.
public struct ColorStop: Sendable, Equatable {
    /// 0…1
    public var position: Double
    public var color: Color
    /// 0 (nothing) … 1
    public var opacity: Double

    public init(_ position: Double, _ color: Color, opacity: Double = 1) {
        self.position = position
        self.color = color
        self.opacity = opacity
    }
}

extension Canvas {
    /// Fills a path with colours that change linearly between two points and may be translucent.
    public mutating func fill(_ path: Path, from: Point, to: Point, shades: [ColorStop]) {
        paint(path, cairo_pattern_create_linear(from.x, from.y, to.x, to.y), shades)
    }

    /// Fills a path with colours that change from `center` outwards to `radius`, and stay the last beyond it.
    public mutating func fill(_ path: Path, around center: Point, radius: Double, shades: [ColorStop]) {
        paint(path, cairo_pattern_create_radial(center.x, center.y, 0, center.x, center.y, radius), shades)
    }

    /// Fills a path with a picture that repeats in all directions.
    ///
    /// - Parameters:
    ///   - tile: the picture
    ///   - placed: from the tile's pixels into the current coordinates; must be invertible
    ///   - opacity: 0…1
    public mutating func fill(_ path: Path, tile: LayerPicture, placed: Transform, opacity: Double = 1) {
        guard let surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(tile.width), Int32(tile.height)),
            let pixels = cairo_image_surface_get_data(surface)
        else { preconditionFailure("Cairo has no memory for a tile of \(tile.width) × \(tile.height)") }
        defer { cairo_surface_destroy(surface) }
        let stride = Int(cairo_image_surface_get_stride(surface)) / 4
        pixels.withMemoryRebound(to: UInt32.self, capacity: stride * tile.height) { pixels in
            tile.bytes.withUnsafeBufferPointer { bytes in
                let strength = UInt32((min(max(opacity, 0), 1) * 256).rounded())
                for row in 0..<tile.height {
                    for column in 0..<tile.width {
                        let at = (row * tile.width + column) * 4
                        func part(_ channel: Int) -> UInt32 { (UInt32(bytes[at + channel]) * strength) >> 8 }
                        pixels[row * stride + column] = part(3) << 24 | part(0) << 16 | part(1) << 8 | part(2)
                    }
                }
            }
        }
        cairo_surface_mark_dirty(surface)
        guard let pattern = cairo_pattern_create_for_surface(surface) else { return }
        defer { cairo_pattern_destroy(pattern) }
        var matrix = cairo_matrix_t(xx: placed.xx, yx: placed.yx, xy: placed.xy, yy: placed.yy, x0: placed.x0, y0: placed.y0)
        // Cairo wants the way back: from coordinates to pixels.
        precondition(cairo_matrix_invert(&matrix) == CAIRO_STATUS_SUCCESS, "a tile's place must be invertible")
        cairo_pattern_set_matrix(pattern, &matrix)
        cairo_pattern_set_extend(pattern, CAIRO_EXTEND_REPEAT)
        cairo_pattern_set_filter(pattern, CAIRO_FILTER_BILINEAR)
        trace(path)
        cairo_set_source(context, pattern)
        cairo_fill(context)
    }

    /// Fills a path, then draws what `inside` draws, but only where the path was filled; what is outside stays as it is.
    ///
    /// Does what filling and then drawing in a clip does, at a fraction of the cost where much is drawn inside, and its edges are those of
    /// the path alone.
    public mutating func fill(_ path: Path, _ color: Color, inside: (inout Canvas) throws -> Void) rethrows {
        cairo_save(context)
        defer { cairo_restore(context) }
        limit(to: path)
        cairo_push_group_with_content(context, CAIRO_CONTENT_COLOR_ALPHA)
        fill(path, color)
        cairo_set_operator(context, CAIRO_OPERATOR_ATOP)
        defer {
            cairo_pop_group_to_source(context)
            cairo_paint(context)
        }
        try inside(&self)
    }

    /// Draws what `body` draws on an empty sheet, then that over what is there.
    public mutating func layered(_ body: (inout Canvas) throws -> Void) rethrows {
        cairo_push_group_with_content(context, CAIRO_CONTENT_COLOR_ALPHA)
        defer {
            cairo_pop_group_to_source(context)
            cairo_paint(context)
        }
        try body(&self)
    }

    /// Draws faster from here on: edges are sampled at 4 × 4 places of a pixel, and lines may lie farther from curves.
    ///
    /// - Parameter tolerance: of curves, in pixels; 0.1 at first
    public mutating func drawFast(tolerance: Double) {
        precondition(tolerance > 0, "a tolerance is positive")
        cairo_set_tolerance(context, tolerance)
        cairo_set_antialias(context, CAIRO_ANTIALIAS_FAST)
    }

    /// Clips to the pixels around a path.
    private func limit(to path: Path) {
        trace(path)
        var (left, top, right, bottom) = (0.0, 0.0, 0.0, 0.0)
        cairo_path_extents(context, &left, &top, &right, &bottom)
        var (x0, y0, x1, y1) = (Double(width), Double(height), 0.0, 0.0)
        for (x, y) in [(left, top), (right, top), (left, bottom), (right, bottom)] {
            var (x, y) = (x, y)
            cairo_user_to_device(context, &x, &y)
            (x0, y0, x1, y1) = (min(x0, x), min(y0, y), max(x1, x), max(y1, y))
        }
        (x0, y0, x1, y1) = (max(0, x0.rounded(.down)), max(0, y0.rounded(.down)), x1.rounded(.up), y1.rounded(.up))
        var matrix = cairo_matrix_t()
        cairo_get_matrix(context, &matrix)
        cairo_identity_matrix(context)
        cairo_new_path(context)
        cairo_rectangle(context, x0, y0, max(0, min(Double(width), x1) - x0), max(0, min(Double(height), y1) - y0))
        cairo_clip(context)
        cairo_set_matrix(context, &matrix)
    }

    private func paint(_ path: Path, _ pattern: OpaquePointer?, _ stops: [ColorStop]) {
        defer { cairo_pattern_destroy(pattern) }
        for stop in stops {
            cairo_pattern_add_color_stop_rgba(pattern, stop.position, stop.color.red, stop.color.green, stop.color.blue, stop.opacity)
        }
        trace(path)
        cairo_set_source(context, pattern)
        cairo_fill(context)
    }
}
