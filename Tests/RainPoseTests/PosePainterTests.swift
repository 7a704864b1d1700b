import RainPictures
import RainPose
import Testing

private func alone(_ landmark: Landmark, x: Float, y: Float, visibility: Float = 1) -> LandmarkFrame {
    var frame = LandmarkFrame(points: [LandmarkPoint](repeating: LandmarkPoint(x: 0, y: 0, visibility: 0), count: LandmarkSet.count))
    frame[landmark] = LandmarkPoint(x: x, y: y, visibility: visibility)
    return frame
}

@Suite struct PosePainterTests {
    @Test(arguments: [Landmark.faceOutline0, .noseTip, .mouthBottom, .leftShoulder])
    func discHasItsColourPlaceAndArea(_ landmark: Landmark) {
        let painter = PosePainter(width: 128, height: 128)
        var buffer = [Float](repeating: 7, count: painter.count)
        painter.paint(alone(landmark, x: 0.30, y: 0.71), into: &buffer)
        let color = PosePainter.colors[landmark.rawValue]
        let (x, y) = (Int(0.30 * 128), Int(0.71 * 128))
        let at = (y * 128 + x) * 3
        #expect(buffer[at] == Float(color.red) && buffer[at + 1] == Float(color.green) && buffer[at + 2] == Float(color.blue))
        let radius = landmark == .leftShoulder ? painter.bodyRadius : painter.radius
        let strongest = [color.red, color.green, color.blue].firstIndex(of: 1)!
        // The centre of mass is the landmark: painting is exact below the pixel.
        var (area, moment) = (Float(0), Float(0))
        for pixel in 0..<(128 * 128) {
            let cover = buffer[pixel * 3 + strongest]
            area += cover
            moment += cover * (Float(pixel % 128) + 0.5)
        }
        let disc = Float.pi * radius * radius
        #expect(abs(area - disc) < 0.06 * disc)
        #expect(abs(moment / area - 0.30 * 128) < 0.05)
    }

    @Test func coloursDiffer() {
        for (index, color) in PosePainter.colors.enumerated() {
            for other in PosePainter.colors[..<index] {
                let distance = max(abs(color.red - other.red), abs(color.green - other.green), abs(color.blue - other.blue))
                #expect(distance > 0.05)
            }
        }
    }

    @Test func hiddenPointsAreLeftOut() {
        let painter = PosePainter(width: 32, height: 32)
        var buffer = [Float](repeating: 1, count: painter.count)
        painter.paint(alone(.noseTip, x: 0.5, y: 0.5, visibility: 0.29), into: &buffer)
        #expect(buffer.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [(1, 1), (7, 13), (13, 7), (64, 64), (128, 128)])
    func bordersAndBeyond(_ width: Int, _ height: Int) {
        let painter = PosePainter(width: width, height: height)
        let far: [Float] = [-1e30, -1000, -1.02, -0.01, 0, 0.003, 0.5, 0.997, 1, 1.01, 2, 1e30, .infinity, -.infinity, .nan]
        for x in far {
            for y in far {
                var buffer = [Float](repeating: 0.5, count: painter.count + 10)
                painter.paint(alone(.leftShoulder, x: x, y: y), into: &buffer, offset: 4)
                #expect(buffer[..<4].allSatisfy { $0 == 0.5 } && buffer[(4 + painter.count)...].allSatisfy { $0 == 0.5 })
                let lit = buffer[4..<(4 + painter.count)].contains { $0 > 0 }
                if (0...1).contains(x) && (0...1).contains(y) { #expect(lit) }
                if !(abs(x) < 3) || !(abs(y) < 3) { #expect(!lit) }
            }
        }
    }

    @Test func halfADiscShowsAtTheBorder() {
        let painter = PosePainter(width: 64, height: 64, radius: 4)
        func mass(_ x: Float) -> Int { painter.picture(alone(.faceOutline0, x: x, y: 0.5)).bytes.reduce(0) { $0 + Int($1) } }
        #expect(abs(Double(mass(0)) / Double(mass(0.5)) - 0.5) < 0.02)
        #expect(mass(0) == mass(1))
    }

    @Test func picturesAreTheRoundedBuffer() {
        let painter = PosePainter(width: 40, height: 30)
        var buffer = [Float](repeating: 0, count: painter.count)
        painter.paint(sampleFrame(), into: &buffer)
        let picture = painter.picture(sampleFrame())
        #expect(picture.width == 40 && picture.height == 30)
        #expect(picture.bytes == buffer.map { UInt8(($0 * 255).rounded()) })
        #expect(picture.bytes.contains(255))
    }
}
