/// How a figure differs from one character to the next, and how sure its mean is.
public struct Spread: Sendable, Equatable {
    public let mean: Double
    /// Standard deviation over the characters; `nil` of one alone.
    public let deviation: Double?
    public let least: Double
    public let greatest: Double
    /// Where the mean of other characters of this kind would lie, in 95 of 100 evaluations; `nil` of one character alone.
    public let interval: ClosedRange<Double>?

    private static let resamples = 10_000

    /// - Parameter values: one per character, at least one. The same values give the same interval.
    /// - Source: the percentile bootstrap, Efron 1979, of 10 000 resamples
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "a spread of something")
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        self.mean = mean
        least = values.min() ?? mean
        greatest = values.max() ?? mean
        guard values.count > 1 else {
            (deviation, interval) = (nil, nil)
            return
        }
        deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
        var random = TrainingRandom(seed: 1, stream: "bootstrap")
        let means = (0..<Self.resamples).map { _ in
            values.indices.reduce(0.0) { sum, _ in sum + values[random.index(below: values.count)] } / count
        }.sorted()
        interval = means[Self.resamples / 40]...means[Self.resamples - 1 - Self.resamples / 40]
    }
}

extension Spread: Encodable {
    enum CodingKeys: String, CodingKey {
        case mean, deviation, least, greatest, interval
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(mean, forKey: .mean)
        try values.encodeIfPresent(deviation, forKey: .deviation)
        try values.encode(least, forKey: .least)
        try values.encode(greatest, forKey: .greatest)
        try values.encodeIfPresent(interval.map { [$0.lowerBound, $0.upperBound] }, forKey: .interval)
    }
}
