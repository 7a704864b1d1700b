import Foundation
import RainDetection
import RainPictures

/// Where the reference cases lie, and the networks that find what is bright (`make_blob_detectors.py`).
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")
    .path

let blobFiles = DetectorFiles(detector: "\(fixtures)/blob_detector.onnx", estimator: "\(fixtures)/blob_keypoints.onnx")

/// A white square on a dark picture; nothing but the dark for `nil`.
func picture(side: Int = 64, square: (x: Int, y: Int)?, size: Int = 24) -> Picture {
    var picture = Picture(width: side, height: side, red: 8, green: 8, blue: 8)
    guard let (left, top) = square else { return picture }
    for y in top..<top + size { for x in left..<left + size { for c in 0..<3 { picture.bytes[(y * side + x) * 3 + c] = 255 } } }
    return picture
}
