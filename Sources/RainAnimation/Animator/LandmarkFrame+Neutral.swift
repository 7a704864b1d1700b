public import RainPose

extension LandmarkFrame {
    /// Landmarks of a frontal face at rest in the middle of the picture, for reference pictures that come without their own: the
    /// median over 500 characters of the procedural world, rounded and made symmetric.
    public static let neutral: LandmarkFrame = {
        var frame = LandmarkFrame(points: [LandmarkPoint](repeating: LandmarkPoint(x: 0.5, y: 0.5), count: LandmarkSet.count))
        for (landmark, x, y) in middle { frame[landmark] = LandmarkPoint(x: x, y: y) }
        for (left, right, x, y) in sides {
            frame[left] = LandmarkPoint(x: x, y: y)
            frame[right] = LandmarkPoint(x: 1 - x, y: y)
        }
        return frame
    }()

    private static let middle: [(Landmark, Float, Float)] = [
        (.faceOutline3, 0.5, 0.725), (.noseTip, 0.5, 0.580), (.mouthTop, 0.5, 0.635), (.mouthBottom, 0.5, 0.635), (.neck, 0.5, 0.836),
    ]

    /// Position of the left one; the right one is its mirror image.
    private static let sides: [(left: Landmark, right: Landmark, Float, Float)] = [
        (.faceOutline0, .faceOutline6, 0.280, 0.473), (.faceOutline1, .faceOutline5, 0.295, 0.582),
        (.faceOutline2, .faceOutline4, 0.372, 0.676), (.leftBrowInner, .rightBrowInner, 0.449, 0.429),
        (.leftBrowOuter, .rightBrowOuter, 0.360, 0.425), (.leftEyeOuter, .rightEyeOuter, 0.357, 0.512),
        (.leftEyeInner, .rightEyeInner, 0.4565, 0.513), (.leftEyeTop, .rightEyeTop, 0.407, 0.4565),
        (.leftEyeBottom, .rightEyeBottom, 0.406, 0.5565), (.leftPupil, .rightPupil, 0.407, 0.510),
        (.mouthLeft, .mouthRight, 0.4525, 0.632), (.leftShoulder, .rightShoulder, 0.179, 0.922),
    ]
}
