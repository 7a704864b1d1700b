import RainPictures
import Testing

@Suite struct LayerPictureTests {
    /// Half red over blue, nothing over green.
    private let front = LayerPicture(width: 2, height: 1, straight: [255, 0, 0, 128, 9, 9, 9, 0])
    private let back = LayerPicture(width: 2, height: 1, straight: [0, 0, 255, 255, 0, 255, 0, 255])

    @Test func colorsArePremultiplied() {
        #expect(front.bytes == [128, 0, 0, 128, 0, 0, 0, 0])
        #expect(front.straight == [255, 0, 0, 128, 0, 0, 0, 0])
        #expect(abs(front.coverage - 0.25) < 0.002 && back.coverage == 1)
    }

    @Test func oneOverAnother() {
        let both = front.over(back)
        #expect(both.bytes == [128, 0, 127, 255, 0, 255, 0, 255])
        #expect(LayerPicture.composite([back, front]) == LayerPicture.composite([both]))
        // Over what is transparent too, it stays as transparent.
        #expect(front.over(LayerPicture(width: 2, height: 1)) == front)
    }

    @Test func otherSizes() {
        var layer = LayerPicture(width: 8, height: 8)
        for row in 0..<8 {
            for column in 0..<4 {
                layer.bytes.replaceSubrange(((row * 8 + column) * 4)..<((row * 8 + column) * 4 + 4), with: [200, 100, 0, 255])
            }
        }
        let large = layer.resized(width: 20, height: 16)
        #expect(large.width == 20 && large.height == 16 && abs(large.coverage - 0.5) < 0.02)
        for pixel in 0..<320 { for channel in 0..<3 { #expect(large.bytes[pixel * 4 + channel] <= large.bytes[pixel * 4 + 3]) } }
        let part = layer.part(left: 2, top: -3, width: 5, height: 5)
        #expect(part.width == 5 && Array(part.bytes[..<60]).allSatisfy { $0 == 0 })
        #expect(Array(part.bytes[60..<72]) == [200, 100, 0, 255, 200, 100, 0, 255, 0, 0, 0, 0])
    }
}
