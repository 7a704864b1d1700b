import RainCheckpoints
import RainModels
import RainPictures

extension CaseVerifier {
    private struct PreprocessForm: Decodable {
        let size: Int
        /// For each picture, the sizes (height, width) it is resized to.
        let resizeTargetsHw: [[[Int]]]
    }

    // MARK: clip_preprocess

    /// Everything here is exact: bytes are equal or wrong.
    func clipPreprocess(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(PreprocessForm.self)
        guard (1...4096).contains(form.size) else {
            throw ModelError(.verification, at: "\(reference.path): config.size", "expected 1 to 4096, found \(form.size)")
        }
        var comparison = comparison(reference)
        for (index, targets) in form.resizeTargetsHw.enumerated() {
            let picture = try reference.picture("image\(index)")
            func compare(_ name: String, _ values: @autoclosure () throws -> [Float]) throws {
                let name = "image\(index)/\(name)"
                if reference.has("outputs/" + name) { try comparison.compare(name, values(), limit: 0) }
            }
            let size = picture.clipSize(side: form.size)
            try compare("resized_size_wh", [Float(size.width), Float(size.height)])
            let cropped = picture.croppedForCLIP(side: form.size)
            try compare("cropped_u8", cropped.values)
            try compare(
                "byte_to_value", (0..<3).flatMap { channel in (0...255).map { Picture.clipValue(UInt8($0), channel: channel) } })
            let corner =
                try reference.has("outputs/image\(index)/pixel_values_corner")
                ? reference.tensor("outputs/image\(index)/pixel_values_corner").shape : [1, 3, 1, 1]
            try compare(
                "pixel_values_corner",
                try reference.top(cropped.clipValues(), width: form.size, height: form.size, shape: corner))
            for target in targets {
                guard target.count == 2, target.allSatisfy((1...4096).contains) else {
                    throw ModelError(
                        .verification, at: "\(reference.path): config.resize_targets_hw", "expected heights and widths, found \(target)")
                }
                let (height, width) = (target[0], target[1])
                let lanczos = picture.resized(width: width, height: height)
                try compare("lanczos_\(height)x\(width)_u8", lanczos.values)
                try compare("bilinear_\(height)x\(width)_u8", picture.resized(width: width, height: height, filter: .bilinear).values)
                let top = "vae_values_\(height)x\(width)_top"
                guard reference.has("outputs/image\(index)/\(top)") else { continue }
                let shape = try reference.tensor("outputs/image\(index)/\(top)").shape
                try compare(top, try reference.top(lanczos.signedValues(), width: width, height: height, shape: shape))
            }
        }
        return try complete(comparison)
    }
}

extension Picture {
    fileprivate var values: [Float] { bytes.map { Float($0) } }
}

extension ReferenceCase {
    /// Bytes `[height, width, 3]` among the inputs.
    func picture(_ name: String) throws -> Picture {
        let tensor = try input(name)
        guard tensor.shape.count == 3, tensor.shape[2] == 3, tensor.values.allSatisfy({ $0 >= 0 && $0 <= 255 }) else {
            throw ModelError(.verification, at: "\(path): inputs/\(name)", "expected bytes [height, width, 3], found \(tensor.shape)")
        }
        return Picture(width: tensor.shape[1], height: tensor.shape[0], bytes: tensor.values.map { UInt8($0) })
    }

    /// The upper left corner of values height × width × 3, as `[1, 3, h, w]` of the given shape.
    fileprivate func top(_ values: [Float], width: Int, height: Int, shape: [Int]) throws -> [Float] {
        guard shape.count == 4, shape[0] == 1, shape[1] == 3, shape[2] <= height, shape[3] <= width else {
            throw ModelError(.verification, at: path, "expected [1, 3, h, w] within \(height) × \(width), found \(shape)")
        }
        return (0..<3).flatMap { channel in
            (0..<shape[2]).flatMap { y in (0..<shape[3]).map { x in values[(y * width + x) * 3 + channel] } }
        }
    }
}
