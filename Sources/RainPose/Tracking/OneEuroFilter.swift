import Foundation

/// Smooths a quantity that arrives with noise: strongly while it rests, hardly while it moves fast, so that it neither trembles nor lags.
///
/// Pure: time is handed in, and may pass unevenly.
///
/// - Source: Casiez, Roussel, Vogel: 1 € Filter, CHI 2012.
public struct OneEuroFilter: Sendable, Equatable {
    public struct Settings: Sendable, Equatable {
        /// How fast resting quantities may change, in hertz; lower is calmer.
        public var leastCutoff: Double
        /// How much faster moving ones may, in hertz for each unit a second (a picture, unless another unit is handed in); higher lags less.
        public var speedCoefficient: Double
        /// For the speed itself, in hertz.
        public var speedCutoff: Double

        /// The defaults suit landmarks in fractions of the picture.
        public init(leastCutoff: Double = 1.5, speedCoefficient: Double = 12, speedCutoff: Double = 1) {
            self.leastCutoff = leastCutoff
            self.speedCoefficient = speedCoefficient
            self.speedCutoff = speedCutoff
        }
    }

    private let settings: Settings
    private var last: (value: SIMD2<Double>, speed: SIMD2<Double>, time: Double)?

    public init(_ settings: Settings = Settings()) { self.settings = settings }

    /// The smoothed quantity.
    ///
    /// - Parameters:
    ///   - seconds: when it was measured; one that is not later than the last returns the last result
    ///   - unit: in which speed is counted, above 0: the size of what moves, so that near and far things are smoothed alike
    public mutating func callAsFunction(_ value: SIMD2<Double>, at seconds: Double, unit: Double = 1) -> SIMD2<Double> {
        guard let last else {
            self.last = (value, .zero, seconds)
            return value
        }
        let step = seconds - last.time
        guard step > 0 else { return last.value }
        let speed = last.speed + ((value - last.value) / step - last.speed) * Self.share(settings.speedCutoff, step)
        // One cutoff for both coordinates, so that smoothing does not bend the path.
        let cutoff = settings.leastCutoff + settings.speedCoefficient * (speed * speed).sum().squareRoot() / unit
        let smooth = last.value + (value - last.value) * Self.share(cutoff, step)
        self.last = (smooth, speed, seconds)
        return smooth
    }

    /// Forgets the past, e.g. because the quantity jumped.
    public mutating func reset() { last = nil }

    /// How much of a new value passes a low-pass filter of a cutoff frequency after a time.
    private static func share(_ cutoff: Double, _ step: Double) -> Double {
        let radians = 2 * Double.pi * cutoff * step
        return radians / (radians + 1)
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.settings == b.settings && a.last?.value == b.last?.value && a.last?.speed == b.last?.speed && a.last?.time == b.last?.time
    }
}
