import Foundation
import RainPictures
import RainPose
import Testing

@testable import RainWorld

@Suite struct WideWorldTests {
    private static func character(_ seed: UInt64) -> Character { Character(seed: seed, world: .wide) }

    private static func distance(_ frame: LandmarkFrame, _ a: Landmark, _ b: Landmark) -> Float {
        hypot(frame[a].x - frame[b].x, frame[a].y - frame[b].y)
    }

    @Test func manyThreadsDrawTheSameLayers() async {
        let pose = Motion(seed: 5).pose(at: 1.3)
        let alone = (0..<24).map { Self.character(UInt64($0)).layers(pose, size: 80) }
        let together = await withTaskGroup(of: (Int, [LayerPicture]).self) { group in
            for index in 0..<24 { group.addTask { (index, Self.character(UInt64(index)).layers(pose, size: 80)) } }
            var drawn = [[LayerPicture]](repeating: [], count: 24)
            for await (index, layers) in group { drawn[index] = layers }
            return drawn
        }
        for (a, b) in zip(alone, together) {
            let same = a == b
            #expect(same)
        }
    }

    @Test func pixelsDoNotTellTheWorldFromItself() {
        let pictures = (0..<40).map { Self.character(UInt64($0)).render(CharacterPose(), size: 64) }
        for (index, picture) in pictures.enumerated() {
            for other in pictures[..<index] { #expect(PictureMetrics.psnr(picture, other) < 24) }
        }
    }

    /// Features are in order, on the face and apart from each other, whatever the seed and the pose.
    @Test func landmarksStayWithinBounds() {
        for seed in 0..<1000 as Range<UInt64> {
            let character = Self.character(seed)
            let rest = character.landmarks(CharacterPose())
            #expect(rest[.leftEyeInner].x < rest[.rightEyeInner].x, "seed \(seed): eyes overlap")
            #expect(rest[.leftEyeBottom].y < rest[.noseTip].y && rest[.noseTip].y < rest[.mouthTop].y, "seed \(seed): order")
            #expect(rest[.mouthBottom].y < rest[.faceOutline3].y && rest[.faceOutline3].y < rest[.neck].y + 0.03, "seed \(seed): chin")
            #expect(rest[.faceOutline0].x < rest[.leftEyeOuter].x && rest[.rightEyeOuter].x < rest[.faceOutline6].x, "seed \(seed)")
            #expect(rest[.faceOutline2].x < rest[.mouthLeft].x && rest[.mouthRight].x < rest[.faceOutline4].x, "seed \(seed): mouth")
            for time in [0.7, 2.9] {
                let frame = character.landmarks(Motion(seed: seed).pose(at: time))
                #expect(frame.points.allSatisfy { $0.x.isFinite && $0.y.isFinite && abs($0.x - 0.5) < 1 && abs($0.y - 0.5) < 1 })
                // No feature turns out of the face.
                let (left, right) = (frame[.faceOutline0], frame[.faceOutline6])
                let across = Self.distance(frame, .faceOutline0, .faceOutline6)
                for landmark in [Landmark.leftPupil, .rightPupil, .noseTip] {
                    let point = frame[landmark]
                    let along = ((point.x - left.x) * (right.x - left.x) + (point.y - left.y) * (right.y - left.y)) / (across * across)
                    #expect(along > -0.05 && along < 1.05, "seed \(seed): \(landmark) at \(along)")
                }
            }
        }
    }

    @Test func eyesAndSkinsOfAllKinds() {
        let looks = (0..<1000 as Range<UInt64>).map { Appearance(wide: $0) }
        #expect(looks.map(\.eyeWidth).min()! < 0.14 && looks.map(\.eyeWidth).max()! > 0.33)
        #expect(looks.map(\.eyeHeight).min()! < 0.1 && looks.map(\.eyeHeight).max()! > 0.41)
        for dark in [0.25, 0.4, 0.6, 0.8] { #expect(looks.count { $0.skin.luma < dark } > 60 && looks.count { $0.skin.luma > dark } > 60) }
        for look in looks where !look.style.isInkOnly {
            #expect(abs(look.brow.luma - look.skin.luma) > 0.15 && abs(look.mouthColor.luma - look.skin.luma) > 0.13, "seed \(look.seed)")
        }
        #expect(Set(looks.compactMap(\.hairShape?.fringe)).count == HairShape.Fringe.allCases.count)
        #expect(Set(looks.compactMap(\.hairShape?.back)).count == HairShape.Back.allCases.count)
        #expect(Set(looks.compactMap(\.outfit?.headwear)).count == Outfit.Headwear.allCases.count)
        #expect(Set(looks.compactMap(\.backdrop?.kind)).count == Backdrop.Kind.allCases.count)
        // All kinds of lines and shades, and none.
        for part in [\Style.line, \.cel, \.soft, \.strokes, \.hatching, \.blotches] {
            #expect(looks.count { $0.style[keyPath: part] > 0.3 } > 60 && looks.count { $0.style[keyPath: part] < 0.1 } > 60)
        }
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func closingTheEyesChangesTheEyesAlone(_ seed: UInt64) {
        let character = Self.character(seed)
        var shut = CharacterPose()
        (shut.leftEye, shut.rightEye) = (0, 0)
        let size = 128
        let (open, closed) = (character.layers(CharacterPose(), size: size), character.layers(shut, size: size))
        let frame = character.landmarks(CharacterPose())
        #expect(Self.distance(character.landmarks(shut), .leftEyeTop, .leftEyeBottom) < 1e-5)
        for layer in CharacterLayer.allCases where layer != .features {
            // Brows that show through the hair do not move with the lids.
            let same = open[layer.rawValue] == closed[layer.rawValue]
            #expect(same, "\(layer)")
        }
        let reach =
            1.9
            * max(
                Self.distance(frame, .leftEyeOuter, .leftEyeInner), Self.distance(frame, .leftEyeTop, .leftEyeBottom), 0.06)
        let (a, b) = (open[CharacterLayer.features.rawValue].bytes, closed[CharacterLayer.features.rawValue].bytes)
        var changed = 0
        for at in stride(from: 0, to: a.count, by: 4) where a[at..<at + 4] != b[at..<at + 4] {
            let (x, y) = (Float(at / 4 % size) / Float(size), Float(at / 4 / size) / Float(size))
            let away = [Landmark.leftPupil, .rightPupil].map { hypot(frame[$0].x - x, frame[$0].y - y) }.min()!
            #expect(away < reach, "a pixel changed \(away) from the eyes")
            changed += 1
        }
        #expect(changed > 4)
    }

    /// What is painted on cloth leans with the body: turned back, the layer is the one at rest.
    @Test func clothMovesAsOnePiece() {
        var seeds = 0
        for seed in 0..<60 as Range<UInt64> {
            let character = Self.character(seed)
            guard let outfit = character.look.outfit, outfit.print != .plain || character.look.style.isTextured else { continue }
            seeds += 1
            var lean = CharacterPose()
            lean.lean = 1
            let size = 192
            let scale = Double(size) / Geometry.side
            func place(_ pose: CharacterPose) -> Transform {
                Transform.scale(scale, scale).after(character.framing.transform).after(Geometry(character.look, pose).body)
            }
            let (before, after) = (place(CharacterPose()), place(lean))
            let layer = CharacterLayer.body.rawValue
            let (rest, leant) = (character.layers(CharacterPose(), size: size)[layer], character.layers(lean, size: size)[layer])
            var (compared, error) = (0, 0)
            // Below the neck, whose upper end goes with the head, and within the shoulders.
            for y in stride(from: 24.0, to: 44, by: 1) {
                for x in stride(from: -18.0, to: 18, by: 1) {
                    let (p, q) = (before(Point(x, y)), after(Point(x, y)))
                    guard let a = Self.colour(rest, p), let b = Self.colour(leant, q) else { continue }
                    compared += 1
                    error += zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / 3
                }
            }
            if compared > 100 { #expect(error < compared * 14, "seed \(seed): \(Double(error) / Double(compared))") }
        }
        #expect(seeds > 30)
    }

    /// Bilinear, nil outside.
    private static func colour(_ layer: LayerPicture, _ at: Point) -> [Int]? {
        let (u, v) = (at.x - 0.5, at.y - 0.5)
        let (column, row) = (Int(u.rounded(.down)), Int(v.rounded(.down)))
        guard column >= 0, row >= 0, column + 1 < layer.width, row + 1 < layer.height else { return nil }
        let (fx, fy) = (u - Double(column), v - Double(row))
        return (0..<3).map { channel in
            func byte(_ dx: Int, _ dy: Int) -> Double { Double(layer.bytes[((row + dy) * layer.width + column + dx) * 4 + channel]) }
            let top = byte(0, 0) * (1 - fx) + byte(1, 0) * fx
            return Int(top * (1 - fy) + (byte(0, 1) * (1 - fx) + byte(1, 1) * fx) * fy)
        }
    }

    @Test func hairAndFaceAreWhereTheyShouldBe() {
        for seed in 0..<60 as Range<UInt64> {
            let character = Self.character(seed)
            let layers = character.layers(CharacterPose(), size: 96)
            if character.look.hairShape?.fringe != .bald {
                #expect(layers[CharacterLayer.frontHair.rawValue].covered > 30, "seed \(seed)")
                #expect(layers[CharacterLayer.backHair.rawValue].covered > 30, "seed \(seed)")
            }
            // The face goes on under fringe and features.
            let geometry = Geometry(character.look, CharacterPose())
            for (x, y) in [(0, -0.6), (0, 0.2), (-0.5, -0.4), (0.5, 0.1)] as [(Double, Double)] {
                let at = character.framing.transform(geometry.at(x, y, Geometry.outlineDepth))
                let (column, row) = (Int(at.x * 0.75), Int(at.y * 0.75))
                guard (0..<96).contains(column), (0..<96).contains(row) else { continue }
                #expect(layers[CharacterLayer.face.rawValue].bytes[(row * 96 + column) * 4 + 3] == 255, "seed \(seed)")
            }
        }
    }

    @Test func frontDepthsAreARoundForehead() {
        #expect(CharacterLayer.frontDepth(x: 0, y: -0.3) > 0.7)
        for (x, y) in [(1.3, 0.0), (-1.2, -0.5), (0, -1.4), (5, 5)] as [(Double, Double)] {
            #expect(CharacterLayer.frontDepth(x: x, y: y) == 0.1)
        }
        for step in -300...300 {
            let t = Double(step) / 150
            #expect(abs(CharacterLayer.frontDepth(x: t, y: -0.4) - CharacterLayer.frontDepth(x: t + 1e-4, y: -0.4)) < 2e-4)
            #expect(abs(CharacterLayer.frontDepth(x: 0.2, y: t) - CharacterLayer.frontDepth(x: 0.2, y: t + 1e-4)) < 2e-4)
        }
    }
}
