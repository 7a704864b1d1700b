import Foundation
import RainNumbers
import RainPictures
import RainPose
import Testing

@testable import RainWorld

/// The colour at a place of a picture, 0…1.
private func color(_ picture: Picture, _ x: Float, _ y: Float) -> Color? {
    let (column, row) = (Int((x * Float(picture.width)).rounded(.down)), Int((y * Float(picture.height)).rounded(.down)))
    guard (0..<picture.width).contains(column), (0..<picture.height).contains(row) else { return nil }
    let at = (row * picture.width + column) * 3
    return Color(Double(picture.bytes[at]) / 255, Double(picture.bytes[at + 1]) / 255, Double(picture.bytes[at + 2]) / 255)
}

private func near(_ a: Color?, _ b: Color, _ tolerance: Double = 0.02) -> Bool {
    guard let a else { return false }
    return max(abs(a.red - b.red), abs(a.green - b.green), abs(a.blue - b.blue)) <= tolerance
}

@Suite struct CharacterTests {
    @Test(arguments: [UInt64(0), 7, 1 << 40])
    func equalSeedsDrawEqualBytes(_ seed: UInt64) {
        let pose = Motion(seed: seed).pose(at: 3.1)
        #expect(Character(seed: seed).render(pose) == Character(seed: seed).render(pose))
        #expect(Character(seed: seed).landmarks(pose) == Character(seed: seed).landmarks(pose))
    }

    @Test func differentSeedsDiffer() {
        let pictures = (0..<40).map { Character(seed: UInt64($0)).render(CharacterPose()) }
        for (index, picture) in pictures.enumerated() {
            for other in pictures[..<index] { #expect(PictureMetrics.psnr(picture, other) < 22) }
        }
    }

    @Test func manyThreadsDrawTheSame() async {
        let alone = (0..<24).map { Character(seed: UInt64($0)).render(Motion(seed: 5).pose(at: Double($0))) }
        let together = await withTaskGroup(of: (Int, Picture).self) { group in
            for index in 0..<24 {
                group.addTask { (index, Character(seed: UInt64(index)).render(Motion(seed: 5).pose(at: Double(index)))) }
            }
            var pictures = [Picture?](repeating: nil, count: 24)
            for await (index, picture) in group { pictures[index] = picture }
            return pictures
        }
        for (a, b) in zip(alone, together) {
            let same = a == b
            #expect(same)
        }
    }

    @Test(arguments: [1, 7, 13, 64, 128, 301])
    func anySizeShowsTheSame(_ size: Int) {
        let character = Character(seed: 3)
        let picture = character.render(CharacterPose(), size: size)
        #expect(picture.width == size && picture.height == size)
        let expected = character.render(CharacterPose(), size: 128).resized(width: size, height: size)
        // Enlarging cannot invent the edges that drawing has, and within one pixel edges cannot be told apart.
        #expect(PictureMetrics.psnr(picture, expected) > (size > 128 ? 24 : size < 7 ? 18 : size < 13 ? 24 : 28))
    }

    /// Guards against a seed silently meaning another character.
    @Test func seedsMeanTheSameForever() {
        var random = SplitMix64(seed: 1_234_567)
        // The published first outputs for this seed.
        #expect(
            [random.next(), random.next(), random.next()] == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
        let words = (0..<6).map { Character(seed: $0).description }
        #expect(
            words == [
                "character 0: tousled hair, straight fringe, pouting, pinstriped clothes, hat",
                "character 1: bobbed hair, swept fringe, calm, pinstriped clothes, glasses",
                "character 2: tousled hair, straight fringe, calm, pinstriped clothes",
                "character 3: two buns, one lock on the forehead, smiling, striped clothes, ribbon",
                "character 4: twin tails, one lock on the forehead, pouting, striped clothes",
                "character 5: twin tails, one lock on the forehead, pouting, dotted clothes, headband",
            ])
        let chin = Character(seed: 42).landmarks(Motion(seed: 42).pose(at: 1.5))[.faceOutline3]
        #expect(abs(chin.x - 0.44314662) < 1e-5 && abs(chin.y - 0.71562976) < 1e-5)
    }

    @Test func everyKindOccurs() {
        let looks = (0..<600).map { Appearance(seed: $0) }
        func shares<Kind: Hashable & CaseIterable>(_ part: KeyPath<Appearance, Kind>) -> [Double] {
            Kind.allCases.map { kind in Double(looks.count { $0[keyPath: part] == kind }) / 600 * Double(Kind.allCases.count) }
        }
        for share in shares(\.fringe) + shares(\.backHair) + shares(\.mouth) + shares(\.pattern) + shares(\.collar) + shares(\.accessory) {
            #expect(share > 0.6 && share < 1.5)
        }
    }

    @Test func coloursThatMeetCanBeToldApart() {
        let tails = (0..<500).map { Appearance(seed: $0) }.count {
            let behind = $0.background.top.mixed(with: $0.background.bottom, 0.5)
            return abs($0.hairShade.luma - behind.luma) > 0.08 && $0.hairShade != $0.hair
        }
        #expect(tails > 480)
        for seed in 0..<500 {
            let look = Appearance(seed: UInt64(seed))
            #expect(abs(look.hair.luma - look.skin.luma) > 0.13)
            #expect(abs(look.brow.luma - look.skin.luma) > 0.15)
            #expect(abs(look.cloth.luma - look.clothAccent.luma) > 0.19)
            #expect(abs(look.cloth.luma - look.background.bottom.luma) > 0.11)
            #expect(abs(look.hair.luma - look.background.top.luma) > 0.09)
            #expect(abs(look.accessoryColor.luma - look.hair.luma) > 0.15)
        }
    }
}

@Suite struct AgreementTests {
    static let seeds: [UInt64] = Array(0..<30)

    @Test(arguments: seeds)
    func pupilsAreWhereTheLandmarksSay(_ seed: UInt64) {
        let character = Character(seed: seed)
        var pose = CharacterPose()
        pose.gazeX = seed.isMultiple(of: 2) ? 0.5 : -0.5
        pose.yaw = seed.isMultiple(of: 3) ? 0.25 : -0.2
        let picture = character.render(pose, size: 256)
        for landmark in [Landmark.leftPupil, .rightPupil] {
            let point = character.landmarks(pose)[landmark]
            #expect(near(color(picture, point.x, point.y), character.look.iris.scaled(by: 0.22), 0.12), "\(landmark)")
        }
    }

    @Test(arguments: seeds)
    func lidsFollowTheirOpening(_ seed: UInt64) {
        let character = Character(seed: seed)
        func opening(_ open: Double) -> (left: Float, right: Float) {
            var pose = CharacterPose()
            pose.leftEye = open
            let frame = character.landmarks(pose)
            func gap(_ a: Landmark, _ b: Landmark) -> Float { hypot(frame[a].x - frame[b].x, frame[a].y - frame[b].y) }
            return (gap(.leftEyeTop, .leftEyeBottom), gap(.rightEyeTop, .rightEyeBottom))
        }
        let full = opening(1).left
        #expect(full > 0.07)
        for open in [0, 0.25, 0.5, 0.75] {
            #expect(abs(opening(open).left - Float(open) * full) < 1e-5)
            #expect(abs(opening(open).right - full) < 1e-5)
        }
        // The picture agrees: between the lids of an open eye lies the eye, of a shut one skin or lash.
        var shut = CharacterPose()
        (shut.leftEye, shut.rightEye) = (0, 0)
        let look = character.look
        for (pose, seen) in [(CharacterPose(), true), (shut, false)] {
            let picture = character.render(pose, size: 256)
            let pupil = character.landmarks(pose)[.rightPupil]
            #expect(near(color(picture, pupil.x, pupil.y), look.iris.scaled(by: 0.22), 0.12) == seen)
        }
    }

    @Test(arguments: seeds)
    func lipsSurroundTheOpenMouth(_ seed: UInt64) {
        let character = Character(seed: seed)
        var pose = CharacterPose()
        pose.mouthOpen = 1
        let frame = character.landmarks(pose)
        let picture = character.render(pose, size: 256)
        let inside = color(picture, frame[.mouthTop].x, frame[.mouthTop].y * 0.7 + frame[.mouthBottom].y * 0.3)
        #expect(near(inside, character.look.mouthColor.scaled(by: 0.72)))
        #expect(frame[.mouthBottom].y - frame[.mouthTop].y > 0.04)
        let below = color(picture, frame[.mouthBottom].x, frame[.mouthBottom].y + 0.02)
        #expect(near(below, character.look.skin))
        let shut = character.landmarks(CharacterPose())
        #expect(shut[.mouthTop] == shut[.mouthBottom])
    }

    @Test(arguments: seeds)
    func theOutlineLiesOnTheFacesEdge(_ seed: UInt64) {
        let character = Character(seed: seed)
        for yaw in [-0.4, 0, 0.4] {
            var pose = CharacterPose()
            pose.yaw = yaw
            let picture = character.render(pose, size: 256)
            let frame = character.landmarks(pose)
            let (chin, nose) = (frame[.faceOutline3], frame[.noseTip])
            func along(_ t: Float) -> Color? { color(picture, chin.x + (nose.x - chin.x) * t, chin.y + (nose.y - chin.y) * t) }
            #expect(near(along(0.12), character.look.skin))
            #expect(!near(along(-0.12), character.look.skin))
        }
    }

    @Test(arguments: seeds)
    func headMovesAsItsPoseSays(_ seed: UInt64) {
        let character = Character(seed: seed)
        let rest = character.landmarks(CharacterPose())
        func moved(_ change: (inout CharacterPose) -> Void) -> LandmarkFrame {
            var pose = CharacterPose()
            change(&pose)
            return character.landmarks(pose)
        }
        #expect(moved { $0.yaw = 0.3 }[.noseTip].x > rest[.noseTip].x + 0.03)
        #expect(moved { $0.pitch = 0.2 }[.noseTip].y < rest[.noseTip].y - 0.02)
        #expect(moved { $0.roll = 0.2 }[.faceOutline6].y > rest[.faceOutline6].y + 0.02)
        #expect(moved { $0.shiftX = 12.8 }[.noseTip].x - rest[.noseTip].x - 0.1 < 1e-6)
        #expect(moved { $0.brow = 1 }[.leftBrowInner].y < rest[.leftBrowInner].y - 0.01)
        #expect(moved { $0.mouthWidth = 1 }[.mouthLeft].x < rest[.mouthLeft].x)
        #expect(moved { $0.lean = 1 }[.rightShoulder].y < moved { $0.lean = 1 }[.leftShoulder].y)
        #expect(moved { $0.gazeX = 1 }[.leftPupil].x > rest[.leftPupil].x + 0.005)
    }
}
