import RainPictures
import RainPose
import Testing

@testable import RainWorld

/// The largest difference of two pictures' bytes.
private func difference(_ a: Picture, _ b: Picture) -> Int {
    zip(a.bytes, b.bytes).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}

extension LayerPicture {
    /// How many pixels are not empty.
    var covered: Int { stride(from: 3, to: bytes.count, by: 4).count { bytes[$0] > 0 } }
}

@Suite struct LayerTests {
    /// In the classic world a seed means the same bytes forever: on an opaque canvas its layers are what one painter draws in a row.
    @Test func classicPicturesAreDrawnInOneGo() {
        for seed in 0..<30 as Range<UInt64> {
            let character = Character(seed: seed)
            #expect(character.look.style.line == 0 && character.look.outfit == nil && character.framing == Framing())
            var canvas = Canvas(width: 96, height: 96)
            let painter = CharacterPainter(geometry: Geometry(character.look, .reference(variation: seed)))
            canvas.transformed(by: .scale(0.75, 0.75)) { canvas in
                for layer in CharacterLayer.allCases { painter.paint(layer, &canvas, alone: false) }
            }
            let same = canvas.picture() == character.render(.reference(variation: seed), size: 96)
            #expect(same)
        }
    }

    @Test(arguments: World.allCases)
    func layersAddUpToThePicture(_ world: World) {
        for seed in 0..<80 as Range<UInt64> {
            let character = Character(seed: seed, world: world)
            let pose = seed.isMultiple(of: 2) ? Motion(seed: seed).pose(at: 2.3) : .reference(variation: seed)
            let layers = character.layers(pose, size: 96)
            let worst = difference(LayerPicture.composite(layers), character.render(pose, size: 96))
            #expect(worst <= 2, "seed \(seed): \(worst)")
        }
    }

    @Test(arguments: World.allCases)
    func everyLayerIsThere(_ world: World) {
        for seed in 0..<40 as Range<UInt64> {
            let layers = Character(seed: seed, world: world).layers(CharacterPose(), size: 64)
            #expect(layers.count == CharacterLayer.allCases.count)
            #expect(layers.allSatisfy { $0.width == 64 && $0.height == 64 })
            #expect(layers[CharacterLayer.background.rawValue].bytes.enumerated().allSatisfy { $0.offset % 4 != 3 || $0.element == 255 })
            for layer in [CharacterLayer.body, .face, .features] {
                #expect(layers[layer.rawValue].covered > 40, "seed \(seed): \(layer)")
            }
            // Colours are premultiplied.
            for layer in layers {
                let bytes = layer.bytes
                let premultiplied = stride(from: 0, to: bytes.count, by: 4).allSatisfy { bytes[$0..<($0 + 3)].max()! <= bytes[$0 + 3] }
                #expect(premultiplied)
            }
        }
    }

    @Test(arguments: World.allCases)
    func theBackgroundNeverMoves(_ world: World) {
        let character = Character(seed: 4, world: world)
        let backgrounds = (0..<4).map { character.layers(Motion(seed: 4).pose(at: Double($0)), size: 64)[0] }
        #expect(backgrounds.allSatisfy { $0 == backgrounds[0] })
    }

    @Test func theFaceGoesOnUnderTheHair() {
        for seed in 0..<40 as Range<UInt64> {
            let layers = Character(seed: seed).layers(CharacterPose(), size: 128)
            // Between the temples and the crown, in the middle of the forehead.
            let forehead = (38 * 128 + 64) * 4
            #expect(layers[CharacterLayer.face.rawValue].bytes[forehead + 3] == 255)
        }
    }

    /// The wide world is cropped more loosely, and its landmarks with it.
    @Test func framingMovesTheLandmarks() {
        for seed in 0..<200 as Range<UInt64> {
            let character = Character(seed: seed, world: .wide)
            let framing = character.framing
            #expect((0.75..<1.25).contains(framing.scale) && max(abs(framing.shiftX), abs(framing.shiftY)) <= 12.8)
            let plain = Geometry(character.look, CharacterPose())
            let framed = character.landmarks(CharacterPose())
            for (landmark, point) in [(Landmark.neck, plain.neck), (.leftShoulder, plain.leftShoulder)] {
                #expect(abs(Double(framed[landmark].x) - ((point.x / 128 - 0.5) * framing.scale + 0.5 + framing.shiftX / 128)) < 1e-6)
                #expect(abs(Double(framed[landmark].y) - ((point.y / 128 - 0.5) * framing.scale + 0.5 + framing.shiftY / 128)) < 1e-6)
            }
        }
        #expect(Character(seed: 3).framing == Framing())
    }

    @Test func referencePosesShowTheCharacter() {
        let poses = (0..<1000 as Range<UInt64>).map(CharacterPose.reference(variation:))
        for pose in poses {
            #expect(abs(pose.yaw) <= 0.35 && abs(pose.pitch) <= 0.2 && abs(pose.roll) <= 0.2)
            #expect(max(abs(pose.gazeX), abs(pose.gazeY), abs(pose.brow), abs(pose.mouthWidth), abs(pose.lean)) <= 1)
            #expect((0.3...1).contains(pose.leftEye) && (0...1).contains(pose.mouthOpen))
        }
        #expect(poses.count { $0.mouthOpen > 0.1 } > 150 && poses.count { $0.leftEye > 0.7 } > 930)
        #expect(CharacterPose.reference(variation: 5) == .reference(variation: 5))
    }
}
