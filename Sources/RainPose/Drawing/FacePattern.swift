/// How the 68 points of a face become coloured discs.
public struct FacePattern: Sendable, Equatable {
    /// A disc in the middle of some points.
    public struct Disc: Sendable, Equatable {
        /// Indices of the points, 0…67; at least one.
        public var points: [Int]
        public var color: ByteColor

        /// - Throws: `LandmarkError` for no points, or one that no face has
        public init(points: [Int], color: ByteColor) throws(LandmarkError) {
            guard !points.isEmpty, points.allSatisfy((0..<WholeBody.face.count).contains) else {
                throw LandmarkError(.count, "a disc needs points 0…\(WholeBody.face.count - 1) of the face, found \(points.prefix(8))")
            }
            self.init(checked: points, color)
        }

        fileprivate init(checked points: [Int], _ color: ByteColor) {
            self.points = points
            self.color = color
        }
    }

    /// In the order in which they are drawn.
    public var discs: [Disc]

    public init(discs: [Disc]) { self.discs = discs }

    /// Every point on its own, coloured by part of the face.
    public static let plain: FacePattern = {
        let parts: [(Range<Int>, ByteColor)] = [
            (0..<27, ByteColor(0, 255, 255)), (27..<36, ByteColor(255, 0, 255)), (36..<42, ByteColor(255, 128, 128)),
            (42..<48, ByteColor(128, 128, 255)), (48..<55, ByteColor(173, 255, 68)), (55..<60, ByteColor(68, 173, 255)),
            (60..<65, ByteColor(68, 255, 173)), (65..<68, ByteColor(173, 68, 255)),
        ]
        return FacePattern(discs: parts.flatMap { range, color in range.map { Disc(checked: [$0], color) } })
    }()

    /// The 26 discs that the published face models were trained on: few enough to describe a drawn face as well as a real one.
    public static let published: FacePattern = {
        let parts: [(ByteColor, [[Int]])] = [
            (ByteColor(0, 255, 255), [[1, 2], [4], [8], [12], [15, 14]]),
            (ByteColor(128, 0, 255), [[17], [18, 19], [20]]), (ByteColor(255, 0, 128), [[23], [24, 25], [26]]),
            (ByteColor(0, 0, 255), [[60], [62], [64], [66]]), (ByteColor(255, 0, 255), [[33, 30]]),
            (ByteColor(255, 128, 128), [[36, 37], [37, 38], [38, 39], [40, 39], [41]]),
            (ByteColor(128, 128, 255), [[42, 43], [43, 44], [44, 45], [46], [47, 42]]),
        ]
        return FacePattern(discs: parts.flatMap { color, discs in discs.map { Disc(checked: $0, color) } })
    }()
}
