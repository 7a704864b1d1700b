import RainPose

/// Which points of MediaPipe's face mesh are which landmarks.
///
/// - Source: canonical face model of MediaPipe (Apache-2.0); the order of the refined points is that of the published network's options
enum MeshPoints {
    /// The 80 points of the lips that are looked at again.
    static let lips = [
        61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409, 78, 95, 88, 178, 87, 14, 317, 402,
        318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415, 76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11,
        302, 303, 304, 408, 62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
    ]

    /// The 71 points of the picture's left eye that are looked at again, its lids' rims first.
    static let leftEye = [
        33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173, 130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29,
        27, 28, 56, 190, 226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189, 35, 124, 46, 53, 52, 65, 143,
        111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
    ]

    /// Those of the right eye, in the same order.
    static let rightEye = [
        263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398, 359, 255, 339, 254, 253, 252, 256, 341, 463, 467,
        260, 259, 257, 258, 286, 414, 446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413, 265, 353, 276, 283,
        282, 295, 372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
    ]

    /// The 29 points of a face without neck and shoulders; the mean of two where two are named.
    static let face: [(landmark: Landmark, points: [Int])] = [
        (.faceOutline0, [127]), (.faceOutline1, [132]), (.faceOutline2, [150, 136]), (.faceOutline3, [152]), (.faceOutline4, [379, 365]),
        (.faceOutline5, [361]), (.faceOutline6, [356]),
        // Between the brows' lower and upper edges.
        (.leftBrowInner, [55, 107]), (.leftBrowOuter, [46, 70]), (.rightBrowInner, [285, 336]), (.rightBrowOuter, [276, 300]),
        (.leftEyeOuter, [33]), (.leftEyeInner, [133]), (.leftEyeTop, [159]), (.leftEyeBottom, [145]), (.leftPupil, [468]),
        (.rightEyeOuter, [263]), (.rightEyeInner, [362]), (.rightEyeTop, [386]), (.rightEyeBottom, [374]), (.rightPupil, [473]),
        (.noseTip, [1]), (.mouthLeft, [61]), (.mouthRight, [291]), (.mouthTop, [13]), (.mouthBottom, [14]),
    ]

    /// The 68 points of 300-W; the mean of two where two are named.
    static let face68: [[Int]] = [
        [127], [234], [93], [132, 58], [58, 172], [136], [150], [176], [152], [400], [379], [365], [397, 288], [361], [323], [454],
        [356], [70], [63], [105], [66], [107], [336], [296], [334], [293], [300], [168, 6], [197, 195], [5], [4], [75], [97], [2], [326],
        [305], [33], [160], [158], [133], [153], [144], [362], [385], [387], [263], [373], [380], [61], [39], [37], [0], [267], [269],
        [291], [321], [314], [17], [84], [91], [78], [82], [13], [312], [308], [317], [14], [87],
    ]

    static let chin = 152
    static let forehead = 10
    static let leftEyeCorner = 33
    static let rightEyeCorner = 263

    /// The mean of some of a face's points.
    static func mean(_ indices: [Int], of points: [SIMD2<Double>]) -> SIMD2<Double> {
        indices.reduce(.zero) { $0 + points[$1] } / Double(indices.count)
    }
}
