/// Which points of bodies and hands are joined, and in which colours.
///
/// - Source: OpenPose's drawings (arXiv 1812.08008) as DWPose makes them.
public enum Skeleton {
    /// Pairs of the 18 points of a body, in the order in which they are drawn.
    public static let limbs: [(Int, Int)] = [
        (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16),
        (0, 15), (15, 17),
    ]

    /// Of the limbs, in their order, and of the joints.
    public static let bodyColors: [ByteColor] = [
        ByteColor(255, 0, 0), ByteColor(255, 85, 0), ByteColor(255, 170, 0), ByteColor(255, 255, 0), ByteColor(170, 255, 0),
        ByteColor(85, 255, 0), ByteColor(0, 255, 0), ByteColor(0, 255, 85), ByteColor(0, 255, 170), ByteColor(0, 255, 255),
        ByteColor(0, 170, 255), ByteColor(0, 85, 255), ByteColor(0, 0, 255), ByteColor(85, 0, 255), ByteColor(170, 0, 255),
        ByteColor(255, 0, 255), ByteColor(255, 0, 170), ByteColor(255, 0, 85),
    ]

    /// Pairs of the 21 points of a hand: each finger from the wrist to its tip.
    public static let fingers: [(Int, Int)] = (0..<5).flatMap { finger in
        (0..<4).map { joint in (joint == 0 ? 0 : 4 * finger + joint, 4 * finger + joint + 1) }
    }

    /// Of `fingers`, in their order: once around the circle of hues.
    public static let fingerColors: [ByteColor] = [
        ByteColor(255, 0, 0), ByteColor(255, 77, 0), ByteColor(255, 153, 0), ByteColor(255, 229, 0), ByteColor(204, 255, 0),
        ByteColor(128, 255, 0), ByteColor(51, 255, 0), ByteColor(0, 255, 25), ByteColor(0, 255, 102), ByteColor(0, 255, 179),
        ByteColor(0, 255, 255), ByteColor(0, 178, 255), ByteColor(0, 102, 255), ByteColor(0, 25, 255), ByteColor(51, 0, 255),
        ByteColor(128, 0, 255), ByteColor(204, 0, 255), ByteColor(255, 0, 230), ByteColor(255, 0, 153), ByteColor(255, 0, 77),
    ]

    /// Of the joints of hands.
    public static let handColor = ByteColor(0, 0, 255)
}
