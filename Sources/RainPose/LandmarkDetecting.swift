public import RainPictures

/// Finds a person in pictures: networks, with the geometry around them.
public protocol LandmarkDetecting: Sendable {
    /// The landmarks of one person in a picture that stands alone, in fractions of the picture; nil when nobody is in view.
    ///
    /// Called from one task at a time; may take long, and then must not block the thread that waits for it.
    func detect(_ picture: Picture) async throws -> DrivingPose?

    /// The landmarks of one person in the next picture of a sequence.
    ///
    /// - Parameter memory: what the picture before left, or a new one for the first; several sequences may take turns with one detector
    func detect(_ picture: Picture, memory: TrackingMemory) async throws -> (pose: DrivingPose?, memory: TrackingMemory)
}

extension LandmarkDetecting {
    /// A detector without memory looks at every picture as if it stood alone.
    public func detect(_ picture: Picture, memory: TrackingMemory) async throws -> (pose: DrivingPose?, memory: TrackingMemory) {
        (try await detect(picture), memory)
    }
}

/// What a tracker remembers from one picture of a sequence to the next: where to look first.
public struct TrackingMemory: Sendable, Equatable {
    /// Where the face of the picture before was, for the next look at it.
    package var face: PictureRegion?
    /// Where the body was.
    package var body: PictureRegion?
    /// The body's points as last seen, in fractions of the picture, in the order of their network; none if it was not seen.
    package var bodyPoints: [Keypoint] = []
    /// Pictures since the body was looked at.
    package var picturesSinceBody = 0
    /// Pictures since the detector last agreed that the face is one.
    package var picturesSinceCheck = 0
    /// Pictures since the face was lost.
    package var picturesWithoutFace = 0
    /// Where the last face was, from which the next one is chosen among several; in fractions of the picture.
    package var lastPlace: SIMD2<Double>?

    /// Of a sequence that begins.
    public init() {}
}

/// A square in a picture, turned: where a network looks.
package struct PictureRegion: Sendable, Equatable {
    /// In pixels of the picture; pixel (0, 0) reaches from 0 to 1.
    package var center: SIMD2<Double>
    /// In pixels, at least 1.
    package var side: Double
    /// Clockwise, in radians.
    package var angle: Double

    package init(center: SIMD2<Double>, side: Double, angle: Double = 0) {
        self.center = center
        self.side = side
        self.angle = angle
    }
}
