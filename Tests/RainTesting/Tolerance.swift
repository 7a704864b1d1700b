/// How far float32 sums of `reductionLength` products may differ from exact ones, relative to the largest element.
///
/// Rounding errors of a sum in any order grow with the square root of its length; the constant part covers elementary functions that
/// are right to a few units in the last place.
public func tolerance(reductionLength: Int) -> Float { Float.ulpOfOne * (16 + 4 * Float(reductionLength).squareRoot()) }

/// Where two results differ most.
public struct Difference: Sendable, CustomStringConvertible {
    public let index: Int
    public let found: Float
    public let expected: Float
    /// |found − expected| relative to the largest expected element; infinite if only one of them is finite.
    public let relative: Float

    public var description: String { "element \(index) is \(found), expected \(expected): \(relative) of the largest" }
}

/// The largest difference, relative to the largest absolute value expected; `nil` if there are no elements.
public func largestDifference(_ found: [Float], _ expected: [Float]) -> Difference? {
    precondition(found.count == expected.count, "\(found.count) elements, expected \(expected.count)")
    let scale = expected.lazy.filter(\.isFinite).map(abs).max() ?? 0
    var worst: Difference?
    for (index, (a, b)) in zip(found, expected).enumerated() {
        let isSame = a == b || (a.isNaN && b.isNaN)
        let error = isSame ? 0 : a.isFinite && b.isFinite ? abs(a - b) / max(scale, .leastNormalMagnitude) : .infinity
        if error >= worst?.relative ?? 0 { worst = Difference(index: index, found: a, expected: b, relative: error) }
    }
    return worst
}
