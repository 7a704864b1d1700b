/// When finished frames are shown: a group leaves the model all at once, and is shown frame by frame at the pace at which it was
/// captured. The first frame of a group never waits, so that showing adds nothing to the latency of the window.
///
/// Pure: time is handed in.
struct Playout: Sendable {
    private let framesPerGroup: Int
    private var lastGroup: Duration?
    private var interval = Duration.zero

    init(framesPerGroup: Int) { self.framesPerGroup = framesPerGroup }

    /// When to show a frame that is finished now.
    ///
    /// - Parameters:
    ///   - index: of the frame within its stream
    ///   - period: between driving frames
    mutating func due(index: Int, at now: Duration, period: Duration) -> Duration {
        guard framesPerGroup > 1 else { return now }
        let place = index % framesPerGroup
        if place == 0 {
            // A machine that is too slow for the rate shows its frames as evenly as it makes them.
            let gap = lastGroup.map { (now - $0) / framesPerGroup } ?? period
            interval = min(max(gap, period * 0.9), period * 4)
            lastGroup = now
        }
        return (lastGroup ?? now) + interval * place
    }
}
