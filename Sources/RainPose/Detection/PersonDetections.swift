import Foundation

/// What a person detector's raw output means.
///
/// - Source: YOLOX, arXiv 2107.08430, section 2.1; thresholds as used by DWPose.
public struct PersonDetections: Sendable {
    /// One object that was found.
    public struct Detection: Sendable, Equatable {
        /// In pixels of the picture.
        public var box: BoundingBox
        /// Objectness times probability of the class, 0…1.
        public var score: Float
        /// Index of the class; 0 is a person.
        public var classIndex: Int
        /// Which of the detector's cells found it.
        public var cell: Int
    }

    /// The detector's three grids, in pixels a cell.
    public static let strides = [8, 16, 32]
    /// Index of the class of people.
    public static let person = 0

    /// What counts as found.
    public struct Thresholds: Sendable, Equatable {
        /// What scores no more is not even compared with others.
        public var candidateScore: Float = 0.1
        /// Of two boxes of a class that overlap more than this (intersection over union), only the better stays.
        public var largestOverlap: Float = 0.45
        /// What scores no more is not believed to be a person.
        public var personScore: Float = 0.3

        public init() {}
    }

    /// Numbers of a cell: centre, size, objectness, and a probability for each class.
    public let valuesPerCell: Int
    private let raw: [Float]
    /// Centre and size of every cell's box, in pixels of the detector's input: x, y, width, height.
    public let centeredBoxes: [SIMD4<Float>]
    private let ratio: Float
    private let thresholds: Thresholds

    /// How many cells a detector of an input size has.
    public static func cellCount(width: Int, height: Int) -> Int {
        strides.reduce(0) { $0 + (width / $1) * (height / $1) }
    }

    /// - Parameters:
    ///   - raw: the network's output, `[cells, valuesPerCell]`; cells by stride, then row by row
    ///   - width: of the detector's input
    ///   - height: of the detector's input
    ///   - ratio: of the `DetectorInput`
    /// - Throws: `LandmarkError` for an output that does not fit a detector of this size
    public init(
        raw: [Float], width: Int, height: Int, ratio: Double = 1, thresholds: Thresholds = Thresholds()
    ) throws(LandmarkError) {
        let cells = Self.cellCount(width: width, height: height)
        guard cells > 0, raw.count.isMultiple(of: cells), raw.count / cells > 5 else {
            throw LandmarkError(
                .count,
                "the person detector returned \(raw.count) numbers, expected 5 and one for each class for each of its \(cells) cells "
                    + "at \(width)×\(height); is it a YOLOX model of this size?")
        }
        let valuesPerCell = raw.count / cells
        self.raw = raw
        self.ratio = Float(ratio)
        self.thresholds = thresholds
        self.valuesPerCell = valuesPerCell
        var boxes: [SIMD4<Float>] = []
        boxes.reserveCapacity(cells)
        for stride in Self.strides {
            for row in 0..<height / stride {
                for column in 0..<width / stride {
                    let at = boxes.count * valuesPerCell
                    let center = SIMD2(raw[at] + Float(column), raw[at + 1] + Float(row)) * Float(stride)
                    let size = SIMD2(exp(raw[at + 2]), exp(raw[at + 3])) * Float(stride)
                    boxes.append(SIMD4(lowHalf: center, highHalf: size))
                }
            }
        }
        centeredBoxes = boxes
    }

    /// All classes, class by class, each from the best to the worst, without boxes that overlap a better one.
    public func all() -> [Detection] {
        (0..<valuesPerCell - 5).flatMap { detections(of: $0) }
    }

    /// The objects of a class, best first, without boxes that overlap a better one.
    public func detections(of classIndex: Int) -> [Detection] {
        precondition((0..<valuesPerCell - 5).contains(classIndex), "the detector knows \(valuesPerCell - 5) classes, found \(classIndex)")
        var candidates = self.candidates(of: classIndex)
        candidates.sort { $0.score != $1.score ? $0.score > $1.score : $0.cell > $1.cell }
        var kept: [Int] = []
        for index in candidates.indices
        where kept.allSatisfy({ Self.overlap(candidates[$0].corners, candidates[index].corners) <= thresholds.largestOverlap }) {
            kept.append(index)
        }
        return kept.map { index in
            let (corners, score, cell) = candidates[index]
            return Detection(
                box: BoundingBox(
                    left: Double(corners.x), top: Double(corners.y), right: Double(corners.z), bottom: Double(corners.w)),
                score: score, classIndex: classIndex, cell: cell)
        }
    }

    /// The cells whose boxes are compared with others, in order.
    package func candidateCells(of classIndex: Int) -> [Int] { candidates(of: classIndex).map(\.cell) }

    private func candidates(of classIndex: Int) -> [(corners: SIMD4<Float>, score: Float, cell: Int)] {
        centeredBoxes.indices.compactMap { cell in
            let score = raw[cell * valuesPerCell + 4] * raw[cell * valuesPerCell + 5 + classIndex]
            // A score that is no number fails here; a box that is none overlaps nothing and must not get this far.
            guard score > thresholds.candidateScore else { return nil }
            let box = centeredBoxes[cell]
            let half = box.highHalf / 2
            let corners = SIMD4(lowHalf: box.lowHalf - half, highHalf: box.lowHalf + half) / ratio
            return (0..<4).allSatisfy { corners[$0].isFinite } ? (corners, score, cell) : nil
        }
    }

    /// The people, best first.
    public func people() -> [Detection] { detections(of: Self.person).filter { $0.score > thresholds.personScore } }

    /// The person who takes most room, the first of several; `nil` when nobody is in view.
    public func largestPerson() -> Detection? {
        var largest: Detection?
        for person in people() where largest.map({ person.box.area > $0.box.area }) ?? true { largest = person }
        return largest
    }

    /// Intersection over union, boxes counted as whole pixels, both edges included.
    private static func overlap(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> Float {
        func area(_ box: SIMD4<Float>) -> Float { (box.z - box.x + 1) * (box.w - box.y + 1) }
        let width = max(0, min(a.z, b.z) - max(a.x, b.x) + 1)
        let height = max(0, min(a.w, b.w) - max(a.y, b.y) + 1)
        let shared = width * height
        return shared / (area(a) + area(b) - shared)
    }
}
