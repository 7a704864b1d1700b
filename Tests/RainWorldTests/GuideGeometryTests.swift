import Foundation
import RainPictures
import RainPose
import RainWorld
import Testing

@Suite struct GuideGeometryTests {
    private static let side = GuideGeometry.meshSide

    private static func reference(_ seed: UInt64) -> (character: Character, pose: CharacterPose, landmarks: LandmarkFrame) {
        let character = Character(seed: seed, world: .wide)
        let pose = CharacterPose.reference(variation: seed)
        return (character, pose, character.landmarks(pose))
    }

    /// A place of the picture through a layer's mesh, all in fractions.
    private static func origin(_ frame: GuideGeometry.Frame, _ layer: CharacterLayer, _ x: Double, _ y: Double) -> SIMD2<Double> {
        let at = SIMD2(x, y) * Double(side - 1)
        let first = SIMD2(min(max(at.x.rounded(.down), 0), Double(side - 2)), min(max(at.y.rounded(.down), 0), Double(side - 2)))
        let rest = at - first
        func node(_ down: Int, _ across: Int) -> SIMD2<Double> {
            let index = ((layer.rawValue * side + Int(first.y) + down) * side + Int(first.x) + across) * 2
            return (SIMD2(Double(frame.meshes[index]), Double(frame.meshes[index + 1])) + 1) / 2
        }
        let above = node(0, 0) + (node(0, 1) - node(0, 0)) * rest.x
        let below = node(1, 0) + (node(1, 1) - node(1, 0)) * rest.x
        return above + (below - above) * rest.y
    }

    @Test func aFaceThatHasNotMovedStaysWhereItIs() throws {
        for seed in 0..<20 as Range<UInt64> {
            let (_, _, landmarks) = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let frame = geometry(landmarks)
            for layer in CharacterLayer.allCases {
                for (x, y) in [(0.1, 0.2), (0.5, 0.5), (0.9, 0.7)] {
                    let place = Self.origin(frame, layer, x, y)
                    #expect(abs(place.x - x) < 1e-5 && abs(place.y - y) < 1e-5, "\(seed) \(layer)")
                }
            }
            let count = GuideGeometry.numberCount
            #expect(frame.numbers.count == count && frame.numbers[(2 * (count - 6) / 3)...].allSatisfy { abs($0) < 1e-4 })
        }
    }

    /// Landmarks of a turned head come back to the reference's, by the plane of each.
    @Test func headsTurnBack() throws {
        var (sum, count) = (0.0, 0)
        for seed in 0..<100 as Range<UInt64> {
            let (character, _, landmarks) = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            for time in [1.3, 4.1] {
                let driving = character.landmarks(Motion(seed: seed).pose(at: time))
                let frame = geometry(driving)
                for landmark in [Landmark.leftEyeOuter, .leftEyeInner, .rightEyeInner, .rightEyeOuter] {
                    let (from, to) = (driving[landmark], landmarks[landmark])
                    let found = Self.origin(frame, .features, Double(from.x), Double(from.y))
                    sum += hypot(found.x - Double(to.x), found.y - Double(to.y))
                    count += 1
                }
            }
        }
        // Eyes that look narrower on the far side of a round face are what is left.
        #expect(sum / Double(count) < 0.007, "\(sum / Double(count))")
    }

    /// The crop's corners lie where the picture's mesh into the crop says they do.
    @Test func theCropLiesWhereItIsLaid() throws {
        for seed in 0..<50 as Range<UInt64> {
            let (character, _, landmarks) = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let frame = geometry(character.landmarks(Motion(seed: seed).pose(at: 2)))
            for (corner, q) in [SIMD2(-1.0, -1), SIMD2(1, -1), SIMD2(-1, 1), SIMD2(1, 1)].enumerated() {
                let place = (SIMD2(Double(frame.crop[2 * corner]), Double(frame.crop[2 * corner + 1])) + 1) / 2
                func laid(_ axis: Int) -> Double {
                    let values = (0..<4).map { Double(frame.laid[2 * $0 + axis]) }
                    let above = values[0] + (values[1] - values[0]) * place.x
                    let below = values[2] + (values[3] - values[2]) * place.x
                    return above + (below - above) * place.y
                }
                #expect(abs(laid(0) - q.x) < 1e-3 && abs(laid(1) - q.y) < 1e-3, "\(seed) \(corner)")
            }
        }
    }

    /// True layers, driven, come nearer to the truth than the reference does: in most pictures, and by far in the mean.
    @Test func drivenLayersAreNearTheTruth() throws {
        let size = 64
        var (driven, repeated) = (0.0, 0.0)
        for seed in 0..<24 as Range<UInt64> {
            let (character, pose, landmarks) = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let motion = Motion(seed: seed).pose(at: 3)
            let frame = geometry(character.landmarks(motion))
            let layers = character.layers(pose, size: size)
            let moved = CharacterLayer.allCases.map { layer in
                var result = LayerPicture(width: size, height: size)
                for row in 0..<size {
                    for column in 0..<size {
                        let from = Self.origin(frame, layer, (Double(column) + 0.5) / Double(size), (Double(row) + 0.5) / Double(size))
                        let x = min(max(Int(from.x * Double(size)), 0), size - 1)
                        let y = min(max(Int(from.y * Double(size)), 0), size - 1)
                        for channel in 0..<4 {
                            result.bytes[(row * size + column) * 4 + channel] = layers[layer.rawValue].bytes[(y * size + x) * 4 + channel]
                        }
                    }
                }
                return result
            }
            let truth = character.render(motion, size: size)
            driven += PictureMetrics.meanSquaredError(truth, .init(width: size, height: size, bytes: LayerPicture.composite(moved).bytes))
            repeated += PictureMetrics.meanSquaredError(truth, character.render(pose, size: size))
        }
        #expect(driven < 0.35 * repeated, "\(driven / repeated)")
    }

    /// Skin in the middle of the face goes with the features, and nothing of it folds.
    @Test func theFaceIsRounded() throws {
        for seed in 0..<20 as Range<UInt64> {
            let (character, _, landmarks) = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let driving = character.landmarks(Motion(seed: seed).pose(at: 2))
            let frame = geometry(driving)
            let (left, right) = (driving[.leftEyeInner], driving[.rightEyeInner])
            let (x, y) = (Double(left.x + right.x) / 2, Double(left.y + right.y) / 2)
            let (skin, features) = (Self.origin(frame, .face, x, y), Self.origin(frame, .features, x, y))
            #expect(hypot(skin.x - features.x, skin.y - features.y) < 0.01, "seed \(seed): \(skin) \(features)")
            for row in 0..<16 {
                for column in 0..<16 {
                    let (x, y) = (Double(column) / 16, Double(row) / 16)
                    let (from, right, down) = (
                        Self.origin(frame, .face, x, y), Self.origin(frame, .face, x + 1.0 / 16, y),
                        Self.origin(frame, .face, x, y + 1.0 / 16)
                    )
                    let turn = (right.x - from.x) * (down.y - from.y) - (right.y - from.y) * (down.x - from.x)
                    #expect(turn > 0, "seed \(seed): a fold at \(x), \(y)")
                }
            }
        }
    }

    /// A picture that is not cut bends around the head, without folds, and stands still far from it.
    @Test func aWholePictureBends() throws {
        for seed in 0..<12 as Range<UInt64> {
            let (character, _, landmarks) = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks, isWhole: true))
            let layers = try #require(GuideGeometry(reference: landmarks))
            let still = geometry(landmarks)
            for place in [(0.1, 0.2), (0.5, 0.5), (0.9, 0.8)] {
                let from = Self.origin(still, .face, place.0, place.1)
                #expect(hypot(from.x - place.0, from.y - place.1) < 1e-5)
            }
            let driving = character.landmarks(Motion(seed: seed).pose(at: 2))
            let (frame, cut) = (geometry(driving), layers(driving))
            #expect(frame.numbers == cut.numbers && frame.crop == cut.crop && frame.laid == cut.laid)
            // In the middle of the face it goes with the features; far away nothing moves.
            let nose = (Double(driving[.noseTip].x), Double(driving[.noseTip].y) - 0.02)
            let (bent, moved) = (Self.origin(frame, .face, nose.0, nose.1), Self.origin(cut, .features, nose.0, nose.1))
            #expect(hypot(bent.x - moved.x, bent.y - moved.y) < 0.03, "seed \(seed): \(bent) \(moved)")
            for row in 0..<16 {
                for column in 0..<16 {
                    let (x, y) = (Double(column) / 16, Double(row) / 16)
                    let from = Self.origin(frame, .face, x, y)
                    let (right, down) = (
                        Self.origin(frame, .face, x + 1.0 / 16, y), Self.origin(frame, .face, x, y + 1.0 / 16)
                    )
                    let turn = (right.x - from.x) * (down.y - from.y) - (right.y - from.y) * (down.x - from.x)
                    #expect(turn > 0, "seed \(seed): a fold at \(x), \(y)")
                }
            }
        }
    }

    @Test func landmarksThatSayNothing() throws {
        let (_, _, landmarks) = Self.reference(3)
        let point = LandmarkFrame(points: landmarks.points.map { _ in LandmarkPoint(x: 0.5, y: 0.5) })
        #expect(GuideGeometry(reference: point) == nil)
        let nothing = LandmarkFrame(points: landmarks.points.map { _ in LandmarkPoint(x: .nan, y: .infinity) })
        #expect(GuideGeometry(reference: nothing) == nil)
        let geometry = try #require(GuideGeometry(reference: landmarks))
        var flat = landmarks
        for landmark in Landmark.allCases { flat[landmark].x = 0.4 }
        var far = landmarks
        for landmark in Landmark.allCases { far[landmark].x += 1e6 }
        for driving in [point, flat, far] {
            let frame = geometry(driving)
            #expect((frame.meshes + frame.cropMeshes + frame.bend + frame.crop + frame.laid + frame.numbers).allSatisfy { $0.isFinite })
            // The head stays.
            let place = Self.origin(frame, .face, 0.5, 0.4)
            #expect(hypot(place.x - 0.5, place.y - 0.4) < 1, "\(place)")
        }
        let broken = geometry(nothing)
        #expect(broken.meshes.allSatisfy { $0.isFinite } && broken.numbers.allSatisfy { $0.isFinite })
    }
}
