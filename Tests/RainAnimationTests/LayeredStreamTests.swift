import Foundation
import RainCPU
import RainCheckpoints
import RainGraph
import RainModels
import RainPictures
import RainPose
import RainTesting
import Testing

@testable import RainAnimation

@Suite struct LayeredStreamTests {
    private static func batch(
        _ window: String = "2x4", size: Int = 32, engine: any Engine = CPUEngine(threads: 1), landmarks: LandmarkFrame? = nil
    ) throws -> StreamBatch {
        var configuration = TinyModel.layered
        configuration.imageSize = size
        let batch = try StreamBatch(
            model: .random(configuration, seed: 1), engine: engine, schedule: StreamSchedule(window: window), seed: 1)
        try batch.fuse(reference: TinyModel.reference, landmarks: landmarks)
        return batch
    }

    @Test("Every frame that enters leaves, at the size that is asked for", arguments: [("2x4", 32), ("1x4", 64), ("4x1", 48)])
    func streams(_ window: String, size: Int) throws {
        let batch = try Self.batch(window, size: size)
        for groups in [1, 5] {
            try batch.reset()
            let pictures = try StreamBatchTests.run(batch, groups: groups)
            #expect(pictures.count == groups * batch.schedule.framesPerGroup && batch.framesInFlight == 0)
            #expect(pictures.allSatisfy { $0.width == size && $0.height == size })
            #expect(Set(pictures.map(\.bytes)).count == pictures.count)
        }
    }

    @Test("References are bent as a whole, cut, or layers already; what does not move shows the reference")
    func arts() throws {
        let fresh = TinyModel.layered.randomParameters(seed: 1)
        // Nothing is diffused.
        let model = try AnimationModel(TinyModel.layered) { name, shape in
            let isSilent = name == "residual.std" || name.hasPrefix("face_gate.out.")
            return isSilent ? [Float](repeating: 0, count: shape.count) : try fresh(name, shape)
        }
        let layers = try CutLayers([
            .background: LayerPicture(Picture(width: 32, height: 32, red: 10, green: 90)), .body: LayerPicture(TinyModel.reference),
        ])
        for art in [.picture(TinyModel.reference), .cut(TinyModel.reference), .layers(layers)] as [CharacterArt] {
            let batch = try StreamBatch(model: model, engine: CPUEngine(threads: 1), schedule: StreamSchedule(window: "1x2"))
            try batch.fuse(art, landmarks: .neutral)
            _ = try batch.push([.neutral])
            let picture = try #require(try batch.push([.neutral]).first)
            // Noise that is cut at random does not add up to the last bit.
            #expect(PictureMetrics.psnr(picture, art.picture) > (art == .cut(TinyModel.reference) ? 30 : 45))
        }
    }

    @Test("A run is reproduced on any number of threads, and as the interpreter computes it") func reproducible() throws {
        let pictures = try StreamBatchTests.run(Self.batch(), groups: 5)
        #expect(try StreamBatchTests.run(Self.batch(), groups: 5) == pictures)
        #expect(try StreamBatchTests.run(Self.batch(engine: CPUEngine(threads: 2)), groups: 5) == pictures)
        let plain = try StreamBatchTests.run(Self.batch(engine: Interpreter()), groups: 5)
        for (found, expected) in zip(pictures, plain) {
            let largest = zip(found.bytes, expected.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 0
            #expect(largest <= 2, "\(largest)")
        }
    }

    @Test("Landmarks of the reference that say nothing are those of the neutral face") func degenerateReference() throws {
        let point = LandmarkFrame(points: LandmarkFrame.neutral.points.map { _ in LandmarkPoint(x: 0.5, y: 0.5) })
        let pictures = try StreamBatchTests.run(Self.batch(landmarks: point), groups: 4)
        #expect(try StreamBatchTests.run(Self.batch(), groups: 4) == pictures)
    }

    @Test("Driving landmarks that are no numbers make finite pictures") func degenerateDriving() throws {
        let batch = try Self.batch("1x1")
        for value in [Float.nan, .infinity, 1e9, 0.3] {
            let frame = LandmarkFrame(points: LandmarkFrame.neutral.points.map { _ in LandmarkPoint(x: value, y: value) })
            // A picture that is not finite throws.
            #expect(try batch.push([frame]).count == 1)
        }
    }

    @Test("A layered model is written and read like any other") func package() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/rain-layered-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let model = try AnimationModel.random(TinyModel.layered, seed: 2)
        try model.write(folder: folder, type: .float32)
        let read = try AnimationModel(path: folder)
        #expect(read.configuration == model.configuration)
        for (name, shape) in try ModelPrograms(TinyModel.layered).parameters() {
            #expect(try read.parameters(name, shape) == model.parameters(name, shape), "\(name)")
        }
        let names = try Set(ModelPrograms(TinyModel.layered).parameters().map { $0.name.prefix { $0 != "." } })
        #expect(
            names == [
                "autoencoder", "denoising_unet", "reference_unet", "expression_guider", "layer_network", "landmark_network", "face_gate",
                "residual",
            ])
    }

    @Test("Frames in flight show a new reference from the next picture on") func newReference() throws {
        let fresh = TinyModel.layered.randomParameters(seed: 1)
        // Nothing is diffused: pictures are the moved layers.
        let model = try AnimationModel(TinyModel.layered) { name, shape in
            let isSilent = name == "residual.std" || name.hasPrefix("face_gate.out.")
            return isSilent ? [Float](repeating: 0, count: shape.count) : try fresh(name, shape)
        }
        var other = TinyModel.reference
        for index in other.bytes.indices { other.bytes[index] = 255 - other.bytes[index] }
        var landmarks = LandmarkFrame.neutral
        for landmark in Landmark.allCases { landmarks[landmark].x += 0.03 }
        func batch() throws -> StreamBatch {
            try StreamBatch(model: model, engine: CPUEngine(threads: 1), schedule: StreamSchedule(window: "2x3"))
        }
        let (changed, steady) = (try batch(), try batch())
        try changed.fuse(reference: TinyModel.reference)
        try steady.fuse(reference: other, landmarks: landmarks)
        var pictures: [[Picture]] = [[], []]
        for group in 0..<5 {
            if group == 3 { try changed.fuse(reference: other, landmarks: landmarks) }
            let driving = (0..<2).map { TinyModel.driving(group * 2 + $0) }
            pictures[0] += try changed.push(driving)
            pictures[1] += try steady.push(driving)
        }
        // One group left before the change; two after it.
        #expect(pictures[0].count == 6 && pictures[0][0] != pictures[1][0])
        #expect(pictures[0][2...] == pictures[1][2...])
    }

    @Test("Guider and painter are there for every family, as tuning and benchmarks ask for them") func programs() throws {
        for configuration in [TinyModel.configuration, TinyModel.layered] {
            let programs = ModelPrograms(configuration)
            #expect(try programs.guider(frames: 2).graph.outputs.contains { $0.name == "features" })
            #expect(try programs.painter(frames: 2).graph.outputs.contains { $0.name == "pictures" })
        }
    }

    @Test("Pictures may be of any size that films can have") func sizes() throws {
        #expect(try TinyModel.layered.resized(to: 512).imageSize == 512)
        #expect(try TinyModel.layered.resized(to: nil) == TinyModel.layered)
        for size in [0, 63, 100, 4096] {
            let error = #expect(throws: AnimationError.self) { try TinyModel.layered.resized(to: size) }
            #expect(error.map { "\($0)".contains("found \(size)") } == true)
        }
    }

    @Test("What does not fit together is refused by name")
    func refused() throws {
        func refusal(_ change: (inout ModelConfiguration) -> Void) -> String {
            var configuration = TinyModel.layered
            change(&configuration)
            do {
                try configuration.validate()
                return ""
            } catch {
                return "\(error)"
            }
        }
        let cases: [(expected: String, change: (inout ModelConfiguration) -> Void)] = [
            ("pose_guider, layered_guide: expected one of them, found none", { $0.layeredGuide = nil }),
            ("found both", { $0.poseGuider = TinyModel.configuration.poseGuider }),
            ("layered_guide.layer_network.layers: expected 6, found 5", { $0.layeredGuide?.layerNetwork.layers = 5 }),
            ("layered_guide.landmark_network.landmarks: expected 26, found 29", { $0.layeredGuide?.landmarkNetwork?.landmarks = 29 }),
            ("a crop size that is a multiple of 8 up to 512", { $0.layeredGuide?.landmarkNetwork?.cropSize = 36 }),
            ("expression_guider.numbers", { $0.layeredGuide?.expression.numbers = 7 }),
            ("embedding_channels", { $0.layeredGuide?.expression.embeddingChannels = 7 }),
            ("autoencoder: its patches of 4 pixels make latents of 8", { $0.layeredGuide?.cropSize = 32 }),
            ("multiple of 16", { $0.layeredGuide?.guideSize = 40 }),
            ("pose_picture: expected faces of 8 pixels", { $0.posePicture.size = 16 }),
            ("reference_pose", { $0.referencePose = true }),
        ]
        let sound = refusal { _ in }
        #expect(sound.isEmpty, "\(sound)")
        for (expected, change) in cases {
            let found = refusal(change)
            #expect(found.contains(expected), "\(found)")
        }
    }
}

@Suite struct LayerCutterTests {
    /// The layers over each other are the picture again, rims and all.
    @Test func layersMakeThePictureAgain() throws {
        let side = 32
        var picture = Picture(width: 64, height: 64)
        for row in 0..<64 {
            for column in 0..<64 {
                let isDisc = (row - 32) * (row - 32) + (column - 32) * (column - 32) < 256
                let color: [UInt8] = isDisc ? [220, UInt8(100 + row), 40] : [30, 60, UInt8(100 + column)]
                for channel in 0..<3 { picture.bytes[(row * 64 + column) * 3 + channel] = color[channel] }
            }
        }
        // The disc is the face, softly cut; the other masks are empty.
        var masks = [Float](repeating: 0, count: side * side * 5)
        for row in 0..<side {
            for column in 0..<side {
                let (x, y) = (Double(column) + 0.5 - 16, Double(row) + 0.5 - 16)
                let alpha = min(max(8.5 - (x * x + y * y).squareRoot(), 0), 1)
                masks[(row * side + column) * 5 + CharacterLayer.face.rawValue - 1] = Float(alpha)
            }
        }
        let cut = CutLayers(picture, masks: masks, side: side)
        #expect(cut.layers.count == 6 && cut.layers[CharacterLayer.body.rawValue].bytes.allSatisfy { $0 == 0 })
        let psnr = PictureMetrics.psnr(LayerPicture.composite(cut.layers), picture)
        #expect(psnr > 40, "\(psnr)")
        func pixel(_ layer: CharacterLayer, _ row: Int, _ column: Int) -> [UInt8] {
            Array(cut.layers[layer.rawValue].bytes[((row * 64 + column) * 4)..<((row * 64 + column) * 4 + 4)])
        }
        // Inside, the face has the picture's colours; behind it the background goes on as it is beside it.
        #expect(pixel(.face, 32, 32) == [220, 132, 40, 255])
        for (column, blue) in [(18, 118), (32, 132), (46, 146)] {
            let behind = pixel(.background, 32, column)
            #expect(abs(Int(behind[0]) - 30) < 8 && abs(Int(behind[1]) - 60) < 8 && abs(Int(behind[2]) - blue) < 12, "\(behind)")
        }
        // Far away the background is the picture, and the face is nothing.
        #expect(pixel(.background, 2, 3) == [30, 60, 103, 255] && pixel(.face, 2, 3) == [0, 0, 0, 0])
    }

    /// Damaged weights may make masks of NaN: then all is background.
    @Test func masksThatAreNoNumbers() {
        let masks = [Float](repeating: .nan, count: 16 * 16 * 5)
        let cut = CutLayers(TinyModel.reference, masks: masks, side: 16)
        #expect(cut.picture == TinyModel.reference)
        #expect(cut.layers.dropFirst().allSatisfy { $0.coverage == 0 })
    }

    /// A picture that is bent as a whole: hair before the face and eyes on it are sheets of their own, and skin goes on behind them.
    @Test(arguments: [64, 96]) func sheetsMakeThePictureAgain(_ size: Int) throws {
        let (side, skin) = (32, [UInt8](arrayLiteral: 230, 190, 170))
        let landmarks = LandmarkFrame.neutral
        let regions = try #require(FaceRegions(landmarks))
        // Eyes where the landmarks say, a lock of hair down over the left one, a line around the chin; a noisy background.
        var picture = Picture(width: size, height: size)
        var masks = [Float](repeating: 0, count: side * side * 2)
        let pupil = landmarks[.leftPupil]
        func isHair(_ x: Double, _ y: Double) -> Bool { abs(x - Double(pupil.x)) < 0.04 && y < Double(pupil.y) + 0.02 }
        for row in 0..<size {
            for column in 0..<size {
                let (x, y) = ((Double(column) + 0.5) / Double(size), (Double(row) + 0.5) / Double(size))
                let region = regions(SIMD2(x, y))
                var color = region.skin > 0 ? skin : [UInt8(row * 255 / size), 90, UInt8(column * 255 / size)]
                if region.eye > 0.5 { color = [40, 60, 200] }
                if isHair(x, y) { color = [90, 40, 20] }
                for channel in 0..<3 { picture.bytes[(row * size + column) * 3 + channel] = color[channel] }
            }
        }
        for pixel in 0..<(side * side) {
            let (x, y) = ((Double(pixel % side) + 0.5) / Double(side), (Double(pixel / side) + 0.5) / Double(side))
            masks[pixel * 2] = Float(regions(SIMD2(x, y)).eye)
            masks[pixel * 2 + 1] = isHair(x, y) ? 1 : 0
        }
        let cut = CutLayers(whole: picture, masks: masks, side: side, regions: regions)
        #expect(PictureMetrics.psnr(cut.picture, picture) > 45)
        func color(_ layer: CharacterLayer, _ x: Float, _ y: Float) -> [UInt8] {
            let at = (Int(y * Float(size)) * size + Int(x * Float(size))) * 4
            return Array(cut.layers[layer.rawValue].bytes[at..<(at + 4)])
        }
        // Behind lock and eyes there is skin.
        for eye in [pupil, landmarks[.rightPupil]] {
            let behind = color(.face, eye.x, eye.y)
            #expect(zip(behind, skin).allSatisfy { abs(Int($0) - Int($1)) < 12 }, "\(behind)")
        }
        #expect(color(.frontHair, pupil.x, pupil.y) == [90, 40, 20, 255])
        #expect(color(.features, landmarks[.rightPupil].x, landmarks[.rightPupil].y)[3] == 255)
        // Away from the face nothing is taken out of the picture.
        #expect(color(.face, pupil.x, 0.02) == [90, 40, 20, 255] && color(.frontHair, pupil.x, 0.02)[3] == 0)
        for layer in [CharacterLayer.background, .backHair, .body] { #expect(cut.layers[layer.rawValue].coverage == 0) }
    }

    /// Layers given as such are what is animated: those that were cut from a picture give the same pictures as it does.
    @Test func layersAreAReference() throws {
        let model = try AnimationModel.random(TinyModel.layered, seed: 4)
        let cut = try LayerCutter(model.configuration, engine: CPUEngine(threads: 1), parameters: model.parameters)
            .cut(TinyModel.reference, landmarks: .neutral)
        func pictures(_ art: CharacterArt) throws -> [Picture] {
            let batch = try StreamBatch(model: model, engine: CPUEngine(threads: 1), schedule: StreamSchedule(window: "2x2"))
            try batch.fuse(art, landmarks: .neutral)
            return try (0..<3).flatMap { group in try batch.push((0..<2).map { TinyModel.driving(group * 2 + $0) }) }
        }
        let found = try pictures(.layers(cut))
        #expect(found.count == 4)
        #expect(try found == pictures(.cut(TinyModel.reference)))
        var other: [CharacterLayer: LayerPicture] = [:]
        for layer in CharacterLayer.allCases where layer != .face { other[layer] = cut.layers[layer.rawValue] }
        #expect(try found != pictures(.layers(CutLayers(other))))
    }

    @Test func layersOfOneShape() throws {
        func refusal(_ layers: [CharacterLayer: LayerPicture]) -> String {
            do {
                _ = try CutLayers(layers)
                return ""
            } catch {
                return "\(error)"
            }
        }
        let square = LayerPicture(width: 8, height: 8)
        #expect(refusal([:]).contains("expected at least one, found none"))
        let shapes = refusal([.background: square, .face: LayerPicture(width: 8, height: 4)])
        #expect(shapes.contains("face: expected 8×8 pixels, found 8×4"), "\(shapes)")
        // Behind all it is white.
        let cut = try CutLayers([.face: square])
        #expect(cut.layers.count == 6 && cut.picture.bytes.allSatisfy { $0 == 255 })
        #expect(cut.resized(to: 4).layers.allSatisfy { $0.width == 4 && $0.height == 4 })
    }

    @Test func colorsSpread() {
        // Known at two corners of 8×8 pixels, half known in a third.
        var (colors, weights) = ([Float](repeating: 0.9, count: 192), [Float](repeating: 0, count: 64))
        for (pixel, color, weight) in [(0, 0.2, 1), (63, 0.6, 1), (7, 0.4, 0.5)] as [(Int, Float, Float)] {
            weights[pixel] = weight
            for channel in 0..<3 { colors[pixel * 3 + channel] = color }
        }
        let spread = SpreadColors(colors, weights, size: 8).colors
        #expect(spread[0] == 0.2 && spread[63 * 3] == 0.6)
        #expect(abs(spread[3] - 0.2) < 0.05 && abs(spread[62 * 3] - 0.6) < 0.05)
        #expect(spread.allSatisfy { (0.199...0.601).contains($0) })
        // Nothing known: grey; odd sizes; one pixel.
        #expect(SpreadColors([Float](repeating: 1, count: 75), [Float](repeating: 0, count: 25), size: 5).colors.allSatisfy { $0 == 0.5 })
        #expect(SpreadColors([0.1, 0.2, 0.3], [1], size: 1).colors == [0.1, 0.2, 0.3])
    }

    @Test func modelsWithoutLayersHaveNoCutter() throws {
        let error = #expect(throws: AnimationError.self) {
            try LayerCutter(TinyModel.configuration, engine: Interpreter()) { _, shape in [Float](repeating: 0, count: shape.count) }
        }
        #expect(error.map { "\($0)".contains("has no layer network") } == true)
    }
}
