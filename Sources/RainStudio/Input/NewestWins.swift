import Synchronization

/// Holds the newest of what comes; what it replaces is handed back. For one taker.
final class NewestWins<Element: Sendable>: Sendable {
    private let newest = Mutex<Element?>(nil)
    private let ring: AsyncStream<Void>.Continuation
    /// Rings when something has come; ends with `finish()`. There may be nothing left to take.
    let bell: AsyncStream<Void>

    init() { (bell, ring) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// - Returns: what gave way
    func offer(_ element: Element) -> Element? {
        let old = newest.withLock { newest -> Element? in
            defer { newest = element }
            return newest
        }
        ring.yield()
        return old
    }

    func take() -> Element? {
        newest.withLock { newest in
            defer { newest = nil }
            return newest
        }
    }

    func finish() { ring.finish() }
}
