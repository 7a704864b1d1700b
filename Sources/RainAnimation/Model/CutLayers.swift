public import RainPictures
public import RainPose

/// A square picture cut into the layers of `CharacterLayer`, back to front, opaque together.
public struct CutLayers: Sendable, Equatable {
    public let layers: [LayerPicture]

    /// - Parameter layers: those that are there, square and of one size; others are empty, and behind all is white
    /// - Throws: `AnimationError.usage` for layers of other shapes, or none
    public init(_ layers: [CharacterLayer: LayerPicture]) throws(AnimationError) {
        guard let first = layers.min(by: { $0.key.rawValue < $1.key.rawValue })?.value else {
            throw AnimationError(.usage, "layers: expected at least one, found none")
        }
        for (layer, picture) in layers where picture.width != first.width || picture.height != first.width {
            throw AnimationError(
                .usage,
                "\(layer): expected \(first.width)×\(first.width) pixels, found \(picture.width)×\(picture.height); save it so large")
        }
        let empty = LayerPicture(width: first.width, height: first.width)
        self.layers = CharacterLayer.allCases.map { layer in
            let picture = layers[layer] ?? empty
            return layer == .background ? LayerPicture(picture.onWhite) : picture
        }
    }

    /// A picture that is bent as a whole: all of it is the face's layer, and nothing is seen of what lies behind.
    ///
    /// - Parameters:
    ///   - features: what lies on the face and bends with it
    ///   - front: what lies before both and bends with them
    public init(whole picture: LayerPicture, features: LayerPicture? = nil, front: LayerPicture? = nil) {
        let empty = LayerPicture(width: picture.width, height: picture.height)
        layers = CharacterLayer.allCases.map { layer in
            switch layer {
            case .face: picture
            case .features: features ?? empty
            case .frontHair: front ?? empty
            case .background, .backHair, .body: empty
            }
        }
    }

    /// A square picture that is bent as a whole, in three sheets that bend alike: eyes that lids come down over, with skin under them, and what
    /// lies before the face and stays as it is meanwhile, hair and glasses. Only where there is a face is anything taken out of the first sheet.
    ///
    /// - Parameter masks: of features and front layer, `[side, side, 2]` in 0…1
    init(whole picture: Picture, masks: [Float], side: Int, regions: FaceRegions) {
        let (size, box) = (picture.width, regions.box(size: picture.width))
        let part = picture.part(left: box.left, top: box.top, width: box.side, height: box.side)
        // As many pixels of masks as fall on it.
        let fine = max(8, (box.side * side + size - 1) / size)
        let planes = (0..<2).map { layer in Plane(size: side, values: (0..<(side * side)).map { masks[$0 * 2 + layer] }) }
        let partMasks = (0..<(fine * fine)).flatMap { pixel in
            let (x, y) = ((Float(pixel % fine) + 0.5) / Float(fine), (Float(pixel / fine) + 0.5) / Float(fine))
            func place(_ start: Int, _ share: Float) -> Float { (Float(start) + share * Float(box.side)) / Float(size) }
            return planes.map { $0.at(place(box.left, x), place(box.top, y)) }
        }
        let skin = SkinColor(picture, masks: masks, side: side, regions: regions)
        var layers = LayerSeparation(part, masks: partMasks, side: fine, trusted: skin.likeness(part)).layers
        for pixel in 0..<(box.side * box.side) {
            // At their end the sheets are one.
            let (column, row) = (box.left + pixel % box.side, box.top + pixel / box.side)
            let region = regions(SIMD2(Double(column) + 0.5, Double(row) + 0.5) / Double(size))
            let (filled, covered) = (region.skin, region.front)
            guard filled < 1 else { continue }
            for index in 1...2 {
                for at in (pixel * 4)..<(pixel * 4 + 4) {
                    layers[index].bytes[at] = UInt8((Double(layers[index].bytes[at]) * covered).rounded())
                }
            }
            let open = (1...2).map { 1 - Double(layers[$0].bytes[pixel * 4 + 3]) / 255 }
            for channel in 0..<3 {
                let (at, wanted) = (pixel * 4 + channel, Double(part.bytes[pixel * 3 + channel]))
                var colors = layers.map { Double($0.bytes[at]) }
                colors[0] = wanted + (colors[0] - wanted) * filled
                // Together they are the picture.
                let missing = wanted - (colors[2] + open[1] * (colors[1] + open[0] * colors[0]))
                let seen = open[0] * open[1]
                if seen > 0.5 { colors[0] += missing / seen } else { colors[open[0] < open[1] ? 1 : 2] += missing }
                for index in 0...2 {
                    layers[index].bytes[at] = UInt8(min(max(colors[index].rounded(), 0), Double(layers[index].bytes[pixel * 4 + 3])))
                }
            }
        }
        let empty = LayerPicture(width: size, height: size)
        func placed(_ layer: Int, on whole: LayerPicture) -> LayerPicture { whole.replacing(layers[layer], left: box.left, top: box.top) }
        self.init(whole: placed(0, on: LayerPicture(picture)), features: placed(1, on: empty), front: placed(2, on: empty))
    }

    /// The whole, as one picture.
    public var picture: Picture { LayerPicture.composite(layers) }

    private init(resizing cut: CutLayers, side: Int) { layers = cut.layers.map { $0.resized(width: side, height: side) } }

    /// The same layers with another number of pixels.
    public func resized(to side: Int) -> CutLayers { CutLayers(resizing: self, side: side) }

    /// Layers of a square picture, by masks of them.
    ///
    /// - Parameter masks: `[side, side, layers - 1]` in 0…1
    init(_ picture: Picture, masks: [Float], side: Int) {
        layers = LayerSeparation(picture, masks: masks, side: side, backdrop: Backdrop(picture, side: side)).layers
    }
}
