/// SHA-256 of published files whose place of download shows one, by the end of their paths.
///
/// Of RAIN's own files and TAESDV none is known here: 'rain doctor --model' prints theirs, to be compared with what is shown there.
enum PublishedChecksums {
    private static let known: [(path: String, sha256: String)] = [
        // huggingface.co/stabilityai/sd-vae-ft-mse
        ("sd-vae-ft-mse/diffusion_pytorch_model.safetensors", "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815"),
        ("sd-vae-ft-mse/diffusion_pytorch_model.bin", "1b4889b6b1d4ce7ae320a02dedaeff1780ad77d415ea0d744b476155c6377ddc"),
        // huggingface.co/lambdalabs/sd-image-variations-diffusers
        ("image_encoder/pytorch_model.bin", "89d2aa29b5fdf64f3ad4f45fb4227ea98bc45156bbae673b85be1af7783dbabb"),
        // huggingface.co/yzd-v/DWPose
        ("yolox_l.onnx", "7860ae79de6c89a3c1eb72ae9a2756c0ccfbe04b7791bb5880afabd97855a411"),
        ("dw-ll_ucoco_384.onnx", "724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843"),
    ]

    /// What the published file of this name has; `nil` if that is not known.
    static func sha256(of path: String) -> String? { known.first { "/\(path)".hasSuffix("/\($0.path)") }?.sha256 }
}
