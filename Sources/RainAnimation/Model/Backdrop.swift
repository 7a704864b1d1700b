import RainPictures

/// A background of one colour, as sprites and transparent pictures have: then the outline of the character is known to the pixel, and what is
/// behind it too.
struct Backdrop {
    /// In 0…1.
    let color: SIMD3<Float>
    /// How much of each pixel's surroundings is background, for `side`×`side` parts of the picture, 0…1.
    private let shares: [Float]
    private let side: Int

    /// How far apart, of 255, colours of one background are.
    private static let tolerance = 14
    /// Of the picture's upper edges, what has to be of one colour.
    private static let least = 0.8

    /// - Returns: nil for a picture whose upper edges are of more than one colour
    init?(_ picture: Picture, side: Int) {
        let (width, height) = (picture.width, picture.height)
        // The lower edge is the body's.
        let edge = (0..<width).map { $0 } + (0..<(height / 2)).flatMap { [$0 * width, $0 * width + width - 1] }
        let middle = (0..<3).map { channel in edge.map { picture.bytes[$0 * 3 + channel] }.sorted()[edge.count / 2] }
        func isBackground(_ pixel: Int) -> Bool {
            (0..<3).allSatisfy { abs(Int(picture.bytes[pixel * 3 + $0]) - Int(middle[$0])) <= Self.tolerance }
        }
        guard Double(edge.count(where: isBackground)) >= Self.least * Double(edge.count) else { return nil }
        // What hangs together with the edges is background; an eye's white is not.
        var isReached = [Bool](repeating: false, count: width * height)
        var open = (edge + (0..<height).flatMap { [$0 * width, $0 * width + width - 1] }).filter(isBackground)
        for pixel in open { isReached[pixel] = true }
        while let pixel = open.popLast() {
            let (x, y) = (pixel % width, pixel / width)
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] where (0..<width).contains(x + dx) && (0..<height).contains(y + dy) {
                let next = (y + dy) * width + x + dx
                guard !isReached[next], isBackground(next) else { continue }
                isReached[next] = true
                open.append(next)
            }
        }
        var (sums, counts) = ([Float](repeating: 0, count: side * side), [Float](repeating: 0, count: side * side))
        for pixel in isReached.indices {
            let part = (pixel / width) * side / height * side + (pixel % width) * side / width
            counts[part] += 1
            if isReached[pixel] { sums[part] += 1 }
        }
        // A picture smaller than the masks has parts without a pixel.
        guard !counts.contains(0) else { return nil }
        shares = zip(sums, counts).map { $0 / $1 }
        self.side = side
        color = SIMD3(Float(middle[0]), Float(middle[1]), Float(middle[2])) / 255
    }

    /// Masks that respect it: nothing lies on the background, and whatever is not background belongs to a layer, if to none by itself, then
    /// to that of the nearest pixel that does.
    ///
    /// - Parameter masks: `[side, side, count]` in 0…1, back to front
    func respected(_ masks: [Float], count: Int) -> [Float] {
        var masks = masks
        /// The frontmost layer of every pixel that has one.
        var owner = [Int?](repeating: nil, count: side * side)
        for pixel in shares.indices {
            if shares[pixel] > 0.95 {
                for layer in 0..<count { masks[pixel * count + layer] = 0 }
            } else {
                owner[pixel] = (0..<count).last { masks[pixel * count + $0] > 0.5 }
            }
        }
        var open = owner.indices.filter { owner[$0] != nil }
        var next = 0
        // Breadth first: from near to far.
        while next < open.count {
            let pixel = open[next]
            next += 1
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                let (x, y) = (pixel % side + dx, pixel / side + dy)
                guard (0..<side).contains(x), (0..<side).contains(y), case let near = y * side + x, owner[near] == nil, shares[near] < 0.05
                else { continue }
                owner[near] = owner[pixel]
                if let layer = owner[pixel] { masks[near * count + layer] = 1 }
                open.append(near)
            }
        }
        return masks
    }
}
