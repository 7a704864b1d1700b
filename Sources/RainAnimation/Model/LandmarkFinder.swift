public import RainGraph
import RainModels
public import RainPictures
public import RainPose

/// Finds the landmarks of a drawn face, with a model's landmark network, from roughly where the face is.
///
/// The network looks at several crops around that place, and again around what it has found; where they agree, the face is.
public final class LandmarkFinder {
    private let places: ([Float]) throws -> [Float]
    private let network: LandmarkNetwork

    /// Crops looked at together.
    private static let crops = 6
    private static let rounds = 5
    /// The crop's width, as a multiple of the one in which the expression is drawn: from the forehead to below the chin.
    private static let reach = 1.6
    /// Pictures are looked at no larger than this.
    private static let largestSide = 768
    /// How large a face may be, in the size of the guess.
    private static let sizes = 0.3...3.0
    /// Crops that have to agree, and how far they may be apart, in distances of the eyes.
    private static let (agreeing, tolerance) = (3, 0.12)

    /// - Returns: nil for a model without such a network
    /// - Throws: what engine and parameters throw
    public init?(_ configuration: ModelConfiguration, engine: some Engine, parameters: (String, Shape) throws -> [Float]) throws {
        guard let network = configuration.layeredGuide?.landmarkNetwork else { return nil }
        let executable = try engine.compile(Program(Self.graph(network)))
        try executable.load(parameters)
        self.network = network
        places = { crops in
            try executable.write("crops", crops)
            try executable.run(.step)
            return try executable.read("places")
        }
    }

    /// `crops` `[count, s, s, 3]` in 0…1 → `places` `[count, landmarks, 2]`.
    static func graph(_ network: LandmarkNetwork, count: Int = crops) throws -> Graph {
        let g = GraphBuilder()
        let crops = try g.input("crops", [count, network.cropSize, network.cropSize, 3])
        g.output("places", try g.scoped(ModelConfiguration.Network.landmarkNetwork.rawValue) { try network(g, crops).places })
        return try g.graph()
    }

    /// The square in which the network looks for a face.
    public static func square(_ face: LandmarkFrame) -> CropFrame? { CropFrame(face)?.changed(scale: reach) }

    /// - Parameters:
    ///   - picture: square
    ///   - near: roughly where the face is, in fractions of the picture
    /// - Returns: the face, all of whose points are seen; neck and shoulders are those given, moved along. Nil where crops do not agree, so
    ///   that there is no drawn face.
    /// - Throws: what the engine throws
    public func callAsFunction(_ picture: Picture, near: LandmarkFrame) throws -> LandmarkFrame? {
        guard let start = Self.square(near) else { return nil }
        let small = picture.width > Self.largestSide ? picture.fitted(width: Self.largestSide, height: Self.largestSide) : picture
        var squares: [CropFrame] = [
            start, start.changed(scale: 0.75), start.changed(scale: 1.35), start.changed(turn: 0.25), start.changed(turn: -0.25),
            start.changed(scale: 1.8),
        ]
        var (faces, former): ([LandmarkFrame], [LandmarkFrame]) = ([], [])
        for _ in 0..<Self.rounds {
            let found = try places(squares.flatMap { Self.crop(small, $0, side: network.cropSize) })
            let count = network.landmarks * 2
            former = faces
            faces = squares.enumerated().map { index, square in
                Self.face(Array(found[(index * count)..<((index + 1) * count)]), square, near: near, start: start)
            }
            // A crop that has lost the face begins anew.
            squares = faces.map { Self.square($0) ?? start }
        }
        // Where there is nothing to see, points may agree on one place, or go on moving.
        faces = zip(former, faces).filter { former, face in
            Self.isPlausible(face, start) && apart(former, face) < Self.tolerance * (Self.halfWidth(face) ?? 0)
        }.map(\.1)
        guard faces.count >= Self.agreeing, let middle = LandmarkFrame.median(of: faces), let width = Self.halfWidth(middle)
        else { return nil }
        let nearest = faces.sorted { apart($0, middle) < apart($1, middle) }.prefix(Self.agreeing)
        guard let last = nearest.last, apart(last, middle) < Self.tolerance * width else { return nil }
        return LandmarkFrame.median(of: nearest)?.allSeen
    }

    /// How far two faces' landmarks are apart on average.
    private func apart(_ one: LandmarkFrame, _ other: LandmarkFrame) -> Double {
        let distances = zip(one.points, other.points).prefix(network.landmarks).map { a, b -> Double in
            let (x, y) = (Double(a.x - b.x), Double(a.y - b.y))
            return (x * x + y * y).squareRoot()
        }
        return distances.reduce(0, +) / Double(distances.count)
    }

    /// Of the crop in which the expression is drawn, about one distance of the eyes; nil for a face without extent.
    private static func halfWidth(_ face: LandmarkFrame) -> Double? {
        CropFrame(face).map { ($0.right * $0.right).sum().squareRoot() }
    }

    /// Whether a face is about as large as the guess.
    private static func isPlausible(_ face: LandmarkFrame, _ start: CropFrame) -> Bool {
        guard let found = square(face) else { return false }
        let ratio = ((found.right * found.right).sum() / (start.right * start.right).sum()).squareRoot()
        return sizes.contains(ratio)
    }

    private static func face(_ places: [Float], _ square: CropFrame, near: LandmarkFrame, start: CropFrame) -> LandmarkFrame {
        func point(_ place: SIMD2<Double>) -> LandmarkPoint { LandmarkPoint(x: Float(place.x), y: Float(place.y)) }
        var points = near.points
        for index in 0..<(places.count / 2) {
            points[index] = point(square(SIMD2(Double(places[2 * index]), Double(places[2 * index + 1]))))
        }
        let found = LandmarkFrame(points: points)
        guard let moved = Self.square(found) else { return found }
        for index in (places.count / 2)..<points.count {
            points[index] = point(moved(start.inverse(SIMD2(Double(points[index].x), Double(points[index].y)))))
        }
        return LandmarkFrame(points: points)
    }

    /// The pixels of a square as the network sees them, `[side, side, 3]` in 0…1; beyond the picture's edges the outermost are repeated.
    public static func crop(_ picture: Picture, _ square: CropFrame, side: Int) -> [Float] {
        let extent = 2 * (square.right * square.right).sum().squareRoot() * Double(picture.width)
        // Of a large face there are more pixels than the crop has.
        let shrinking = Double(side) * 1.3 / max(extent, 1)
        var source = picture
        if shrinking < 0.7 {
            let small = max(16, Int((Double(picture.width) * shrinking).rounded()))
            source = picture.fitted(width: small, height: small)
        }
        let (width, height) = (source.width, source.height)
        var values: [Float] = []
        values.reserveCapacity(side * side * 3)
        for row in 0..<side {
            for column in 0..<side {
                let q = SIMD2((Double(column) + 0.5) * 2 / Double(side) - 1, (Double(row) + 0.5) * 2 / Double(side) - 1)
                let place = square(q)
                // Bounded before it becomes a whole number; NaN is the first pixel.
                let x = max(0, min(place.x * Double(width) - 0.5, Double(width - 1)))
                let y = max(0, min(place.y * Double(height) - 0.5, Double(height - 1)))
                let (left, top) = (min(Int(x), max(width - 2, 0)), min(Int(y), max(height - 2, 0)))
                let (right, bottom) = (min(left + 1, width - 1), min(top + 1, height - 1))
                let (u, v) = (Float(x - Double(left)), Float(y - Double(top)))
                for channel in 0..<3 {
                    func pixel(_ column: Int, _ row: Int) -> Float { Float(source.bytes[(row * width + column) * 3 + channel]) }
                    let above = pixel(left, top) * (1 - u) + pixel(right, top) * u
                    let below = pixel(left, bottom) * (1 - u) + pixel(right, bottom) * u
                    values.append((above * (1 - v) + below * v) * (1 / 255))
                }
            }
        }
        return values
    }
}
