public import RainPictures

/// Finds a person in pictures: networks, with the geometry around them.
public protocol LandmarkDetecting: Sendable {
    /// All points of the person who takes most room, in fractions of the picture; nil when nobody is in view.
    ///
    /// Called from one task at a time; may take long, and then must not block the thread that waits for it.
    func detect(_ picture: Picture) async throws -> WholeBodyFrame?
}
