public import RainGraph
public import RainPictures
public import RainPose

/// Finds faces in drawn pictures, with a model's landmark network: exactly where a tracker of people knows roughly where to look, and also
/// where there is none.
public actor DrawnFaces {
    private let finder: LandmarkFinder
    private let executor = QueueExecutor(label: "rain.faces")

    /// Sizes of a face that nobody has found, in that of the neutral one.
    private static let scales: [Float] = [1, 0.6, 1.5]
    private static let largestSide = 768

    /// - Returns: nil for a model without a landmark network
    /// - Throws: what engine and parameters throw
    public init?(_ model: AnimationModel, engine: some Engine) throws {
        guard let finder = try LandmarkFinder(model.configuration, engine: engine, parameters: model.parameters) else { return nil }
        self.finder = finder
    }

    // Safe: the actor owns its executor.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// The landmarks of a drawn face, all of them seen, in fractions of the picture; nil where there is none.
    ///
    /// - Parameters:
    ///   - picture: of any proportions
    ///   - guess: what a tracker has found in it
    /// - Throws: what the engine throws
    public func face(in picture: Picture, near guess: LandmarkFrame?) throws -> LandmarkFrame? {
        let placement =
            if let guess {
                ReferencePlacement(face: guess, width: picture.width, height: picture.height)
            } else {
                ReferencePlacement(width: picture.width, height: picture.height)
            }
        let square = placement.picture(picture, largest: Self.largestSide)
        if let guess { return try finder(square, near: placement.landmarks(guess)).map { placement.unplaced($0) } }
        for scale in Self.scales {
            let start = LandmarkFrame(
                points: LandmarkFrame.neutral.points.map {
                    LandmarkPoint(x: ($0.x - 0.5) * scale + 0.5, y: ($0.y - 0.5) * scale + 0.5, visibility: $0.visibility)
                })
            if let found = try finder(square, near: start) { return placement.unplaced(found) }
        }
        return nil
    }
}
