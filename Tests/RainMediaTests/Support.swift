import Foundation
import RainPictures

/// A folder for one test, removed when the last reference goes.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/rain-media-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    var contents: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}

/// Frame `index` of a test film: a coloured disc that wanders over a gradient.
func testFrame(_ index: Int, width: Int, height: Int) -> Picture {
    var picture = Picture(width: width, height: height)
    let centerX = Double(width) * (0.5 + 0.3 * sin(Double(index) / 5))
    let centerY = Double(height) * (0.5 + 0.3 * cos(Double(index) / 7))
    let radius = Double(min(width, height)) / 5
    for y in 0..<height {
        for x in 0..<width {
            let offset = (y * width + x) * 3
            let distance = ((Double(x) - centerX) * (Double(x) - centerX) + (Double(y) - centerY) * (Double(y) - centerY)).squareRoot()
            let disc = min(max(radius - distance + 0.5, 0), 1)
            let background = [Double(255 * x / width), Double(255 * y / height), 128]
            for (channel, color) in [230.0, 60, 40].enumerated() {
                picture.bytes[offset + channel] = UInt8(background[channel] * (1 - disc) + color * disc)
            }
        }
    }
    return picture
}

/// Peak signal-to-noise ratio in decibels over the area both pictures share.
func psnr(_ first: Picture, _ second: Picture) -> Double {
    var sum = 0.0
    let (width, height) = (min(first.width, second.width), min(first.height, second.height))
    for y in 0..<height {
        for x in 0..<width * 3 {
            let difference = Double(first.bytes[y * first.width * 3 + x]) - Double(second.bytes[y * second.width * 3 + x])
            sum += difference * difference
        }
    }
    return 10 * log10(255 * 255 * Double(width * height * 3) / max(sum, 1e-9))
}

/// The last message of an error.
func message(_ error: (any Error)?) -> String {
    error.map { "\($0)" } ?? ""
}

/// Copies of a file, each with one to five bytes that are other; the same in every run.
func damaged(_ whole: [UInt8], _ count: Int) -> [[UInt8]] {
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
    return (0..<count).map { _ in
        var bytes = whole
        for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
        return bytes
    }
}
