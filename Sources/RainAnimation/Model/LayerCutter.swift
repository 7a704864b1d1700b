public import RainGraph
import RainModels
public import RainPictures
public import RainPose

/// Cuts reference pictures into layers, with a model's layer network.
public final class LayerCutter {
    private let executable: any Executable
    private let configuration: ModelConfiguration
    private let side: Int
    private let count: Int

    /// - Throws: `AnimationError.usage` for a model without a layer network; what engine and parameters throw
    public init(_ configuration: ModelConfiguration, engine: some Engine, parameters: (String, Shape) throws -> [Float]) throws {
        guard let graph = LayeredGraph(configuration) else {
            throw AnimationError(.usage, "\(configuration.name): has no layer network")
        }
        self.configuration = configuration
        side = graph.guide.guideSize
        count = graph.guide.layerNetwork.layers
        let g = GraphBuilder()
        let pose = configuration.posePicture.size
        let output = try graph.cut(g, g.input("picture", [1, side, side, 3]), poses: g.input("pose_picture", [1, pose, pose, 3]))
        g.output("masks", try output.masks.unary(.sigmoid))
        g.output("fills", output.fills)
        executable = try engine.prepare(Program(g.graph().optimizedForInference()))
        try executable.load(parameters)
    }

    /// The layers of a square picture, of its size.
    ///
    /// - Parameter landmarks: of the picture
    /// - Throws: what the engine throws
    public func cut(_ picture: Picture, landmarks: LandmarkFrame) throws -> CutLayers {
        let seen = picture.fitted(width: side, height: side)
        let style = configuration.posePicture.usualStyle
        var pose = [Float](repeating: 0, count: style.count)
        style.paint(.face(landmarks), into: &pose)
        try executable.write("picture", seen.unitValues())
        try executable.write("pose_picture", pose)
        try executable.run(.step)
        let (masks, fills) = (try executable.read("masks"), try executable.read("fills"))
        return CutLayers(picture, masks: masks, fills: fills, side: side, count: count)
    }
}

/// A picture cut into layers, back to front, the first opaque.
public struct CutLayers: Sendable, Equatable {
    public let layers: [LayerPicture]

    public init(layers: [LayerPicture]) { self.layers = layers }

    /// Around a pixel as far as this (of the network's pixels), what lies in front hides a layer.
    private static let rim = 2

    /// Colours of a layer are the picture's own where nothing hides it, and the network's elsewhere.
    ///
    /// - Parameters:
    ///   - picture: square
    ///   - masks: `[side, side, count - 1]` in 0…1
    ///   - fills: `[side/4, side/4, 3·count]` of about 0…1
    init(_ picture: Picture, masks: [Float], fills: [Float], side: Int, count: Int) {
        let size = picture.width
        precondition(picture.height == size, "references are square")
        let small = Plane(size: side / 4, channels: 3 * count, values: fills)
        let alphas = Plane(size: side, channels: count - 1, values: masks)
        var uncovered = [Float](repeating: 1, count: side * side)
        var layers: [LayerPicture] = []
        for layer in (0..<count).reversed() {
            var made = LayerPicture(width: size, height: size)
            let open = Plane(size: side, channels: 1, values: uncovered)
            for row in 0..<size {
                for column in 0..<size {
                    let (x, y) = ((Float(column) + 0.5) / Float(size), (Float(row) + 0.5) / Float(size))
                    let alpha = layer == 0 ? 1 : Self.crisp(alphas.at(x, y, layer - 1))
                    let share = open.at(x, y, 0)
                    let pixel = row * size + column
                    for channel in 0..<3 {
                        let own = Float(picture.bytes[pixel * 3 + channel]) * (1 / 255)
                        let color = share >= 1 ? own : share * own + (1 - share) * min(max(small.at(x, y, 3 * layer + channel), 0), 1)
                        made.bytes[pixel * 4 + channel] = UInt8(min(max(color * alpha, 0), 1) * 255 + 0.5)
                    }
                    made.bytes[pixel * 4 + 3] = UInt8(min(max(alpha, 0), 1) * 255 + 0.5)
                }
            }
            layers.append(made)
            guard layer > 0 else { break }
            Self.cover(&uncovered, masks, layer: layer - 1, of: count - 1, side: side)
        }
        self.layers = layers.reversed()
    }

    /// Masks that are nearly nothing, or nearly all, are so.
    private static func crisp(_ alpha: Float) -> Float { min(max((alpha - 0.04) / 0.92, 0), 1) }

    /// Takes from what is open what a mask hides, the largest within the rim.
    private static func cover(_ open: inout [Float], _ masks: [Float], layer: Int, of count: Int, side: Int) {
        var rows = [Float](repeating: 0, count: side * side)
        for row in 0..<side {
            for column in 0..<side {
                var largest: Float = 0
                for x in max(0, column - rim)...min(side - 1, column + rim) {
                    largest = max(largest, masks[(row * side + x) * count + layer])
                }
                rows[row * side + column] = crisp(largest)
            }
        }
        for row in 0..<side {
            for column in 0..<side {
                var largest: Float = 0
                for y in max(0, row - rim)...min(side - 1, row + rim) { largest = max(largest, rows[y * side + column]) }
                open[row * side + column] *= 1 - largest
            }
        }
    }
}

/// Square rows of numbers, read between pixels.
private struct Plane {
    let size: Int
    let channels: Int
    let values: [Float]

    /// - Parameters:
    ///   - x: in 0…1
    ///   - y: in 0…1
    func at(_ x: Float, _ y: Float, _ channel: Int) -> Float {
        func between(_ place: Float) -> (Int, Int, Float) {
            let pixel = min(max(place * Float(size) - 0.5, 0), Float(size - 1))
            let first = Int(pixel)
            return (first, min(first + 1, size - 1), pixel - Float(first))
        }
        let ((left, right, h), (top, bottom, v)) = (between(x), between(y))
        func value(_ row: Int, _ column: Int) -> Float { values[(row * size + column) * channels + channel] }
        let above = value(top, left) + (value(top, right) - value(top, left)) * h
        let below = value(bottom, left) + (value(bottom, right) - value(bottom, left)) * h
        return above + (below - above) * v
    }
}
