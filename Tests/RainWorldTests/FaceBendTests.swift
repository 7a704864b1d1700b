import Foundation
import RainPose
import RainWorld
import Testing

/// Lids, pupils, brows and lips move the reference's own pixels in the crop.
@Suite struct FaceBendTests {
    private static let side = GuideGeometry.bendSide

    private static func reference(_ seed: UInt64) -> LandmarkFrame {
        Character(seed: seed, world: .wide).landmarks(CharacterPose.neutral(variation: seed))
    }

    /// Where the pixel at a place of the crop comes from, how far the mouth is parted there, and how far a lid has come down.
    private static func origin(_ bend: [Float], _ place: SIMD2<Double>) -> (place: SIMD2<Double>, parted: Double, lid: Double) {
        let at = (place + 1) / 2 * Double(side - 1)
        let (column, row) = (min(max(Int(at.x), 0), side - 2), min(max(Int(at.y), 0), side - 2))
        let (u, v) = (at.x - Double(column), at.y - Double(row))
        func node(_ right: Int, _ down: Int) -> SIMD4<Double> {
            let index = ((row + down) * side + column + right) * 4
            return SIMD4(Double(bend[index]), Double(bend[index + 1]), Double(bend[index + 2]), Double(bend[index + 3]))
        }
        let above = node(0, 0) * (1 - u) + node(1, 0) * u
        let mean = above * (1 - v) + (node(0, 1) * (1 - u) + node(1, 1) * u) * v
        return (SIMD2(mean.x, mean.y), mean.z, mean.w)
    }

    private static func moved(_ frame: LandmarkFrame, _ change: (inout LandmarkFrame) -> Void) -> LandmarkFrame {
        var frame = frame
        change(&frame)
        return frame
    }

    @Test func whatHasNotMovedStays() throws {
        for seed in 0..<20 as Range<UInt64> {
            let landmarks = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let bend = geometry(landmarks).bend
            #expect(bend.count == Self.side * Self.side * 4)
            for row in 0..<Self.side {
                for column in 0..<Self.side {
                    let index = (row * Self.side + column) * 4
                    let place = [column, row].map { 2 * Float($0) / Float(Self.side - 1) - 1 }
                    #expect(abs(bend[index] - place[0]) < 1e-4 && abs(bend[index + 1] - place[1]) < 1e-4)
                    #expect(bend[index + 2] == 0 && bend[index + 3] == 0)
                }
            }
        }
    }

    /// Where lids meet, lashes lie that come from above the eye; above them plain skin is seen, and where the eye was nothing of it.
    @Test func lidsClose() throws {
        for seed in 0..<40 as Range<UInt64> {
            let landmarks = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let (top, bottom) = (landmarks[.leftEyeTop], landmarks[.leftEyeBottom])
            let meeting = LandmarkPoint(x: (top.x + bottom.x) / 2, y: (top.y + bottom.y) / 2)
            let shut = Self.moved(landmarks) { ($0[.leftEyeTop], $0[.leftEyeBottom]) = (meeting, meeting) }
            func place(_ point: LandmarkPoint) -> SIMD2<Double> { geometry.crop.inverse(SIMD2(Double(point.x), Double(point.y))) }
            let opening = place(bottom).y - place(top).y
            guard opening > 0.1 else { continue }
            let bend = geometry(shut).bend
            // Two nodes away from where the lids meet, so that nothing between them is looked at.
            let node = 2 / Double(Self.side - 1)
            let above = Self.origin(bend, place(meeting) - SIMD2(0, 2.5 * node))
            let width = (place(landmarks[.leftEyeInner]).x - place(landmarks[.leftEyeOuter]).x) / 2
            #expect(above.place.y < place(top).y + 0.02 && (above.lid == 0 || 2.5 * node > 0.17 * width), "seed \(seed)")
            // Between its lashes and where they were.
            if place(meeting).y - place(top).y > 0.5 * width {
                #expect(Self.origin(bend, place(top)).lid > 0.9, "seed \(seed)")
                #expect(Self.origin(bend, place(top) - SIMD2(0, width)).lid == 0, "seed \(seed)")
            }
            let below = Self.origin(bend, place(meeting) + SIMD2(0, 2.5 * node))
            #expect(below.place.y > place(bottom).y - 0.02 || below.lid > 0.9, "seed \(seed)")
            // The other eye and the mouth do not mind.
            for other in [Landmark.rightPupil, .mouthTop] {
                let still = place(landmarks[other])
                let origin = Self.origin(bend, still)
                #expect(((origin.place - still) * (origin.place - still)).sum() < 1e-6 && origin.lid == 0, "seed \(seed) \(other)")
            }
        }
    }

    /// A pupil that moves takes its pixels along; the corners of the eye stay.
    @Test func pupilsMove() throws {
        for seed in 0..<40 as Range<UInt64> {
            let landmarks = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            let (left, right) = (landmarks[.leftEyeOuter], landmarks[.leftEyeInner])
            let way = SIMD2(right.x - left.x, right.y - left.y) * 0.1
            let driving = Self.moved(landmarks) {
                $0[.leftPupil].x += way.x
                $0[.leftPupil].y += way.y
            }
            func place(_ point: LandmarkPoint) -> SIMD2<Double> { geometry.crop.inverse(SIMD2(Double(point.x), Double(point.y))) }
            guard place(landmarks[.leftEyeBottom]).y - place(landmarks[.leftEyeTop]).y > 0.15 else { continue }
            let bend = geometry(driving).bend
            let off = Self.origin(bend, place(driving[.leftPupil])).place - place(landmarks[.leftPupil])
            #expect((off * off).sum() < 0.0009, "seed \(seed): \(off)")
            for corner in [left, right] {
                let off = Self.origin(bend, place(corner)).place - place(corner)
                #expect((off * off).sum() < 0.0004, "seed \(seed): \(off)")
            }
        }
    }

    /// A mouth that the reference has closed shows its inside where it opens, and nowhere else.
    @Test func lipsPart() throws {
        var count = 0
        for seed in 0..<40 as Range<UInt64> {
            let landmarks = Self.reference(seed)
            let geometry = try #require(GuideGeometry(reference: landmarks))
            func place(_ point: LandmarkPoint) -> SIMD2<Double> { geometry.crop.inverse(SIMD2(Double(point.x), Double(point.y))) }
            let width = place(landmarks[.mouthRight]).x - place(landmarks[.mouthLeft]).x
            guard place(landmarks[.mouthBottom]).y - place(landmarks[.mouthTop]).y < 0.05 * width else { continue }
            var driving = landmarks
            driving[.mouthBottom].y += 0.6 * (landmarks[.mouthRight].x - landmarks[.mouthLeft].x)
            // Near the crop's rim lips move less.
            guard place(driving[.mouthBottom]).y < 0.6 else { continue }
            let bend = geometry(driving).bend
            let middle = (place(driving[.mouthTop]) + place(driving[.mouthBottom])) / 2
            #expect(Self.origin(bend, middle).parted > 0.9, "seed \(seed)")
            #expect(Self.origin(bend, place(landmarks[.noseTip])).parted == 0)
            // Below the lower lip its own pixels have come along.
            let lip = place(driving[.mouthBottom]) + SIMD2(0, 0.02)
            #expect(Self.origin(bend, lip).place.y < lip.y - 0.3 * width, "seed \(seed)")
            count += 1
        }
        #expect(count >= 5, "\(count)")
    }

    /// Along every line down the face the way back rises, whatever the face does.
    @Test func nothingFolds() throws {
        var (folds, count) = (0, 0)
        for seed in 0..<40 as Range<UInt64> {
            let character = Character(seed: seed, world: .wide)
            let landmarks = character.landmarks(CharacterPose.reference(variation: seed))
            let geometry = try #require(GuideGeometry(reference: landmarks))
            for moment in [0.7, 3.1, 8.3, 12.9] {
                let bend = geometry(character.landmarks(Motion(seed: seed).pose(at: moment))).bend
                for row in 1..<Self.side {
                    for column in 0..<Self.side {
                        let index = (row * Self.side + column) * 4
                        // What plain skin covers is not seen.
                        guard bend[index + 3] < 0.9 else { continue }
                        count += 1
                        if bend[index + 1] < bend[index - Self.side * 4 + 1] - 1e-3 { folds += 1 }
                    }
                }
            }
        }
        // A brow and a lid that move against each other may meet in a pixel or two.
        #expect(folds < count / 250, "\(folds) of \(count)")
    }

    @Test func pointsThatSayNothing() throws {
        let landmarks = Self.reference(5)
        let geometry = try #require(GuideGeometry(reference: landmarks))
        for landmark in Landmark.allCases {
            for value in [Float.nan, .infinity, 1e30, -1e30] {
                let driving = Self.moved(landmarks) { $0[landmark] = LandmarkPoint(x: value, y: value) }
                #expect(geometry(driving).bend.allSatisfy { $0.isFinite && abs($0) < 4 }, "\(landmark) \(value)")
            }
        }
    }
}
