import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import RainTesting
import Testing

@Suite struct CutCommandTests {
    private func place() throws -> Workplace {
        let place = try Workplace.withTinyModel()
        try AnimationModel.random(TinyModel.layered, seed: 2).write(folder: place.path + "/layered")
        return place
    }

    /// What is cut can be looked at, corrected and animated.
    @Test func layersGoRound() throws {
        let place = try place()
        let cut = try place.run(
            "cut", "--reference", "hero.png", "--model", "layered", "--output", "layers", "--sheet", "sheet.png", "--json")
        #expect(cut.status == 0, "\(cut.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(cut.output)) as? [String: Any])
        let coverage = try #require(report["coverage"] as? [String: Double])
        #expect(coverage["background"] == 1 && coverage.count == 6 && (report["psnr"] as? Double ?? 0) > 20, "\(report)")
        let names = try FileManager.default.contentsOfDirectory(atPath: place.path + "/layers").sorted()
        #expect(
            names == [
                "1-background.png", "2-back-hair.png", "3-body.png", "4-face.png", "5-features.png", "6-front-hair.png", "landmarks.json",
            ])
        #expect(try PictureReader.read(place.path + "/sheet.png").width > 7 * 40)
        let animated = try place.run(
            "animate", "--reference", "layers", "--driving", "motion.json", "--model", "layered", "--frames", "6", "--output", "out")
        #expect(animated.status == 0, "\(animated.errors)")
        // Given back, the layers are cut as they were.
        let again = try place.run("cut", "--reference", "layers", "--model", "layered", "--output", "again")
        #expect(again.status == 0, "\(again.errors)")
        #expect(try place.bytes("again/4-face.png") == place.bytes("layers/4-face.png"))
        #expect(try place.bytes("again/landmarks.json") == place.bytes("layers/landmarks.json"))
    }

    /// A drawing that was made in layers, of any proportions, several files of a layer over each other.
    @Test func drawnLayers() throws {
        let place = try place()
        try FileManager.default.createDirectory(atPath: place.path + "/art", withIntermediateDirectories: true)
        var face = LayerPicture(width: 60, height: 40)
        for row in 10..<30 {
            for column in 20..<40 {
                face.bytes.replaceSubrange(((row * 60 + column) * 4)..<((row * 60 + column) * 4 + 4), with: [200, 150, 120, 255])
            }
        }
        try PictureWriter.write(face, to: place.path + "/art/02 Face.png")
        try PictureWriter.write(LayerPicture(width: 60, height: 40), to: place.path + "/art/03 left eye.png")
        try PictureWriter.write(LayerPicture(width: 60, height: 40), to: place.path + "/art/04 mouth.png")
        let cut = try place.run("cut", "--reference", "art", "--model", "layered", "--json")
        #expect(cut.status == 0, "\(cut.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(cut.output)) as? [String: Any])
        let coverage = try #require(report["coverage"] as? [String: Double])
        // The middle square of 40 pixels; behind it is white.
        #expect(coverage["face"] == 0.25 && coverage["background"] == 1 && coverage["features"] == 0, "\(coverage)")
    }

    @Test func badLayers() throws {
        let place = try place()
        func refusal(_ prepare: (String) throws -> Void) throws -> String {
            let art = place.path + "/art"
            try? FileManager.default.removeItem(atPath: art)
            try FileManager.default.createDirectory(atPath: art, withIntermediateDirectories: true)
            try prepare(art)
            let outcome = try place.run("cut", "--reference", "art", "--model", "layered", "--output", "layers")
            #expect(outcome.status == 1 && outcome.errorLines.count == 1, "\(outcome.errors)")
            return outcome.errors
        }
        let layer = LayerPicture(width: 30, height: 30)
        let none = try refusal { _ in }
        #expect(none.contains("art: expected 1 to 64 PNG files, one or more for each layer, found 0"), "\(none)")
        let unnamed = try refusal { try PictureWriter.write(layer, to: $0 + "/Layer 7.png") }
        #expect(unnamed.contains("art/Layer 7.png: expected a name that says the layer"), "\(unnamed)")
        let sizes = try refusal {
            try PictureWriter.write(layer, to: $0 + "/body.png")
            try PictureWriter.write(LayerPicture(width: 30, height: 20), to: $0 + "/face.png")
        }
        #expect(sizes.contains("art/face.png: expected 30×30 pixels, as the files before it, found 30×20"), "\(sizes)")
        let many = try refusal { for index in 0..<65 { try PictureWriter.write(layer, to: $0 + "/face \(index).png") } }
        #expect(many.contains("found 65"), "\(many)")
        let damaged = try refusal { try Data([1, 2, 3]).write(to: URL(fileURLWithPath: $0 + "/face.png")) }
        #expect(damaged.contains("art/face.png: expected a picture (PNG"), "\(damaged)")
        let full = try place.run("cut", "--reference", "hero.png", "--model", "layered", "--output", "art")
        #expect(full.status == 1 && full.errors.contains("art: expected a new or empty folder"), "\(full.errors)")
        let whole = try place.run("cut", "--reference", "hero.png", "--model", "tiny", "--output", "layers")
        #expect(whole.status == 2 && whole.errors.contains("has no layer network"), "\(whole.errors)")
        let nothing = try place.run("cut", "--reference", "hero.png", "--model", "layered")
        #expect(nothing.status == 2 && nothing.errors.contains("--output, --sheet or --json"), "\(nothing.errors)")
    }
}
