import RainNumbers

/// Eyelids that close for a moment, once per slot of time; now and then only one of them.
struct Blinking: Sendable {
    let seed: UInt64
    /// In seconds; more than a blink takes.
    let slot: Double

    private static let length = 0.24
    private static let curve = [1, 0.5, 0.08, 0, 0.12, 0.6, 1]

    /// What blinking leaves of each eye's opening.
    ///
    /// - Parameter time: in seconds, 0 or later
    func callAsFunction(at time: Double) -> (left: Double, right: Double) {
        let slotIndex = (time / slot).rounded(.down)
        var random = SplitMix64(seed: seed ^ UInt64(bitPattern: Int64(slotIndex)), stream: 4)
        let start = random.uniform(0, slot - Self.length)
        let who = random.unit()
        let open = Self.opening(since: time - slotIndex * slot - start)
        return (who < 0.9 ? open : 1, who > 0.1 ? open : 1)
    }

    /// How far a lid is open some seconds after it began to blink.
    static func opening(since: Double) -> Double {
        guard since > 0, since < length else { return 1 }
        let place = since / length * Double(curve.count - 1)
        let index = Int(place)
        let from = curve[index]
        return from + (curve[index + 1] - from) * (place - Double(index))
    }
}
