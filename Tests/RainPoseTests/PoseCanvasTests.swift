import RainPictures
import RainPose
import Testing

@Suite struct PoseCanvasTests {
    private let square: [SIMD2<Double>] = (0..<68).map { SIMD2(0.2 + 0.6 * Double($0 % 9) / 8, 0.2 + 0.6 * Double($0 / 9) / 7) }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, -1e300, 1000, -1000, 0, -1])
    func coordinatesFromOutsideDoNoHarm(_ value: Double) {
        for (width, height) in [(1, 1), (64, 48), (3, 200)] {
            var canvas = PoseCanvas(width: width, height: height)
            for axis in 0..<2 {
                var face = square
                for index in stride(from: 0, to: 68, by: 5) { face[index][axis] = value }
                canvas.drawFace(face, retargeting: FaceParameters.sliders.retargeting)
                canvas.drawFace(face, pattern: .plain)
                canvas.drawHands([Array(face[0..<21])])
                canvas.drawBodies([face[0..<18].enumerated().map { $0 % 4 == 3 ? nil : $1 }])
            }
            #expect(canvas.picture.bytes.count == width * height * 3)
        }
    }

    @Test func whatIsNotSeenIsNotDrawn() {
        var canvas = PoseCanvas(width: 32, height: 32)
        canvas.drawHands([[SIMD2<Double>](repeating: SIMD2(-1, -1), count: 21)])
        canvas.drawBodies([[SIMD2<Double>?](repeating: nil, count: 18)])
        canvas.drawFace([SIMD2<Double>](repeating: SIMD2(-1, -1), count: 68))
        #expect(canvas.picture == Picture(width: 32, height: 32))
    }

    @Test func discsAreRoundAndSymmetric() {
        for radius in 0...40 {
            var picture = Picture(width: 101, height: 101)
            picture.fillDisc(GridPoint(50, 50), radius: radius, ByteColor(9, 9, 9))
            func isSet(_ x: Int, _ y: Int) -> Bool { picture.bytes[(y * 101 + x) * 3] == 9 }
            for y in 0...50 {
                for x in 0...50 {
                    let distance = Double((x - 50) * (x - 50) + (y - 50) * (y - 50)).squareRoot()
                    if distance > Double(radius) + 1 { #expect(!isSet(x, y)) }
                    if distance < Double(radius) - 1 { #expect(isSet(x, y)) }
                    #expect(isSet(x, y) == isSet(100 - x, y) && isSet(x, y) == isSet(y, x) && isSet(x, y) == isSet(x, 100 - y))
                }
            }
        }
    }

    @Test func linesHaveNoGaps() {
        for (x, y) in [(60, 60), (5, 60), (60, 5), (32, -40), (-40, 70), (200, 33), (33, 33)] {
            var picture = Picture(width: 64, height: 64)
            picture.drawLine(GridPoint(33, 33), GridPoint(x, y), ByteColor(1, 1, 1))
            // Every sixteenth of the way that is inside shows.
            for step in 0...64 {
                let (u, v) = (33 + (x - 33) * step / 64, 33 + (y - 33) * step / 64)
                if (0..<64).contains(u), (0..<64).contains(v) { #expect(picture.bytes[(v * 64 + u) * 3] == 1) }
            }
        }
    }

    @Test func publishedPatternHasItsDiscs() throws {
        #expect(FacePattern.published.discs.count == 26 && FacePattern.plain.discs.count == 68)
        for points in [[], [68], [-1], [0, 70]] {
            #expect(throws: LandmarkError.self) { try FacePattern.Disc(points: points, color: ByteColor(1, 2, 3)) }
        }
    }
}
