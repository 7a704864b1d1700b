import RainPictures
import Testing

@Suite struct ResizeTests {
    /// By hand from the definition: a triangle of width 2, scaled by 2 for half the size, in 22 fractional bits.
    @Test func weighsByATriangle() {
        let picture = Picture(width: 4, height: 1, bytes: [0, 40, 80, 240].flatMap { [UInt8($0), 0, 0] })
        // Weights 3/7, 3/7, 1/7 for the left, mirrored for the right: 200/7 and 1000/7.
        let half = picture.resized(width: 2, height: 1, filter: .bilinear)
        #expect(half.bytes == [29, 0, 0, 143, 0, 0])
    }

    @Test func interpolatesBetweenCentres() {
        let picture = Picture(width: 2, height: 1, bytes: [0, 0, 0, 100, 100, 100])
        #expect(picture.resized(width: 4, height: 1, filter: .bilinear).bytes == [0, 0, 0, 25, 25, 25, 75, 75, 75, 100, 100, 100])
    }

    /// Turning a picture and resizing it commute but for the rounding between the passes.
    @Test(arguments: ResamplingFilter.allCases, [(5, 9), (31, 4), (64, 64)])
    func treatsBothAxesAlike(_ filter: ResamplingFilter, _ size: (Int, Int)) {
        // No contrast that would be clipped after the first pass.
        var picture = patterned(17, 23)
        for index in picture.bytes.indices { picture.bytes[index] = 80 + picture.bytes[index] / 3 }
        func turned(_ picture: Picture) -> Picture {
            var result = Picture(width: picture.height, height: picture.width)
            for y in 0..<picture.height {
                for x in 0..<picture.width {
                    for c in 0..<3 { result.bytes[(x * picture.height + y) * 3 + c] = picture.bytes[(y * picture.width + x) * 3 + c] }
                }
            }
            return result
        }
        let one = turned(picture.resized(width: size.0, height: size.1, filter: filter))
        let other = turned(picture).resized(width: size.1, height: size.0, filter: filter)
        #expect(zip(one.bytes, other.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 2 })
    }

    @Test(arguments: [(1, 1), (7, 13), (128, 128), (300, 2)])
    func sameSizeIsTheSamePictureAndFlatStaysFlat(_ width: Int, _ height: Int) {
        let picture = patterned(width, height)
        #expect(picture.resized(width: width, height: height) == picture)
        #expect(picture.fitted(width: width, height: height, mode: .crop) == picture)
        #expect(picture.fitted(width: width, height: height, mode: .pad) == picture)
        let flat = Picture(width: width, height: height, red: 200, green: 100, blue: 50)
        #expect(flat.resized(width: 37, height: 41) == Picture(width: 37, height: 41, red: 200, green: 100, blue: 50))
        #expect(flat.fitted(width: 37, height: 41, mode: .crop) == Picture(width: 37, height: 41, red: 200, green: 100, blue: 50))
    }

    @Test func cropKeepsTheMiddleAndPadKeepsAll() {
        let picture = Picture(width: 4, height: 2, bytes: [1, 2, 3, 4, 5, 6, 7, 8].flatMap { [UInt8($0), 0, 0] })
        let cropped = picture.fitted(width: 2, height: 2, mode: .crop)
        #expect(cropped.bytes == [2, 3, 6, 7].flatMap { [UInt8($0), 0, 0] })
        let padded = picture.fitted(width: 4, height: 4, mode: .pad, background: .white)
        #expect(Array(padded.bytes[0..<12]) == [UInt8](repeating: 255, count: 12))
        #expect(Array(padded.bytes[12..<36]) == picture.bytes)
    }

    @Test func extremeProportionsStaySmall() {
        let sliver = Picture(width: 30_000, height: 1, red: 7)
        #expect(sliver.fitted(width: 128, height: 128, mode: .crop) == Picture(width: 128, height: 128, red: 7))
        #expect(sliver.fitted(width: 128, height: 128, mode: .pad).bytes.filter { $0 == 7 }.count == 128)
    }

    @Test func aPartThatReachesOutside() {
        var picture = Picture(width: 3, height: 2)
        for index in picture.bytes.indices { picture.bytes[index] = UInt8(index) }
        let whole = picture.part(left: 0, top: 0, width: 3, height: 2, outside: .white)
        #expect(whole == picture)
        let part = picture.part(left: -1, top: 1, width: 3, height: 3, outside: .white)
        #expect(Array(part.bytes[0..<9]) == [255, 255, 255, 9, 10, 11, 12, 13, 14])
        #expect(part.bytes[9...].allSatisfy { $0 == 255 })
        for (left, top) in [(5, 0), (-9, 0), (0, 7), (0, -4)] {
            let nothing = picture.part(left: left, top: top, width: 2, height: 2, outside: .black)
            #expect(nothing == Picture(width: 2, height: 2), "\(left), \(top)")
        }
    }
}
