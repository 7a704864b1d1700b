import Foundation

/// Curves over a common axis, e.g. training losses, as a picture.
public struct LinePlot: Sendable {
    public struct Series: Sendable {
        public var name: String
        /// Points that are not finite, or not positive on a logarithmic axis, leave a gap.
        public var points: [Point]
        /// nil picks a colour that differs from the neighbours'.
        public var color: Color?

        public init(name: String, points: [Point], color: Color? = nil) {
            self.name = name
            self.points = points
            self.color = color
        }

        /// A series over 0, 1, 2, ….
        public init(name: String, values: [Double], color: Color? = nil) {
            self.init(name: name, points: values.enumerated().map { Point(Double($0.offset), $0.element) }, color: color)
        }
    }

    public var title: String
    public var xLabel: String
    public var yLabel: String
    public var logarithmicY: Bool
    public var series: [Series]

    public init(title: String, xLabel: String = "", yLabel: String = "", logarithmicY: Bool = false, series: [Series] = []) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.logarithmicY = logarithmicY
        self.series = series
    }

    /// Draws the plot; sides lie in 160…4096 pixels. Without any drawable point the axes run from 0 to 1.
    public func picture(width: Int = 800, height: Int = 480) -> Picture {
        precondition((160...4096).contains(width) && (160...4096).contains(height), "a plot's sides lie in 160…4096")
        let drawable = series.map { $0.points.map { mapped($0) } }
        let finite = drawable.flatMap { $0.compactMap { $0 } }
        let x = Axis(finite.map(\.x), logarithmic: false)
        let y = Axis(finite.map(\.y), logarithmic: logarithmicY)

        var canvas = Canvas(width: width, height: height, background: .white)
        let grid = Color(0.87, 0.87, 0.87)
        let ink = Color(0.2, 0.2, 0.2)
        let (left, right, top, bottom) = (66.0, Double(width) - 16, 34.0, Double(height) - 42)
        func place(_ point: Point) -> Point {
            Point(left + x.fraction(point.x) * (right - left), bottom - y.fraction(point.y) * (bottom - top))
        }
        for tick in x.ticks {
            let at = place(Point(tick, y.low)).x
            canvas.stroke(Path(lines: [Point(at, top), Point(at, bottom)], closed: false), grid, width: 1)
            canvas.text(x.label(tick), at: Point(at, bottom + 16), size: 11, color: ink, anchor: .center)
        }
        for tick in y.ticks {
            let at = place(Point(x.low, tick)).y
            canvas.stroke(Path(lines: [Point(left, at), Point(right, at)], closed: false), grid, width: 1)
            canvas.text(y.label(tick), at: Point(left - 6, at + 4), size: 11, color: ink, anchor: .right)
        }
        canvas.clipped(to: Path(x: left - 2, y: top - 2, width: right - left + 4, height: bottom - top + 4)) { canvas in
            for (index, points) in drawable.enumerated() {
                for run in points.split(separator: nil) {
                    let placed = run.compactMap { $0.map(place) }
                    // A lone point between gaps would be an invisible line.
                    let line = placed.count == 1 ? [placed[0], Point(placed[0].x + 0.01, placed[0].y)] : placed
                    canvas.stroke(Path(lines: line, closed: false), color(index), width: 1.6)
                }
            }
        }
        canvas.stroke(Path(x: left, y: top, width: right - left, height: bottom - top), ink, width: 1)
        canvas.text(title, at: Point(Double(width) / 2, 20), size: 14, color: .black, anchor: .center)
        canvas.text(xLabel, at: Point((left + right) / 2, Double(height) - 8), size: 12, color: ink, anchor: .center)
        canvas.text(yLabel + (logarithmicY && !yLabel.isEmpty ? " (log)" : ""), at: Point(8, 20), size: 12, color: ink)
        for (index, one) in series.enumerated() where !one.name.isEmpty {
            let line = top + 16 + 16 * Double(index)
            canvas.stroke(
                Path(lines: [Point(right - 26, line - 4), Point(right - 8, line - 4)], closed: false), color(index), width: 3)
            canvas.text(one.name, at: Point(right - 32, line), size: 12, color: ink, anchor: .right)
        }
        return canvas.picture()
    }

    private func mapped(_ point: Point) -> Point? {
        let y = logarithmicY ? (point.y > 0 ? log10(point.y) : .nan) : point.y
        return point.x.isFinite && y.isFinite ? Point(point.x, y) : nil
    }

    private func color(_ index: Int) -> Color {
        series[index].color ?? Color(hue: 0.58 + Double(index) * 0.381966, saturation: 0.8, value: 0.75)
    }
}

/// A range of values with round ticks; on a logarithmic axis the values are exponents of ten.
private struct Axis {
    var low = 0.0
    var high = 1.0
    var ticks: [Double] = []
    let logarithmic: Bool

    init(_ values: [Double], logarithmic: Bool) {
        self.logarithmic = logarithmic
        if let least = values.min(), let most = values.max() {
            // Far beyond any curve, but keeps the arithmetic below finite.
            (low, high) = (max(least, -1e300), min(most, 1e300))
        }
        if high - low <= abs(high) * 1e-9 {
            let margin = max(abs(high) * 0.05, 1e-9)
            (low, high) = (low - margin, high + margin)
        }
        let step = Axis.step((high - low) / 6)
        let first = (low / step).rounded(.up)
        ticks = (0..<12).map { (first + Double($0)) * step }.filter { $0 <= high + step * 1e-6 }
    }

    func fraction(_ value: Double) -> Double { (value - low) / (high - low) }

    func label(_ tick: Double) -> String {
        logarithmic ? String(format: "%.3g", pow(10, tick)) : String(format: "%.6g", abs(tick) < (high - low) * 1e-6 ? 0 : tick)
    }

    private static func step(_ raw: Double) -> Double {
        let power = pow(10, log10(raw).rounded(.down))
        let digit = raw / power
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10)
    }
}
