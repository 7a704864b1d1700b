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
            return layer == .background ? picture.onWhite : picture
        }
    }

    /// A picture that is bent as a whole: all of it is the face's layer, and nothing is seen of what lies behind.
    init(whole picture: Picture) {
        let empty = LayerPicture(width: picture.width, height: picture.height)
        layers = CharacterLayer.allCases.map { $0 == .face ? LayerPicture(picture) : empty }
    }

    /// The whole, as one picture.
    public var picture: Picture { LayerPicture.composite(layers) }

    private init(resizing cut: CutLayers, side: Int) { layers = cut.layers.map { $0.resized(width: side, height: side) } }

    /// The same layers with another number of pixels.
    public func resized(to side: Int) -> CutLayers { CutLayers(resizing: self, side: side) }

    /// Layers of a square picture, by masks of them.
    ///
    /// - Parameter masks: `[side, side, layers - 1]` in 0…1
    init(_ picture: Picture, masks: [Float], side: Int) { layers = LayerSeparation(picture, masks: masks, side: side).layers }
}

extension LayerPicture {
    /// Opaque, white where it was transparent.
    fileprivate var onWhite: LayerPicture {
        var opaque = self
        for pixel in 0..<(width * height) {
            let rest = 255 - bytes[pixel * 4 + 3]
            for channel in 0..<3 { opaque.bytes[pixel * 4 + channel] = min(255 - rest, bytes[pixel * 4 + channel]) + rest }
            opaque.bytes[pixel * 4 + 3] = 255
        }
        return opaque
    }
}
