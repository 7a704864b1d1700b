import RainCheckpoints
import RainModels
import RainPictures
import RainPose

extension CaseVerifier {
    /// An entry of the authors' lists of face parameters.
    private struct TranslationForm: Decodable {
        let begin: Int
        let end: Int
        let horizontalScale: Double
        let verticalScale: Double
        let horizontalTransition: Double
        let verticalTransition: Double
        let xaxis: [Int]?
        let relativeLength: [Int]?

        func adjustment(_ path: String) throws -> FaceRetargeting.Adjustment {
            func pair(_ field: String, _ values: [Int]?) throws -> SIMD2<Int>? {
                guard let values else { return nil }
                guard values.count == 2 else { throw ModelError(.verification, at: "\(path): \(field)", "expected two points") }
                return SIMD2(values[0], values[1])
            }
            guard begin >= 0, begin < end else {
                throw ModelError(.verification, at: "\(path): translations", "expected begin below end, found \(begin) and \(end)")
            }
            return try FaceRetargeting.Adjustment(
                points: begin..<end, scale: SIMD2(horizontalScale, verticalScale),
                shift: SIMD2(horizontalTransition, verticalTransition), axis: pair("xaxis", xaxis),
                unit: pair("relative_length", relativeLength))
        }
    }

    /// A disc of the authors' lists of patterns: points and colour.
    private struct PatternForm: Decodable {
        let disc: [[Int]]

        init(from decoder: any Decoder) throws { disc = try [[Int]](from: decoder) }

        func disc(_ path: String) throws -> FacePattern.Disc {
            guard disc.count == 2, disc[1].count == 3, disc[1].allSatisfy((0...255).contains) else {
                throw ModelError(.verification, at: "\(path): patterns", "expected points and a colour, found \(disc.prefix(4))")
            }
            return try FacePattern.Disc(points: disc[0], color: ByteColor(UInt8(disc[1][0]), UInt8(disc[1][1]), UInt8(disc[1][2])))
        }
    }

    private static func retargeting(_ list: [TranslationForm], _ path: String) throws -> FaceRetargeting {
        FaceRetargeting(adjustments: try list.map { try $0.adjustment(path) })
    }

    private static func pattern(_ list: [PatternForm], _ path: String) throws -> FacePattern {
        FacePattern(discs: try list.map { try $0.disc(path) })
    }

    private static func checkSize(_ width: Int, _ height: Int, _ path: String) throws {
        guard (1...8192).contains(width), (1...8192).contains(height) else {
            throw ModelError(
                .verification, at: "\(path): config", "expected a picture of 1 to 8192 pixels a side, found \(width)×\(height)")
        }
    }

    // MARK: retarget

    private struct RetargetForm: Decodable {
        let translations: [String: [TranslationForm]]
    }

    func retargeting(_ reference: ReferenceCase) throws -> VerificationReport {
        // Names of lists are the case's own and keep their spelling.
        let lists = try reference.form(RetargetForm.self).translations
        var comparison = comparison(reference)
        let faces = try reference.pointGroups("inputs/faces", of: WholeBody.face.count)
        for (index, face) in faces.enumerated() {
            for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
                let retargeting = try Self.retargeting(list, reference.path)
                for (number, adjustment) in retargeting.adjustments.enumerated()
                where reference.has("outputs/face\(index)/\(name)/alone\(number)") {
                    try comparison.compare("face\(index)/\(name)/alone\(number)", points: adjustment(face), limit: Self.doublePrecision)
                }
                if reference.has("outputs/face\(index)/\(name)/sequence") {
                    try comparison.compare("face\(index)/\(name)/sequence", points: retargeting(face), limit: Self.doublePrecision)
                }
            }
        }
        return try complete(comparison)
    }

    // MARK: face_tracking

    private struct TrackingForm: Decodable {
        let detectionSize: [Int]
        let frames: Int
        let dampingStep: Int
        let patterns: [PatternForm]
        let translations: [TranslationForm]
    }

    func faceTracking(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(TrackingForm.self)
        guard form.detectionSize.count == 2, (1...1000).contains(form.dampingStep) else {
            throw ModelError(.verification, at: "\(reference.path): config", "expected two sizes and a damping_step of 1 to 1000")
        }
        let (height, width) = (form.detectionSize[0], form.detectionSize[1])
        try Self.checkSize(width, height, reference.path)
        let pattern = try Self.pattern(form.patterns, reference.path)
        let retargeting = try Self.retargeting(form.translations, reference.path)
        var settings = PersonTracker.Settings()
        settings.damping = form.dampingStep
        // The authors hold a lost face for ever.
        settings.hold = .infinity
        settings.leastSeen = 0
        var tracker = PersonTracker(settings)
        var comparison = comparison(reference)
        var frame = 0
        while frame < form.frames, reference.has("inputs/frame\(frame)/keypoints") {
            let scores = try reference.doubles("inputs/frame\(frame)/scores")
            let points = zip(try reference.points("inputs/frame\(frame)/keypoints"), scores)
            let person = try WholeBodyFrame(
                pixels: points.map { Keypoint(x: $0.x, y: $0.y, score: $1) }, width: width, height: height)
            let tracked = tracker.update(.person(person), at: Double(frame) / 25)?.person
            try comparison.compare("frame\(frame)/cached_faces", points: tracker.cachedFace ?? [], limit: Self.doublePrecision)
            var canvas = PoseCanvas(width: width, height: height)
            if let tracked { canvas.drawFace(tracked.face.map(\.location), pattern: pattern, retargeting: retargeting) }
            try comparison.compare("frame\(frame)/image/runs", picture: canvas.picture, limit: 0)
            frame += 1
        }
        return try complete(comparison)
    }

    // MARK: pose_render

    private struct DrawingForm: Decodable {
        let height: Int
        let width: Int
        let patterns: [PatternForm]
        let translations: [String: [TranslationForm]]
        let circleRadii: [Int]?
    }

    /// How much of an ellipse's or line's pixels may differ.
    private static let roundedShapes = 0.005

    func poseDrawing(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(DrawingForm.self)
        try Self.checkSize(form.width, form.height, reference.path)
        let pattern = try Self.pattern(form.patterns, reference.path)
        let lists = try form.translations.mapValues { try Self.retargeting($0, reference.path) }
        let faces = try reference.pointGroups("inputs/faces", of: WholeBody.face.count)
        var comparison = comparison(reference)
        func canvas() -> PoseCanvas { PoseCanvas(width: form.width, height: form.height) }

        // Who is drawn how is in the outputs' names: face0/morpher_patterns/runs.
        for name in reference.outputs.sorted() where name.hasPrefix("face") || name.hasPrefix("all_faces") {
            let parts = name.split(separator: "/")
            guard parts.count == 3, parts[2] == "runs" else { continue }
            let one = Int(parts[0].dropFirst(4)).flatMap { faces.indices.contains($0) ? [faces[$0]] : nil }
            let chosen = parts[0] == "all_faces" ? faces : one
            let isPlain = parts[1].hasSuffix("plain")
            let list = parts[1].dropLast(isPlain ? "_plain".count : "_patterns".count)
            guard let chosen, list.isEmpty || lists[String(list)] != nil else { continue }
            var canvas = canvas()
            for face in chosen { canvas.drawFace(face, pattern: isPlain ? .plain : pattern, retargeting: lists[String(list)]) }
            try comparison.compare(name, picture: canvas.picture, limit: 0)
        }

        let bodies = try bodies(reference)
        let hands = try reference.pointGroups("inputs/hands", of: WholeBody.leftHand.count)
        var (body, hand, all) = (canvas(), canvas(), canvas())
        body.drawBodies(bodies)
        try comparison.compare("body/runs", picture: body.picture, limit: Self.roundedShapes)
        hand.drawHands(hands)
        try comparison.compare("hands/runs", picture: hand.picture, limit: Self.roundedShapes)
        all.drawBodies(bodies)
        all.drawHands(hands)
        if let face = faces.first { all.drawFace(face, pattern: pattern, retargeting: lists["gradio_signature"]) }
        try comparison.compare("body_hands_face/runs", picture: all.picture, limit: Self.roundedShapes)
        try primitives(form.circleRadii ?? [], &comparison)
        return try complete(comparison)
    }

    private func bodies(_ reference: ReferenceCase) throws -> [[SIMD2<Double>?]] {
        let candidates = try reference.points("inputs/body_candidate")
        let subset = try reference.doubles("inputs/body_subset")
        guard subset.count.isMultiple(of: WholeBody.body.count) else {
            throw ModelError(.verification, at: "\(reference.path): body_subset", "expected rows of \(WholeBody.body.count) indices")
        }
        let places = subset.map { value in Int(exactly: value).flatMap { candidates.indices.contains($0) ? candidates[$0] : nil } }
        return stride(from: 0, to: places.count, by: WholeBody.body.count).map { Array(places[$0..<$0 + WholeBody.body.count]) }
    }

    // MARK: Primitives

    private func primitives(_ radii: [Int], _ comparison: inout Comparison) throws {
        let reference = comparison.reference
        let one = ByteColor(1, 1, 1)
        /// Draws on a mask of the expected size.
        func compare(_ name: String, limit: Double, _ draw: (inout Picture) -> Void) throws {
            let shape = try reference.file.info("outputs/" + name).shape
            guard shape.count == 2 else {
                throw ModelError(.verification, at: "\(reference.path): \(name)", "expected [h, w], found \(shape)")
            }
            try Self.checkSize(shape[1], shape[0], reference.path)
            var picture = Picture(width: shape[1], height: shape[0])
            draw(&picture)
            let mask = stride(from: 0, to: picture.bytes.count, by: 3).map { picture.bytes[$0] }
            try comparison.compare(name, pixels: mask, channels: 1, limit: limit)
        }
        func shapes(_ name: String, of size: Int) throws -> [[Int]] {
            let name = "inputs/primitive_" + name
            let rows = reference.has(name) ? try reference.rows(name, of: size) : []
            guard rows.allSatisfy({ $0.allSatisfy { abs($0) < 1 << 20 } }) else {
                throw ModelError(.verification, at: "\(reference.path): \(name)", "expected coordinates within ±\(1 << 20)")
            }
            return rows
        }
        for radius in radii where (0...4096).contains(radius) {
            try compare("circle_mask_r\(radius)", limit: 0) {
                $0.fillDisc(GridPoint($0.width / 2, $0.height / 2), radius: radius, one)
            }
        }
        for (index, circle) in try shapes("clipped_circles", of: 3).enumerated() {
            try compare("clipped_circle\(index)_mask", limit: 0) { $0.fillDisc(GridPoint(circle[0], circle[1]), radius: circle[2], one) }
        }
        for (index, line) in try shapes("lines", of: 4).enumerated() {
            try compare("line\(index)_mask", limit: Self.roundedShapes) {
                $0.drawLine(GridPoint(line[0], line[1]), GridPoint(line[2], line[3]), one)
            }
        }
        for (index, ellipse) in try shapes("ellipses", of: 4).enumerated() {
            let center = GridPoint(ellipse[0], ellipse[1])
            let corners = Picture.ellipse(center, halfLength: ellipse[2], halfWidth: 4, degrees: ellipse[3])
            try comparison.compare(
                "ellipse\(index)_polygon_xy", doubles: corners.flatMap { [Double($0.x), Double($0.y)] }, limit: 0)
            try compare("ellipse\(index)_mask", limit: Self.roundedShapes) {
                $0.fillEllipse(center, halfLength: ellipse[2], halfWidth: 4, degrees: ellipse[3], one)
            }
        }
    }
}
