public import RainGraph
public import RainPictures
public import RainPose

/// Finds people in pictures: a YOLOX network with what is before and behind it. Belongs to one task at a time.
///
/// - Source: arXiv 2107.08430; the exported networks of DWPose (arXiv 2307.15880).
public final class PersonDetector {
    private let network: PictureNetwork
    private let thresholds: PersonDetections.Thresholds

    /// Width and height of the pictures the network looks at.
    public var inputSize: (width: Int, height: Int) { (network.width, network.height) }

    /// Reads and plans a network.
    ///
    /// - Parameters:
    ///   - path: a YOLOX model in ONNX without decoding, such as `yolox_s.onnx`
    ///   - engine: runs it; one of its own, or it waits for whatever else the engine runs
    /// - Throws: `NetworkError` for a file that cannot be run, `DetectionError` for another network, and what the engine throws
    public init(path: String, engine: any Engine, thresholds: PersonDetections.Thresholds = .init()) throws {
        self.thresholds = thresholds
        network = try PictureNetwork(
            path: path, engine: engine, size: (640, 640), wanted: "a YOLOX detector with one output [1, cells, 5 + classes]"
        ) { outputs, width, height in
            outputs.count == 1 && outputs[0].count == 3 && outputs[0][0] == 1 && outputs[0][2] > 5
                && outputs[0][1] == PersonDetections.cellCount(width: width, height: height)
        }
    }

    /// What is in a picture of any size, boxes in its pixels.
    public func callAsFunction(_ picture: Picture) throws -> PersonDetections {
        let input = DetectorInput(picture, width: network.width, height: network.height)
        return try PersonDetections(
            raw: network(input.tensor)[0], width: network.width, height: network.height, ratio: input.ratio, thresholds: thresholds)
    }
}
