import Foundation
import RainCPU
import RainDetection
import RainGraph
import RainNetworks
import RainONNX
import RainPictures
import RainPose
import Testing

/// Networks made with the architecture of the published detectors.
@Suite struct MadeNetworkTests {
    /// Noise of about unit gain; biases are small.
    private func weights(_ name: String, _ shape: [Int]) -> [Float] {
        var state = name.utf8.reduce(7 as UInt64) { $0 &* 31 &+ UInt64($1) }
        let fan = shape.count > 1 ? Float(shape.dropFirst().reduce(1, *)) : 100
        return (0..<shape.reduce(1, *)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) * 0x1p-23 - 1) * (3 / fan).squareRoot()
        }
    }

    private func withFile<R>(_ name: String, _ body: (String) throws -> R) throws -> R {
        let folder = NSTemporaryDirectory() + "/rain-made-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body("\(folder)/\(name)")
    }

    @Test(arguments: [(0.33, 0.125, 64), (0.67, 0.1875, 96), (1, 0.125, 32)])
    func detectorsLookLikeThePublishedOnes(_ depth: Double, _ width: Double, _ size: Int) throws {
        try withFile("yolox_s.onnx") { path in
            try YOLOXNetwork(depth: depth, width: width, size: size).write(to: path, weights: weights)
            let detector = try PersonDetector(path: path, engine: CPUEngine(threads: 1))
            #expect(detector.inputSize == (size, size))
            // As before a training.
            let seen = picture(square: (20, 20))
            #expect(try detector(seen).largestPerson() == nil)
            // The same numbers as the interpreter's.
            let network = try ONNXModel(path: path).network()
            let input = ["images": DetectorInput(seen, width: size, height: size).tensor]
            let fast = try run(network, on: CPUEngine(threads: 1), input)
            let slow = try run(network, on: Interpreter(), input)
            let largest = slow.map(abs).max() ?? 0
            #expect(largest < 1000 && zip(fast, slow).allSatisfy { abs($0 - $1) < 1e-4 * largest }, "\(largest)")
            #expect(Set(fast).count > fast.count / 4 && fast.count == slow.count)
        }
    }

    @Test(arguments: [(0.2, 0.0625, 64, 64), (0.34, 0.125, 32, 96)])
    func estimatorsLookLikeThePublishedOnes(_ depth: Double, _ factor: Double, _ width: Int, _ height: Int) throws {
        try withFile("dw-ll_ucoco_384.onnx") { path in
            try DWPoseNetwork(depth: depth, channelFactor: factor, width: width, height: height).write(to: path, weights: weights)
            let estimator = try WholeBodyEstimator(path: path, engine: CPUEngine(threads: 1))
            #expect(estimator.inputSize == (width, height))
            let box = BoundingBox(left: 0, top: 0, right: 64, bottom: 64)
            let first = try estimator.keypoints(of: box, in: picture(square: (4, 4)))
            let second = try estimator.keypoints(of: box, in: picture(square: (36, 30)))
            #expect(first.count == 133 && first != second)
            // Enough points are believed for a face to be driven by.
            let whole = try WholeBody.ordered(first)
            #expect(WholeBody.face.count { whole[$0].score >= WholeBodyFrame.leastScore } > 60)
        }
    }

    private func run(_ network: ImportedNetwork, on engine: any Engine, _ input: [String: [Float]]) throws -> [Float] {
        let executable = try network.prepared(on: engine)
        for (name, values) in input { try executable.write(name, values) }
        try executable.run(.step)
        return try executable.read(network.graph.outputs[0].name)
    }
}
