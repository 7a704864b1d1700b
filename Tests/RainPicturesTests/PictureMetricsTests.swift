import Foundation
import RainPictures
import Testing

@Suite struct PictureMetricsTests {
    @Test func psnrByHand() {
        let a = Picture(width: 2, height: 1, bytes: [0, 0, 0, 10, 10, 10])
        let b = Picture(width: 2, height: 1, bytes: [3, 0, 0, 10, 6, 10])
        // (9 + 16) / 6 and 10·log₁₀(65025 · 6 ∕ 25) = 10·log₁₀ 15606
        #expect(abs(PictureMetrics.meanSquaredError(a, b) - 25.0 / 6) < 1e-12)
        #expect(abs(PictureMetrics.psnr(a, b) - 41.93292) < 1e-4)
        #expect(PictureMetrics.psnr(a, a) == .infinity)
        #expect(
            abs(PictureMetrics.psnr(Picture(width: 3, height: 3), Picture(width: 3, height: 3, red: 255, green: 255, blue: 255))) < 1e-12)
    }

    @Test(arguments: [(1, 1), (7, 13), (11, 11), (128, 128)])
    func ssimOfFlatPictures(_ width: Int, _ height: Int) {
        let a = Picture(width: width, height: height, red: 100, green: 100, blue: 100)
        let b = Picture(width: width, height: height, red: 150, green: 150, blue: 150)
        // Without variance only the luminance term remains: (2·100·150 + C₁) / (100² + 150² + C₁).
        let expected: Double = 30_006.5025 / 32_506.5025
        #expect(abs(PictureMetrics.ssim(a, b) - expected) < 1e-9)
        #expect(abs(PictureMetrics.ssim(a, a) - 1) < 1e-9)
    }

    /// Values of scikit-image 0.26.0, `structural_similarity(gaussian_weights=True, sigma=1.5,
    /// use_sample_covariance=False, data_range=255, channel_axis=2)`, for the same two pictures.
    @Test(arguments: [(31, 20, 0.9385315682833609), (128, 128, 0.9423604200598268)])
    func ssimAgreesWithScikitImage(_ width: Int, _ height: Int, _ expected: Double) {
        let a = patterned(width, height)
        var b = a
        for index in b.bytes.indices { b.bytes[index] = UInt8((Int(a.bytes[index]) * 3 + index % 97) / 4) }
        #expect(abs(PictureMetrics.ssim(a, b) - expected) < 1e-6)
    }

    @Test func flickerByHand() {
        func gray(_ value: UInt8) -> Picture { Picture(width: 2, height: 2, red: value, green: value, blue: value) }
        // Output moves +10, −30; truth moves +10, −10: |0| and |−20|.
        #expect(PictureMetrics.flicker([gray(50), gray(60), gray(30)], truth: [gray(0), gray(10), gray(0)]) == 10)
        #expect(PictureMetrics.flicker([gray(50)], truth: [gray(0)]) == 0)
        let steady = [gray(9), gray(9), gray(9)]
        #expect(PictureMetrics.flicker(steady, truth: steady) == 0)
    }
}

@Suite struct SheetTests {
    @Test func placesPicturesEnlarged() throws {
        let sheet = ContactSheet(
            rows: [.init(pictures: [patterned(3, 2), patterned(5, 4, 1)]), .init(pictures: [patterned(5, 4, 2)])], scale: 2, gap: 3,
            background: .white)
        let picture = try sheet.picture()
        #expect(picture.width == 3 + 10 + 3 + 10 + 3 && picture.height == 3 + 8 + 3 + 8 + 3)
        func pixel(_ x: Int, _ y: Int) -> ArraySlice<UInt8> {
            picture.bytes[((y * picture.width + x) * 3)..<((y * picture.width + x) * 3 + 3)]
        }
        #expect(Array(pixel(0, 0)) == [255, 255, 255])
        for (x, y) in [(0, 0), (4, 3), (2, 1)] {
            let from = (y * 5 + x) * 3
            #expect(Array(pixel(16 + 2 * x + 1, 3 + 2 * y)) == Array(patterned(5, 4, 1).bytes[from..<(from + 3)]))
        }
    }

    @Test func labelsTakeRoomAndLimitsAreNamed() throws {
        let plain = ContactSheet(rows: [.init(pictures: [patterned(8, 8)])])
        let labelled = ContactSheet(columnLabels: ["truth"], rows: [.init(label: "seed 7", pictures: [patterned(8, 8)])])
        #expect(try labelled.picture().width > plain.picture().width)
        #expect(try labelled.picture().height > plain.picture().height)
        #expect(throws: PictureError.self) { try ContactSheet().picture() }
        let long = ContactSheet(rows: [.init(pictures: [Picture](repeating: patterned(200, 1), count: 200))])
        let error = #expect(throws: PictureError.self) { try long.picture() }
        #expect(error?.code == .size)
    }

    @Test(arguments: [true, false])
    func plotsAnything(_ logarithmic: Bool) {
        let colour = Color(1, 0, 0)
        func plot(_ values: [Double]) -> Picture {
            LinePlot(title: "loss", logarithmicY: logarithmic, series: [.init(name: "", values: values, color: colour)]).picture()
        }
        for values in [[], [1], [1, 1], [.nan, 2, .infinity, 3, -1, 0], [1e-300, 1e300], [-1e308, 1e308]] {
            #expect(plot(values).width == 800)
        }
        func red(_ picture: Picture) -> Int {
            (0..<(800 * 480)).count { picture.bytes[$0 * 3] > 200 && picture.bytes[$0 * 3 + 1] < 60 && picture.bytes[$0 * 3 + 2] < 60 }
        }
        #expect(red(plot([])) == 0)
        #expect(red(plot([4, 3, 2, 1])) > 500)
    }
}

@Suite struct EdgeRatioTests {
    /// A bright half beside a dark one, with an edge as wide as `blur` pixels, at `column`.
    private func halves(_ column: Int, blur: Int = 0, contrast: Double = 1) -> Picture {
        var picture = Picture(width: 32, height: 16)
        for row in 0..<16 {
            for x in 0..<32 {
                let share = blur == 0 ? (x < column ? 0 : 1) : min(max(Double(x - column) / Double(blur) + 0.5, 0), 1)
                for channel in 0..<3 { picture.bytes[(row * 32 + x) * 3 + channel] = UInt8(255 * (0.5 + (share - 0.5) * contrast)) }
            }
        }
        return picture
    }

    @Test func equalPicturesAreAsSharp() throws {
        #expect(PictureMetrics.edgeRatio(halves(16), truth: halves(16)) == 1)
        // A pixel beside is no blur.
        let beside = try #require(PictureMetrics.edgeRatio(halves(17), truth: halves(16)))
        #expect(beside > 0.6)
    }

    @Test func blurAndContrastShow() throws {
        let blurred = try #require(PictureMetrics.edgeRatio(halves(16, blur: 4), truth: halves(16)))
        #expect(blurred > 0.2 && blurred < 0.5)
        let pale = try #require(PictureMetrics.edgeRatio(halves(16, contrast: 0.5), truth: halves(16)))
        #expect(abs(pale - 0.5) < 0.01)
    }

    @Test func aFlatTruthHasNoEdges() {
        #expect(PictureMetrics.edgeRatio(halves(16), truth: Picture(width: 32, height: 16)) == nil)
        #expect(PictureMetrics.edgeRatio(Picture(width: 1, height: 1), truth: Picture(width: 1, height: 1)) == nil)
    }
}
