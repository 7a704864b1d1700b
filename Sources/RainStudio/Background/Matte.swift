import RainNumbers
import RainPictures

/// Cuts a character out of its background.
///
/// The model knows no opacity, so this is a key: what has the colours of the background (`BackgroundFit`) and touches an edge of the
/// picture is background; what is left beside the character itself is, too. In a seam of two pixels around it, opacity is how far a
/// pixel lies between the background and the character's colour nearby, and the background's share is taken out of its colour.
///
/// So it can be wrong where a character has the colours of what is behind it, and background that is enclosed by the character stays.
/// Before a background that is not plain, `plainness` is low and much of it stays.
struct Matte: Sendable {
    private typealias Color = SIMD3<Float>

    private let fit: BackgroundFit

    /// Distance from the background's colour at which a pixel is no background.
    private static let reach: Float = 26
    /// Colours that lie nearer than this to the background tell nothing of the opacity between them.
    private static let least: Float = 20

    /// - Parameters:
    ///   - reference: of any size
    ///   - side: of the pictures that are to be cut
    init(reference: Picture, side: Int) {
        fit = BackgroundFit(reference.width == side && reference.height == side ? reference : reference.resized(width: side, height: side))
    }

    /// The share of the reference's edges that is one colour or a run of two, 0 to 1.
    var plainness: Double { fit.share }
    /// Whether it can be expected to work.
    var isPlain: Bool { plainness > 0.6 }

    /// - Parameter picture: of the model
    func cut(_ picture: Picture) -> CutPicture {
        let (width, height) = (picture.width, picture.height)
        let count = width * height
        // What the model makes of the background is near the reference's, not the same.
        let own = BackgroundFit(picture, from: fit)
        let here = own.share > 0.3 ? own : fit
        var colors = [Color](repeating: .zero, count: count)
        var behind = [Color](repeating: .zero, count: height)
        var distance = [Float](repeating: 0, count: count)
        for y in 0..<height {
            behind[y] = here[Float(y) / Float(max(1, height - 1))]
            for x in 0..<width {
                let at = y * width + x
                let color = Color(
                    Float(picture.bytes[at * 3]), Float(picture.bytes[at * 3 + 1]), Float(picture.bytes[at * 3 + 2]))
                colors[at] = color
                distance[at] = BackgroundFit.length(color - behind[y])
            }
        }
        let grid = Grid(width: width, height: height)
        let isBackground = grid.background(distance, within: Self.reach)
        let isSeam = grid.seam(of: isBackground, width: 2)
        let solid = grid.nearby(colors) { !isBackground[$0] && !isSeam[$0] }

        var opacity = [Float](repeating: 1, count: count)
        var cut = colors
        for at in 0..<count where isBackground[at] || isSeam[at] {
            let back = behind[at / width]
            guard !isBackground[at] else {
                opacity[at] = 0
                cut[at] = solid[at] ?? colors[at]
                continue
            }
            var share = min(max((distance[at] - 12) / 28, 0), 1)
            if let front = solid[at], BackgroundFit.length(front - back) > Self.least {
                let way = front - back
                share = min(max(((colors[at] - back) * way).sum() / (way * way).sum(), 0), 1)
            }
            opacity[at] = share
            cut[at] = (colors[at] - (1 - share) * back) / max(share, 0.2)
        }
        let smooth = grid.smoothed(opacity)
        var rgba = [UInt8](repeating: 0, count: count * 4)
        for at in 0..<count {
            var share = opacity[at]
            if isBackground[at] || isSeam[at] { share = (share + smooth[at]) / 2 }
            if isBackground[at], share < 0.06 { share = 0 }
            for channel in 0..<3 { rgba[at * 4 + channel] = UInt8(min(max(cut[at][channel], 0), 255)) }
            rgba[at * 4 + 3] = UInt8(unit: share)
        }
        return CutPicture(width: width, height: height, rgba: rgba)
    }
}

/// What is where in a picture.
private struct Grid {
    let width: Int
    let height: Int

    private func neighbours(_ at: Int, _ body: (Int) -> Void) {
        let (x, y) = (at % width, at / width)
        if x > 0 { body(at - 1) }
        if x + 1 < width { body(at + 1) }
        if y > 0 { body(at - width) }
        if y + 1 < height { body(at + width) }
    }

    /// Everything connected with `start` of what `isIn` says.
    private func fill(_ start: [Int], into filled: inout [Bool], _ isIn: (Int) -> Bool) -> Int {
        var open = start.filter { !filled[$0] && isIn($0) }
        for at in open { filled[at] = true }
        var count = open.count
        while let at = open.popLast() {
            neighbours(at) { next in
                guard !filled[next], isIn(next) else { return }
                filled[next] = true
                count += 1
                open.append(next)
            }
        }
        return count
    }

    /// All but the largest part that is no background; what hangs on it by a thread is not of it.
    func background(_ distance: [Float], within reach: Float) -> [Bool] {
        let edges = (0..<width).map { $0 } + (0..<height).flatMap { [$0 * width, $0 * width + width - 1] }
        var isBackground = [Bool](repeating: false, count: width * height)
        _ = fill(edges, into: &isBackground) { distance[$0] < reach }
        let isEdge = seam(of: isBackground, width: 1)
        var seen = isBackground
        var largest: (start: Int, count: Int)?
        for at in 0..<(width * height) where !seen[at] && !isEdge[at] {
            let count = fill([at], into: &seen) { !isBackground[$0] && !isEdge[$0] }
            if count > largest?.count ?? 0 { largest = (at, count) }
        }
        var isCore = [Bool](repeating: false, count: width * height)
        if let largest { _ = fill([largest.start], into: &isCore) { !isBackground[$0] && !isEdge[$0] } }
        let isNear = seam(of: isCore, width: 2)
        return isBackground.indices.map { isBackground[$0] || !(isCore[$0] || isNear[$0]) }
    }

    /// What lies within some pixels of what `isIn` says, and is not of it.
    func seam(of isIn: [Bool], width seam: Int) -> [Bool] {
        var isSeam = [Bool](repeating: false, count: width * height)
        for y in 0..<height {
            for x in 0..<width where !isIn[y * width + x] {
                search: for row in max(0, y - seam)...min(height - 1, y + seam) {
                    for column in max(0, x - seam)...min(width - 1, x + seam) where isIn[row * width + column] {
                        isSeam[y * width + x] = true
                        break search
                    }
                }
            }
        }
        return isSeam
    }

    /// For each pixel, the mean of the colours within three pixels that `isIn` says; `nil` where there are none.
    func nearby(_ colors: [SIMD3<Float>], _ isIn: (Int) -> Bool) -> [SIMD3<Float>?] {
        // Sums along rows, then along columns; the fourth number counts.
        let reach = 3
        var rows = [SIMD4<Float>](repeating: .zero, count: width * height)
        for y in 0..<height {
            for x in 0..<width where isIn(y * width + x) {
                let value = SIMD4(colors[y * width + x], 1)
                for column in max(0, x - reach)...min(width - 1, x + reach) { rows[y * width + column] += value }
            }
        }
        var result = [SIMD3<Float>?](repeating: nil, count: width * height)
        for y in 0..<height {
            for x in 0..<width {
                var sum = SIMD4<Float>.zero
                for row in max(0, y - reach)...min(height - 1, y + reach) { sum += rows[row * width + x] }
                if sum.w > 0 { result[y * width + x] = SIMD3(sum.x, sum.y, sum.z) / sum.w }
            }
        }
        return result
    }

    /// Each value with its eight neighbours, 1 2 1 in both directions.
    func smoothed(_ values: [Float]) -> [Float] {
        var rows = values
        for y in 0..<height {
            for x in 0..<width {
                let at = y * width + x
                rows[at] = (values[at - (x > 0 ? 1 : 0)] + 2 * values[at] + values[at + (x + 1 < width ? 1 : 0)]) / 4
            }
        }
        var result = rows
        for y in 0..<height {
            for x in 0..<width {
                let at = y * width + x
                result[at] = (rows[at - (y > 0 ? width : 0)] + 2 * rows[at] + rows[at + (y + 1 < height ? width : 0)]) / 4
            }
        }
        return result
    }
}
