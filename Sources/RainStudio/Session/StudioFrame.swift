import RainPictures

/// A frame of a session on its way to those who watch; encoded once for all of them.
struct StudioFrame: Sendable {
    /// Number within the session, from 1; grows across changes of its settings.
    var sequence: UInt32
    var picture: Picture
    var jpeg: [UInt8]
    /// When its driving frame was made, on the studio's clock.
    var captured: Duration
    /// When it was finished.
    var finished: Duration
    /// The event it answers.
    var stamp: InputStamp?
    /// Grows with every change of the reference.
    var generation: UInt32
    /// Whether it was shown before, and is only what a new watcher sees first.
    var isOld = false
}
