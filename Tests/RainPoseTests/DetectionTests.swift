import RainPictures
import RainPose
import Testing

private struct Numbers {
    var state: UInt64

    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 33) / Double(1 << 31)
    }
}

@Suite struct DetectorInputTests {
    @Test(arguments: [(1, 1), (640, 480), (480, 640), (1, 3000), (3000, 1), (33, 77), (1280, 1280)])
    func anyPictureFits(_ width: Int, _ height: Int) {
        let picture = Picture(width: width, height: height, red: 10, green: 20, blue: 30)
        let input = DetectorInput(picture, width: 64, height: 96)
        #expect(input.canvas.width == 64 && input.canvas.height == 96)
        #expect(input.tensor.count == 3 * 64 * 96)
        #expect(input.ratio == min(64 / Double(width), 96 / Double(height)))
        #expect(Array(input.canvas.bytes[0..<3]) == [10, 20, 30])
        // The picture ends where the grey begins, in one direction or none.
        let painted = stride(from: 0, to: input.canvas.bytes.count, by: 3).count { input.canvas.bytes[$0] == 10 }
        let (wide, tall) = (max(1, Int(Double(width) * input.ratio)), max(1, Int(Double(height) * input.ratio)))
        #expect(painted == wide * tall)
    }

    @Test func planesAreInOrder() {
        var picture = Picture(width: 2, height: 1)
        picture.bytes = [1, 2, 3, 4, 5, 6]
        #expect(picture.planes() == [1, 4, 2, 5, 3, 6])
        #expect(picture.planes(mean: SIMD3(1, 2, 3), deviation: SIMD3(3, 3, 3)) == [0, 1, 0, 1, 0, 1])
    }
}

@Suite struct PersonDetectionsTests {
    /// A detector of 64×64 with one class, where some cells see a person.
    private func raw(_ found: [(cell: Int, size: Float, score: Float)], classes: Int = 1) -> [Float] {
        let cells = PersonDetections.cellCount(width: 64, height: 64)
        var raw = [Float](repeating: 0, count: cells * (5 + classes))
        for (cell, size, score) in found {
            let at = cell * (5 + classes)
            raw[at + 2] = size
            raw[at + 3] = size
            raw[at + 4] = 1
            raw[at + 5] = score
        }
        return raw
    }

    @Test func aCellKnowsItsPlace() throws {
        // Cell (1, 2) of the coarse grid of 2 × 2 has none; cell 64 is the first of the middle grid.
        let detections = try PersonDetections(raw: raw([(64 + 5, 1, 0.9)]), width: 64, height: 64, ratio: 0.5)
        let person = try #require(detections.largestPerson())
        // Column 1, row 1 of 16 pixels: centre (16, 16), twice that in the picture; width e · 16 · 2.
        #expect(abs((person.box.left + person.box.right) / 2 - 32) < 1e-4)
        #expect(abs((person.box.top + person.box.bottom) / 2 - 32) < 1e-4)
        #expect(abs(person.box.width - 32 * 2.7182818) < 1e-3)
        #expect(person.score == 0.9 && person.cell == 69)
    }

    @Test func noPersonAndTenPersons() throws {
        #expect(try PersonDetections(raw: raw([]), width: 64, height: 64).largestPerson() == nil)
        #expect(try PersonDetections(raw: raw([(3, 0, 0.29)]), width: 64, height: 64).largestPerson() == nil)
        let crowd = (0..<10).map { (cell: 6 * $0, size: Float(-1 + 0.1 * Float($0)), score: Float(0.9)) }
        let people = try PersonDetections(raw: raw(crowd), width: 64, height: 64)
        #expect(people.people().count == 10)
        #expect(people.largestPerson()?.cell == 54)
    }

    @Test func ofTwoInOnePlaceTheBetterStays() throws {
        let detections = try PersonDetections(raw: raw([(9, 2, 0.6), (10, 2, 0.8)]), width: 64, height: 64)
        #expect(detections.people().map(\.cell) == [10])
    }

    @Test func otherClassesAreNoPeople() throws {
        var numbers = raw([(9, 1, 0)], classes: 3)
        numbers[9 * 8 + 7] = 0.9
        let detections = try PersonDetections(raw: numbers, width: 64, height: 64)
        #expect(detections.people().isEmpty)
        #expect(detections.all().map(\.classIndex) == [2])
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 1e30])
    func numbersThatAreNoneFindNobody(_ value: Float) throws {
        for place in 0..<4 {
            var numbers = raw([(9, 1, 0.9)])
            numbers[9 * 6 + place] = value
            let box = try PersonDetections(raw: numbers, width: 64, height: 64).largestPerson()?.box
            #expect(box.map { $0.left.isFinite && $0.bottom.isFinite } ?? true)
        }
        var numbers = raw([(9, 1, .nan)])
        numbers[9 * 6 + 4] = value
        #expect(try PersonDetections(raw: numbers, width: 64, height: 64).people().isEmpty)
    }

    @Test(arguments: [0, 1, 83, 84 * 5, 84 * 6 + 1])
    func anotherOutputIsRefused(_ count: Int) {
        let failure = #expect(throws: LandmarkError.self) {
            try PersonDetections(raw: [Float](repeating: 0, count: count), width: 64, height: 64)
        }
        #expect(failure?.description.contains("\(count) numbers, expected") == true)
    }
}

@Suite struct KeypointCropTests {
    @Test func theWholeCropComesBack() {
        var numbers = Numbers(state: 3)
        for _ in 0..<200 {
            let box = BoundingBox(
                left: numbers.next() * 500 - 100, top: numbers.next() * 500 - 100, right: 450 + numbers.next() * 300,
                bottom: 450 + numbers.next() * 300)
            let crop = KeypointCrop(box, width: 36, height: 48)
            #expect(abs(crop.size.x / crop.size.y - 0.75) < 1e-12)
            #expect(crop.size.x >= crop.paddedSize.x - 1e-9 && crop.size.y >= crop.paddedSize.y - 1e-9)
            let (row0, row1) = crop.matrix
            for point in [SIMD2<Double>(0, 0), SIMD2(36, 48), SIMD2(18, 24), SIMD2(3.5, 40)] {
                let place = crop.pictureLocation(point)
                let back = SIMD2(row0.x * place.x + row0.y * place.y + row0.z, row1.x * place.x + row1.y * place.y + row1.z)
                // The matrix was made from points rounded to Float32.
                #expect(abs(back.x - point.x) < 1e-3 && abs(back.y - point.y) < 1e-3)
            }
        }
    }

    @Test func boxesOfAnySizeAndPlaceAreCut() {
        let picture = Picture(width: 20, height: 10, red: 200, green: 100, blue: 50)
        let inside = KeypointCrop(BoundingBox(left: 8, top: 4, right: 10, bottom: 6), width: 6, height: 8).warped(picture)
        #expect(inside.bytes.count == 6 * 8 * 3 && Array(inside.bytes[0..<3]) == [200, 100, 50])
        let boxes: [(Double, Double, Double, Double)] = [
            (0, 0, 0, 0), (-1e9, -1e9, 1e9, 1e9), (5, 5, 4, 4), (1e12, 1e12, 1e12 + 1, 1e12 + 1), (-500, -500, -400, -400),
        ]
        for box in boxes {
            let crop = KeypointCrop(BoundingBox(left: box.0, top: box.1, right: box.2, bottom: box.3), width: 6, height: 8)
            #expect(crop.warped(picture).bytes.count == 6 * 8 * 3)
        }
    }
}

@Suite struct SimCCTests {
    @Test func theFirstOfEqualPeaksCounts() throws {
        let peaks = try SimCC.peaks(horizontal: [0, 5, 5, 1], vertical: [7, 7], points: 1)
        #expect(peaks[0].location == SIMD2(1, 0) && peaks[0].score == 5)
    }

    @Test func nothingAboveZeroIsNowhere() throws {
        #expect(try SimCC.peaks(horizontal: [-1, 0], vertical: [3, 4], points: 1)[0].location == SIMD2(-1, -1))
    }

    @Test func numbersThatAreNoneScoreNothing() throws {
        let crop = KeypointCrop(BoundingBox(left: 0, top: 0, right: 10, bottom: 10), width: 2, height: 2)
        for value in [Float.nan, .infinity] {
            let points = try SimCC.keypoints(horizontal: [value, value], vertical: [value, value], points: 1, crop: crop)
            #expect(points[0].score == 0 && points[0].x.isFinite)
        }
    }

    @Test(arguments: [(0, 10), (133, 0), (134, 133), (133, 200)])
    func anotherOutputIsRefused(_ horizontal: Int, _ vertical: Int) {
        #expect(throws: LandmarkError.self) {
            try SimCC.peaks(
                horizontal: [Float](repeating: 0, count: horizontal), vertical: [Float](repeating: 0, count: vertical), points: 133)
        }
    }
}

@Suite struct WholeBodyTests {
    @Test func partsCoverEveryPointOnce() {
        let parts = [WholeBody.body, WholeBody.feet, WholeBody.face, WholeBody.leftHand, WholeBody.rightHand]
        #expect(parts.flatMap { Array($0) } == Array(0..<WholeBody.count))
    }

    @Test(arguments: [0, 17, 132, 134])
    func anotherNumberOfPointsIsRefused(_ count: Int) {
        #expect(throws: LandmarkError.self) {
            try WholeBody.ordered([Keypoint](repeating: Keypoint(x: 0, y: 0, score: 1), count: count))
        }
    }

    @Test func theNeckNeedsBothShoulders() throws {
        var points = (0..<133).map { Keypoint(x: Double($0), y: 0, score: 1) }
        #expect(try WholeBody.ordered(points)[1] == Keypoint(x: 5.5, y: 0, score: 1))
        points[6].score = 0.3
        #expect(try WholeBody.ordered(points)[1].score == 0)
    }
}
