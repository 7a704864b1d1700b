import RainAnimation
import RainFiles
import RainMedia
import RainPictures
import RainPose

/// A character in layers: a folder of transparent PNG files of one size, and perhaps the landmarks of its face.
///
/// A file's name says to which of the six layers it belongs. Several files of one layer lie over each other in the order of their names.
struct LayerFolder {
    /// Of one size, not necessarily square.
    let layers: [CharacterLayer: LayerPicture]
    /// The folder's landmark file, if it has one.
    let landmarkFile: String?

    /// What a name may contain, and the layer it then belongs to; the first that fits counts.
    private static let words: [(String, CharacterLayer)] = [
        ("background", .background), ("backhair", .backHair), ("hairback", .backHair), ("ponytail", .backHair), ("fronthair", .frontHair),
        ("hairfront", .frontHair), ("fringe", .frontHair), ("bangs", .frontHair), ("hat", .frontHair), ("features", .features),
        ("eye", .features), ("brow", .features), ("mouth", .features), ("nose", .features), ("glasses", .frontHair), ("body", .body),
        ("neck", .body), ("clothes", .body), ("arm", .body), ("face", .face), ("skin", .face), ("ear", .face), ("head", .face),
    ]
    private static let expected = "a name that says the layer: background, back-hair, body, face, features or front-hair"
    private static let mostFiles = 64
    private static let landmarkName = "landmarks.json"

    /// - Throws: `MediaError` naming the file that cannot be a layer
    init(path: String) throws {
        let names = (try? FileSystem.names(in: path)) ?? []
        let pictures = names.filter { $0.lowercased().hasSuffix(".png") || $0.lowercased().hasSuffix(".webp") }.sorted()
        guard (1...Self.mostFiles).contains(pictures.count) else {
            throw MediaError(
                .invalidInput, file: path, expected: "1 to \(Self.mostFiles) PNG files, one or more for each layer",
                found: "\(pictures.count)", advice: "save the drawing's layers as transparent PNGs of one size")
        }
        var layers: [CharacterLayer: LayerPicture] = [:]
        var size: (width: Int, height: Int)?
        for name in pictures {
            let file = path + "/" + name
            guard let layer = Self.layer(name) else {
                throw MediaError(.invalidInput, file: file, expected: Self.expected, found: name, advice: "rename the file")
            }
            let picture = try PictureReader.readLayer(file, maximumPixels: 1 << 24)
            let (width, height) = size ?? (picture.width, picture.height)
            guard picture.width == width, picture.height == height else {
                throw MediaError(
                    .invalidInput, file: file, expected: "\(width)×\(height) pixels, as the files before it",
                    found: "\(picture.width)×\(picture.height)", advice: "save all layers with the whole canvas")
            }
            size = (width, height)
            layers[layer] = layers[layer].map { picture.over($0) } ?? picture
        }
        self.layers = layers
        landmarkFile = names.contains(Self.landmarkName) ? path + "/" + Self.landmarkName : nil
    }

    private static func layer(_ name: String) -> CharacterLayer? {
        let letters = name.lowercased().filter(\.isLetter)
        return words.first { letters.contains($0.0) }?.1
    }

    /// The layers as one picture.
    var picture: Picture {
        LayerPicture.composite(CharacterLayer.allCases.compactMap { layers[$0] })
    }

    /// A square of the layers; transparent where it reaches outside.
    func cut(_ placement: ReferencePlacement) throws -> CutLayers {
        try CutLayers(
            layers.mapValues { $0.part(left: placement.left, top: placement.top, width: placement.side, height: placement.side) })
    }

    /// Writes layers and landmarks.
    ///
    /// - Throws: `MediaError` if the folder exists and is not empty, or cannot be written
    static func write(_ cut: CutLayers, landmarks: LandmarkFrame, to path: String) throws {
        guard (try? FileSystem.names(in: path))?.isEmpty ?? true else {
            throw MediaError(
                .unwritable, file: path, expected: "a new or empty folder", found: "a folder with files in it",
                advice: "name another folder, or empty it")
        }
        do {
            try FileSystem.makeFolders(path)
        } catch {
            throw MediaError(
                .unwritable, file: path, expected: "a folder that can be made", found: error.found, advice: "name another folder")
        }
        for layer in CharacterLayer.allCases {
            try PictureWriter.write(cut.layers[layer.rawValue], to: "\(path)/\(layer.rawValue + 1)-\(layer.fileName).png")
        }
        try ReplacementFile.write(
            LandmarkTrack(framesPerSecond: 1, frames: [landmarks], driver: .drawn).json(), to: path + "/" + landmarkName)
    }
}

extension CharacterLayer {
    /// As files are called.
    var fileName: String {
        switch self {
        case .background: "background"
        case .backHair: "back-hair"
        case .body: "body"
        case .face: "face"
        case .features: "features"
        case .frontHair: "front-hair"
        }
    }
}
