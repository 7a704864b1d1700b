import RainGraph
import RainNetworks
import RainONNX

/// An ONNX network of one picture `[1, 3, height, width]`, planned and loaded. Belongs to one task at a time.
final class PictureNetwork {
    let file: String
    /// Of the input.
    let width: Int
    let height: Int
    /// Names and shapes of the outputs, in the file's order.
    let outputs: [(name: String, shape: [Int])]
    private let input: String
    private let executable: any Executable

    /// - Parameters:
    ///   - size: width and height where the file leaves them open
    ///   - check: whether the outputs, for a width and a height, are those wanted
    ///   - wanted: for the error when they are not
    init(
        path: String, engine: any Engine, size: (width: Int, height: Int), wanted: String,
        check: (_ outputs: [[Int]], _ width: Int, _ height: Int) -> Bool
    ) throws {
        func wrong(_ found: String) -> DetectionError {
            DetectionError(
                .wrongNetwork, file: path, expected: wanted, found: found,
                advice: "use the published file; 'rain inspect FILE.onnx' shows what this one is")
        }
        let model = try ONNXModel(path: path)
        let inputs = model.summary.inputs
        guard inputs.count == 1, inputs[0].shape.count == 4 else { throw wrong("inputs \(inputs.prefix(4).map(\.shape))") }
        let standard = [1, 3, size.height, size.width]
        let shape = zip(inputs[0].shape, standard).map { Int($0).flatMap { $0 > 0 ? $0 : nil } ?? $1 }
        guard shape[0] == 1, shape[1] == 3, (1...4096).contains(shape[2]), (1...4096).contains(shape[3]) else {
            throw wrong("an input \(shape)")
        }
        let network = try model.network(inputShapes: [inputs[0].name: shape])
        let graph = network.graph
        outputs = graph.outputs.map { ($0.name, graph.shape($0.value).dimensions) }
        guard check(outputs.map(\.shape), shape[3], shape[2]) else {
            throw wrong("outputs \(outputs.prefix(4).map(\.shape)) for \(shape[3])×\(shape[2]) pixels")
        }
        executable = try network.prepared(on: engine)
        file = path
        input = inputs[0].name
        (width, height) = (shape[3], shape[2])
    }

    /// The elements of all outputs for one picture.
    func callAsFunction(_ picture: [Float]) throws -> [[Float]] {
        try executable.write(input, picture)
        try executable.run(.step)
        return try outputs.map { try executable.read($0.name) }
    }
}
