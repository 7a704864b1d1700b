/// Which event of which client a frame answers, so that the client can measure how long the answer took.
struct InputStamp: Hashable, Sendable {
    /// Number of the client within its session, from 1.
    var client: UInt16
    /// In milliseconds on the client's own clock.
    var milliseconds: Double

    /// As a frame's tag; 0 for times no page can have.
    var tag: UInt64 {
        guard milliseconds >= 0, milliseconds < 1e13 else { return 0 }
        return UInt64(client) << 48 | UInt64(milliseconds * 16)
    }

    init(client: UInt16, milliseconds: Double) {
        self.client = client
        self.milliseconds = milliseconds
    }

    /// - Returns: nil for a frame that answers nobody
    init?(tag: UInt64) {
        guard tag >> 48 != 0 else { return nil }
        client = UInt16(tag >> 48)
        milliseconds = Double(tag & 0xFFFF_FFFF_FFFF) / 16
    }
}
