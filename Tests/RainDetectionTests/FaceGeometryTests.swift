import Foundation
import RainPictures
import RainPose
import Testing

@testable import RainDetection

/// What is around the face tracker's networks, without them.
@Suite struct FaceGeometryTests {
    /// A picture whose red and green are its columns and rows.
    private func ramp(_ width: Int, _ height: Int) -> Picture {
        var picture = Picture(width: width, height: height, blue: 77)
        for y in 0..<height {
            for x in 0..<width {
                picture.bytes[(y * width + x) * 3] = UInt8(x)
                picture.bytes[(y * width + x) * 3 + 1] = UInt8(y)
            }
        }
        return picture
    }

    private func sample(_ region: PictureRegion, _ picture: Picture, size: Int, isBlackOutside: Bool = false) -> [Float] {
        var values = [Float](repeating: -1, count: size * size * 3)
        var span = values.mutableSpan
        region.sample(picture, size: size, scale: 1, offset: 0, isBlackOutside: isBlackOutside, into: &span)
        return values
    }

    @Test func aRegionOfThePicturesOwnPixelsIsThePicture() {
        let picture = ramp(20, 20)
        let values = sample(PictureRegion(center: SIMD2(10, 10), side: 20), picture, size: 20)
        #expect(values == picture.bytes.map { Float($0) })
    }

    /// Bilinear between centres of pixels, turned clockwise about the middle; places lead back where pixels came from.
    @Test(arguments: [0, 0.4, -1.2, .pi / 2]) func regionsTurnAndLeadBack(_ angle: Double) {
        let picture = ramp(100, 80)
        let region = PictureRegion(center: SIMD2(48.3, 41.7), side: 30, angle: angle)
        let size = 16
        let values = sample(region, picture, size: size)
        for (x, y) in [(0, 0), (15, 0), (3, 11), (15, 15), (8, 8)] {
            let place = region.place(SIMD2(Double(x) + 0.5, Double(y) + 0.5), of: Double(size))
            let at = (y * size + x) * 3
            // A byte is the number of its pixel, whose centre lies half a pixel further.
            #expect(abs(Double(values[at]) + 0.5 - place.x) < 1e-3 && abs(Double(values[at + 1]) + 0.5 - place.y) < 1e-3)
            #expect(abs(values[at + 2] - 77) < 1e-3)
        }
        let corner = region.place(.zero, of: 1)
        #expect(abs(((corner - region.center) * (corner - region.center)).sum().squareRoot() - 15 * 2.0.squareRoot()) < 1e-9)
    }

    @Test func beyondTheEdgeIsTheRimOrBlack() {
        let picture = Picture(width: 10, height: 10, red: 200, green: 100, blue: 50)
        let region = PictureRegion(center: SIMD2(0, 5), side: 10)
        #expect(sample(region, picture, size: 10).chunked(3).allSatisfy { $0 == [200, 100, 50] })
        let black = sample(region, picture, size: 10, isBlackOutside: true).chunked(3)
        #expect(black[0] == [0, 0, 0] && black[9] == [200, 100, 50])
    }

    /// A region much larger than the network's input is averaged: a fine grid of black and white becomes grey.
    @Test func largeRegionsAreAveraged() {
        var picture = Picture(width: 256, height: 256)
        for index in 0..<256 * 256 where (index + index / 256) % 2 == 0 { for c in 0..<3 { picture.bytes[index * 3 + c] = 255 } }
        let values = sample(PictureRegion(center: SIMD2(128, 128), side: 256), picture, size: 32)
        #expect(values.allSatisfy { abs($0 - 127.5) < 20 })
    }

    @Test func regionsThatCannotBe() {
        let picture = Picture(width: 100, height: 50)
        for region in [
            PictureRegion(center: SIMD2(.nan, 0), side: 20), PictureRegion(center: SIMD2(50, 25), side: 2),
            PictureRegion(center: SIMD2(50, 25), side: 1e9), PictureRegion(center: SIMD2(-200, 25), side: 40),
            PictureRegion(center: SIMD2(50, 25), side: .infinity), PictureRegion(center: SIMD2(50, 25), side: 20, angle: .nan),
        ] { #expect(!region.isPlausible(in: picture)) }
        #expect(PictureRegion(center: SIMD2(-10, 25), side: 40).isPlausible(in: picture))
    }

    // MARK: The detector's boxes

    @Test func anchorsAreThoseOfTheShortRangeModel() {
        let anchors = FaceDetector.anchors
        #expect(anchors.count == 896)
        #expect(anchors[0] == SIMD2(1 / 32, 1 / 32) && anchors[1] == anchors[0] && anchors[2] == SIMD2(3 / 32, 1 / 32))
        #expect(anchors[512] == SIMD2(1 / 16, 1 / 16) && anchors[517] == anchors[512] && anchors[895] == SIMD2(15 / 16, 15 / 16))
    }

    /// Boxes of one face are averaged by their scores; what scores less than a half, or is not finite, is no face.
    @Test func boxesOfAFaceAreOne() throws {
        var boxes = [Float](repeating: 0, count: 896 * 16)
        var scores = [Double](repeating: 0, count: 896)
        func put(_ index: Int, _ score: Double, x: Float, width: Float = 32) {
            scores[index] = score
            boxes.replaceSubrange(index * 16..<index * 16 + 4, with: [x, 0, width, width])
            for point in 0..<6 { (boxes[index * 16 + 4 + 2 * point], boxes[index * 16 + 5 + 2 * point]) = (x + Float(point), -4) }
        }
        put(100, 0.9, x: 0)
        put(101, 0.6, x: 4)
        put(700, 0.8, x: 0)
        put(5, 0.4, x: 0)
        put(6, 0.99, x: .nan)
        let faces = FaceDetector.faces(boxes: boxes, scores: scores)
        #expect(faces.count == 2)
        let first = try #require(faces.first)
        let middle = (first.low + first.high) / 2
        #expect(first.score == 0.9 && abs(middle.x - (FaceDetector.anchors[100].x + 4 * 0.6 / 1.5 / 128)) < 1e-9)
        #expect(abs((first.high - first.low).x - 0.25) < 1e-9)
        #expect(abs(first.points[5].x - first.points[0].x - 5.0 / 128) < 1e-9)
        // Level eyes give an upright region, half as large again.
        #expect(abs(first.region.side - 0.375) < 1e-9 && first.region.angle == 0)
    }

    @Test func partsCoverThePictureAndOverlap() {
        for (width, height) in [(640, 480), (1920, 1080), (512, 512), (300, 2000)] {
            let parts = FaceTracker.parts(of: Picture(width: width, height: height))
            let largest = Double(max(width, height))
            for y in stride(from: 10.0, to: Double(height) - 10, by: 37) {
                for x in stride(from: 10.0, to: Double(width) - 10, by: 41) {
                    for side in [largest / 2, largest / 4] {
                        #expect(parts.contains { $0.side == side && abs($0.center.x - x) <= side / 2 && abs($0.center.y - y) <= side / 2 })
                    }
                }
            }
        }
        #expect(FaceTracker.parts(of: Picture(width: 100, height: 60)).isEmpty)
        #expect(FaceTracker.parts(of: Picture(width: 8000, height: 20)).count < 100)
    }

    // MARK: Landmarks

    /// Points of a mesh that are told apart: each lies at its own number.
    private let mesh = (0..<FaceMesh.pointCount).map { SIMD2(Double($0) / 1000, 0.5 - Double($0) / 2000) }

    @Test func theMeshBecomesLandmarks() {
        let frame = LandmarkFrame(mesh: mesh, score: 0.75, body: [])
        func number(_ landmark: Landmark) -> Float { frame[landmark].x * 1000 }
        #expect(abs(number(.faceOutline2) - 143) < 1e-3 && abs(number(.leftPupil) - 468) < 1e-3 && abs(number(.rightPupil) - 473) < 1e-3)
        #expect(abs(number(.leftEyeTop) - 159) < 1e-3 && abs(number(.rightEyeBottom) - 374) < 1e-3 && abs(number(.mouthTop) - 13) < 1e-3)
        #expect(frame.points.prefix(26).allSatisfy { $0.visibility == 0.75 })
        #expect(Set(MeshPoints.face.map(\.landmark)).count == 26)
        // No body: likely places, not seen.
        for landmark in [Landmark.neck, .leftShoulder, .rightShoulder] { #expect(frame[landmark].visibility == 0) }
        let person = WholeBodyFrame(mesh: mesh, score: 0.75, body: [])
        #expect(MeshPoints.face68.count == 68 && abs(person.face[30].x - 0.004) < 1e-9 && abs(person.face[36].x - 0.033) < 1e-9)
        #expect(person.points[..<24].allSatisfy { $0.score == 0 } && person.points[92...].allSatisfy { $0.score == 0 })
    }

    /// The person's right shoulder is the picture's left; what is hidden is not handed on.
    @Test func theBodyBecomesShoulders() {
        var body = (0..<33).map { Keypoint(x: 0.01 * Double($0), y: 0.9, score: 0.8) }
        let frame = LandmarkFrame(mesh: mesh, score: 1, body: body)
        #expect(abs(frame[.leftShoulder].x - 0.12) < 1e-6 && abs(frame[.rightShoulder].x - 0.11) < 1e-6)
        let chin = mesh[MeshPoints.chin]
        #expect(abs(Double(frame[.neck].x) - (0.115 * 0.75 + chin.x * 0.25)) < 1e-6 && frame[.neck].visibility == 0.8)
        let person = WholeBodyFrame(mesh: mesh, score: 1, body: body)
        #expect(person[2].x == 0.12 && person[5].x == 0.11 && abs(person[1].x - 0.115) < 1e-9 && person[0].x == 0)
        #expect(person[3].x == body[14].x && person[17].x == body[7].x && person[18].x == body[31].x && person[19].score == 0)
        body[12].score = 0.3
        let hidden = LandmarkFrame(mesh: mesh, score: 1, body: body)
        #expect(hidden[.leftShoulder].visibility == 0 && hidden[.neck].visibility == 0 && hidden[.rightShoulder].visibility == 0.8)
    }
}

extension Array {
    fileprivate func chunked(_ count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
