import RainModels
import RainPictures
import RainPose

extension CaseVerifier {
    private struct GeometryForm: Decodable {
        let image: [Int]
        let imageCoefficients: [Int]
        let preprocessImage: [Int]
        let preprocessTarget: [Int]
        let detectorSize: [Int]
        let bbox: [Double]
        let bboxWide: [Double]
        let poseInputWh: [Int]
        let simccInputWh: [Int]
        let rowsStoredEvery: Int
        let nmsThr: Float
        let scoreThr: Float
        let keepScore: Float
        let keepClass: Int
        let simccSplitRatio: Double
        let padding: Double
        let mean: [Float]
        let std: [Float]

        func check(_ path: String) throws {
            func require(_ isTrue: Bool, _ field: String, _ expected: String) throws {
                guard isTrue else { throw ModelError(.verification, at: "\(path): \(field)", "expected \(expected)") }
            }
            for (field, size) in [
                ("image", image), ("preprocess_image", preprocessImage), ("preprocess_target", preprocessTarget),
                ("detector_size", detectorSize), ("pose_input_wh", poseInputWh), ("simcc_input_wh", simccInputWh),
            ] {
                try require(size.count == 2 && size.allSatisfy((1...8192).contains), field, "two sizes of 1 to 8192")
            }
            for (field, box) in [("bbox", bbox), ("bbox_wide", bboxWide)] {
                try require(box.count == 4 && box[0] < box[2] && box[1] < box[3], field, "x1, y1, x2, y2")
            }
            try require(
                imageCoefficients.count == 2 && imageCoefficients.allSatisfy { abs($0) < 1 << 20 }, "image_coefficients", "two numbers")
            try require(mean.count == 3 && std.count == 3, "mean, std", "three numbers each")
            try require(rowsStoredEvery > 0, "rows_stored_every", "at least 1")
            try require(simccSplitRatio > 0 && padding > 0, "simcc_split_ratio, padding", "numbers above 0")
        }

        /// The test picture of a size, height first.
        func picture(_ size: [Int]) -> Picture {
            var picture = Picture(width: size[1], height: size[0])
            for y in 0..<size[0] {
                for x in 0..<size[1] {
                    for c in 0..<3 {
                        let value =
                            imageCoefficients[0] * x + imageCoefficients[1] * y + 40 * c + 23 * (((x / 16) ^ (y / 16)) % 7) * (c + 1)
                        picture.bytes[(y * size[1] + x) * 3 + c] = UInt8(value & 255)
                    }
                }
            }
            return picture
        }
    }

    /// What is computed in double precision agrees to a few last places.
    static let doublePrecision = 1e-9
    static let singlePrecision = 2e-6

    func detectorGeometry(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(GeometryForm.self)
        try form.check(reference.path)
        var comparison = comparison(reference)
        let picture = form.picture(form.image)
        try comparison.compare("image_crc32", doubles: [Double(Self.checksum(picture.bytes))], limit: 0)
        try comparison.compare("image_corner", pixels: Self.corner(picture, rows: 8, columns: 40), channels: 1, limit: 0)

        let input = DetectorInput(
            form.picture(form.preprocessImage), width: form.preprocessTarget[1], height: form.preprocessTarget[0])
        // OpenCV's weights have 11 bits, so a byte may differ by one.
        try comparison.compare("preprocess_u8", doubles: input.tensor.map(Double.init), limit: 1.0 / 254)
        try comparison.compare("preprocess_ratio", doubles: [input.ratio], limit: Self.doublePrecision)

        try detections(form, &comparison)
        try crop("bbox", form.bbox, form, picture, &comparison)
        try crop("bbox_wide", form.bboxWide, form, picture, &comparison)
        let whole = KeypointCrop(
            BoundingBox(pictureWidth: picture.width, height: picture.height), width: form.poseInputWh[0], height: form.poseInputWh[1],
            padding: form.padding)
        try comparison.compare("no_box/center", points: [whole.center], limit: Self.doublePrecision)
        try comparison.compare("no_box/scale_fixed", points: [whole.size], limit: Self.doublePrecision)
        try keypoints(form, &comparison)
        return try complete(comparison)
    }

    private func detections(_ form: GeometryForm, _ comparison: inout Comparison) throws {
        let reference = comparison.reference
        var thresholds = PersonDetections.Thresholds()
        thresholds.candidateScore = form.scoreThr
        thresholds.largestOverlap = form.nmsThr
        thresholds.personScore = form.keepScore
        let detections = try PersonDetections(
            raw: reference.input("detector_raw").values, width: form.detectorSize[1], height: form.detectorSize[0], thresholds: thresholds)
        guard (0..<detections.valuesPerCell - 5).contains(form.keepClass) else {
            throw ModelError(
                .verification, at: "\(reference.path): keep_class", "expected 0 to \(detections.valuesPerCell - 6), found \(form.keepClass)"
            )
        }
        func row(_ box: SIMD4<Float>) -> [Double] { (0..<4).map { Double(box[$0]) } }
        func row(_ box: BoundingBox) -> [Double] { [box.left, box.top, box.right, box.bottom] }
        try comparison.compare("decoded_boxes_cxcywh", doubles: detections.centeredBoxes.flatMap(row), limit: Self.singlePrecision)
        let kept = detections.detections(of: form.keepClass)
        // The case counts candidates of the class only, in the order of the cells.
        let candidates = detections.candidateCells(of: form.keepClass)
        try comparison.compare(
            "nms_class0_keep", doubles: kept.map { Double(candidates.firstIndex(of: $0.cell) ?? -1) }, limit: 0)
        try comparison.compare(
            "nms_detections", doubles: detections.all().flatMap { row($0.box) + [Double($0.score), Double($0.classIndex)] },
            limit: Self.singlePrecision)
        let people = kept.filter { $0.score > form.keepScore }
        try comparison.compare("final_boxes", doubles: people.flatMap { row($0.box) }, limit: Self.singlePrecision)
        if form.keepClass == PersonDetections.person {
            let largest = detections.largestPerson().flatMap { people.firstIndex(of: $0) }
            try comparison.compare("largest_box", doubles: [Double(largest ?? -1)], limit: 0)
        }
    }

    private func crop(
        _ name: String, _ box: [Double], _ form: GeometryForm, _ picture: Picture, _ comparison: inout Comparison
    ) throws {
        let crop = KeypointCrop(
            BoundingBox(left: box[0], top: box[1], right: box[2], bottom: box[3]), width: form.poseInputWh[0],
            height: form.poseInputWh[1], padding: form.padding)
        try comparison.compare("\(name)/center", points: [crop.center], limit: Self.doublePrecision)
        try comparison.compare("\(name)/scale", points: [crop.paddedSize], limit: Self.doublePrecision)
        try comparison.compare("\(name)/scale_fixed", points: [crop.size], limit: Self.doublePrecision)
        let (row0, row1) = crop.matrix
        try comparison.compare("\(name)/warp_matrix", doubles: [row0, row1].flatMap { [$0.x, $0.y, $0.z] }, limit: Self.doublePrecision)
        let warped = crop.warped(picture)
        let rowBytes = warped.width * 3
        let rows = stride(from: 0, to: warped.height, by: form.rowsStoredEvery).flatMap {
            warped.bytes[$0 * rowBytes..<($0 + 1) * rowBytes]
        }
        try comparison.compare("\(name)/warped_rows", pixels: rows, channels: 1, limit: 0)
        let exact = Self.exactlySampled(picture, crop)
        let distances = zip(warped.bytes, exact).map { abs(Double($0) - $1) }
        try comparison.compare(
            "\(name)/distance_to_exact_bilinear",
            doubles: [distances.max() ?? 0, distances.reduce(0, +) / Double(max(distances.count, 1))], limit: 1e-3)
        let (height, width) = (min(4, warped.height), min(40, warped.width))
        let planes = warped.planes(
            mean: SIMD3(form.mean[0], form.mean[1], form.mean[2]), deviation: SIMD3(form.std[0], form.std[1], form.std[2]))
        let corner = (0..<height).flatMap { y in
            (0..<width).flatMap { x in (0..<3).map { Double(planes[($0 * warped.height + y) * warped.width + x]) } }
        }
        try comparison.compare("\(name)/normalised_corner", doubles: corner, limit: Self.singlePrecision)
    }

    private func keypoints(_ form: GeometryForm, _ comparison: inout Comparison) throws {
        let reference = comparison.reference
        let (horizontal, vertical) = (try reference.input("simcc_x"), try reference.input("simcc_y"))
        guard horizontal.shape.count == 3, horizontal.shape[0] == 1 else {
            throw ModelError(.verification, at: "\(reference.path): inputs/simcc_x", "expected [1, k, n], found \(horizontal.shape)")
        }
        let points = horizontal.shape[1]
        let peaks = try SimCC.peaks(horizontal: horizontal.values, vertical: vertical.values, points: points)
        try comparison.compare("simcc_locations", doubles: peaks.flatMap { [Double($0.location.x), Double($0.location.y)] }, limit: 0)
        try comparison.compare("simcc_values", doubles: peaks.map { Double($0.score) }, limit: 0)
        let placement = try reference.points("outputs/postprocess_center_scale")
        guard placement.count == 2 else {
            throw ModelError(.verification, at: "\(reference.path): postprocess_center_scale", "expected a centre and a size")
        }
        let crop = KeypointCrop(center: placement[0], size: placement[1], width: form.simccInputWh[0], height: form.simccInputWh[1])
        try comparison.compare("postprocess_center_scale", points: [crop.center, crop.size], limit: 0)
        let keypoints = try SimCC.keypoints(
            horizontal: horizontal.values, vertical: vertical.values, points: points, crop: crop, binsPerPixel: form.simccSplitRatio)
        try comparison.compare("postprocess_keypoints", points: keypoints.map(\.location), limit: Self.doublePrecision)
        try comparison.compare("postprocess_scores", doubles: keypoints.map(\.score), limit: Self.doublePrecision)

        let ordered = try WholeBody.ordered(
            zip(reference.points("inputs/keypoints133"), reference.doubles("inputs/scores133")).map {
                Keypoint(x: $0.x, y: $0.y, score: $1)
            })
        try comparison.compare("wholebody_keypoints", points: ordered.map(\.location), limit: Self.doublePrecision)
        try comparison.compare("wholebody_scores", doubles: ordered.map(\.score), limit: Self.doublePrecision)
    }

    private static func corner(_ picture: Picture, rows: Int, columns: Int) -> [UInt8] {
        let width = min(columns, picture.width) * 3
        return (0..<min(rows, picture.height)).flatMap { picture.bytes[$0 * picture.width * 3..<$0 * picture.width * 3 + width] }
    }

    /// The crop with positions that are not rounded; 0 outside of the picture.
    private static func exactlySampled(_ picture: Picture, _ crop: KeypointCrop) -> [Double] {
        let (row0, row1) = crop.matrix
        let determinant = row0.x * row1.y - row0.y * row1.x
        func value(_ x: Int, _ y: Int, _ channel: Int) -> Double {
            guard x >= 0, x < picture.width, y >= 0, y < picture.height else { return 0 }
            return Double(picture.bytes[(y * picture.width + x) * 3 + channel])
        }
        var result: [Double] = []
        result.reserveCapacity(crop.width * crop.height * 3)
        for row in 0..<crop.height {
            for column in 0..<crop.width {
                let (u, v) = (Double(column) - row0.z, Double(row) - row1.z)
                let (x, y) = ((row1.y * u - row0.y * v) / determinant, (row0.x * v - row1.x * u) / determinant)
                guard abs(x) < 1e6, abs(y) < 1e6 else {
                    result += [0, 0, 0]
                    continue
                }
                let (left, top) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
                let (across, down) = (x - Double(left), y - Double(top))
                for channel in 0..<3 {
                    let above = value(left, top, channel) * (1 - across) + value(left + 1, top, channel) * across
                    let below = value(left, top + 1, channel) * (1 - across) + value(left + 1, top + 1, channel) * across
                    result.append(above * (1 - down) + below * down)
                }
            }
        }
        return result
    }

    /// CRC-32 of IEEE 802.3, reflected.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let table = (UInt32(0)..<256).map { index in
            (0..<8).reduce(index) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
