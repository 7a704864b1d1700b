import Foundation
import RainGraph
import RainPictures
import RainPose
import RainTFLite

/// Finds the 478 points of a face in a region: a network that sees 192 × 192 pixels, and three that look again at lips and eyes.
///
/// The published file joins them by custom operators; here it is cut there, and what lies between is this file. Agrees with MediaPipe.
/// - Source: Attention Mesh, arXiv 2006.10962
final class FaceMesh {
    struct Face: Sendable, Equatable {
        /// `FaceMesh.pointCount` points in pixels of the picture, counted from corners.
        var points: [SIMD2<Double>]
        /// Whether this is a face at all, 0…1.
        var score: Double
    }

    /// 468 of the mesh, then five of either iris, its centre first.
    static let pointCount = 478
    /// What scores less is no face.
    static let leastScore = 0.5
    private static let size = 192
    /// Height and width of the features, their channels, and the extent of the parts that are looked at again.
    private static let (features, channels, part) = (48, 32, 16)

    /// A part that is looked at again: the points that it refines, and the two that are turned level.
    private struct Part {
        let network: SmallNetwork
        let indices: [Int]
        let level: (from: Int, to: Int)
        /// The first of the five points of an iris; `nil` for lips.
        let iris: Int?
    }

    private let network: SmallNetwork
    private let parts: [Part]

    init(_ model: TFLiteModel, engine: any Engine) throws {
        network = try SmallNetwork(
            model, input: ("input_1", [1, Self.size, Self.size, 3]),
            outputs: [
                ("output_mesh", 468 * 3), ("p_re_lu_3", Self.features * Self.features * Self.channels), ("conv_faceflag", 1),
            ], engine: engine)
        func part(_ number: String, _ outputs: [(String, Int)], _ indices: [Int], _ level: (Int, Int), _ iris: Int?) throws -> Part {
            let network = try SmallNetwork(
                model, input: ("transform_tensor_bilinear_v2" + number, [1, Self.part, Self.part, Self.channels]), outputs: outputs,
                engine: engine)
            return Part(network: network, indices: indices, level: level, iris: iris)
        }
        parts = [
            try part("", [("conv_lips", 160)], MeshPoints.lips, (61, 291), nil),
            try part("_1", [("conv_left_eye", 142), ("conv_left_iris", 10)], MeshPoints.leftEye, (33, 133), 468),
            try part("_2", [("conv_right_eye", 142), ("conv_right_iris", 10)], MeshPoints.rightEye, (362, 263), 473),
        ]
    }

    /// The face in a region of a picture.
    ///
    /// - Returns: nil where what comes out is not finite
    func callAsFunction(_ picture: Picture, in region: PictureRegion) throws -> Face? {
        let results = try network { input in region.sample(picture, size: Self.size, scale: 1 / 255, offset: 0, into: &input) }
        let mesh = results[0]
        var points = (0..<468).map { SIMD2(Double(mesh[3 * $0]), Double(mesh[3 * $0 + 1])) }
        points += Array(repeating: .zero, count: Self.pointCount - 468)
        // The networks see the mesh before any of its parts is refined.
        let coarse = points
        for part in parts {
            let window = Window(coarse, part.indices, part.level)
            let refined = try part.network { input in window.sample(results[1], into: &input) }
            func place(_ values: [Float], _ index: Int) -> SIMD2<Double> {
                window.place(SIMD2(Double(values[2 * index]), Double(values[2 * index + 1])))
            }
            for (index, point) in part.indices.enumerated() { points[point] = place(refined[0], index) }
            if let iris = part.iris { for index in 0..<5 { points[iris + index] = place(refined[1], index) } }
        }
        guard points.allSatisfy({ $0.x.isFinite && $0.y.isFinite }) else { return nil }
        return Face(points: points.map { region.place($0, of: Double(Self.size)) }, score: sigmoid(results[2][0]))
    }

    /// A part of the features: the box of some points, turned so that two of them are level, one and a half times as large.
    private struct Window {
        /// Features per step across and down, and where the corner is.
        private let across: SIMD2<Double>
        private let down: SIMD2<Double>
        private let corner: SIMD2<Double>
        /// Pixels of the input a feature.
        private static let scale = Double(size / features)

        init(_ points: [SIMD2<Double>], _ indices: [Int], _ level: (from: Int, to: Int)) {
            let angle = PictureRegion.angle(points[level.to] - points[level.from])
            let (right, below) = (SIMD2(cos(angle), sin(angle)), SIMD2(-sin(angle), cos(angle)))
            var (low, high) = (SIMD2(repeating: Double.infinity), SIMD2(repeating: -Double.infinity))
            for index in indices {
                let point = points[index] / Self.scale
                let turned = SIMD2((point * right).sum(), (point * below).sum())
                low = pointwiseMin(low, turned)
                high = pointwiseMax(high, turned)
            }
            let (middle, step) = ((low + high) / 2, (high - low) * 1.5 / Double(part))
            (across, down) = (right * step.x, below * step.y)
            corner = right * middle.x + below * middle.y - (across + down) * Double(part / 2)
        }

        /// A place that a refining network gives, in pixels of the mesh's input.
        func place(_ point: SIMD2<Double>) -> SIMD2<Double> { across * point.x + down * point.y + corner * Self.scale }

        /// Bilinear at centres of pixels, zero where the place is outside.
        func sample(_ source: [Float], into target: inout MutableSpan<Float>) {
            for y in 0..<part {
                for x in 0..<part {
                    let at = across * (Double(x) + 0.5) + down * (Double(y) + 0.5) + corner - 0.5
                    let to = (y * part + x) * channels
                    let last = Double(features - 1)
                    guard at.x >= 0, at.y >= 0, at.x <= last, at.y <= last else {
                        for channel in 0..<channels { target[to + channel] = 0 }
                        continue
                    }
                    let (column, row) = (Int(at.x), Int(at.y))
                    let (right, below) = (Float(at.x - Double(column)), Float(at.y - Double(row)))
                    let (next, under) = (min(column + 1, features - 1), min(row + 1, features - 1))
                    let corners = [(column, row), (next, row), (column, under), (next, under)].map { ($1 * features + $0) * channels }
                    for channel in 0..<channels {
                        let upper = source[corners[0] + channel] * (1 - right) + source[corners[1] + channel] * right
                        let lower = source[corners[2] + channel] * (1 - right) + source[corners[3] + channel] * right
                        target[to + channel] = upper * (1 - below) + lower * below
                    }
                }
            }
        }
    }
}
