public import RainPictures

/// Draws persons as the pose pictures that published models see.
public struct WholeBodyPainter: Sendable, Equatable {
    /// What is drawn of a person.
    public enum Parts: String, Sendable, CaseIterable {
        /// Discs of the face, for models that animate faces.
        case face
        /// Skeletons of body and hands.
        case body
        case bodyAndFace = "body+face"
    }

    public var width: Int
    public var height: Int
    public var parts: Parts
    public var pattern: FacePattern
    /// Applied to faces; nil to draw them as they are.
    public var retargeting: FaceRetargeting?

    public init(
        width: Int, height: Int, parts: Parts = .face, pattern: FacePattern = .published,
        retargeting: FaceRetargeting? = FaceParameters.initial.retargeting
    ) {
        precondition(width > 0 && height > 0, "a pose picture has at least one pixel")
        self.width = width
        self.height = height
        self.parts = parts
        self.pattern = pattern
        self.retargeting = retargeting
    }

    /// The picture of a person.
    public func picture(_ person: WholeBodyFrame) -> Picture {
        var canvas = PoseCanvas(width: width, height: height)
        if parts != .face {
            canvas.drawBodies([
                person.points[WholeBody.body].map { $0.score < WholeBodyFrame.leastScore ? nil : $0.location }
            ])
            canvas.drawHands([person.drawable(WholeBody.leftHand), person.drawable(WholeBody.rightHand)])
        }
        if parts != .body {
            let face = person.drawable(WholeBody.face)
            // One point not seen would pull whole parts of the face out of the picture.
            if !face.contains(SIMD2(-1, -1)) { canvas.drawFace(face, pattern: pattern, retargeting: retargeting) }
        }
        return canvas.picture
    }
}

/// Either way of drawing what drives a character.
public enum PoseStyle: Sendable {
    /// Soft discs at the points of a drawn face, as rain-mini sees them.
    case face(PosePainter)
    /// The pose pictures of published models.
    case person(WholeBodyPainter)

    /// How many numbers one picture takes.
    public var count: Int {
        switch self {
        case .face(let painter): painter.count
        case .person(let painter): painter.width * painter.height * 3
        }
    }

    /// Paints over `count` numbers of a buffer: height × width × 3 in 0…1, red first. Either set of points can be drawn.
    public func paint(_ pose: DrivingPose, into buffer: inout [Float], offset: Int = 0) {
        switch self {
        case .face(let painter): painter.paint(pose.face, into: &buffer, offset: offset)
        case .person(let painter):
            precondition(
                offset >= 0 && offset <= buffer.count - count,
                "a pose picture of \(count) numbers at \(offset) does not fit a buffer of \(buffer.count)")
            for (index, byte) in painter.picture(pose.person).bytes.enumerated() { buffer[offset + index] = Float(byte) / 255 }
        }
    }
}
