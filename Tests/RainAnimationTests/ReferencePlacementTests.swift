import RainAnimation
import RainPictures
import RainPose
import Testing

@Suite struct ReferencePlacementTests {
    /// The neutral face as it lies in a picture if the square that holds it is given in pixels.
    private func face(left: Double, top: Double, side: Double, in width: Int, _ height: Int, turned: Double = 0) -> LandmarkFrame {
        LandmarkFrame(
            points: LandmarkFrame.neutral.points.map { point in
                let (x, y) = (Double(point.x), Double(point.y))
                let (u, v) = turned == 0 ? (x, y) : (1 - y, x)
                return LandmarkPoint(x: Float((left + side * u) / Double(width)), y: Float((top + side * v) / Double(height)))
            })
    }

    @Test(arguments: [(40.0, 30.0, 120.0), (-60, -20, 300), (150, 10, 8), (0, 0, 200), (100, -90, 500)])
    func aFaceGoesWhereTheNeutralOneIs(left: Double, top: Double, side: Double) {
        let known = face(left: left, top: top, side: side, in: 400, 300)
        let placement = ReferencePlacement(face: known, width: 400, height: 300)
        #expect(abs(Double(placement.left) - left) <= 0.51 && abs(Double(placement.top) - top) <= 0.51)
        #expect(abs(Double(placement.side) - side) <= 0.51)
        let inside = placement.landmarks(known)
        for (found, wanted) in zip(inside.points, LandmarkFrame.neutral.points) {
            #expect(abs(found.x - wanted.x) < Float(1 / side) && abs(found.y - wanted.y) < Float(1 / side))
        }
    }

    @Test func pointsThatAreNotSeenDoNotCount() {
        var known = face(left: 40, top: 30, side: 120, in: 400, 300)
        known[.faceOutline3] = LandmarkPoint(x: 1, y: 1, visibility: 0.1)
        known[.noseTip] = LandmarkPoint(x: .nan, y: 0, visibility: 1)
        let placement = ReferencePlacement(face: known, width: 400, height: 300)
        #expect((placement.left, placement.top, placement.side) == (40, 30, 120))
    }

    /// A head that lies on its side still has the size of a head.
    @Test func aFaceOnItsSide() {
        let placement = ReferencePlacement(face: face(left: 100, top: 50, side: 200, in: 400, 300, turned: 1), width: 400, height: 300)
        #expect(abs(placement.side - 200) <= 2)
    }

    @Test func aFaceThatSaysNothing() {
        func same(_ x: Float, _ y: Float, visibility: Float = 1) -> LandmarkFrame {
            LandmarkFrame(
                points: [LandmarkPoint](repeating: LandmarkPoint(x: x, y: y, visibility: visibility), count: LandmarkSet.count))
        }
        var unseen = face(left: 40, top: 30, side: 120, in: 400, 300)
        for landmark in Landmark.allCases { unseen[landmark].visibility = 0 }
        let useless = [
            same(0.5, 0.5), same(.nan, .nan), same(.infinity, 0), same(1e30, -1e30), unseen,
            face(left: 3000, top: 0, side: 100, in: 400, 300), face(left: 50, top: 50, side: 2, in: 400, 300),
        ]
        for frame in useless {
            let placement = ReferencePlacement(face: frame, width: 400, height: 300)
            #expect(placement == ReferencePlacement(width: 400, height: 300))
        }
        #expect(ReferencePlacement(width: 400, height: 300).left == 50)
        for (width, height) in [(1, 1), (1, 9000), (9000, 1)] {
            let placement = ReferencePlacement(face: .neutral, width: width, height: height)
            #expect(placement.side >= 1 && placement.side <= 4 * max(width, height))
            #expect(placement.picture(Picture(width: width, height: height), largest: 64).width <= 64)
        }
        let wide = ReferencePlacement(face: face(left: -900, top: -900, side: 2200, in: 400, 300), width: 400, height: 300)
        #expect(wide.side <= 1600)
    }

    @Test func squaresThatCannotBe() {
        for (left, top, side) in [
            (0, 0, 0), (0, 0, -5), (0, 0, .nan), (.nan, 0, 10), (0, .infinity, 10), (0, 0, 1e300), (-400, 0, 100), (390, 0, 100),
            (0, 0, 1700),
        ] as [(Double, Double, Double)] {
            #expect(ReferencePlacement(left: left, top: top, side: side, width: 400, height: 300) == nil, "\(left), \(top), \(side)")
        }
        // What hangs over by a rounding error lies within.
        let tight = ReferencePlacement(left: 100.5, top: -0.4, side: 299.5, width: 400, height: 300)
        #expect(tight.map { ($0.left, $0.top, $0.side) == (100, 0, 300) } == true)
    }

    @Test func theSquareIsCutOut() {
        var picture = Picture(width: 40, height: 20, red: 10, green: 20, blue: 30)
        for index in 0..<3 { picture.bytes[(5 * 40 + 7) * 3 + index] = 200 }
        let inside = ReferencePlacement(left: 4, top: 2, side: 10, width: 40, height: 20)?.picture(picture)
        #expect(inside?.width == 10 && inside?.bytes[(3 * 10 + 3) * 3] == 200)
        let outside = ReferencePlacement(left: -10, top: -8, side: 36, width: 40, height: 20)?.picture(picture)
        #expect(outside?.bytes[0] == 10 && outside?.bytes[(13 * 36 + 17) * 3] == 200 && outside?.bytes[(12 * 36 + 12) * 3] == 10)
        // Beyond the edges they go on.
        for index in 0..<3 { picture.bytes[(19 * 40 + 30) * 3 + index] = 90 }
        let below = ReferencePlacement(left: 20, top: 10, side: 20, width: 40, height: 20)?.picture(picture)
        #expect(below?.bytes[(19 * 20 + 10) * 3] == 90 && below?.bytes[(19 * 20 + 11) * 3] == 10)
        let small = ReferencePlacement(left: -20, top: -30, side: 80, width: 40, height: 20)?.picture(picture, largest: 20)
        #expect(small?.width == 20 && small?.height == 20)
        // What was made small rings a little around what stands out.
        for place in [9 * 20 + 10, 5 * 20 + 10, 9 * 20 + 3] { #expect((small?.bytes[place * 3]).map { $0 < 40 } == true) }
    }
}
