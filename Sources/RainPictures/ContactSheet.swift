/// Rows of pictures with labels, to look at many results at once.
public struct ContactSheet: Sendable {
    /// One line of the sheet.
    public struct Row: Sendable {
        public var label: String
        public var pictures: [Picture]

        public init(label: String = "", pictures: [Picture]) {
            self.label = label
            self.pictures = pictures
        }
    }

    /// Written above the columns, in order; may be shorter than the rows.
    public var columnLabels: [String]
    public var rows: [Row]
    /// Each pixel becomes a square of this many pixels; at least 1.
    public var scale: Int
    /// Pixels between pictures.
    public var gap: Int
    public var background: Color

    public init(
        columnLabels: [String] = [], rows: [Row] = [], scale: Int = 1, gap: Int = 4, background: Color = Color(0.12, 0.12, 0.13)
    ) {
        self.columnLabels = columnLabels
        self.rows = rows
        self.scale = scale
        self.gap = gap
        self.background = background
    }

    /// Draws the sheet; columns are as wide as their widest picture, rows as high as their highest.
    ///
    /// - Throws: `PictureError.Code.size` if the sheet is empty or a side would exceed `Canvas.largestSide`
    public func picture() throws(PictureError) -> Picture {
        precondition(scale > 0 && gap >= 0, "a sheet's scale is positive and its gap not negative")
        let columns = rows.map(\.pictures.count).max() ?? 0
        guard columns > 0 else { throw PictureError(.size, "a contact sheet needs at least one picture") }
        let widths = (0..<columns).map { column in
            (rows.compactMap { column < $0.pictures.count ? $0.pictures[column].width : nil }.max() ?? 0) * scale
        }
        let heights = rows.map { row in max((row.pictures.map(\.height).max() ?? 0) * scale, row.label.isEmpty ? 0 : lineHeight) }

        var pen = Canvas(width: 1, height: 1)
        let labels = rows.map { pen.textWidth($0.label, size: textSize) }.max() ?? 0
        let left = gap + (labels > 0 ? Int(labels.rounded(.up)) + gap : 0)
        let top = gap + (columnLabels.contains { !$0.isEmpty } ? lineHeight : 0)
        let width = left + widths.reduce(0) { $0 + $1 + gap }
        let height = top + heights.reduce(0) { $0 + $1 + gap }
        guard width <= Canvas.largestSide, height <= Canvas.largestSide else {
            throw PictureError(
                .size,
                "a contact sheet of \(width) × \(height) pixels exceeds \(Canvas.largestSide) a side; use fewer pictures or a smaller scale"
            )
        }

        var canvas = Canvas(width: width, height: height, background: background)
        let ink = background.luma > 0.5 ? Color.black : Color(0.9, 0.9, 0.9)
        var x = left
        for column in 0..<columns {
            if column < columnLabels.count {
                canvas.text(
                    columnLabels[column], at: Point(Double(x + widths[column] / 2), Double(top - 6)), size: textSize, color: ink,
                    anchor: .center)
            }
            x += widths[column] + gap
        }
        var y = top
        for (row, rowHeight) in zip(rows, heights) {
            canvas.text(
                row.label, at: Point(Double(left - gap), Double(y + rowHeight / 2) + textSize / 3), size: textSize, color: ink,
                anchor: .right)
            var x = left
            for (picture, columnWidth) in zip(row.pictures, widths) {
                canvas.draw(picture, x: x + (columnWidth - picture.width * scale) / 2, y: y, scale: scale)
                x += columnWidth + gap
            }
            y += rowHeight + gap
        }
        return canvas.picture()
    }

    private var textSize: Double { 13 }
    private var lineHeight: Int { 20 }
}
