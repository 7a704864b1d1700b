import RainPictures

/// A step as a picture: time to the right; above, the networks' modules from outer to inner, below them the operations in colours.
struct StepTimeline {
    struct Span {
        /// Where in the network: `up_blocks.1.attentions.0.…`
        var place: String
        var operation: String
        var seconds: Double
    }

    let title: String
    /// In order of execution.
    let spans: [Span]

    private static let colors = [
        Color(0.90, 0.45, 0.20), Color(0.25, 0.50, 0.80), Color(0.30, 0.65, 0.35), Color(0.70, 0.35, 0.65), Color(0.80, 0.70, 0.20),
        Color(0.35, 0.70, 0.70), Color(0.75, 0.35, 0.40),
    ]
    private static let rest = Color(0.62, 0.62, 0.62)
    private static let ink = Color(0.15, 0.15, 0.15)
    /// Levels of modules that are drawn; what lies deeper is seen in the operations.
    private static let depth = 4

    func picture(width: Int = 1800) -> Picture {
        let (row, left, top) = (26.0, 12.0, 64.0)
        let rows = Self.depth + 2
        var canvas = Canvas(width: width, height: Int(top + Double(rows) * row) + 34, background: .white)
        let total = max(spans.reduce(0) { $0 + $1.seconds }, 1e-9)
        let scale = (Double(width) - 2 * left) / total
        canvas.text(title, at: Point(left, 22), size: 14, color: Self.ink)
        let kinds = operations()
        drawLegend(kinds, total, &canvas, left: left)

        var starts: [Double] = []
        var now = 0.0
        for span in spans {
            starts.append(now)
            now += span.seconds
        }
        starts.append(now)
        let modules = spans.map { Self.modules($0.place) }
        for level in 0..<Self.depth {
            var first = 0
            while first < spans.count {
                let path = modules[first].prefix(level + 1)
                var end = first + 1
                while end < spans.count, modules[end].prefix(level + 1) == path { end += 1 }
                if path.count == level + 1, let name = path.last {
                    let shade = Color(0.90, 0.92, 0.95).mixed(with: Color(0.72, 0.78, 0.86), first % 2 == 0 ? 0.2 : 0.8)
                    draw(
                        name, shade, from: left + starts[first] * scale, to: left + starts[end] * scale,
                        y: top + Double(level) * row, height: row, &canvas)
                }
                first = end
            }
        }
        for (index, span) in spans.enumerated() {
            draw(
                span.operation, color(span.operation, kinds), from: left + starts[index] * scale, to: left + starts[index + 1] * scale,
                y: top + Double(Self.depth) * row + 4, height: row * 1.6, &canvas)
        }
        drawAxis(total, &canvas, left: left, y: top + Double(rows) * row + 2, width: Double(width) - 2 * left)
        return canvas.picture()
    }

    /// Kinds of operations, the longest first.
    private func operations() -> [(name: String, seconds: Double)] {
        Dictionary(spans.map { ($0.operation, $0.seconds) }, uniquingKeysWith: +).map { ($0.key, $0.value) }
            .sorted { ($0.1, $1.0) > ($1.1, $0.0) }
    }

    private func color(_ operation: String, _ kinds: [(name: String, seconds: Double)]) -> Color {
        kinds.prefix(Self.colors.count).firstIndex { $0.name == operation }.map { Self.colors[$0] } ?? Self.rest
    }

    private func drawLegend(_ kinds: [(name: String, seconds: Double)], _ total: Double, _ canvas: inout Canvas, left: Double) {
        var x = left
        let shown = kinds.prefix(Self.colors.count)
        let others = kinds.dropFirst(shown.count).reduce(0) { $0 + $1.seconds }
        for (name, seconds) in shown + (others > 0 ? [("all else", others)] : []) {
            canvas.fill(Path(x: x, y: 36, width: 12, height: 12), name == "all else" ? Self.rest : color(name, kinds))
            let label = "\(name) \((1000 * seconds / total).rounded() / 10) %"
            canvas.text(label, at: Point(x + 17, 46), size: 12, color: Self.ink)
            x += 17 + canvas.textWidth(label, size: 12) + 22
        }
    }

    private func draw(
        _ label: String, _ color: Color, from: Double, to: Double, y: Double, height: Double, _ canvas: inout Canvas
    ) {
        canvas.fill(Path(x: from, y: y, width: max(to - from, 0.2), height: height - 2), color)
        guard to - from > 3 else { return }
        canvas.stroke(Path(x: from, y: y, width: to - from, height: height - 2), .white, width: 1)
        if canvas.textWidth(label, size: 11) < to - from - 6 {
            canvas.text(label, at: Point((from + to) / 2, y + height / 2 + 3), size: 11, color: Self.ink, anchor: .center)
        }
    }

    private func drawAxis(_ total: Double, _ canvas: inout Canvas, left: Double, y: Double, width: Double) {
        for tick in 0...10 {
            let x = left + width * Double(tick) / 10
            canvas.stroke(Path(lines: [Point(x, y), Point(x, y + 6)], closed: false), Self.ink, width: 1)
            let milliseconds = 1000 * total * Double(tick) / 10
            let label = "\(milliseconds >= 100 ? milliseconds.rounded() : (milliseconds * 10).rounded() / 10) ms"
            canvas.text(label, at: Point(x, y + 20), size: 11, color: Self.ink, anchor: tick == 0 ? .left : tick == 10 ? .right : .center)
        }
    }

    /// `up_blocks.1.attentions.0.norm` → `up_blocks.1`, `attentions.0`, `norm`
    private static func modules(_ place: String) -> [String] {
        var modules: [String] = []
        for part in place.split(separator: ".") {
            if !modules.isEmpty, part.allSatisfy(\.isNumber) {
                modules[modules.count - 1] += "." + part
            } else {
                modules.append(String(part))
            }
        }
        return modules
    }
}
