public import RainGraph
public import RainPictures
public import RainPose

/// Finds the 133 points of a person in a box: a DWPose (RTMPose) network with what is before and behind it. Belongs to one task at a time.
///
/// - Source: arXiv 2307.15880; coordinates as in SimCC, arXiv 2107.03332.
public final class WholeBodyEstimator {
    private let network: PictureNetwork

    /// Width and height of the pictures the network looks at.
    public var inputSize: (width: Int, height: Int) { (network.width, network.height) }

    /// Reads and plans a network.
    ///
    /// - Parameters:
    ///   - path: a whole-body model in ONNX with SimCC outputs, such as `dw-mm_ucoco.onnx`
    ///   - engine: runs it; one of its own, or it waits for whatever else the engine runs
    /// - Throws: `ONNXError` for a file that cannot be run, `DetectionError` for another network, and what the engine throws
    public init(path: String, engine: any Engine) throws {
        let points = WholeBody.detectedCount
        network = try PictureNetwork(
            path: path, engine: engine, size: (288, 384),
            wanted: "a DWPose network with outputs [1, \(points), 2 · width] and [1, \(points), 2 · height]"
        ) { outputs, width, height in
            let bins = Int(SimCC.binsPerPixel)
            return outputs == [[1, points, bins * width], [1, points, bins * height]]
        }
    }

    /// The points of the person in `box`, in pixels of the picture, in COCO-WholeBody's order.
    public func keypoints(of box: BoundingBox, in picture: Picture) throws -> [Keypoint] {
        let crop = KeypointCrop(box, width: network.width, height: network.height)
        let results = try network(crop.tensor(of: picture))
        return try SimCC.keypoints(horizontal: results[0], vertical: results[1], crop: crop)
    }
}
