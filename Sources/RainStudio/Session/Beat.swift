import Foundation

/// When driving frames are made: at multiples of their period on the studio's clock, so that sessions of the same rate tick together,
/// and groups of the same size are ready at the same time.
///
/// A camera's pictures come at a pace of their own. Where that is the session's, the beat moves until it ticks just after them, so that
/// what was seen does not wait for up to a period; where it is another, or uneven, the beat stays as it is.
///
/// Pure: time is handed in.
struct Beat: Sendable {
    /// How much of a period after the camera's poses the ticks are to come: poses are not even to the millisecond.
    private static let margin = 0.1
    /// How even poses must come for the beat to follow, 0…1: the length of the mean of their phases as unit vectors.
    private static let evenness = 0.7
    /// How much of a period a tick moves at most; less than is seen.
    private static let largestShift = 0.04

    private var period = Duration.zero
    private var last: Duration?
    /// Mean of the directions in which the camera's poses came, a period being a whole turn, as cosine and sine.
    private var phase = SIMD2<Double>.zero
    /// Number of the newest tick: how many periods the studio has been there, unless ticks came late.
    private(set) var count = 0

    /// The time of the next tick. One that is late comes at once; after more than a period the beat starts over.
    mutating func next(after now: Duration, period: Duration) -> Duration {
        if let last, period == self.period, last + period * 2 > now {
            count += 1
            let next = last + period + shift()
            self.last = next
            return next
        }
        (self.period, phase) = (period, .zero)
        count = Int(now / period) + 1
        last = period * count
        return period * count
    }

    /// A camera's pose came.
    mutating func follow(_ time: Duration) {
        guard let last, period > .zero else { return }
        let angle = 2 * Double.pi * ((time - last) / period)
        phase = phase * 0.9 + SIMD2(cos(angle), sin(angle)) * 0.1
    }

    /// Lets the camera's pace go; the beat goes back to the studio's.
    mutating func release() {
        guard phase != .zero else { return }
        (last, phase) = (nil, .zero)
    }

    /// Whether a group of this many frames begins with the newest tick.
    func begins(group size: Int) -> Bool { count.isMultiple(of: size) }

    /// How much later than a period after the last tick the next one comes.
    private mutating func shift() -> Duration {
        guard (phase * phase).sum().squareRoot() > Self.evenness else { return .zero }
        // From the newest tick to where poses come, and a margin more, -0.5…0.5 of a period.
        let error = (atan2(phase.y, phase.x) / (2 * Double.pi) + Self.margin).remainder(dividingBy: 1)
        let share = min(max(error * 0.2, -Self.largestShift), Self.largestShift)
        // Seen from ticks that have moved, poses come that much earlier.
        let (cosine, sine) = (cos(2 * Double.pi * share), sin(2 * Double.pi * share))
        phase = SIMD2(phase.x * cosine + phase.y * sine, phase.y * cosine - phase.x * sine)
        return period * share
    }
}
