import Foundation

/// How far pictures and clips are from their truth. All pictures compared have equal sizes.
public enum PictureMetrics {
    /// Mean squared error over all pixels and the three channels, in units of 0…255 squared.
    public static func meanSquaredError(_ a: Picture, _ b: Picture) -> Double {
        requireEqualSizes(a, b)
        // Exact in integers: 2⁶³ / 255² leaves room for pictures of 10¹⁴ components.
        var sum = 0
        for index in a.bytes.indices {
            let difference = Int(a.bytes[index]) - Int(b.bytes[index])
            sum += difference * difference
        }
        return Double(sum) / Double(a.bytes.count)
    }

    /// Peak signal-to-noise ratio in decibels, peak 255, over all pixels and the three channels together.
    ///
    /// - Returns: +∞ for equal pictures; means over clips should therefore be taken of the errors or of finite values
    public static func psnr(_ a: Picture, _ b: Picture) -> Double {
        psnr(meanSquaredError: meanSquaredError(a, b))
    }

    /// The ratio in decibels that belongs to a mean squared error in units of 0…255 squared; +∞ for 0.
    public static func psnr(meanSquaredError: Double) -> Double {
        meanSquaredError == 0 ? .infinity : 10 * log10(255 * 255 / meanSquaredError)
    }

    /// Structural similarity, the mean of the three channels' values; 1 for equal pictures.
    ///
    /// Each channel by the standard recipe: Gaussian window of 11 × 11, σ = 1.5, weights summing to 1, population
    /// variances, K₁ = 0.01, K₂ = 0.03, range 255, averaged over the positions where the whole window lies in the picture.
    /// On a side shorter than 11 pixels the window has that side's length.
    ///
    /// - Source: Wang et al., *Image quality assessment: from error visibility to structural similarity*, 2004
    public static func ssim(_ a: Picture, _ b: Picture) -> Double {
        requireEqualSizes(a, b)
        let (across, down) = (window(a.width), window(a.height))
        let c1 = (0.01 * 255) * (0.01 * 255)
        let c2 = (0.03 * 255) * (0.03 * 255)
        var sum = 0.0
        var count = 0
        for channel in 0..<3 {
            let x = stride(from: channel, to: a.bytes.count, by: 3).map { Double(a.bytes[$0]) }
            let y = stride(from: channel, to: b.bytes.count, by: 3).map { Double(b.bytes[$0]) }
            func blurred(_ values: [Double]) -> [Double] {
                filtered(values, width: a.width, height: a.height, across: across, down: down)
            }
            let meanX = blurred(x)
            let meanY = blurred(y)
            let squareX = blurred(zip(x, x).map(*))
            let squareY = blurred(zip(y, y).map(*))
            let product = blurred(zip(x, y).map(*))
            for index in meanX.indices {
                let (mx, my) = (meanX[index], meanY[index])
                let variance = squareX[index] - mx * mx + squareY[index] - my * my
                let covariance = product[index] - mx * my
                sum += (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (variance + c2))
            }
            count += meanX.count
        }
        return sum / Double(count)
    }

    /// Flicker error of a clip against its truth: the mean of |(oₜ₊₁ − oₜ) − (gₜ₊₁ − gₜ)| over all components and all
    /// pairs of neighbouring frames, 0…510 in units of 8-bit values (0…255 in practice).
    ///
    /// Motion that the truth has too costs nothing; only change that should not be there, or is missing, does.
    ///
    /// - Returns: 0 for clips of fewer than two frames
    public static func flicker(_ output: [Picture], truth: [Picture]) -> Double {
        precondition(output.count == truth.count, "clips differ in length: \(output.count) and \(truth.count) frames")
        guard output.count > 1 else { return 0 }
        var sum = 0
        var components = 0
        for index in 1..<output.count {
            let (o0, o1, g0, g1) = (output[index - 1], output[index], truth[index - 1], truth[index])
            requireEqualSizes(o0, o1)
            requireEqualSizes(o1, g0)
            requireEqualSizes(g0, g1)
            for at in o1.bytes.indices {
                sum += abs(Int(o1.bytes[at]) - Int(o0.bytes[at]) - Int(g1.bytes[at]) + Int(g0.bytes[at]))
            }
            components += o1.bytes.count
        }
        return Double(sum) / Double(components)
    }

    /// How strong edges are where the truth has them: 1 as sharp as the truth, less blurred, more too hard.
    ///
    /// Both pictures' gradients (root of the squared differences to the right and lower neighbours, summed over colours in 0…1) are taken as
    /// their largest within 3×3 pixels, so that an edge a pixel off still counts, and summed where the truth's are above 0.25 within 5×5.
    ///
    /// - Returns: nil where the truth has no edges
    public static func edgeRatio(_ output: Picture, truth: Picture) -> Double? {
        requireEqualSizes(output, truth)
        let (width, height) = (truth.width - 1, truth.height - 1)
        guard width > 0, height > 0 else { return nil }
        let (own, right) = (gradients(output), gradients(truth))
        let edges = largest(right.map { $0 > 0.25 ? 1 : 0 }, width: width, height: height, reach: 2)
        let (found, wanted) = (
            largest(own, width: width, height: height, reach: 1), largest(right, width: width, height: height, reach: 1)
        )
        var (numerator, denominator) = (0.0, 0.0)
        for pixel in edges.indices where edges[pixel] > 0 {
            numerator += Double(found[pixel])
            denominator += Double(wanted[pixel])
        }
        return denominator > 0 ? numerator / denominator : nil
    }

    /// Mean gradient of a picture, in 0…1: how sharp it is on the whole.
    public static func meanGradient(_ picture: Picture) -> Double {
        guard picture.width > 1, picture.height > 1 else { return 0 }
        let values = gradients(picture)
        return values.reduce(0) { $0 + Double($1) } / Double(values.count)
    }

    private static func gradients(_ picture: Picture) -> [Float] {
        let (width, height) = (picture.width - 1, picture.height - 1)
        var result: [Float] = []
        result.reserveCapacity(width * height)
        for row in 0..<height {
            for column in 0..<width {
                let at = (row * picture.width + column) * 3
                var sum: Float = 0
                for channel in at..<(at + 3) {
                    let across = Float(picture.bytes[channel + 3]) - Float(picture.bytes[channel])
                    let down = Float(picture.bytes[channel + picture.width * 3]) - Float(picture.bytes[channel])
                    sum += across * across + down * down
                }
                result.append(sum.squareRoot() / 255)
            }
        }
        return result
    }

    /// The largest value within `reach` pixels.
    private static func largest(_ values: [Float], width: Int, height: Int, reach: Int) -> [Float] {
        var rows = values
        for row in 0..<height {
            for column in 0..<width {
                let range = max(0, column - reach)...min(width - 1, column + reach)
                rows[row * width + column] = range.reduce(0) { max($0, values[row * width + $1]) }
            }
        }
        var result = rows
        for row in 0..<height {
            let range = max(0, row - reach)...min(height - 1, row + reach)
            for column in 0..<width { result[row * width + column] = range.reduce(0) { max($0, rows[$1 * width + column]) } }
        }
        return result
    }

    private static func requireEqualSizes(_ a: Picture, _ b: Picture) {
        precondition(
            a.width == b.width && a.height == b.height,
            "pictures differ in size: \(a.width) × \(a.height) and \(b.width) × \(b.height)")
    }

    private static func window(_ side: Int) -> [Double] {
        let length = min(11, side)
        let weights = (0..<length).map { index in
            let distance = Double(index) - Double(length - 1) / 2
            return exp(-distance * distance / (2 * 1.5 * 1.5))
        }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }

    /// Separable filter at valid positions only.
    private static func filtered(_ values: [Double], width: Int, height: Int, across: [Double], down: [Double]) -> [Double] {
        let newWidth = width - across.count + 1
        let newHeight = height - down.count + 1
        var rows = [Double](repeating: 0, count: newWidth * height)
        for row in 0..<height {
            for (offset, weight) in across.enumerated() {
                for column in 0..<newWidth { rows[row * newWidth + column] += weight * values[row * width + column + offset] }
            }
        }
        var result = [Double](repeating: 0, count: newWidth * newHeight)
        for row in 0..<newHeight {
            for (offset, weight) in down.enumerated() {
                for column in 0..<newWidth { result[row * newWidth + column] += weight * rows[(row + offset) * newWidth + column] }
            }
        }
        return result
    }
}
