import RainMedia
import RainPictures
import Synchronization

/// A frame of a session on its way to those who watch.
struct StudioFrame: Sendable {
    /// Number within the session, from 1; grows across changes of its settings.
    var sequence: UInt32
    /// As it is shown, before the session's background.
    var picture: Picture
    /// The same in the forms in which it is sent.
    let images: FrameImages
    /// When its driving frame was made, on the studio's clock.
    var captured: Duration
    /// When it was finished.
    var finished: Duration
    /// The event it answers.
    var stamp: InputStamp?
    /// Grows with every change of the reference.
    var generation: UInt32
    /// Of the session.
    var framesPerSecond: Double
    /// Whether it was shown before, and is only what a new watcher sees first.
    var isOld = false
}

/// A frame as picture files, each made when the first one asks for it and once for all.
final class FrameImages: Sendable {
    private struct Made {
        var jpeg: [UInt8]?
        var cut: CutPicture?
        var png: [UInt8]?
    }

    private let picture: Picture
    private let source: (picture: Picture, matte: Matte)?
    private let made: Mutex<Made>

    /// - Parameters:
    ///   - picture: as it is shown
    ///   - source: as the model made it, and what cuts the character out; `nil` for pictures that are never cut
    ///   - cut: the character, if it has been cut out already
    init(_ picture: Picture, source: (picture: Picture, matte: Matte)? = nil, cut: CutPicture? = nil) {
        self.picture = picture
        self.source = source
        made = Mutex(Made(cut: cut))
    }

    /// - Throws: `MediaError` if FFmpeg cannot encode it
    func jpeg() throws -> [UInt8] {
        try made.withLock { made in
            if let known = made.jpeg { return known }
            let bytes = try PictureWriter.jpeg(picture)
            made.jpeg = bytes
            return bytes
        }
    }

    /// The character alone, as PNG with transparency.
    ///
    /// - Throws: `MediaError` if FFmpeg cannot encode it
    func cutPNG() throws -> [UInt8] {
        try made.withLock { made in
            if let known = made.png { return known }
            guard let cut = cut(&made) else { return try PictureWriter.png(picture) }
            let bytes = try PictureWriter.png(rgba: cut.rgba, width: cut.width, height: cut.height)
            made.png = bytes
            return bytes
        }
    }

    /// The character alone; `nil` for pictures that are never cut.
    func cut() -> CutPicture? { made.withLock { cut(&$0) } }

    private func cut(_ made: inout Made) -> CutPicture? {
        if made.cut == nil { made.cut = source.map { $0.matte.cut($0.picture) } }
        return made.cut
    }

    /// Whether anybody has asked for it as JPEG, and for the character alone.
    var isMade: (jpeg: Bool, png: Bool) { made.withLock { ($0.jpeg != nil, $0.png != nil) } }
}
