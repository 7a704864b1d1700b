import Foundation
import RainPictures
import RainPose

extension PictureRegion {
    /// The region of a picture as it lies, the longer side filling it.
    init(whole picture: Picture) {
        self.init(
            center: SIMD2(Double(picture.width), Double(picture.height)) / 2, side: Double(max(picture.width, picture.height)))
    }

    /// The square around some points, by the longer side of their bounding box, enlarged and turned so that the way from `from` to `to` is
    /// level.
    init(around points: some Collection<SIMD2<Double>>, enlarged: Double, from: SIMD2<Double>, to: SIMD2<Double>) {
        var (low, high) = (SIMD2(repeating: Double.infinity), SIMD2(repeating: -Double.infinity))
        for point in points {
            low = pointwiseMin(low, point)
            high = pointwiseMax(high, point)
        }
        let way = to - from
        self.init(center: (low + high) / 2, side: enlarged * (high - low).max(), angle: Self.angle(way))
    }

    /// Of a way, clockwise from the direction to the right.
    static func angle(_ way: SIMD2<Double>) -> Double { atan2(way.y, way.x) }

    /// Whether a network can look there: finite, at least some pixels large, not larger than anything that is seen, near the picture.
    func isPlausible(in picture: Picture) -> Bool {
        let size = SIMD2(Double(picture.width), Double(picture.height))
        let reach = side / 2
        return center.x.isFinite && center.y.isFinite && angle.isFinite && side >= 6 && side <= 6 * size.max()
            && center.x > -reach && center.y > -reach && center.x < size.x + reach && center.y < size.y + reach
    }

    private var axes: (across: SIMD2<Double>, down: SIMD2<Double>) {
        let (cosine, sine) = (cos(angle), sin(angle))
        return (SIMD2(cosine, sine), SIMD2(-sine, cosine))
    }

    /// A place in a crop of `size` pixels, where it lies in the picture; both count from corners, not from centres of pixels.
    func place(_ point: SIMD2<Double>, of size: Double) -> SIMD2<Double> {
        let (across, down) = axes
        let away = (point / size - 0.5) * side
        return center + across * away.x + down * away.y
    }

    /// The crop as a network's input: `[size, size, 3]`, bilinear, red first.
    ///
    /// - Parameters:
    ///   - scale: what a byte is multiplied by
    ///   - offset: what is added then
    ///   - isBlackOutside: beyond the picture; otherwise its rim goes on
    func sample(
        _ picture: Picture, size: Int, scale: Float, offset: Float, isBlackOutside: Bool = false, into target: inout MutableSpan<Float>
    ) {
        let (across, down) = axes
        let step = side / Double(size)
        // A face much larger than the network's input is averaged over, or single pixels would stand for many.
        let taps = max(1, min(4, Int((step / 2).rounded())))
        let (width, height) = (picture.width, picture.height)
        let weight = scale / Float(taps * taps)
        let bytes = picture.bytes.span
        let (right, below) = (across * step, down * step)
        for y in 0..<size {
            // The centre of the row's first pixel.
            let start = center + right * (0.5 - Double(size) / 2) + below * (Double(y) + 0.5 - Double(size) / 2) - 0.5
            for x in 0..<size {
                let middle = start + right * Double(x)
                var sum = SIMD4<Float>.zero
                if taps == 1 {
                    sum = Self.pixel(bytes, width, height, middle, isBlackOutside)
                } else {
                    for row in 0..<taps {
                        for column in 0..<taps {
                            let away = (SIMD2(Double(column), Double(row)) + 0.5) / Double(taps) - 0.5
                            sum += Self.pixel(bytes, width, height, middle + right * away.x + below * away.y, isBlackOutside)
                        }
                    }
                }
                let color = sum * weight + offset
                let place = (y * size + x) * 3
                target[place] = color.x
                target[place + 1] = color.y
                target[place + 2] = color.z
            }
        }
    }

    /// Between four pixels; positions count from the centre of the first.
    private static func pixel(
        _ bytes: Span<UInt8>, _ width: Int, _ height: Int, _ at: SIMD2<Double>, _ isBlackOutside: Bool
    ) -> SIMD4<Float> {
        if isBlackOutside, at.x < -1 || at.y < -1 || at.x > Double(width) || at.y > Double(height) { return .zero }
        let x = min(max(at.x, 0), Double(width - 1))
        let y = min(max(at.y, 0), Double(height - 1))
        let (column, row) = (Int(x), Int(y))
        let (right, below) = (Float(x - Double(column)), Float(y - Double(row)))
        func color(_ column: Int, _ row: Int) -> SIMD4<Float> {
            let place = (min(row, height - 1) * width + min(column, width - 1)) * 3
            return SIMD4(Float(bytes[place]), Float(bytes[place + 1]), Float(bytes[place + 2]), 0)
        }
        let upper = color(column, row) * (1 - right) + color(column + 1, row) * right
        let lower = color(column, row + 1) * (1 - right) + color(column + 1, row + 1) * right
        return upper * (1 - below) + lower * below
    }
}
