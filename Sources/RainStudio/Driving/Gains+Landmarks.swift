import RainPose

extension Driver.Gains {
    /// A face with its parts exaggerated or calmed: what its head, eyes, brows and mouth do, measured from its rest.
    ///
    /// A part's own motion is what it does beyond the head; a head that turns in the picture also turns its parts, which is left to them.
    func callAsFunction(_ face: LandmarkFrame, at rest: LandmarkFrame) -> LandmarkFrame {
        guard self != Self() else { return face }
        func move(_ landmark: Landmark) -> SIMD2<Float> {
            SIMD2(face[landmark].x - rest[landmark].x, face[landmark].y - rest[landmark].y)
        }
        func mean(_ landmarks: [Landmark]) -> SIMD2<Float> {
            landmarks.reduce(SIMD2<Float>.zero) { $0 + move($1) } / Float(landmarks.count)
        }
        var result = face
        /// - Parameter carrier: what carries the part: its move counts as the head's
        func scale(_ landmarks: [Landmark], of carrier: [Landmark], by gain: Double) {
            let carried = mean(carrier)
            for landmark in landmarks {
                let moved = carried * Float(head) + (move(landmark) - carried) * Float(gain)
                result[landmark].x = rest[landmark].x + moved.x
                result[landmark].y = rest[landmark].y + moved.y
            }
        }
        let outline: [Landmark] = [
            .faceOutline0, .faceOutline1, .faceOutline2, .faceOutline3, .faceOutline4, .faceOutline5, .faceOutline6, .noseTip, .neck,
            .leftShoulder, .rightShoulder, .leftEyeOuter, .leftEyeInner, .rightEyeOuter, .rightEyeInner,
        ]
        for landmark in outline { scale([landmark], of: [landmark], by: head) }
        let (left, right): ([Landmark], [Landmark]) = ([.leftEyeOuter, .leftEyeInner], [.rightEyeOuter, .rightEyeInner])
        scale([.leftEyeTop, .leftEyeBottom, .leftPupil], of: left, by: eyes)
        scale([.rightEyeTop, .rightEyeBottom, .rightPupil], of: right, by: eyes)
        scale([.leftBrowInner, .leftBrowOuter], of: left, by: brows)
        scale([.rightBrowInner, .rightBrowOuter], of: right, by: brows)
        scale([.mouthLeft, .mouthRight, .mouthTop, .mouthBottom], of: [.noseTip, .faceOutline3], by: mouth)
        return result
    }
}
